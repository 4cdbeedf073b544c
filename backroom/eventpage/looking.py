"""Looking at an event for everybody: its page and its JSON as they are now.

What belongs here: from the database to bytes. What does not: HTTP (`backroom.gateway.event_page`), files (`files`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from backroom.domain.event_page import PublicEvent
from backroom.domain.shop import NotInShopFile
from backroom.eventpage import assets
from backroom.eventpage.page import LIVE, live, render
from backroom.eventpage.words import WORDS, first_language
from backroom.shop.room import Room
from backroom.store import event_page
from backroom.store.catalogue import all_variants
from backroom.store.database import now
from backroom.store.events import NoSuchEvent

INDEX = "index.html"


@dataclass(frozen=True, slots=True)
class Seen:
    """An event as it stands, and when that was."""

    event: PublicEvent
    at: datetime


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

    def picture_of(artwork: str) -> str:
        found = assets.picture(room.artwork(), artwork)
        return found[0] if found else ""

    spec = room.shop.messaging
    return render(
        seen.event,
        shop=room.shop.owner.name,
        language=language,
        at=seen.at,
        picture_of=picture_of,
        sms=spec.sms != "none" and not (elsewhere and not spec.public_url),
        gateway=spec.public_url.rstrip("/") if elsewhere else "",
    )


def assets_of(room: Room, seen: Seen) -> dict[str, bytes]:
    """All that an event's pages load, by name."""
    found = (assets.picture(room.artwork(), offer.artwork) for offer in seen.event.offers)
    return assets.own() | dict(one for one in found if one is not None)


def find_asset(room: Room, name: str) -> bytes | None:
    """An asset by its name: ours, or a picture of something in the catalogue."""
    ours = assets.own().get(name)
    if ours is not None or not name.endswith(".webp"):
        return ours
    with room.database.read() as connection:
        artworks = sorted({one.artwork for one in all_variants(connection) if one.artwork})
    found = (assets.picture(room.artwork(), artwork) for artwork in artworks)
    return next((one[1] for one in found if one is not None and one[0] == name), None)
