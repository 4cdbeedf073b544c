"""What every night has in common: customers at the table, thieves, the count, and the morning after.

What belongs here: people, pieces, and what the books are told of them. What does not: when it happens (`night` on a
clock that is set, `live` in real time).
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from backroom.domain.leases import Settled
from backroom.domain.model import Delivery, OrderState
from backroom.domain.opening import zone
from backroom.domain.routing import NO_EVENT
from backroom.shop.room import Room
from backroom.store import cancelled_refunds, cancelling, desk, events, leases, print_attempts, print_handing, refunds
from backroom.store.backlog import wake_backorders
from backroom.store.database import Clock
from backroom.store.tables import fulfilment_orders, orders
from backroom.store.unfinished import TAKEN_FROM_BOOTHS, send_from_elsewhere
from simulation.booth import Table
from simulation.evening import AT_THE_TILL, Customer, Evening, Wish
from simulation.hub import Hub
from simulation.stall import BOOTH, CODE, WHO

HUB_BENCH = "hub bench"
SWEEP = timedelta(minutes=1)
HAND_OVER = timedelta(minutes=5)
# A person has looked at a press that does not answer.
LOOKED = timedelta(minutes=5)
# What a booth leaves behind when its event is over.
_LEFT_BEHIND = (*TAKEN_FROM_BOOTHS, NO_EVENT)


class Entrance(Protocol):
    """How orders reach the shop; each call returns the order's name at its channel."""

    def sell(self, customer: Customer, at: datetime) -> str: ...

    def order(self, customer: Customer, at: datetime) -> str: ...


@dataclass(frozen=True)
class Happened:
    """What really happened, for the judge: pieces on the table and in bags, what came out of the presses and when, what
    each sale was, what was lent, stolen and counted, and what the settlement said of it. The books may tell times that
    are `grain` off."""

    evening: Evening
    room: Room
    table: Table
    came_out: Sequence[tuple[str, datetime]]
    sold: dict[str, Customer]
    lent: Counter[str]
    stolen: Counter[str]
    counted: dict[str, int]
    settled: Sequence[Settled]
    grain: timedelta = timedelta()


