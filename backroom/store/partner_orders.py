"""Orders at partners: opening them, claiming those that are to be asked about, and finding them.

What belongs here: the rows. What does not: what follows from a partner's word for the order (`partner_news`), and the
call that submits it (`tasks.partner_submit`).

Nothing waits in a process: an order at a partner is a row that is asked about at its `next_attempt_at`, or as soon as a
message from over there hints at news.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, case, func, literal, null, or_, select, true, update

from backroom.domain.model import FulfilmentState, OrderState
from backroom.domain.partner_answers import Difference
from backroom.domain.partner_bills import Told
from backroom.domain.partner_orders import AT_WORK, REFUSED, AskedLine, PartnerOrderState
from backroom.store import effects, history
from backroom.store.batches import chunks, insert_new
from backroom.store.claim_rows import Work, claim_of_order, claim_wave
from backroom.store.claims import Claim, Wakeup, wakeup
from backroom.store.database import now
from backroom.store.tables import fulfilment_orders, orders, partner_orders
from backroom.store.tables import history as history_rows
from backroom.store.waiting import HEALTHY, is_due

STAGE = "partner"
# What its history says of an order that somebody lets go on although its partners refused it.
ASKED_ANEW = "partner.asked_anew"
# Kinds of effects: an order that is placed at a partner, a draft that is confirmed, and one that is taken back there.
SUBMIT, CONFIRM, CANCEL = "partner", "partner_confirm", "partner_cancel"
# A hint may come from anybody: it never makes us ask more often than this.
HINTS_EVERY = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Submitted:
    """A fulfilment order that its partner has now: what was asked, and what of the answer was otherwise."""

    part_id: int
    order_id: int
    location: str
    reference: str
    partner_id: str
    priority: int
    lines: Sequence[AskedLine]
    differences: Sequence[Difference]
    ask_at: datetime


def reference_of(number: str, part_key: str) -> str:
    """Our key of a fulfilment order at its partner, and of its effect."""
    return f"partner-{number}-{part_key}"


def confirm_key(reference: str) -> str:
    return f"{reference}-confirm"


def cancel_key(reference: str) -> str:
    return f"{reference}-cancel"


def open_orders(connection: Connection, submitted: Sequence[Submitted], at: datetime) -> None:
    """Write what partners have now, each once; what differs is to be cancelled there."""
    insert_new(
        connection,
        partner_orders,
        [
            {
                "fulfilment_order_id": one.part_id,
                "order_id": one.order_id,
                "location": one.location,
                "reference": one.reference,
                "partner_id": one.partner_id,
                "state": PartnerOrderState.SUBMITTED,
                "lines": [asdict(line) for line in one.lines],
                "differences": [asdict(difference) for difference in one.differences],
                "parcels": [],
                "totes": [],
                "revision": 0,
                "currency": "",
                "cancel_wanted": bool(one.differences),
                "priority": one.priority,
                "submitted_at": at,
                "next_attempt_at": one.ask_at,
            }
            for one in submitted
        ],
    )


def asked_lines(row: RowMapping) -> tuple[AskedLine, ...]:
    return tuple(AskedLine(**line) for line in row["lines"])


def claim_waiting(connection: Connection, *, location: str, instance: str, run_id: str, most: int) -> Claim | None:
    """Claim what is to be asked about at this partner's location; None when nothing is due."""
    taken = claim_wave(connection, _work(location), instance=instance, run_id=run_id, most=most)
    return taken[0] if taken else None


def claim_order(connection: Connection, order_id: int, *, location: str, instance: str, run_id: str) -> Claim | None:
    """Claim what one order has at this partner, due or not; None where nothing is to be asked."""
    taken = claim_of_order(connection, _work(location), order_id, instance=instance, run_id=run_id)
    return taken[0] if taken else None


def claimed(connection: Connection, token: str, id_: int | None = None) -> list[RowMapping]:
    """The wave's orders at their partner, each with its order's number and person, and what that is held for ("" for
    nothing); or one of them as it stands now."""
    held = case((orders.c.state == OrderState.HELD, orders.c.hold_reason), else_="").label("held_for")
    query = (
        select(partner_orders, orders.c.number, orders.c.person_id, held)
        .join(orders, orders.c.id == partner_orders.c.order_id)
        .where(partner_orders.c.claim_token == token, _to_ask())
        .where(true() if id_ is None else partner_orders.c.id == id_)
        .order_by(partner_orders.c.priority, partner_orders.c.id)
    )
    return list(connection.execute(query).mappings())


