"""The pages of events as files in a folder, for a web server or a CDN: written anew when something changed.

What belongs here: which files, and that each is there whole or as it was before. What does not: what is in them
(`page`), and how they get from the folder to a CDN. Assets are written first, so that no page names one that is
missing; those of before stay, because pages that somebody still has in a cache load them.
"""

from __future__ import annotations

from pathlib import Path

from backroom.durable import flush, write_durably
from backroom.eventpage import looking
from backroom.shop.room import Room
from backroom.store import event_page, events

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
    """Write the files of every event that has a page, and take those away that have none any more."""
    booths = {place.id for place in room.shop.locations}
    with room.database.read() as connection:
        there = [row["code"] for row in event_page.published(connection) if row["location"] in booths]
        hidden = {row["code"] for row in events.listing(connection)} - set(there)
    changed = [path for code in there for path in write_event(room, code, folder)]
    for code in sorted(hidden):
        for name in looking.names():
            path = folder / code / name
            if path.is_file():
                path.unlink()
                changed.append(f"{code}/{name}")
    return changed


def _write(path: Path, content: bytes) -> bool:
    try:
        if path.read_bytes() == content:
            return False
    except FileNotFoundError:
        path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    write_durably(path, content, mode=MODE)
    flush(path.parent)
    return True
