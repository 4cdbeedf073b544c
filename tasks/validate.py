"""Validate: messages at the front door become orders, news of orders (`tasks.news`), or quarantine with every reason.

A problem that a person can mend makes the order a Hold. What is not an order is put aside, and the run completes: bad
data is no failure of the flow. Stale news never overwrites newer. What a message says is `tasks.judging`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from prefect import task
from sqlalchemy import Connection

from backroom.domain.model import OrderState, Problem, StepOutcome
from backroom.shop.room import Room, this_room
from backroom.store import catalogue, desk, history, intake, news, orders, people
from backroom.store.claims import Claim, Wakeup, fence
from backroom.store.order_rows import NewOrder
from tasks.judging import Deleted, Judged, Refused, check, new_order, newest_of_each, problems_of, read_message
from tasks.news import apply_deletion, apply_news
from tasks.waking import send

POSTPONED = timedelta(seconds=5)


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
    made = {one.identity: new_order(room, one) for one in newest}
    deleted = [one for one in read if isinstance(one, Deleted)]

    def commit(connection: Connection) -> tuple[list[StepOutcome], list[Wakeup]]:
        outcomes, owed = _commit(connection, room, claim, newest, made, superseded, refused)
        return outcomes + _delete(connection, claim, deleted), owed

    outcomes, owed = room.database.write(commit)
    send(owed)
    return outcomes


@dataclass(slots=True)
class _Settled:
    """What a commit makes of its messages: (message, order, state), and what is said of each."""

    messages: list[tuple[int, int | None, str]] = field(default_factory=list)
    outcomes: list[StepOutcome] = field(default_factory=list)


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
    done = _Settled()
    fresh = [one for one in newest if one.identity not in known]
    ids, owed = _take_in(connection, room, claim, fresh, made, at, done)
    for one in newest:
        if order := known.get(one.identity):
            person = keys.get(order.person_id)
            told = replace(made[one.identity], person_id=order.person_id, key=person.key if person else b"")
            _hear(connection, room, claim, one, order, told, at, done)
    ids |= {identity: order.id for identity, order in known.items()}
    done.messages += [(one.message.id, ids.get(one.identity), "stale") for one in superseded]
    intake.settle_messages(connection, done.messages)
    intake.quarantine_messages(connection, [(one.message.id, one.message.channel, one.problems) for one in refused], at)
    done.outcomes += [
        StepOutcome(f"message {one.message.id}", "quarantined", "; ".join(p.code for p in one.problems))
        for one in refused
    ]
    return done.outcomes, owed


def _take_in(
    connection: Connection,
    room: Room,
    claim: Claim,
    fresh: Sequence[Judged],
    made: Mapping[tuple[str, str], NewOrder],
    at: datetime,
    done: _Settled,
) -> tuple[dict[tuple[str, str], int], list[Wakeup]]:
    """Write the orders that are not here yet; returns their ids, and the wake-ups for what their channels are told."""
    gone = intake.deleted_at(connection, (one.identity for one in fresh))
    new = [_unless_deleted(made[one.identity], gone.get(one.identity)) for one in fresh]
    added = orders.add_orders(connection, new, prefix=room.shop.owner.order_prefix, token=claim.token, at=at)
    entries = []
    for one, order, (id_, number) in zip(fresh, new, added, strict=True):
        state = "cancelled" if order.incoming.cancelled else "held" if order.hold_reason else "accepted"
        done.messages.append((one.message.id, id_, state))
        done.outcomes.append(StepOutcome(number, "advanced" if state == "accepted" else state, order.hold_reason))
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
    return {one.identity: id_ for one, (id_, _) in zip(fresh, added, strict=True)}, owed


def _hear(
    connection: Connection,
    room: Room,
    claim: Claim,
    one: Judged,
    known: orders.KnownOrder,
    told: NewOrder,
    at: datetime,
    done: _Settled,
) -> None:
    """Apply what a message says of an order that is here; `told` bears its person's key where there still is one."""
    if told.key and (known.amended or any(line.artwork_url for line in told.incoming.lines)):
        told = _as_corrected(connection, room, one, known, told)
    outcome = apply_news(connection, known, told, claim, at)
    if outcome.result == "waiting":
        intake.postpone(connection, one.message.id, at + POSTPONED)
    else:
        done.messages.append((one.message.id, known.id, outcome.result))
    done.outcomes.append(outcome)


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
    problems = problems_of(room, incoming, variants)
    if known.corrected("address") and news.fingerprint != known.fingerprint:
        detail = "was corrected here before its channel changed the order"
        problems.append(Problem("changed_after_correction", "address", detail, mendable=True))
    corrected = new_order(room, Judged(one.message, incoming, tuple(problems)))
    # The fingerprint is of the source's own words, or its next ones would look like a change.
    return replace(corrected, person_id=news.person_id, key=news.key, fingerprint=news.fingerprint)