def let_go(
    connection: Connection, token: str, asked: RowMapping, ask_at: datetime | None, at: datetime, **values: object
) -> list[Wakeup]:
    """End the claim on one that was asked about, to be asked again then (None: never); returns the wake-ups this owes.

    `asked` is its row as it was when its partner was asked. What came since is not answered by that: a cancellation
    or a signed word is for the next run, at once, and a hint soon. Nothing where the claim lost it meanwhile.
    """
    here = (partner_orders.c.id == asked["id"]) & (partner_orders.c.claim_token == token)
    row = connection.execute(select(partner_orders).where(here).with_for_update()).mappings().first()
    if row is None:
        return []
    said = row["told"] is not None and row["told"] != asked["told"]
    wanted = row["cancel_wanted"] and not asked["cancel_wanted"] and values.get("cancel_wanted", True)
    at_once = ask_at is not None and (said or wanted)
    if at_once:
        ask_at = at
    elif ask_at is not None and row["next_attempt_at"] != asked["next_attempt_at"]:
        ask_at = min(ask_at, at + HINTS_EVERY)
    changes: dict[str, object] = {"claim_token": None, "attempts": 0, "next_attempt_at": ask_at, **HEALTHY} | values
    changes["told"] = row["told"] if said and at_once else None
    connection.execute(update(partner_orders).where(here).values(**changes))
    return [wakeup(connection, STAGE, row["location"])] if at_once else []


def of_orders(connection: Connection, order_ids: Iterable[int]) -> dict[int, list[RowMapping]]:
    """Orders at partners by the id of our order, oldest first."""
    found: dict[int, list[RowMapping]] = defaultdict(list)
    for batch in chunks(sorted(set(order_ids))):
        query = select(partner_orders).where(partner_orders.c.order_id.in_(batch)).order_by(partner_orders.c.id)
        for row in connection.execute(query).mappings():
            found[row["order_id"]].append(row)
    return found


def of_parts(connection: Connection, part_ids: Iterable[int]) -> dict[int, RowMapping]:
    """Orders at partners by their fulfilment order."""
    found: dict[int, RowMapping] = {}
    for batch in chunks(sorted(set(part_ids))):
        query = select(partner_orders).where(partner_orders.c.fulfilment_order_id.in_(batch))
        found |= {row["fulfilment_order_id"]: row for row in connection.execute(query).mappings()}
    return found


def refused_at(connection: Connection, order_ids: Iterable[int]) -> dict[int, frozenset[str]]:
    """The locations whose partner refused an order, or did not make it after all, since it was last to be asked of
    them anew."""
    found: dict[int, set[str]] = defaultdict(set)
    for batch in chunks(sorted(set(order_ids))):
        query = select(partner_orders.c.order_id, partner_orders.c.location, partner_orders.c.ended_at).where(
            partner_orders.c.order_id.in_(batch), partner_orders.c.state.in_(REFUSED)
        )
        refusals = connection.execute(query).tuples().all()
        # Few orders of a wave were ever refused: the history is asked of these alone.
        anew = _asked_anew(connection, {order_id for order_id, _, _ in refusals})
        for order_id, location, ended_at in refusals:
            if order_id not in anew or ended_at is None or ended_at > anew[order_id]:
                found[order_id].add(location)
    return {order_id: frozenset(places) for order_id, places in found.items()}


def _asked_anew(connection: Connection, order_ids: Collection[int]) -> dict[int, datetime]:
    """When each of these orders was last to be asked of its partners anew."""
    if not order_ids:
        return {}
    query = select(history_rows.c.order_id, func.max(history_rows.c.at)).where(
        history_rows.c.order_id.in_(order_ids), history_rows.c.event == ASKED_ANEW
    )
    return dict(connection.execute(query.group_by(history_rows.c.order_id)).tuples().all())


def under_way(connection: Connection, order_id: int) -> list[RowMapping]:
    """What partners have of an order that is neither refused nor taken back, and whose work here goes on."""
    query = (
        select(partner_orders, fulfilment_orders.c.state.label("part_state"))
        .join(fulfilment_orders, fulfilment_orders.c.id == partner_orders.c.fulfilment_order_id)
        .where(
            partner_orders.c.order_id == order_id,
            partner_orders.c.state.not_in(REFUSED),
            fulfilment_orders.c.state != FulfilmentState.CANCELLED,
        )
        .order_by(partner_orders.c.id)
    )
    return list(connection.execute(query).mappings())


def may_be_there(connection: Connection, order_id: int) -> bool:
    """Whether a partner may have an order of which nothing is written yet: its answer is lost, or on its way."""
    known = {row["reference"] for row in of_orders(connection, [order_id]).get(order_id, ())}
    return any(row["key"] not in known for row in effects.begun(connection, order_id, SUBMIT))


def want_cancelled(connection: Connection, ids: Sequence[int], locations: Iterable[str]) -> list[Wakeup]:
    """Have these asked to be cancelled at their partners; returns the wake-ups this owes."""
    asked = update(partner_orders).where(partner_orders.c.id.in_(ids), partner_orders.c.state.in_(AT_WORK))
    connection.execute(asked.values(cancel_wanted=True, next_attempt_at=_at_once(now(connection))))
    return [wakeup(connection, STAGE, location) for location in sorted(set(locations))]