@dataclass
class Market:
    """A night under way. `sold` is what each customer wanted, by its name at its channel."""

    evening: Evening
    hub: Hub
    door: Entrance
    table: Table
    clock: Clock
    lent: Counter[str]
    sold: dict[str, Customer] = field(default_factory=dict)
    stolen: Counter[str] = field(default_factory=Counter)
    counted: dict[str, int] = field(default_factory=dict)
    settled: list[Settled] = field(default_factory=list)
    story: list[tuple[datetime, str]] = field(default_factory=list)
    _queue: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    @property
    def local(self) -> ZoneInfo:
        return zone(self.hub.room.shop.owner.timezone)

    def say(self, what: str) -> None:
        """Tell what happens, with the evening's time."""
        self.story.append((self.clock(), what))

    def _at(self, at: datetime, happens: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (at, next(self._numbers), happens))

    def serve(self, customer: Customer) -> None:
        """A customer orders; who carries something out takes it from the table."""
        if customer.wish is Wish.CARRY:
            customer = self._on_the_table(customer)
        ask = self.door.sell if customer.wish in AT_THE_TILL else self.door.order
        name = ask(customer, self.clock())
        self.sold[name] = customer
        if customer.wish is Wish.CARRY:
            for sku, pieces in customer.items:
                for _ in range(pieces):
                    assert self.table.put_aside(name, sku), "they took what lay there"

    def steal(self) -> None:
        """While the van is loaded, some pieces disappear."""
        for sku, pieces in self.evening.stolen.items():
            gone = min(pieces, self.table.pieces[sku])
            self.table.pieces[sku] -= gone
            self.stolen[sku] += gone

    def take_off(self, name: str) -> None:
        """The event goes on with the presses that are left."""

        def work(connection: Connection) -> None:
            row = events.locked(connection, CODE)
            event = events.event_of(row)
            left = tuple(one for one in event.printers if one != name)
            events.change(connection, row, replace(event, printers=left), self.clock(), WHO)

        self.hub.room.database.write(work)

    def count_and_settle(self) -> None:
        """Count what is really there, bags that nobody may have any more included, and settle."""
        self.decide()
        self._unpack()
        room = self.hub.room
        with room.database.read() as connection:
            known = [one.sku for one in leases.standing(connection, events.find(connection, CODE))]
        self.counted = {sku: max(0, self.table.pieces[sku]) for sku in known}

        def work(connection: Connection) -> list[Settled]:
            for sku, pieces in self.counted.items():
                leases.count(connection, CODE, sku, pieces, WHO)
            settled = leases.settle_event(connection, CODE, hub=room.shop.hub, actor=WHO)
            for wakeup in wake_backorders(connection, [one.sku for one in settled if one.returned], room.shop.hub):
                self.hub.bell.wake(wakeup)
            return settled

        self.settled = room.database.write(work)
        missing = sum(one.missing for one in self.settled)
        self.say(f"counted and settled: {sum(one.sold for one in self.settled)} sold, {missing} missing")

    def morning(self) -> None:
        """The hub prints and sends what was routed there."""
        self.hub.work()
        for place in self.hub.room.shop.locations:
            if place.id != BOOTH and place.printers:
                self._print_at(place.id, {process for one in place.printers for process in one.prints})
        self.hub.work()

    def _print_at(self, location: str, processes: set[str]) -> None:
        database = self.hub.room.database
        while jobs := database.write(lambda c: print_handing.hand_out(c, location, HUB_BENCH, 100)):
            for job in jobs:
                assert job.process in processes, f"nothing at {location} prints {job.process}"
                database.write(_start(job.id, job.attempt))
                for wakeup in database.write(
                    lambda c, id_=job.id, attempt=job.attempt: print_attempts.settle(  # type: ignore[misc]
                        c, id_, attempt, HUB_BENCH, "done", ""
                    )
                ):
                    self.hub.bell.wake(wakeup)

    def _on_the_table(self, customer: Customer) -> Customer:
        """What a customer takes instead where it does not lie there (any more); with an empty table a parcel."""
        there = +self.table.pieces
        chance = Random(self.evening.seed * 1000 + customer.number)  # noqa: S311 - an evening, not a secret
        taken: Counter[str] = Counter()
        for sku, pieces in customer.items:
            for _ in range(pieces):
                others = sorted(one for one in +there if not one.startswith("BLANK"))
                choice = sku if there[sku] > 0 else (chance.choice(others) if others else "")
                if choice:
                    taken[choice] += 1
                    there[choice] -= 1
        if not taken:
            return replace(customer, wish=Wish.SEND)
        return replace(customer, items=tuple(sorted(taken.items())))

    def decide(self) -> None:
        """Somebody of the shop decides on what its booth leaves behind when it closes, as its staff would that night.

        A parcel is sent from elsewhere. Who came to collect what the booth did not make goes home without it: their
        order is cancelled, and they are paid back what the books then owe them. Whatever else is on hold nobody here
        can decide, and the judge will say so.
        """
        database = self.hub.room.database
        query = select(orders.c.number, orders.c.delivery, orders.c.hold_reason)
        query = query.where(orders.c.state == OrderState.HELD, orders.c.hold_reason.in_(_LEFT_BEHIND))
        with database.read() as connection:
            left = connection.execute(query.order_by(orders.c.id)).all()
        for number, delivery, reason in left:
            if delivery == Delivery.SHIP and reason in TAKEN_FROM_BOOTHS:
                wakeups = database.write(
                    lambda c: send_from_elsewhere(c, number, WHO, self.hub.room.shop.hub)  # noqa: B023
                )
                for wakeup in wakeups:
                    self.hub.bell.wake(wakeup)
                self.say(f"{number} was left unfinished, and is sent from elsewhere")
            elif delivery == Delivery.COLLECT:
                database.write(lambda c: cancelling.cancel(c, number, WHO, desk.CANCELLED_BY_STAFF))  # noqa: B023
                database.write(lambda c: self._pay_back(c, number))  # noqa: B023
                why = "was left unfinished" if reason in TAKEN_FROM_BOOTHS else "was not begun before the close"
                self.say(f"{number} {why}: its customer has the money back, and it is cancelled")

    def _pay_back(self, connection: Connection, number: str) -> None:
        """Somebody pays by hand what is on the list of refunds of this order, and says so there."""
        owed = refunds.cancelled_order(connection, number)
        if owed is not None:
            whole = owed["goods_minor"] + owed["shipping_minor"]
            cancelled_refunds.confirm(connection, number, whole, "", WHO)

    def _unpack(self) -> None:
        """What was put aside or printed for work that ended elsewhere goes back onto the table."""
        query = (
            select(orders.c.number)
            .join(fulfilment_orders, fulfilment_orders.c.order_id == orders.c.id)
            .where(fulfilment_orders.c.location == BOOTH, fulfilment_orders.c.state != "cancelled")
        )
        with self.hub.room.database.read() as connection:
            here = set(connection.execute(query).scalars())
        for name in [name for name in self.table.bags if name not in here and name not in self.sold]:
            self.table.pieces.update(self.table.bags.pop(name))


def _start(job_id: int, attempt: int) -> Callable[[Connection], None]:
    return lambda connection: print_attempts.start(connection, job_id, attempt, HUB_BENCH, "hub press")
