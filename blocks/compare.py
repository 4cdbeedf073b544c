"""Whether Prefect's blocks are what the secrets say: `python -m blocks.compare`, as `backroom doctor` asks.

What belongs here: comparing. What does not: making blocks (`blocks.register`), and saying what to do
(`backroom.cli.blocks_known`). Nothing that a block holds is ever said.
"""

from __future__ import annotations

import json
import sys

import httpx

from backroom.domain.errors import BackroomError
from backroom.shop.room import Room, this_room
from blocks.loading import BlockMissing, BlockUnusable, load_block
from blocks.register import makers_of


def differences(room: Room) -> dict[str, list[str]]:
    """The blocks that are `missing` at Prefect, and those that are `stale`: they hold something else than the secrets.

    One whose secret is missing is left out: there is nothing to compare it with.
    """
    found: dict[str, list[str]] = {"missing": [], "stale": []}
    for name, make in makers_of(room):
        try:
            made = make()
        except BackroomError:
            continue
        try:
            kept = load_block(type(made), name, name)
        except BlockMissing:
            found["missing"].append(name)
        except BlockUnusable:
            found["stale"].append(name)
        else:
            # By its own fields: Prefect adds what it knows of a block that it keeps.
            if any(getattr(kept, one) != getattr(made, one) for one in type(made).model_fields):
                found["stale"].append(name)
    return found


def main() -> None:
    """One JSON document on standard output; exit code 1 and nothing where Prefect does not answer."""
    try:
        print(json.dumps(differences(this_room())))
    except httpx.HTTPError:
        sys.exit(1)


if __name__ == "__main__":
    main()
