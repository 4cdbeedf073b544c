"""A night under way in real time: what people do at the table, at the presses and with the cable, and when.

What belongs here: the order of things. What does not: the processes it runs over (`live`), chance (`evening`), people
(`market`, `booth`), and whether it went well (`judge`).
"""

from __future__ import annotations

import heapq
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random

import requests
from sqlalchemy import select

from backroom.channels.signing import sign
from backroom.domain.model import FulfilmentState, PrintJobState
from backroom.printing.virtual import VirtualPrinter
from backroom.shop.room import Room
from backroom.store import print_attempts
from backroom.store.print_jobs import job_key
from backroom.store.tables import fulfilment_orders, print_jobs
from backroom.till.sales_box import SalesBox
from backroom.till.telling import Telling
from simulation.booth import Staff
from simulation.cable import Cable
from simulation.clock import RunningClock
from simulation.evening import CLOSES, OPENS, Customer, Stopped
from simulation.market import HAND_OVER, LOOKED, SWEEP, Happened, Market
from simulation.stall import BOOTH, WHO
from simulation.till import WEB, till_sale, web_order

LAST_LOOK = CLOSES + timedelta(hours=1)
PAUSE_SECONDS = 0.02
READ_SECONDS = 30.0
# What lies between the moment when a piece comes out and the one in which the shop hears of it.
GRAIN = timedelta(minutes=2)
_AT_PRESS = (PrintJobState.PRINTING, PrintJobState.BLOCKED, PrintJobState.UNKNOWN)


@dataclass
class LiveDoor:
    """The till's own box, told over the cable, and the web shop's signed webhooks."""

    room: Room
    gateway: str
    box: SalesBox
    telling: Telling
    chance: Random

    def sell(self, customer: Customer, at: datetime) -> str:
        catalogue = self.telling.catalogue()
        assert catalogue is not None, "the till has asked what there is to sell"
        sale = till_sale(customer, at, 0)
        del sale["device"]
        seq = self.box.add(str(catalogue["sealing_key"]), sale)
        return f"{self.box.device}-{seq}"

    def order(self, customer: Customer, at: datetime) -> str:
        order = web_order(customer, at)
        spec = self.room.shop.channel(WEB)
        body = json.dumps(order, ensure_ascii=False).encode()
        headers = sign(spec.kind, body, self.room.secret(spec.secret), shop_domain=spec.shop_domain)
        for _ in range(2 if self.chance.random() < 0.1 else 1):
            told = requests.post(f"{self.gateway}/webhooks/{WEB}", data=body, headers=headers, timeout=READ_SECONDS)
            told.raise_for_status()
        return str(order["id"])


