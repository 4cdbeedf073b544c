"""The pages of events as files in a folder, for a web server or a CDN: written anew when something changed.

What belongs here: which files, and that each is there whole or as it was before. What does not: what is in them
(`page`), and how they get from the folder to a CDN. Assets are written first, so that no page names one that is
missing; those of before stay, because pages that somebody still has in a cache load them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from backroom.domain.event_page import Phase
from backroom.domain.events import EventState
from backroom.durable import flush, locked, write_durably
from backroom.eventpage import looking
from backroom.eventpage.page import LIVE
from backroom.shop.room import Room
from backroom.store import event_page, events
from backroom.store.events import NoSuchEvent

ASSETS = "assets"
# A web server runs as another user.
MODE, FOLDER_MODE = 0o644, 0o755


def write_event(room: Room, code: str, folder: Path) -> list[str]:
    """Write one event's files; returns those that changed, by their path in the folder."""
    seen = looking.look(room, code)
    wanted = {f"{ASSETS}/{name}": content for name, content in looking.assets_of(room, seen).items()}
    wanted |= {f"{code}/{name}": looking.content(room, seen, name, elsewhere=True) for name in looking.names()}
    return [path for path, content in wanted.items() if _write(folder / path, content)]


def write_all(room: Room, folder: Path) -> list[str]:
    """Write the files of every event that has a page, and take those away that have none any more. One that is settled
    is written once: nothing of it changes.

    The sweep and the gateway both do: one after the other, each by a look of its own turn, so that none puts back what
    another has written since.
    """
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    with locked(folder):
        return _write_all(room, folder)


def _write_all(room: Room, folder: Path) -> list[str]:
    booths = {place.id for place in room.shop.locations}
    with room.database.read() as connection:
        there = [row for row in event_page.published(connection) if row["location"] in booths]
        hidden = {row["code"] for row in events.listing(connection)} - {row["code"] for row in there}
    now = [row["code"] for row in there if row["state"] != EventState.SETTLED or not _is_told_over(folder, row["code"])]
    changed = write_events(room, now, folder)
    for code in sorted(hidden):
        for name in looking.names():
            path = folder / code / name
            if path.is_file():
                path.unlink()
                changed.append(f"{code}/{name}")
    return changed


def write_events(room: Room, codes: Iterable[str], folder: Path) -> list[str]:
    """Write the files of these events, but of those whose page was taken away since they were listed."""
    changed: list[str] = []
    for code in codes:
        with suppress(NoSuchEvent):
            changed += write_event(room, code, folder)
    return changed


def _is_told_over(folder: Path, code: str) -> bool:
    """Whether all files of an event are there and say that it is over: its JSON is written last."""
    if not all((folder / code / name).is_file() for name in looking.names()):
        return False
    try:
        return json.loads((folder / code / LIVE).read_bytes())["phase"] in (Phase.OVER, Phase.CALLED_OFF)
    except (ValueError, KeyError, TypeError):
        return False


def _write(path: Path, content: bytes) -> bool:
    try:
        if path.read_bytes() == content:
            return False
    except FileNotFoundError:
        path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    write_durably(path, content, mode=MODE)
    flush(path.parent)
    return True