def leave(connection: Connection, order_id: int) -> None:
    """Let an order's partners go on: what was to be cancelled there is not."""
    left = update(partner_orders).where(partner_orders.c.order_id == order_id, _to_ask())
    connection.execute(left.where(partner_orders.c.cancel_wanted).values(cancel_wanted=False))


def hint(connection: Connection, location: str, names: Sequence[str]) -> list[Wakeup]:
    """Somebody says that something is new with these, by our reference or the partner's id: they are asked about now.

    Nothing of what they say is taken for true. One that was asked about a moment ago is left to its next time.
    """
    at = now(connection)
    hinted = _by_name(location, names).values(next_attempt_at=_at_once(at))
    fresh = partner_orders.c.asked_at > at - HINTS_EVERY
    found = connection.execute(hinted.where(or_(partner_orders.c.asked_at.is_(None), ~fresh))).rowcount
    soon = _by_name(location, names).where(fresh, partner_orders.c.next_attempt_at > at + HINTS_EVERY)
    connection.execute(soon.values(next_attempt_at=at + HINTS_EVERY))
    return [wakeup(connection, STAGE, location)] if found else []


def tell(connection: Connection, location: str, reference: str, told: Mapping[str, Any], revision: int) -> list[Wakeup]:
    """Keep the newest word of a signed message until a run reads it; an older one than what is known is nothing."""
    newer = or_(partner_orders.c.revision < revision, partner_orders.c.revision == 0)
    at_once = _at_once(now(connection))
    kept = _by_name(location, [reference]).where(newer).values(told=dict(told), next_attempt_at=at_once)
    return [wakeup(connection, STAGE, location)] if connection.execute(kept).rowcount else []


def due(connection: Connection, at: datetime) -> list[str]:
    """The locations of partners of which something is to be asked now."""
    query = select(partner_orders.c.location).where(_to_ask(), is_due(partner_orders, at)).distinct()
    return sorted(connection.execute(query).scalars())


def locations_of(connection: Connection, order_id: int) -> list[str]:
    """The locations of the partners who have something of an order to be asked about."""
    query = select(partner_orders.c.location).where(partner_orders.c.order_id == order_id, _to_ask()).distinct()
    return sorted(connection.execute(query).scalars())


def listed(connection: Connection, location: str = "", *, ended: bool = False, most: int = 500) -> list[RowMapping]:
    """Orders at partners with their numbers, the newest first; those that have ended only where they are asked for."""
    query = select(partner_orders, orders.c.number).join(orders, orders.c.id == partner_orders.c.order_id)
    if location:
        query = query.where(partner_orders.c.location == location)
    if not ended:
        query = query.where(partner_orders.c.ended_at.is_(None))
    return list(connection.execute(query.order_by(partner_orders.c.id.desc()).limit(most)).mappings())


def told_costs(connection: Connection, location: str, currency: str) -> list[Told]:
    """Every order that a partner has or had, as it told of its cost in this currency."""
    query = (
        select(partner_orders, orders.c.number)
        .join(orders, orders.c.id == partner_orders.c.order_id)
        .where(partner_orders.c.location == location)
        .order_by(partner_orders.c.id)
    )
    return [
        Told(
            id=row["id"],
            number=row["number"],
            names=(row["reference"], row["partner_id"], row["number"]),
            minor=row["bill_minor"] if row["currency"] == currency else None,
            due=row["state"] in (PartnerOrderState.SHIPPED, PartnerOrderState.MADE),
        )
        for row in connection.execute(query).mappings()
    ]


def take_bills(connection: Connection, costs: Mapping[int, tuple[int, int]], currency: str, at: datetime) -> None:
    """Write down what was billed, by id: in the partner's currency and in the shop's. The figures count it again."""
    for id_, (bill, cost) in sorted(costs.items()):
        billed = update(partner_orders).where(partner_orders.c.id == id_)
        row = connection.execute(
            billed.values(bill_minor=bill, currency=currency, cost_minor=cost).returning(
                partner_orders.c.order_id, partner_orders.c.location
            )
        ).one()
        told = {"location": row.location, "bill_minor": bill, "currency": currency}
        history.record(connection, [history.Entry(row.order_id, "partner.billed", told)], at=at)


def _by_name(location: str, names: Sequence[str]) -> Any:
    return update(partner_orders).where(
        partner_orders.c.location == location,
        or_(partner_orders.c.reference.in_(names), partner_orders.c.partner_id.in_(names)),
        _to_ask(),
    )


def _at_once(at: datetime) -> ColumnElement[datetime | None]:
    """Due now. As a moment, by which a run that has it in hand sees that it came meanwhile; and what waits for a person
    goes on waiting."""
    waits = partner_orders.c.sick_cause.is_not(None) & partner_orders.c.next_attempt_at.is_(None)
    return case((waits, null()), else_=literal(at, partner_orders.c.next_attempt_at.type))


def _to_ask() -> ColumnElement[bool]:
    return partner_orders.c.state.in_(AT_WORK)


def _work(location: str) -> Work:
    return Work(partner_orders, (partner_orders.c.location == location) & _to_ask(), STAGE, location)
