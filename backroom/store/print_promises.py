"""What people at a booth were told of when their print is ready: given, moved, kept or not; and what goes elsewhere.

What belongs here: the rows of promises. What does not: the queue as it stands (`print_queue`), playing it forward
(`backroom.domain.print_queue`), and telling the customer (`tasks.print_promises`).

A promise is about a fulfilment order with something to print. What is made by its time and the slack is kept, later is
late; the share of the kept ones is a figure. A parcel that would be late goes elsewhere by the location's rule, where
nobody has begun it: who stands at the booth is told a new time instead.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select, update

from backroom.domain.diverting import Diverted, Here
from backroom.domain.errors import BackroomError
from backroom.domain.locations import Location, PromiseSpec
from backroom.domain.model import Delivery, FulfilmentState
from backroom.domain.print_queue import Foreseen, breaks, comes_out, may_promise, promise
from backroom.domain.shop import Shop
from backroom.store import history
from backroom.store.batches import insert_new, update_by_id
from backroom.store.claims import Wakeup, wakeup
from backroom.store.diverting import ELSEWHERE, Away, Ground, in_minutes, sent_to
from backroom.store.intake import STAGE as INTAKE
from backroom.store.print_queue import read_queue
from backroom.store.seals import Seals
from backroom.store.tables import fulfilment_orders, orders, people, print_promises
from backroom.store.tables import history as entries

OPEN, KEPT, LATE, VOID = "open", "kept", "late", "void"
MADE_ELSEWHERE = "made_elsewhere"
# A promise moves once by itself; who waits longer hears it from a person.
MOST_MOVES = 1


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a look at the promises of a location changed: numbers of orders, and whom to wake."""

    given: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    wakeups: tuple[Wakeup, ...] = ()


def review(
    connection: Connection, shop: Shop, seals: Seals, location: Location, at: datetime, run_id: str = ""
) -> Reviewed:
    """Give a promise to whatever has none, end those that are over, move or send elsewhere what would break.

    Safe to do again at any time; a promise is only ever given once to the same work.
    """
    spec = location.promise
    if spec is None:
        return Reviewed()
    _end(connection, location.id, spec, at)
    queue = read_queue(connection, location, at)
    parts, until = queue.parts, queue.power_until
    slack, handling = timedelta(minutes=spec.slack_minutes), timedelta(minutes=spec.handling_minutes)
    may = {part: one for part, one in parts.items() if may_promise(one, handling, until)}
    given = _give(connection, location.id, may, handling, at)
    away = Away(Ground(connection, shop, seals, at), location.id, spec, run_id)
    moved: list[str] = []
    elsewhere: list[str] = []
    for row in standing(connection, location.id):
        foreseen = parts.get(row["fulfilment_order_id"])
        if row["number"] in given or not breaks(row["promised_at"], foreseen, handling, slack, at, until):
            continue
        if row["fulfilment_order_id"] in queue.out_of_reach:
            continue
        ready = foreseen.likely + handling if foreseen is not None and comes_out(foreseen, until) else None
        diverted = away.send(row, Here(location.id, row["promised_at"], ready, shop.owner.currency))
        if diverted.to:
            ending = update(print_promises).where(print_promises.c.id == row["id"])
            connection.execute(ending.values(state=ELSEWHERE, ended_at=at, sent_to=sent_to(diverted)))
            elsewhere.append(row["number"])
            continue
        if foreseen is None or row["moved"] >= MOST_MOVES or not may_promise(foreseen, handling, until):
            continue
        if _move(connection, row, promise(foreseen, handling), diverted, at, run_id):
            moved.append(row["number"])
    in_the_dark = {part: one for part, one in parts.items() if not comes_out(one, until)}
    for row in _parcels_without(connection, in_the_dark):
        told = promise(in_the_dark[row["fulfilment_order_id"]], handling)
        diverted = away.send(row, Here(location.id, told, None, shop.owner.currency))
        if diverted.to:
            gone = _row(row["fulfilment_order_id"], row["order_id"], location.id, told, at)
            gone |= {"state": ELSEWHERE, "ended_at": at, "sent_to": sent_to(diverted)}
            insert_new(connection, print_promises, [gone])
            elsewhere.append(row["number"])
    wakeups = (wakeup(connection, INTAKE, shop.hub),) if elsewhere else ()
    return Reviewed(tuple(given), tuple(moved), tuple(elsewhere), wakeups)