@dataclass(kw_only=True)
class LiveNight(Market):
    """A night under way, in real time. `tell` is called with each line of the story, `pass_time` as time goes by."""

    clock: RunningClock
    door: LiveDoor
    staff: Staff
    printers: Mapping[str, VirtualPrinter]
    cable: Cable
    blank_of: Mapping[str, str]
    tell: Callable[[str], None]
    pass_time: Callable[[datetime, int], None]
    away: bool = False
    _found: dict[str, datetime] = field(default_factory=dict)

    def say(self, what: str) -> None:
        super().say(what)
        at, _ = self.story[-1]
        self.tell(f"{at.astimezone(self.local):%H:%M}  {what}")

    def play(self) -> None:
        """The evening, until the last press is through; then the count, the settlement, and the morning at the hub."""
        self._plan()
        with self.hub.at_work():
            while self._queue or not self._through():
                self._do_what_is_due()
                if self.door.box.waiting(1) and not self.away:
                    self.door.telling.look()
                with self.clock.standing():
                    if self.hub.work() and not self.away:
                        self.staff.put_aside()
                self.pass_time(self.clock(), len(self.sold))
                time.sleep(PAUSE_SECONDS)
            with self.clock.standing():
                self.staff.hand_over()
                self._fill_bags()
                self.steal()
                self.count_and_settle()
                self.morning()

    def happened(self) -> Happened:
        """What the judge is to know."""
        told = (self.evening, self.hub.room, self.table, self._came_out(), self.sold)
        ended = (self.lent, self.stolen, self.counted, self.settled, GRAIN)
        return Happened(*told, *ended)

    def _plan(self) -> None:
        for customer in self.evening.customers:
            self._at(customer.at, partial(self.serve, customer))
        for stopped in self.evening.paper_out:
            self._at(stopped.at, partial(self._paper_out, stopped))
        number, dies_at = self.evening.dies
        self._at(dies_at, partial(self._dies, list(self.printers)[number]))
        self._at(self.evening.cut_off, self._cut_off)
        self._at(self.evening.back, self._back)
        moment = OPENS
        while moment < LAST_LOOK:
            self._at(moment, self._sweep)
            moment += SWEEP
            if (moment - OPENS) % HAND_OVER == timedelta():
                self._at(moment, self._hand_over)

    def _do_what_is_due(self) -> None:
        while self._queue and self._queue[0][0] <= self.clock():
            _, _, happens = heapq.heappop(self._queue)
            with self.clock.standing():
                happens()
        if self.clock() > CLOSES and self._through() and not self._unfinished():
            self._queue.clear()

    def _through(self) -> bool:
        """Whether nothing is left to be printed at the booth."""
        waits = (PrintJobState.WAITING, PrintJobState.HANDED, *_AT_PRESS)
        query = select(print_jobs.c.id).where(print_jobs.c.location == BOOTH, print_jobs.c.state.in_(waits)).limit(1)
        with self.hub.room.database.read() as connection:
            return not self.away and connection.execute(query).first() is None

    def _unfinished(self) -> bool:
        """Whether something that was begun lacks a piece: a quarter of an hour after the close it is on hold, and only
        then can somebody decide on it before the count."""
        row = fulfilment_orders.c
        query = select(row.id).where(row.location == BOOTH, row.state == FulfilmentState.MAKING).limit(1)
        with self.hub.room.database.read() as connection:
            return connection.execute(query).first() is not None

    def _sweep(self) -> None:
        self.hub.promise(BOOTH)
        self.hub.look_after_events()
        if not self.away:
            self.staff.put_aside()

    def _hand_over(self) -> None:
        if not self.away:
            self.staff.hand_over()

    def _paper_out(self, stopped: Stopped) -> None:
        name = list(self.printers)[stopped.press]
        self.printers[name].set_state("+media-empty")
        self.say(f"{name} is out of paper")
        self._at(stopped.until, partial(self._paper_in, name))

    def _paper_in(self, name: str) -> None:
        self.printers[name].set_state("-media-empty")
        self.say(f"{name} has paper again")

    def _dies(self, name: str) -> None:
        self.printers[name].stop()
        self.say(f"{name} is dead, for good")
        self._at(self.clock() + LOOKED, partial(self._bury, name))

    def _bury(self, name: str) -> None:
        """Somebody looks at what a dead press left, and says so; the event goes on without it."""
        if self.away:
            self._at(self.evening.back + SWEEP, partial(self._bury, name))
            return
        there = {_plain(one.key) for one in self.printers[name].jobs()}
        said = []
        for job in self._left_at(name):
            key = job_key(job[1], job[2], job[3], job[4])
            decision = "printed" if key in there else "print_again"
            self._found[key] = self.clock()
            for wakeup in self.hub.room.database.write(
                lambda c, id_=job[0], word=decision: print_attempts.decide(c, id_, word, WHO)  # type: ignore[misc]
            ):
                self.hub.bell.wake(wakeup)
            said.append(f"{job[1]}: {decision.replace('_', ' ')}")
        self.take_off(name)
        self.say(f"somebody looked at {name}: {', '.join(said) or 'it had no job'}")

    def _left_at(self, name: str) -> list[tuple[int, str, str, int, int]]:
        row = print_jobs.c
        query = select(row.id, row.order_number, row.part_key, row.line_no, row.attempt)
        query = query.where(row.location == BOOTH, row.printer == name, row.state.in_(_AT_PRESS))
        with self.hub.room.database.read() as connection:
            return [tuple(one) for one in connection.execute(query)]

    def _cut_off(self) -> None:
        self.away = True
        self.cable.cut(silent=False)
        self.say("no network: till and booth go on alone")

    def _back(self) -> None:
        sales = len(self.door.box.waiting())
        self.cable.mend()
        self.away = False
        self.say(f"the network is back: {sales} sales are told, and what was printed meanwhile")

    def _came_out(self) -> list[tuple[str, datetime]]:
        """Each key with when somebody could have it: what a dead press left lies there for nobody until it is found."""
        found = [
            (key, self._found.get(key, self.clock.at(one.printed_at)))
            for press in self.printers.values()
            for one in press.jobs()
            for key in [_plain(one.key)]
        ]
        return sorted(found, key=lambda one: one[1])

    def _fill_bags(self) -> None:
        """Each print lies with its order, and its blank is used up."""
        row = print_jobs.c
        query = select(row.order_number, row.part_key, row.line_no, row.attempt, row.sku, row.copies)
        known: dict[str, tuple[str, str, int]] = {}
        with self.hub.room.database.read() as connection:
            for number, part, line, tries, sku, copies in connection.execute(query.where(row.location == BOOTH)):
                for attempt in range(1, tries + 1):
                    known[job_key(number, part, line, attempt)] = number, sku, copies
        for key, _ in self._came_out():
            number, sku, copies = known[key]
            self.table.bags.setdefault(number, Counter())[sku] += copies
            if blank := self.blank_of.get(sku):
                self.table.pieces[blank] -= copies


def _plain(key: str) -> str:
    """A job's key without the number of the tries that a booth made of it alone."""
    head, _, tail = key.rpartition(".")
    return head if head and tail.isdigit() else key
