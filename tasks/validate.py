"""Validate: messages at the front door become orders, news of orders (`tasks.news`), or quarantine with every reason.

A problem that a person can mend makes the order a Hold. What is not an order is put aside, and the run completes: bad
data is no failure of the flow. Stale news never overwrites newer.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from prefect import task
from sqlalchemy import Connection

from backroom.channels.base import NotAnOrder, OrderDeleted
from backroom.channels.contact import contact_problems, normalise_email, normalise_phone
from backroom.channels.registry import channel_for
from backroom.channels.strict_json import parse_json
from backroom.domain.errors import BackroomError
from backroom.domain.model import IncomingOrder, OrderState, Problem, StepOutcome, Variant
from backroom.domain.news import finality
from backroom.domain.promise import ship_by
from backroom.domain.validation import validate as check_order
from backroom.shop.room import Room, this_room
from backroom.store import catalogue, desk, history, intake, news, orders, people
from backroom.store.claims import Claim, Wakeup, fence
from backroom.store.contacts import Contact
from backroom.store.order_rows import NewOrder
from tasks.news import apply_deletion, apply_news
from tasks.waking import send

POSTPONED = timedelta(seconds=5)

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


@task(name="validate", retries=2, retry_delay_seconds=2, task_run_name="validate at {claim.location}")
def validate(claim: Claim) -> list[StepOutcome]:
    """Settle every message of the wave; returns an outcome for each order, and for each message put aside."""
    room = this_room()
    with room.database.read() as connection:
        messages = intake.open_messages(connection, room.seals, claim.token)
        if not messages:
            return []
        read = [read_message(room, message) for message in messages]
        skus = {line.sku for one in read if isinstance(one, Judged) for line in one.incoming.lines}
        variants = catalogue.variants_by_sku(connection, skus)
    checked = [check(room, one, variants) if isinstance(one, Judged) else one for one in read]
    refused = [one for one in checked if isinstance(one, Refused)]
    newest, superseded = newest_of_each(one for one in checked if isinstance(one, Judged))
    # Before the commit: phone numbers, addresses and opening hours took most of the time for which a wave had the lock.
    made = {one.identity: _new_order(room, one) for one in newest}
    deleted = [one for one in read if isinstance(one, Deleted)]

    def commit(connection: Connection) -> tuple[list[StepOutcome], list[Wakeup]]:
        outcomes, owed = _commit(connection, room, claim, newest, made, superseded, refused)
        return outcomes + _delete(connection, claim, deleted), owed

    outcomes, owed = room.database.write(commit)
    send(owed)
    return outcomes


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
    problems = _problems(room, one.incoming, variants)
    if any(not problem.mendable for problem in problems):
        return Refused(one.message, tuple(problems))
    return Judged(one.message, one.incoming, tuple(problems))


def _problems(room: Room, incoming: IncomingOrder, variants: dict[str, Variant]) -> list[Problem]:
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


def _commit(
    connection: Connection,
    room: Room,
    claim: Claim,
    newest: Sequence[Judged],
    made: Mapping[tuple[str, str], NewOrder],
    superseded: Sequence[Judged],
    refused: Sequence[Refused],
) -> tuple[list[StepOutcome], list[Wakeup]]:
    at = fence(connection, claim.token)
    known = orders.known_orders(connection, (one.identity for one in newest))
    # Nothing is sealed for an order that has ended, whose customer may be erased by now; unless it is taken up again.
    under_way = {order.person_id for order in known.values() if order.state not in desk.ENDED}
    again = {order.person_id for order in known.values() if order.state is OrderState.CANCELLED}
    keys = people.load(connection, room.seals, under_way | people.not_erased(connection, again))
    fresh = [one for one in newest if one.identity not in known]
    gone = intake.deleted_at(connection, (one.identity for one in fresh))
    new = [_unless_deleted(made[one.identity], gone.get(one.identity)) for one in fresh]
    added = orders.add_orders(connection, new, prefix=room.shop.owner.order_prefix, token=claim.token, at=at)
    numbers = {one.identity: id_ for one, (id_, _) in zip(fresh, added, strict=True)}
    entries, outcomes = [], []
    settled: list[tuple[int, int | None, str]] = []
    for one, order, (id_, number) in zip(fresh, new, added, strict=True):
        state = "cancelled" if order.incoming.cancelled else "held" if order.hold_reason else "accepted"
        settled.append((one.message.id, id_, state))
        outcomes.append(StepOutcome(number, "advanced" if state == "accepted" else state, order.hold_reason))
        entries.append(
            history.Entry(id_, "order.accepted", {"channel": order.incoming.channel, "inbox": one.message.id})
        )
        if state != "accepted":
            problems = [{"code": p.code, "field": p.field, "detail": p.detail} for p in one.problems]
            entries.append(history.Entry(id_, f"order.{state}", {"reason": order.hold_reason, "problems": problems}))
    history.record(connection, entries, at=at, run_id=claim.run_id)
    told = room.shop.told_ids(news.TAKEN)
    owed = news.write_taken(
        connection,
        [
            (id_, order.incoming.channel, order.priority)
            for order, (id_, _) in zip(new, added, strict=True)
            if order.incoming.channel in told and not order.incoming.cancelled
        ],
        at,
    )
    for one in newest:
        order_known = known.get(one.identity)
        if order_known is None:
            continue
        person = keys.get(order_known.person_id)
        told_now = replace(made[one.identity], person_id=order_known.person_id, key=person.key if person else b"")
        if person and (order_known.amended or any(line.artwork_url for line in told_now.incoming.lines)):
            told_now = _as_corrected(connection, room, one, order_known, told_now)
        outcome = apply_news(connection, order_known, told_now, claim, at)
        if outcome.result == "waiting":
            intake.postpone(connection, one.message.id, at + POSTPONED)
        else:
            settled.append((one.message.id, order_known.id, outcome.result))
        outcomes.append(outcome)
    for one in superseded:
        identity = one.identity
        order_id = known[identity].id if identity in known else numbers.get(identity)
        settled.append((one.message.id, order_id, "stale"))
    intake.settle_messages(connection, settled)
    intake.quarantine_messages(connection, [(one.message.id, one.message.channel, one.problems) for one in refused], at)
    outcomes += [
        StepOutcome(f"message {one.message.id}", "quarantined", "; ".join(p.code for p in one.problems))
        for one in refused
    ]
    return outcomes, owed


def _unless_deleted(order: NewOrder, deleted_at: datetime | None) -> NewOrder:
    """An order that its source says is gone, and only then that it is there: the messages changed places."""
    if deleted_at is None or deleted_at < order.incoming.updated_at:
        return order
    gone = replace(order.incoming, cancelled=True, updated_at=deleted_at)
    return replace(order, incoming=gone, hold_reason="")


def _delete(connection: Connection, claim: Claim, deleted: Sequence[Deleted]) -> list[StepOutcome]:
    """Apply what tells that orders are gone. Of one that we do not have it is remembered: it may still come in."""
    if not deleted:
        return []
    at = fence(connection, claim.token)
    known = orders.known_orders(connection, (one.identity for one in deleted))
    outcomes: list[StepOutcome] = []
    settled: list[tuple[int, int | None, str]] = []
    for one in deleted:
        order = known.get(one.identity)
        if order is None:
            settled.append((one.message.id, None, intake.DELETED))
            outcomes.append(StepOutcome(f"message {one.message.id}", "done", "deleted_at_channel"))
            continue
        outcome = apply_deletion(connection, order, one.message.said_at, claim, at)
        if outcome.result == "waiting":
            intake.postpone(connection, one.message.id, at + POSTPONED)
        else:
            settled.append((one.message.id, order.id, intake.DELETED))
        outcomes.append(outcome)
    intake.settle_messages(connection, settled)
    return outcomes


def _as_corrected(
    connection: Connection, room: Room, one: Judged, known: orders.KnownOrder, news: NewOrder
) -> NewOrder:
    """The news with what a person corrected here and pictures that were fetched, judged as such: what was mended holds
    the order no second time.

    Where the source changed what it says of an address that was corrected here, a person compares the two.
    """
    incoming = orders.with_corrections(connection, known, news)
    variants = catalogue.variants_by_sku(connection, (line.sku for line in incoming.lines))
    problems = _problems(room, incoming, variants)
    if known.corrected("address") and news.fingerprint != known.fingerprint:
        detail = "was corrected here before its channel changed the order"
        problems.append(Problem("changed_after_correction", "address", detail, mendable=True))
    corrected = _new_order(room, Judged(one.message, incoming, tuple(problems)))
    # The fingerprint is of the source's own words, or its next ones would look like a change.
    return replace(corrected, person_id=news.person_id, key=news.key, fingerprint=news.fingerprint)


def _new_order(room: Room, one: Judged) -> NewOrder:
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