def standing(connection: Connection, location: str) -> list[RowMapping]:
    """Promises that stand, the earliest first, each with its order's number and how it is handed over."""
    query = (
        select(print_promises, orders.c.number, fulfilment_orders.c.delivery, fulfilment_orders.c.state.label("work"))
        .join(fulfilment_orders, fulfilment_orders.c.id == print_promises.c.fulfilment_order_id)
        .join(orders, orders.c.id == print_promises.c.order_id)
        .where(print_promises.c.location == location, print_promises.c.state == OPEN)
        .order_by(print_promises.c.promised_at, print_promises.c.id)
    )
    return list(connection.execute(query).mappings())


def of_order(connection: Connection, order_id: int) -> list[RowMapping]:
    """All that was promised of one order, oldest first."""
    query = select(print_promises).where(print_promises.c.order_id == order_id).order_by(print_promises.c.id)
    return list(connection.execute(query).mappings())


def outcomes(connection: Connection, location: str, since: datetime) -> dict[str, int]:
    """How many promises of a location ended how since then, by state; those that were moved on the way as `moved`."""
    where = (print_promises.c.location == location) & (print_promises.c.made_at >= since)
    query = select(print_promises.c.state, func.count()).where(where).group_by(print_promises.c.state)
    counted = dict(connection.execute(query).tuples().all())
    moved = select(func.count()).where(where, print_promises.c.moved > 0)
    return counted | {"moved": connection.execute(moved).scalar_one()}


def untold(connection: Connection, location: str) -> list[RowMapping]:
    """Promises of which the customer has yet to hear: given, moved, or sent elsewhere. Nobody who was erased."""
    said = select(
        print_promises,
        orders.c.number,
        orders.c.person_id,
        orders.c.contact,
        orders.c.language,
        orders.c.channel,
        fulfilment_orders.c.key.label("part_key"),
        fulfilment_orders.c.delivery,
    )
    query = (
        said.join(fulfilment_orders, fulfilment_orders.c.id == print_promises.c.fulfilment_order_id)
        .join(orders, orders.c.id == print_promises.c.order_id)
        .join(people, people.c.id == orders.c.person_id)
        .where(
            print_promises.c.location == location,
            (print_promises.c.state == OPEN)
            | ((print_promises.c.state == ELSEWHERE) & (print_promises.c.told != MADE_ELSEWHERE)),
            people.c.wrapped_key.is_not(None),
        )
        .order_by(print_promises.c.id)
    )
    return [row for row in connection.execute(query).mappings() if saying(row) not in ("", row["told"])]


def saying(row: RowMapping) -> str:
    """What is to be said of a promise: `promised`, `promised_later` or `made_elsewhere`; empty for nothing. A parcel's
    buyer is told only that it goes elsewhere: nobody stands there and waits for it."""
    if row["state"] == ELSEWHERE:
        return MADE_ELSEWHERE
    if row["delivery"] == Delivery.SHIP:
        return ""
    return "promised_later" if row["moved"] else "promised"


def mark_told(connection: Connection, told: Sequence[RowMapping]) -> None:
    """Write down of promises (of `untold`) that this was said."""
    update_by_id(connection, print_promises, [{"id": row["id"], "told": saying(row)} for row in told])


def tell_again(connection: Connection, person_id: int, at: datetime) -> None:
    """Have somebody, who may be written to now by a medium that they had not agreed to before, told of what they still
    wait for. A message that went by another one does not go again."""
    theirs = select(orders.c.id).where(orders.c.person_id == person_id)
    ahead = print_promises.c.state == OPEN, print_promises.c.promised_at > at, print_promises.c.told != ""
    connection.execute(update(print_promises).where(*ahead, print_promises.c.order_id.in_(theirs)).values(told=""))


def give_up_telling(
    connection: Connection, never: Sequence[tuple[RowMapping, BackroomError]], at: datetime, run_id: str
) -> None:
    """Write down of promises (of `untold`) what can never be said, and why: nobody is asked again at every look."""
    mark_told(connection, [row for row, _ in never])
    entries = [
        history.Entry(
            row["order_id"],
            "message.failed",
            {"kind": saying(row), "medium": "", "cause": error.cause, "reason": error.message},
        )
        for row, error in never
    ]
    history.record(connection, entries, at=at, run_id=run_id)


def _give(
    connection: Connection, location: str, parts: Mapping[int, Foreseen], handling: timedelta, at: datetime
) -> set[str]:
    """A promise to each part in the queue that has none; returns the orders' numbers.

    Who was told an earlier time, before the shop planned their order anew, has it kept by that one, and hears of the
    new one as of a later time.
    """
    rows, numbers = [], set()
    new = _without(connection, parts)
    before = _told_before(connection, location, [one["order_id"] for one in new if one["delivery"] != Delivery.SHIP])
    for part in new:
        told = promise(parts[part["fulfilment_order_id"]], handling)
        row = _row(part["fulfilment_order_id"], part["order_id"], location, told, at)
        if (first := before.get(part["order_id"], told)) < told:
            row |= {"first_at": first, "moved": 1}
        rows.append(row)
        numbers.add(part["number"])
    insert_new(connection, print_promises, rows)
    return numbers


