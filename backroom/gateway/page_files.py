"""The pages of events as files, written within seconds after what they tell has changed.

What belongs here: noticing it, whoever made the commit, and once at a time. What does not: what stands in the files
(`backroom.eventpage.files`); the sweep writes them every minute too, for what only time changes.

Stock changes in many processes: the hub's workers, this one, somebody's terminal. So what is shown is looked at rather
than heard of: two small queries a second, and none where the shop file names no folder. Pages are made only when they
differ from those of the last look.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from backroom.domain.errors import BackroomError
from backroom.eventpage import files
from backroom.shop.room import Room
from backroom.store import event_page

LOOK_SECONDS = 1.0

log = logging.getLogger(__name__)


class PageFiles:
    """Keeps the files of one room in a folder."""

    def __init__(self, room: Room, folder: Path) -> None:
        self._room = room
        self._folder = folder
        self._written: event_page.Standing | None = None
        self._said = ""

    async def keep(self) -> None:
        """Look, and look again, until it is cancelled; nothing that goes wrong ends it."""
        while True:
            await asyncio.to_thread(self.look_patiently)
            await asyncio.sleep(LOOK_SECONDS)

    def look_patiently(self) -> list[str]:
        """One look; what keeps it from writing is logged once, until it is over."""
        try:
            changed = self.look()
        except (OSError, SQLAlchemyError, BackroomError) as error:
            # Without the words of a database's error: they may quote what it holds.
            self._say((isinstance(error, OSError) and error.strerror) or type(error).__name__)
            return []
        self._said = ""
        return changed

    def look(self) -> list[str]:
        """Write what changed since the last look; returns those files, by their path in the folder."""
        with self._room.database.read() as connection:
            standing = event_page.standing(connection)
        if standing == self._written:
            return []
        changed = files.write_all(self._room, self._folder)
        # As it was before they were written: what changed meanwhile is seen at the next look.
        self._written = standing
        return changed

    def _say(self, trouble: str) -> None:
        if trouble != self._said:
            log.error("the pages of events were not written to %s (%s); it is tried again", self._folder, trouble)
        self._said = trouble
