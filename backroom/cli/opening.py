"""Opening the shop for a command: one that was never started is said in a sentence, before anything is asked of it."""

from __future__ import annotations

from contextlib import ExitStack

from backroom.domain.errors import AskPerson
from backroom.shop.room import Room
from backroom.shop.room import open_room as open_any_room
from backroom.store.backups import refuse_backup
from backroom.store.migrate import is_made


class NeverStarted(AskPerson):
    """The shop has a file and no database yet."""

    cause = "never_started"


# A command's rooms are closed when it is over, whatever ended it: an open database is one that no restore may replace.
_opened = ExitStack()


def open_new_room() -> Room:
    """The room of the home folder, which may have no database yet. Raises what opening it raises."""
    room = open_any_room()
    _opened.callback(room.close)
    return room


def close_rooms() -> None:
    """Close what the command that is over had opened."""
    _opened.close()


def open_room() -> Room:
    """The room of the home folder, with its database made. Raises what opening it raises, and NeverStarted."""
    room = open_new_room()
    refuse_backup(room.database.engine)
    if not is_made(room.database.engine):
        raise NeverStarted(
            "this shop was never started, so it has no database yet.",
            remedy="Start it with `backroom up`, which makes it; then try again in another terminal.",
        )
    return room
