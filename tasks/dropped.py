"""Dropped files as a task: whatever lies still in the drop folders of the shop's channels comes in.

Prefect hears the names of files and counts; what is wrong with a file stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

from prefect import get_run_logger, task

from backroom.channels.dropping import REFUSED as REFUSED_FOLDER
from backroom.channels.dropping import DropFolder
from backroom.shop.room import this_room
from backroom.store.inbox_door import Delivery, Receipt, accept
from tasks.alerting import mail_alert
from tasks.waking import send

REFUSED = "a dropped file could not be taken as a whole, see"
BROKEN = "its drop folder cannot be used: make it one that Backroom may read and write"


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
        try:
            for taken in DropFolder(room.folder(spec.folder), spec, room.shop.owner.country).take_all(store):
                get_run_logger().log(_WARNING if taken.refused or taken.left else _INFO, "%s: %s", spec.id, taken)
                new += taken.new
                wakeups += [taken.wakeup] if taken.wakeup is not None else []
                if taken.refused:
                    mail_alert(f"{spec.id}: {REFUSED} {spec.folder}/{REFUSED_FOLDER}/{taken.name}.txt", "")
        except OSError as error:
            # One folder that is broken keeps neither the others nor the rest of the sweep from their turn.
            get_run_logger().error("%s: its drop folder cannot be used: %s", spec.id, error.strerror)
            mail_alert(f"{spec.id}: {BROKEN}", "")
        send(wakeups[-1:])
    return new


_INFO, _WARNING = 20, 30
