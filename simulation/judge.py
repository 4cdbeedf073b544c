"""Whether a night went well: what the shop's books say against what really happened at the booth.

What belongs here: every rule that a night must keep, each violation in a sentence. What does not: making it happen
(`night`). The booth's truth is the table, the bags and what came out of the presses; the books are the database.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, func, select

from backroom.domain.locations import PromiseSpec
from backroom.domain.model import Delivery, OrderState, PrintJobState
from backroom.store.diverting import ELSEWHERE
from backroom.store.offline_conflicts import ConflictKind, key_of_print
from backroom.store.print_jobs import job_key
from backroom.store.print_promises import KEPT, LATE, VOID
from backroom.store.tables import (
    fulfilment_lines,
    fulfilment_orders,
    history,
    messages,
    offline_conflicts,
    order_lines,
    orders,
    print_jobs,
    print_promises,
    quarantine,
    reservations,
    stock_levels,
    stock_movements,
)
from simulation.evening import UNSAMPLED
from simulation.market import Happened
from simulation.stall import BOOTH
from simulation.till import paid_by

KEPT_SHARE = 0.95


@dataclass(frozen=True, slots=True)
class LatePromise:
    """A promise that was not kept: told at `given` for `first`, and ready at `ready`, if at all."""

    number: str
    given: datetime
    first: datetime
    ready: datetime | None


@dataclass
class Verdict:
    """What came out of a night. `kept` and `late` are promises by what really happened; `elsewhere` went to another
    place by rule. `diverted` are orders that were made elsewhere than they were planned; `cancelled` ones have their
    customers' money back, and what was promised of them was not kept. `unsampled` are parcels that the booth might
    not print for want of a sample, and which another place made.

    `violations` are sentences; none is what must be. Late promises are no violation by themselves: their share is
    judged."""

    seed: int
    orders: int = 0
    fulfilled: int = 0
    diverted: int = 0
    cancelled: int = 0
    printed: int = 0
    kept: int = 0
    late: list[LatePromise] = field(default_factory=list)
    elsewhere: int = 0
    unsampled: int = 0
    conflicts: int = 0
    missing: int = 0
    violations: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """The share of promises that were kept, of those that ended here; 1 where nothing was promised."""
        ended = self.kept + len(self.late)
        return self.kept / ended if ended else 1.0

    @property
    def kept_enough(self) -> bool:
        """Whether nineteen of twenty promises were kept. One night has some 35: a second late one is too many."""
        return self.share >= KEPT_SHARE


def judge(night: Happened) -> Verdict:
    """Judge a night that was played."""
    verdict = Verdict(night.evening.seed)
    with night.room.database.read() as connection:
        books = _Books(connection)
    for rule in (_served, _told, _pieces, _printed_once, _samples, _promises, _settlement, _stock):
        verdict.violations += rule(night, books, verdict)
    return verdict


class _Books:
    """What the database says, read once."""

    def __init__(self, connection: Connection) -> None:
        def rows(query: object) -> Sequence[RowMapping]:
            return connection.execute(query).mappings().all()  # type: ignore[call-overload, no-any-return]

        self.orders = rows(select(orders).order_by(orders.c.id))
        self.parts = _by(rows(select(fulfilment_orders)), "order_id")
        self.lines = _by(rows(select(order_lines)), "order_id")
        self.part_lines = _by(rows(select(fulfilment_lines)), "fulfilment_order_id")
        self.messages = _by(rows(select(messages)), "order_id")
        self.jobs = rows(select(print_jobs))
        self.promises = rows(select(print_promises))
        self.quarantined = rows(select(quarantine))
        self.rerouted = {row["order_id"] for row in rows(select(history).where(history.c.event == "order.rerouted"))}
        self.levels = rows(select(stock_levels))
        of = (stock_movements.c.location, stock_movements.c.sku)
        self.moved = {
            (row["location"], row["sku"]): row["pieces"]
            for row in rows(select(*of, func.sum(stock_movements.c.pieces).label("pieces")).group_by(*of))
        }
        held = select(reservations.c.location, reservations.c.sku, func.sum(reservations.c.quantity).label("pieces"))
        held = held.where(reservations.c.state == "held").group_by(reservations.c.location, reservations.c.sku)
        self.reserved = {(row["location"], row["sku"]): row["pieces"] for row in rows(held)}
        self.conflicts = rows(select(offline_conflicts))

    def number(self, order_id: int) -> str:
        return next((str(row["number"]) for row in self.orders if row["id"] == order_id), f"order {order_id}")


def _served(night: Happened, books: _Books, verdict: Verdict) -> list[str]:
    """Every sale is one order, and every order was served, here or elsewhere; or its customer, who came to the booth
    for it in vain, has all the money back. Nothing waits for a person in the end."""
    found = Counter(row["external_id"] for row in books.orders)
    wrong = [f"{name} became {found[name]} orders" for name in night.sold if found[name] != 1]
    wrong += [f"{name} is nobody's" for name in found if name not in night.sold]
    wrong += [f"a message lies in quarantine: {row['channel']}" for row in books.quarantined]
    if len(night.sold) != len(night.evening.customers):
        wrong.append(f"{len(night.evening.customers)} customers came, and {len(night.sold)} ordered")
    verdict.orders = len(books.orders)
    verdict.conflicts = len(books.conflicts)
    for row in books.orders:
        number = row["number"]
        match row["state"]:
            case OrderState.FULFILLED:
                verdict.fulfilled += 1
                if number in night.paid_back:
                    wrong.append(f"{number} was served, and its customer has the money back")
            case OrderState.CANCELLED:
                verdict.cancelled += 1
                wrong += _paid_back(night, row)
            case OrderState.HELD:
                wrong.append(f"{number} is on hold ({row['hold_reason'] or 'no reason'}), and nobody has decided")
            case state:
                wrong.append(f"{number} is still {state} {row['hold_reason']}{row['sick_reason'] or ''}")
        verdict.diverted += row["id"] in books.rerouted
    return wrong


def _paid_back(night: Happened, row: RowMapping) -> list[str]:
    """Whether whoever cancelled an order gave its customer all of the money back, and was to cancel it at all."""
    number, customer = row["number"], night.sold.get(row["external_id"])
    if number not in night.paid_back:
        return [f"{number} was cancelled, and its customer has no money back"]
    wrong = []
    if row["delivery"] != Delivery.COLLECT:
        wrong.append(f"{number} was cancelled, and could have been sent from elsewhere")
    paid = paid_by(customer) if customer else 0
    if night.paid_back[number] != paid:
        wrong.append(f"{number} was cancelled: {night.paid_back[number]} of {paid} was paid back")
    return wrong


def _told(night: Happened, books: _Books, verdict: Verdict) -> list[str]:
    """Who agreed to hear was told: that it is ready or on its way, and that it is made elsewhere."""
    wrong = []
    for row in books.orders:
        sent = {one["kind"] for one in books.messages[row["id"]] if one["state"] == "sent"}
        if row["delivery"] == Delivery.CARRY_OUT or row["state"] != OrderState.FULFILLED:
            continue
        wanted = "ready_to_collect" if row["delivery"] == Delivery.COLLECT else "handed_over"
        if wanted not in sent:
            wrong.append(f"the customer of {row['number']} was not told: {wanted}")
    for promise in books.promises:
        sent = {one["kind"] for one in books.messages[promise["order_id"]] if one["state"] == "sent"}
        if promise["state"] == ELSEWHERE and "made_elsewhere" not in sent:
            wrong.append(f"the customer of {books.number(promise['order_id'])} was not told: made elsewhere")
    return wrong


def _pieces(night: Happened, books: _Books, verdict: Verdict) -> list[str]:
    """Whoever was handed an order at the booth got each of its pieces once, and nobody else got any of them."""
    wrong = []
    for row in books.orders:
        ordered: Counter[str] = Counter()
        for line in books.lines[row["id"]]:
            ordered[line["sku"]] += line["quantity"]
        bags = night.table.bags
        got = bags.get(row["external_id"], Counter()) + bags.get(row["number"], Counter())
        here = [part for part in books.parts[row["id"]] if part["location"] == BOOTH and part["state"] == "done"]
        mine: Counter[str] = Counter()
        for part in here:
            for line in books.part_lines[part["id"]]:
                mine[line["sku"]] += line["from_stock"] + line["to_print"]
        if got != mine:
            wrong.append(f"{row['number']} should have been handed {_said(mine)} at the booth, and has {_said(got)}")
        everywhere: Counter[str] = Counter()
        for part in books.parts[row["id"]]:
            if part["state"] == "done":
                for line in books.part_lines[part["id"]]:
                    everywhere[line["sku"]] += line["from_stock"] + line["to_print"]
        if row["state"] == OrderState.FULFILLED and everywhere != ordered:
            wrong.append(f"{row['number']} ordered {_said(ordered)} and was sent {_said(everywhere)}")
    below = [sku for sku, pieces in night.table.pieces.items() if pieces < 0]
    wrong += [f"more of {sku} went from the table than lay there" for sku in below]
    return wrong


def _printed_once(night: Happened, books: _Books, verdict: Verdict) -> list[str]:
    """Nothing came out twice of what was wanted once, and what the books call printed is there.

    What a booth without network printed in the minute in which its order went elsewhere is settled by the rule: it is
    listed for a person, and lies in the stock of the table, where the settlement has to find it.
    """
    settled = {row["key"] for row in books.conflicts if row["kind"] == ConflictKind.FOR_NOTHING}
    out = Counter(key for key, _ in night.came_out)
    verdict.printed = sum(out.values())
    wrong = [f"{key} came out {times} times" for key, times in out.items() if times > 1]
    for job in books.jobs:
        if job["location"] != BOOTH:
            continue
        tries = range(1, job["attempt"] + 1)
        keys = [job_key(job["order_number"], job["part_key"], job["line_no"], attempt) for attempt in tries]
        came = sum(out.pop(key, 0) for key in keys)
        if came > 1:
            wrong.append(f"{keys[0]} was printed {came} times")
        if job["state"] == PrintJobState.DONE and came != 1:
            wrong.append(f"{keys[-1]} is called printed, and came out {came} times")
        if job["state"] == PrintJobState.CANCELLED and came and key_of_print(job["id"], job["attempt"]) not in settled:
            wrong.append(f"{keys[-1]} was printed for nothing, and nobody is told")
    wrong += [f"{key} came out, and nobody knows of it" for key in out]
    return wrong


def _samples(night: Happened, books: _Books, verdict: Verdict) -> list[str]:
    """Nothing was printed at the booth of which nobody has looked at a sample there."""
    jobs = [one for one in books.jobs if one["sku"].startswith(UNSAMPLED)]
    verdict.unsampled = len({one["order_number"] for one in jobs if one["location"] != BOOTH})
    return [
        f"{one['order_number']}: {one['sku']} has no sample at the booth" for one in jobs if one["location"] == BOOTH
    ]


def _promises(night: Happened, books: _Books, verdict: Verdict) -> list[str]:
    """Which promises were kept, by when the last piece really came out; the books must know it too.

    A promise is what somebody was told: the buyer of a parcel is told no time.
    """
    spec = night.room.shop.location(BOOTH).promise
    assert spec is not None, "the booth of the evening promises"
    out = dict(night.came_out)
    ready: dict[int, datetime] = {}
    for job in books.jobs:
        for attempt in range(1, job["attempt"] + 1):
            at = out.get(job_key(job["order_number"], job["part_key"], job["line_no"], attempt))
            if at is not None:
                part = job["fulfilment_order_id"]
                ready[part] = max(at, ready.get(part, at))
    wrong = []
    delivery = {row["id"]: row["delivery"] for row in books.orders}
    cancelled = {row["id"] for row in books.orders if row["state"] == OrderState.CANCELLED}
    for promise in books.promises:
        number = books.number(promise["order_id"])
        if promise["state"] == ELSEWHERE:
            verdict.elsewhere += 1
        elif delivery[promise["order_id"]] == Delivery.SHIP:
            continue  # nobody was told a time
        elif promise["order_id"] in cancelled:
            verdict.late.append(LatePromise(number, promise["made_at"], promise["first_at"], None))
        elif promise["state"] == VOID:
            continue
        elif promise["fulfilment_order_id"] not in ready:
            wrong.append(f"{number} was promised, and is {promise['state']} without having been printed")
        else:
            wrong += _kept(verdict, promise, ready[promise["fulfilment_order_id"]], number, spec, night.grain)
    return wrong


def _kept(
    verdict: Verdict, promise: RowMapping, ready: datetime, number: str, spec: PromiseSpec, grain: timedelta
) -> list[str]:
    until = promise["first_at"] + timedelta(minutes=spec.slack_minutes - spec.handling_minutes)
    truth = KEPT if ready <= until else LATE
    if truth == KEPT:
        verdict.kept += 1
    else:
        verdict.late.append(LatePromise(number, promise["made_at"], promise["first_at"], ready))
    if promise["state"] != truth and abs(ready - until) >= grain:
        return [f"{number} was {truth}, and the books say {promise['state']}"]
    return []


def _settlement(night: Happened, books: _Books, verdict: Verdict) -> list[str]:
    """What was lent was sold, came back or is missing, to the piece, as it really did."""
    wrong = []
    verdict.missing = sum(one.missing for one in night.settled)
    settled = {one.sku: one for one in night.settled}
    wrong += [f"{sku} was lent and is not in the settlement" for sku in night.lent if sku not in settled]
    for sku, one in settled.items():
        if one.leased != night.lent[sku]:
            wrong.append(f"{sku}: {night.lent[sku]} were lent, and the settlement says {one.leased}")
        if one.leased + one.other != one.sold + one.returned + one.missing:
            wrong.append(f"{sku} does not add up: {one}")
        if one.returned != night.counted[sku]:
            wrong.append(f"{sku}: {night.counted[sku]} were counted, and {one.returned} went back")
        if one.missing != night.stolen[sku]:
            wrong.append(f"{sku}: {night.stolen[sku]} were stolen, and {one.missing} are missing")
    return wrong


def _stock(night: Happened, books: _Books, verdict: Verdict) -> list[str]:
    """Stock counts again from nothing, and nothing is below zero."""
    wrong = []
    for level in books.levels:
        place = level["location"], level["sku"]
        if not 0 <= level["reserved"] <= level["on_hand"]:
            wrong.append(f"{place}: {level['reserved']} reserved of {level['on_hand']}")
        if level["on_hand"] != books.moved.get(place, 0):
            wrong.append(f"{place}: {level['on_hand']} by its level, {books.moved.get(place, 0)} by its movements")
        if level["reserved"] != books.reserved.get(place, 0):
            wrong.append(f"{place}: {level['reserved']} reserved, and orders hold {books.reserved.get(place, 0)}")
    return wrong


def _by(rows: Sequence[RowMapping], column: str) -> Mapping[int, list[RowMapping]]:
    found: dict[int, list[RowMapping]] = defaultdict(list)
    for row in rows:
        found[row[column]].append(row)
    return found


def _said(pieces: Counter[str]) -> str:
    return ", ".join(f"{count} × {sku}" for sku, count in sorted(pieces.items())) or "nothing"
