"""Dropped files as a task: whatever lies still in the drop folders of the shop's channels comes in.

Prefect hears the names of files and counts; what is wrong with a file stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

from prefect import get_run_logger, task

from backroom.channels.dropping import DropFolder
from backroom.shop.room import this_room
from backroom.store.inbox_door import Delivery, Receipt, accept
from tasks.waking import send


@task(name="take dropped files")
def take_dropped_files() -> int:
    """Take every file that is still; returns how many new orders came with them. Doing it again takes nothing twice."""
    room = this_room()

    def store(deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        return room.database.write(lambda c: [accept(c, room.seals, one, room.shop.hub) for one in deliveries])

    new = 0
    for spec in room.shop.channels:
        if not spec.folder:
            continue
        wakeups = []
        for taken in DropFolder(room.folder(spec.folder), spec, room.shop.owner.country).take_all(store):
            get_run_logger().log(_WARNING if taken.refused or taken.left else _INFO, "%s: %s", spec.id, taken)
            new += taken.new
            wakeups += [taken.wakeup] if taken.wakeup is not None else []
        send(wakeups[-1:])
    return new


_INFO, _WARNING = 20, 30
