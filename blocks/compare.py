"""Whether Prefect's blocks are what the shop file and the secrets say: `python -m blocks.compare`, as `backroom doctor`
asks.

What belongs here: comparing. What does not: which blocks there are to be (`blocks.wanted`), and what to do about a
difference (`backroom.cli.blocks_known`). Nothing that a block holds is ever said.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence

import httpx
from prefect.blocks.core import Block
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import BlockDocument

from backroom.domain.errors import BackroomError
from backroom.shop.room import Room, this_room
from backroom.shop.secrets import SecretMissing
from blocks.loading import BlockMissing, BlockUnusable, load_block
from blocks.wanted import KINDS, Wanted, wanted_by

PAGE = 200


def differences(room: Room) -> list[str]:
    """What is otherwise at Prefect than the shop file and the secrets say, each in half a sentence; none where all is
    the same.

    A block whose secret is missing is left out: there is nothing to compare it with, and the connection's own line of
    the doctor says what is missing.
    """
    found = [said for one in wanted_by(room) if (said := _difference(one))]
    with get_client(sync_client=True) as client:
        left = left_over(client, room)
    return [*found, *(f"{one.name} is left over: the shop file names nothing that it opens" for one in left)]


def left_over(client: SyncPrefectClient, room: Room) -> list[BlockDocument]:
    """The blocks of our kinds that open nothing which the shop file names: a connection that was taken out of it.

    Blocks of all other kinds are whoever made them's.
    """
    wanted = {one.name for one in wanted_by(room)}
    ours = {kind.get_block_type_slug() for kind in KINDS}
    return [
        one
        for one in _documents(client)
        if one.block_type is not None and one.block_type.slug in ours and one.name not in wanted
    ]


def _documents(client: SyncPrefectClient) -> Iterator[BlockDocument]:
    """Every block that Prefect keeps, without what it holds."""
    offset = 0
    while page := client.read_block_documents(offset=offset, limit=PAGE, include_secrets=False):
        yield from page
        offset += PAGE


def _difference(wanted: Wanted) -> str:
    """Half a sentence, empty where the block is as it should be."""
    what = f"{wanted.of} ({wanted.name})"
    try:
        made = wanted.make()
    except SecretMissing:
        return ""
    except BackroomError as error:
        return f"{what} cannot be made: {str(error).rstrip('.')}"
    try:
        kept = load_block(type(made), wanted.name, wanted.of)
    except BlockMissing:
        return f"{what} is missing"
    except BlockUnusable:
        return f"{what} cannot be read"
    others = other_settings(made, kept)
    return f"{what} has another {_listed(others)}" if others else ""


def other_settings(made: Block, kept: Block) -> list[str]:
    """The settings in which two blocks of one kind differ; by the kind's own, for Prefect adds what it knows of a block
    that it keeps."""
    return [name for name in type(made).model_fields if getattr(made, name) != getattr(kept, name)]


def _listed(names: Sequence[str]) -> str:
    words = [name.replace("_", " ") for name in names]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def main() -> None:
    """One JSON document on standard output; exit code 1 and nothing where Prefect does not answer."""
    try:
        print(json.dumps(differences(this_room())))
    except httpx.HTTPError:
        sys.exit(1)


if __name__ == "__main__":
    main()
