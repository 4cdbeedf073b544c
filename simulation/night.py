"""One night on a clock that is set: what happens when, from the first customer to the last parcel.

What belongs here: the order of things. What does not: chance (`evening`), people and presses (`booth`, `market`), the
shop's own work (`hub`), and whether it went well (`judge`).
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

from backroom.domain.leases import Loan
from backroom.store import leases, print_jobs, stock
from simulation.booth import Stand, Table
from simulation.clock import StandingClock
from simulation.evening import CLOSES, OPENS, Evening, Stopped
from simulation.hub import Hub
from simulation.line import Line
from simulation.market import HAND_OVER, LOOKED, SWEEP, Happened, Market
from simulation.press import OUT_OF_PAPER, Press
from simulation.stall import BOOTH, CODE, WHO, blanks_of, open_stall
from simulation.till import Door

# A person has carried blanks from the van.
BROUGHT = timedelta(minutes=8)
FEW_BLANKS, MORE_BLANKS = 3, 8
COUNTED = CLOSES + timedelta(minutes=75)
MORNING = CLOSES + timedelta(hours=40)


@dataclass(kw_only=True)
class Night(Market):
    """A night under way, on a clock that is set."""

    clock: StandingClock
    door: Door
    stand: Stand
    _coming: set[str] = field(default_factory=set)
    _watched: set[tuple[str, datetime]] = field(default_factory=set)
    _freed: bool = False

    def play(self) -> None:
        """All of it: the evening, the count, the settlement, and the next working morning at the hub."""
        self._plan()
        with self.hub.at_work():
            while self._queue:
                at, _, happens = heapq.heappop(self._queue)
                self.clock.set(at)
                happens()
                self._settle_down()

    def _plan(self) -> None:
        at = self._at
        for customer in self.evening.customers:
            at(customer.at, partial(self.serve, customer))
        for stopped in self.evening.paper_out:
            at(stopped.at, partial(self._paper_out, stopped))
        press, dies_at = self.evening.dies
        at(dies_at, partial(self._dies, self.stand.presses[press]))
        at(self.evening.cut_off, self._cut_off)
        at(self.evening.back, self._back)
        at(CLOSES + timedelta(minutes=10), self.steal)
        at(OPENS, self.hub.look_after_events)
        at(CLOSES, self.hub.look_after_events)
        moment = OPENS
        while moment < COUNTED:
            moment += SWEEP
            at(moment, self._sweep)
            if (moment - OPENS) % HAND_OVER == timedelta():
                at(moment, self._hand_over)
        at(COUNTED, self._count)
        at(MORNING, self.morning)

    def _settle_down(self) -> None:
        """Let everything that can go on at this moment go on."""
        while True:
            worked = self.hub.work()
            if not self.stand.line.away and worked:
                for lost in self.stand.put_aside():
                    self.say(f"not on the table: {lost}")
            if self.hub.bell.rung & {(print_jobs.STAGE, BOOTH)} or self._someone_is_free():
                self.hub.bell.rung.discard((print_jobs.STAGE, BOOTH))
                self.stand.give_out()
            for said in self.stand.said:
                self.say(said)
            self.stand.said.clear()
            self._fetch_blanks()
            self._watch()
            if not worked:
                return

    def _someone_is_free(self) -> bool:
        busy = {*self.stand.at_press, *self.stand.parked}
        freed = any(not one.dead and not one.stopped and one.name not in busy for one in self.stand.presses)
        return freed and self._freed

    def _watch(self) -> None:
        """Look at each press when its job is through."""
        self._freed = False
        for press in self.stand.presses:
            ends = press.ends_at
            if press.name in self.stand.at_press and ends is not None and (press.name, ends) not in self._watched:
                self._watched.add((press.name, ends))
                self._at(ends, partial(self._through, press))

    def _through(self, press: Press) -> None:
        if press.name in self.stand.at_press and not press.dead:
            self.stand.look(press)
            self._freed = True

    def _paper_out(self, stopped: Stopped) -> None:
        press = self.stand.presses[stopped.press]
        if press.dead or press.stopped:
            return
        press.stop(OUT_OF_PAPER)
        self.stand.look(press)
        self.stand.move_on()
        self.say(f"{press.name} is out of paper")
        self._freed = True
        self._at(stopped.until, partial(self._paper_in, press))

    def _paper_in(self, press: Press) -> None:
        if not press.dead:
            press.go_on()
            self.stand.look(press)
            self._freed = True
            self.say(f"{press.name} has paper again")

    def _dies(self, press: Press) -> None:
        press.die()
        self.stand.look(press)
        self._freed = True
        self.say(f"{press.name} is dead")
        self._at(self.clock() + LOOKED, partial(self._bury, press))

    def _bury(self, press: Press) -> None:
        if self.stand.line.away:
            self._at(self.evening.back + timedelta(minutes=1), partial(self._bury, press))
            return
        said = self.stand.bury(press)
        self.say(f"somebody looked at {press.name}: {said or 'it had no job'}")
        self.take_off(press.name)

    def _cut_off(self) -> None:
        self.stand.line.claim(20)
        self.stand.line.away = self.door.away = True
        self.say("no network")

    def _back(self) -> None:
        self.door.away = False
        sales = len(self.door.kept)
        self.door.tell()
        lines = self.stand.line.come_back()
        self._freed = True
        self.say(f"the network is back: {sales} sales and {lines} lines of the journal are told")

    def _fetch_blanks(self) -> None:
        """Whoever stands at the table sees that a blank runs out, and has more sent from the hub's van."""
        if self.stand.line.away or self.clock() > CLOSES - timedelta(minutes=20):
            return
        for blank in sorted(set(self.stand.blank_of.values())):
            if self.stand.table.pieces[blank] <= FEW_BLANKS and blank not in self._coming:
                self._coming.add(blank)
                self._at(self.clock() + BROUGHT, partial(self._bring, blank))

    def _bring(self, blank: str) -> None:
        if self.stand.line.away:
            self._at(self.evening.back + timedelta(minutes=1), partial(self._bring, blank))
            return
        self._coming.discard(blank)
        room = self.hub.room
        with room.database.read() as connection:
            level = stock.levels(connection).get((room.shop.hub, blank))
        pieces = min(MORE_BLANKS, level.available if level else 0)
        if pieces < 1 or self.clock() >= CLOSES:
            self._coming.add(blank)
            return
        loan = Loan(blank, room.shop.hub, pieces, False)
        key = f"more {blank} {self.clock().isoformat()}"
        room.database.write(lambda c: leases.lend(c, CODE, [loan], key=key, actor=WHO))
        self.lent[blank] += pieces
        self.stand.bring(blank, pieces)
        self.say(f"{pieces} × {blank} came from the van")
        self._freed = True

    def _sweep(self) -> None:
        self.stand.line.call()
        self.hub.promise(BOOTH)
        if not self.stand.line.away:
            for lost in self.stand.put_aside():
                self.say(f"not on the table: {lost}")
            self.stand.move_on()
        if self.clock() >= CLOSES:
            self.hub.look_after_events()

    def _hand_over(self) -> None:
        if not self.stand.line.away:
            self.stand.hand_over()

    def _count(self) -> None:
        self.stand.hand_over()
        self.count_and_settle()

    def happened(self) -> Happened:
        """What the judge is to know."""
        came_out = [one for press in self.stand.presses for one in press.came_out]
        told = (self.evening, self.hub.room, self.table, came_out, self.sold)
        ended = (self.lent, self.stolen, self.counted, self.settled)
        return Happened(*told, *ended)


@contextmanager
def open_night(home: Path, evening: Evening) -> Iterator[Night]:
    """A night on a home folder that nobody has used."""
    clock = StandingClock(OPENS - timedelta(hours=2))
    chance = Random(evening.seed + 1)  # noqa: S311 - an evening, not a secret
    room = open_stall(home, clock, evening)
    try:
        hub = Hub(room)
        presses = [Press(spec, clock, Random(chance.random())) for spec in room.shop.location(BOOTH).printers]  # noqa: S311
        line = Line(room, BOOTH, clock, hub.bell, Random(chance.random()))  # noqa: S311
        table = Table(Counter(evening.lent))
        stand = Stand(hub, table, line, presses, blanks_of(room))
        door = Door(room, hub.bell, Random(chance.random()))  # noqa: S311
        yield Night(
            evening=evening,
            hub=hub,
            door=door,
            table=table,
            clock=clock,
            lent=Counter(evening.lent),
            stand=stand,
        )
    finally:
        room.close()
