"""The pages of events as files: written anew when what they tell has changed.

What belongs here: doing it. What does not: what stands in them (`backroom.eventpage`).
"""

from __future__ import annotations

from prefect import get_run_logger, task

from backroom.eventpage import files
from backroom.shop.room import this_room


@task(name="write event pages")
def write_event_pages() -> int:
    """Write what changed into the folder `[events] public_pages` of the shop file; returns how many files that were.

    A folder that takes nothing keeps nothing else of the sweep from being done: the log says what to do.
    """
    room = this_room()
    folder = room.event_pages()
    if folder is None:
        return 0
    try:
        return len(files.write_all(room, folder))
    except OSError as error:
        get_run_logger().error(
            "the pages of events cannot be written to %s (%s): make room there, or let this user write to it",
            folder,
            error.strerror or type(error).__name__,
        )
        return 0
