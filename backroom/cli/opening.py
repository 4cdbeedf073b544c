"""Opening the shop for a command: one that was never started is said in a sentence, before anything is asked of it."""

from __future__ import annotations

from backroom.domain.errors import AskPerson
from backroom.shop.room import Room
from backroom.shop.room import open_room as open_any_room
from backroom.store.backups import refuse_backup
from backroom.store.migrate import is_made


class NeverStarted(AskPerson):
    """The shop has a file and no database yet."""

    cause = "never_started"


def open_room() -> Room:
    """The room of the home folder, with its database made. Raises what opening it raises, and NeverStarted."""
    room = open_any_room()
    refuse_backup(room.database.engine)
    if not is_made(room.database.engine):
        room.close()
        raise NeverStarted(
            "this shop was never started, so it has no database yet.",
            remedy="Start it with `backroom up`, which makes it; then try again in another terminal.",
        )
    return room
