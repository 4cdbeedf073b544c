"""Finding a person by what somebody knows of them: an e-mail, a phone, an order's number, or their own number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from backroom.channels.contact import normalise_email, normalise_phone
from backroom.domain.errors import Refuse
from backroom.shop.room import Room
from backroom.store import knowing


class NobodyFound(Refuse):
    """Nobody is known by this; the message does not repeat it."""

    cause = "nobody_found"


@dataclass(frozen=True, slots=True)
class Found:
    """A person by number, with their orders as `(number, state)`, and what still keeps them from being forgotten."""

    person_id: int
    since: datetime
    orders: tuple[tuple[str, str], ...]
    open: tuple[str, ...]


def find(room: Room, known_by: str, *, everywhere: bool = False) -> list[Found]:
    """Everybody who is known by this. Raises NobodyFound.

    `everywhere` opens every order's contact besides, for an address that stands in somebody's order and is not what
    they are known by: corrected by hand, or given by another person. That takes a second or so for 10,000 orders.
    """
    ids = sorted(set(_ids(room, known_by.strip(), everywhere)))
    with room.database.read() as connection:
        found = [Found(*knowing.summary(connection, id_)) for id_ in ids]
    if not found:
        raise NobodyFound(
            "nobody is known by this",
            remedy="Try their other e-mail or phone (such as +49…), an order's number, or --everywhere.",
        )
    return found


def _ids(room: Room, known_by: str, everywhere: bool) -> Iterator[int]:
    email = normalise_email(known_by) if "@" in known_by else None
    phone = None if email else normalise_phone(known_by, room.shop.owner.country)
    with room.database.read() as connection:
        if known_by.isdigit() and knowing.is_known(connection, int(known_by)):
            yield int(known_by)
        of_order = knowing.of_order(connection, known_by.upper())
        if of_order is not None:
            yield of_order
        for kind, value in (("email", email), ("phone", phone)):
            if value:
                yield from knowing.by_digest(connection, kind, room.seals.digest(kind, value))
        if everywhere and (email or phone):
            yield from knowing.in_contacts(connection, room.seals, email or "", phone or "")
