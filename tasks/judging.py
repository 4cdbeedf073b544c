"""What a message at the front door says: an order with what a person must mend, that one is gone, or nothing for us.

What belongs here: reading a message by its channel, holding it against the catalogue, and the order that it makes. What
does not: writing any of it (`tasks.validate`).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from backroom.channels.base import NotAnOrder, OrderDeleted
from backroom.channels.contact import contact_problems, normalise_email, normalise_phone
from backroom.channels.registry import channel_for
from backroom.channels.strict_json import parse_json
from backroom.domain.errors import BackroomError
from backroom.domain.model import IncomingOrder, Problem, Variant
from backroom.domain.news import finality
from backroom.domain.promise import ship_by
from backroom.domain.validation import validate as check_order
from backroom.shop.room import Room
from backroom.store import intake, orders
from backroom.store.contacts import Contact
from backroom.store.order_rows import NewOrder

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Judged:
    """A message that is an order, in our words, with the problems that a person must mend first."""

    message: intake.Message
    incoming: IncomingOrder
    problems: tuple[Problem, ...] = ()

    @property
    def identity(self) -> tuple[str, str]:
        return self.incoming.channel, self.incoming.external_id


@dataclass(frozen=True, slots=True)
class Deleted:
    """A message that tells that an order is gone at its source."""

    message: intake.Message

    @property
    def identity(self) -> tuple[str, str]:
        return self.message.channel, self.message.external_id


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that is no order, with every reason."""

    message: intake.Message
    problems: tuple[Problem, ...]


def read_message(room: Room, message: intake.Message) -> Judged | Deleted | Refused:
    """Parse one message by its channel. Whatever goes wrong in there is this message's trouble alone."""
    try:
        spec = room.shop.channel(message.channel)
        incoming = channel_for(spec).parse(parse_json(message.body), message.topic, room.shop.owner.country)
    except OrderDeleted:
        return Deleted(message)
    except NotAnOrder as error:
        return Refused(message, tuple(error.problems))
    except BackroomError as error:
        return Refused(message, (Problem(error.cause, "", error.message),))
    except Exception as error:
        log.exception("message %s of channel %s could not be read", message.id, message.channel)
        return Refused(message, (Problem("unreadable", "", f"{type(error).__name__} while reading"),))
    return Judged(message, incoming)


def check(room: Room, one: Judged, variants: dict[str, Variant]) -> Judged | Refused:
    """Hold the order against the catalogue, its own sums and the ways to reach the customer."""
    problems = problems_of(room, one.incoming, variants)
    if any(not problem.mendable for problem in problems):
        return Refused(one.message, tuple(problems))
    return Judged(one.message, one.incoming, tuple(problems))


def problems_of(room: Room, incoming: IncomingOrder, variants: dict[str, Variant]) -> list[Problem]:
    return check_order(
        incoming, variants, room.shop.owner.currency, contact_problems(incoming, room.shop.owner.country)
    )


def newest_of_each(judged: Iterable[Judged]) -> tuple[list[Judged], list[Judged]]:
    """Of several messages about one order in a wave, the newest by the source's clock; and the rest."""
    groups: dict[tuple[str, str], list[Judged]] = defaultdict(list)
    for one in judged:
        groups[one.identity].append(one)
    newest, superseded = [], []
    for group in groups.values():
        group.sort(key=_age)
        newest.append(group[-1])
        superseded.extend(group[:-1])
    return newest, superseded


def _age(one: Judged) -> tuple[datetime, int, int]:
    incoming = one.incoming
    return incoming.updated_at, finality(incoming.payment, cancelled=incoming.cancelled), one.message.id


def new_order(room: Room, one: Judged) -> NewOrder:
    """What a message makes, under the person whom it came under."""
    incoming = one.incoming
    spec = room.shop.channel(incoming.channel)
    hub = room.shop.location(room.shop.hub)
    country = incoming.address.country if incoming.address else room.shop.owner.country
    contact = Contact(
        email=normalise_email(incoming.email) or "",
        phone=normalise_phone(incoming.phone, country) or "",
        address=incoming.address,
        note=incoming.note,
    )
    return NewOrder(
        incoming=incoming,
        contact=contact,
        person_id=one.message.person_id,
        key=one.message.key,
        priority=spec.priority,
        ship_by=ship_by(incoming.placed_at, room.shop.sla(spec.sla), hub.hours),
        fingerprint=orders.fingerprint(room.seals, incoming, contact),
        hold_reason="" if incoming.cancelled else next((p.code for p in one.problems if p.mendable), ""),
    )
