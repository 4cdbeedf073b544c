"""Looking at an event for everybody: its page and its JSON as they are now.

What belongs here: from the database to bytes. What does not: HTTP (`backroom.gateway.event_page`), files (`files`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from backroom.domain.event_page import PublicEvent
from backroom.domain.shop import NotInShopFile
from backroom.eventpage import assets, pictures
from backroom.eventpage.page import LIVE, live, render
from backroom.eventpage.words import WORDS, first_language
from backroom.shop.room import Room
from backroom.store import event_page
from backroom.store.database import now
from backroom.store.events import NoSuchEvent

INDEX = "index.html"


@dataclass(frozen=True, slots=True)
class Seen:
    """An event as it stands, and when that was."""

    event: PublicEvent
    at: datetime


def codes(room: Room) -> frozenset[str]:
    """The codes of the events that have a page."""
    with room.database.read() as connection:
        return event_page.codes(connection)


def look(room: Room, code: str) -> Seen:
    """An event that has a page; NoSuchEvent for any other."""
    with room.database.read() as connection:
        return look_at(connection, room, code)


def look_at(connection: Connection, room: Room, code: str) -> Seen:
    row, at = event_page.find_published(connection, code), now(connection)
    try:
        return Seen(event_page.read(connection, row, room.shop, at), at)
    except NotInShopFile:
        # Its booth is gone from the shop file: nobody can say anything of it.
        raise NoSuchEvent("there is no such event") from None


def names() -> tuple[str, ...]:
    """The files of an event's folder."""
    return INDEX, *(f"{language}.html" for language in WORDS), LIVE


def content(room: Room, seen: Seen, name: str, *, elsewhere: bool = False) -> bytes:
    """One of those files, for the gateway or, `elsewhere`, for a folder. There the form for SMS needs the gateway's
    address (`public_url`), and is left out without it."""
    if name == LIVE:
        return live(seen.event, seen.at)
    language = first_language(room.shop.owner.language) if name == INDEX else name.removesuffix(".html")

    spec = room.shop.messaging
    return render(
        seen.event,
        shop=room.shop.owner.name,
        language=language,
        at=seen.at,
        picture_of=partial(_picture, room),
        sms=spec.sms != "none" and not (elsewhere and not spec.public_url),
        gateway=spec.public_url.rstrip("/") if elsewhere else "",
    )


def assets_of(room: Room, seen: Seen) -> dict[str, bytes]:
    """All that an event's pages load, by name."""
    names = {_picture(room, offer.artwork) for offer in seen.event.offers if offer.artwork}
    found = {name: pictures.find(room.home, name) for name in sorted(names)}
    return assets.own() | {name: content for name, content in found.items() if content is not None}


def find_asset(room: Room, name: str) -> bytes | None:
    """An asset by its name: ours, or a picture that a page showed. Nothing is read but that file."""
    ours = assets.own().get(name)
    return pictures.find(room.home, name) if ours is None else ours


def _picture(room: Room, artwork: str) -> str:
    return pictures.keep(room.home, room.artwork(), artwork)