def _told_before(connection: Connection, location: str, order_ids: Collection[int]) -> dict[int, datetime]:
    """The first time that was told of each of these orders while they were the same to their customers: work on it was
    dropped by the shop since, and not because a customer changed what they want."""
    if not order_ids:
        return {}
    changed = select(entries.c.id).where(
        entries.c.order_id == print_promises.c.order_id,
        entries.c.event == "order.changed",
        entries.c.at >= print_promises.c.made_at,
    )
    dropped = (print_promises.c.location == location) & (print_promises.c.state == VOID)
    first = select(print_promises.c.order_id, func.min(print_promises.c.first_at))
    first = first.where(dropped, print_promises.c.order_id.in_(order_ids), ~changed.exists())
    return dict(connection.execute(first.group_by(print_promises.c.order_id)).tuples().all())


def _without(connection: Connection, parts: Collection[int]) -> Sequence[RowMapping]:
    """Of these parts those that nothing was ever promised of, with their orders' numbers and ways of delivery."""
    known = select(print_promises.c.fulfilment_order_id).where(print_promises.c.fulfilment_order_id.in_(parts))
    new = sorted(set(parts) - set(connection.execute(known).scalars()))
    if not new:
        return ()
    columns = (fulfilment_orders.c.order_id, fulfilment_orders.c.delivery, orders.c.number)
    of = select(fulfilment_orders.c.id.label("fulfilment_order_id"), *columns)
    of = of.join(orders, orders.c.id == fulfilment_orders.c.order_id).where(fulfilment_orders.c.id.in_(new))
    return connection.execute(of.order_by(fulfilment_orders.c.id)).mappings().all()


def _parcels_without(connection: Connection, parts: Collection[int]) -> list[RowMapping]:
    return [row for row in _without(connection, parts) if row["delivery"] == Delivery.SHIP]


def _row(part: int, order_id: int, location: str, told: datetime, at: datetime) -> dict[str, Any]:
    return {
        "fulfilment_order_id": part,
        "order_id": order_id,
        "location": location,
        "state": OPEN,
        "first_at": told,
        "promised_at": told,
        "moved": 0,
        "told": "",
        "made_at": at,
        "sent_to": "",
    }


def _end(connection: Connection, location: str, spec: PromiseSpec, at: datetime) -> None:
    """Say of what was made whether it was in time, by what was promised at first; what is made no more is void."""
    query = (
        select(print_promises, fulfilment_orders.c.made_at.label("ready_at"), fulfilment_orders.c.state.label("work"))
        .join(fulfilment_orders, fulfilment_orders.c.id == print_promises.c.fulfilment_order_id)
        .where(print_promises.c.location == location, print_promises.c.state == OPEN)
    )
    slack = timedelta(minutes=spec.slack_minutes)
    ended = []
    for row in connection.execute(query).mappings().all():
        if row["ready_at"] is not None:
            ready = row["ready_at"] + timedelta(minutes=spec.handling_minutes)
            state = KEPT if ready <= row["first_at"] + slack else LATE
            ended.append({"id": row["id"], "state": state, "ended_at": row["ready_at"]})
        elif row["work"] == FulfilmentState.CANCELLED:
            ended.append({"id": row["id"], "state": VOID, "ended_at": at})
    update_by_id(connection, print_promises, ended)


def _move(connection: Connection, row: RowMapping, told: datetime, stays: Diverted, at: datetime, run_id: str) -> bool:
    """Promise a later time, and write into the order's history why it went nowhere else; False where another look has
    moved or ended the promise meanwhile."""
    as_read = (print_promises.c.state == OPEN) & (print_promises.c.moved == row["moved"])
    again = update(print_promises).where(print_promises.c.id == row["id"], as_read)
    if connection.execute(again.values(promised_at=told, moved=row["moved"] + 1)).rowcount != 1:
        return False
    data = {"at": row["location"], "promised": in_minutes(row["promised_at"]), "now": in_minutes(told)}
    entry = history.Entry(row["order_id"], "order.promised_later", data | {"not_sent_to": stays.why_not})
    history.record(connection, [entry], at=at, run_id=run_id)
    return True
