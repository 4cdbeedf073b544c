"""Make a shop known to Prefect: `python -m blocks.register`, as `backroom up` does; doing it again changes nothing.

Pools, deployments and alerts come from the shop file, blocks from the secrets file: both are the source, so that what
was lost with Prefect's database comes back. It ends with a sweep: wake-ups from before reached nobody.
"""

from __future__ import annotations

import sys

from prefect.client.orchestration import get_client

from backroom.domain.errors import BackroomError
from backroom.engine.automations import ensure_alerts
from backroom.engine.deploy import apply
from backroom.engine.deployments import specs_of
from backroom.engine.wake import this_waker
from backroom.shop.room import Room, this_room
from blocks.compare import left_over
from blocks.wanted import wanted_by


def register(room: Room) -> None:
    """Pools, deployments, alerts and blocks, then a look at what waits already. What the secrets lack is said before
    Prefect is told anything."""
    blocks = {one.name: one.make() for one in wanted_by(room)}
    apply(specs_of(room.shop))
    ensure_alerts()
    for name, block in blocks.items():
        block.save(name, overwrite=True)
    take_out_left_over(room)
    # The sweep's own schedule begins a minute from now.
    this_waker().look_around()


def take_out_left_over(room: Room) -> None:
    """Delete the blocks of connections that the shop file names no more: a key stays nowhere where it opens nothing."""
    with get_client(sync_client=True) as client:
        for one in left_over(client, room):
            client.delete_block_document(one.id)


def main() -> None:
    """Exit code 1 and one sentence on standard output for an error of ours: whoever started this passes it on."""
    try:
        register(this_room())
    except BackroomError as error:
        print(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
