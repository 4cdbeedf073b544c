"""The people and presses of the booth: who gives a press its next job, puts paper in, looks at what a dead one left.

What belongs here: the table with what really lies on it, the presses, and whoever stands between them. What does not:
one turn of a job at a press, which is the product's (`backroom.printing.bench`), and when what happens (`night`).

Work is given out as the lanes do it (`backroom.printing.lanes`): one job in flight a press, the next one to whoever is
free, and a job that has not begun to come out moves from a press that stopped to one that is free. The lanes themselves
wait for real seconds, so they run in `make demo-event`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, select

from backroom.domain.model import FulfilmentState
from backroom.printing.bench import Result, Turn, move_away, work_on
from backroom.printing.booth import Job
from backroom.printing.kept import MOST_AHEAD
from backroom.store import parcel_desk, print_attempts, scanning
from backroom.store.parcels import COLLECTED
from backroom.store.tables import fulfilment_lines, fulfilment_orders, orders, parcels
from simulation.hub import Hub
from simulation.line import Line
from simulation.press import Press
from simulation.stall import BOOTH, WHO

NO_BLANK = "media-needed"


@dataclass
class Table:
    """What really is at the booth, whatever the books say: `pieces` on the table by SKU, and `bags`, the pieces that
    were put aside for an order or carried out with it."""

    pieces: Counter[str]
    bags: dict[str, Counter[str]] = field(default_factory=dict)

    def put_aside(self, name: str, sku: str) -> bool:
        """One piece from the table into an order's bag; False where none lies there."""
        if self.pieces[sku] < 1:
            return False
        self.pieces[sku] -= 1
        self.bags.setdefault(name, Counter())[sku] += 1
        return True


@dataclass
class Staff:
    """Whoever stands at the table: sets pieces aside for orders, and hands over what lies ready."""

    hub: Hub
    table: Table

    def put_aside(self) -> list[str]:
        """Scan what lies on the table for orders that were taken from stock; what cannot be found, by order."""
        lost = []
        for number, sku in self._to_scan():
            if not self.table.put_aside(number, sku):
                lost.append(f"{number}: {sku}")
                continue
            result = self.hub.room.database.write(
                lambda c: scanning.scan(c, BOOTH, number, sku, WHO)  # noqa: B023
            )
            if not result.accepted:
                self.table.bags[number][sku] -= 1
                self.table.pieces[sku] += 1
            for wakeup in result.wakeups:
                self.hub.bell.wake(wakeup)
        return lost

    def hand_over(self) -> list[str]:
        """Hand what lies ready to whoever comes for it; the numbers of their orders."""
        with self.hub.room.database.read() as connection:
            ready = connection.execute(
                select(orders.c.number, parcels.c.code)
                .join(orders, orders.c.id == parcels.c.order_id)
                .where(
                    parcels.c.location == BOOTH,
                    parcels.c.kind == COLLECTED,
                    parcels.c.state == "ready",
                )
            ).all()

        def work(connection: Connection) -> None:
            for number, code in ready:
                parcel_desk.collect(connection, number, BOOTH, code, WHO)

        if ready:
            self.hub.room.database.write(work)
        return [number for number, _ in ready]

    def _to_scan(self) -> list[tuple[str, str]]:
        query = (
            select(
                orders.c.number,
                fulfilment_lines.c.sku,
                (fulfilment_lines.c.from_stock - fulfilment_lines.c.picked).label("left"),
            )
            .join(fulfilment_orders, fulfilment_orders.c.id == fulfilment_lines.c.fulfilment_order_id)
            .join(orders, orders.c.id == fulfilment_orders.c.order_id)
            .where(
                fulfilment_orders.c.location == BOOTH,
                fulfilment_orders.c.state == FulfilmentState.MAKING,
                fulfilment_lines.c.from_stock > fulfilment_lines.c.picked,
            )
        )
        with self.hub.room.database.read() as connection:
            return [(row.number, row.sku) for row in connection.execute(query) for _ in range(row.left)]


@dataclass(frozen=True, slots=True)
class Made:
    """What a press was given to print, by the key it has there."""

    number: str
    sku: str
    copies: int


@dataclass
class Stand(Staff):
    """The booth at work. `blank_of` says what each SKU is printed on, `short` which press waits for which blank."""

    line: Line
    presses: Sequence[Press]
    blank_of: Mapping[str, str]
    made: dict[str, Made] = field(default_factory=dict)
    short: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    at_press: dict[str, Job] = field(default_factory=dict)
    parked: dict[str, Job] = field(default_factory=dict)
    moved: set[int] = field(default_factory=set)

    def give_out(self) -> None:
        """Give every press that is free its next job, as long as there is one."""
        hand = self.line.claim(MOST_AHEAD)
        for press in self.presses:
            while not press.dead and not press.stopped and press.name not in {*self.at_press, *self.parked}:
                job = next((one for one in hand if self._may_begin(one, press)), None)
                if job is None:
                    break
                hand.remove(job)
                self._take(press, job, work_on(job, press.spec, press, self.line, follow_seconds=0))
                self._load(press, job)

    def look(self, press: Press) -> None:
        """Look at the job of a press: it may be through, stopped, or going on."""
        job = self.at_press.pop(press.name, None) or self.parked.pop(press.name, None)
        if job is not None:
            self._take(press, job, work_on(job, press.spec, press, self.line, follow_seconds=0))

    def bring(self, blank: str, pieces: int) -> None:
        """Blanks that come from the van; a press that waited for them goes on."""
        self.table.pieces[blank] += pieces
        for press in self.presses:
            job = self.parked.get(press.name)
            if job is not None and self.short.get(press.name) == blank and self.table.pieces[blank] >= job.copies:
                del self.short[press.name]
                self.table.pieces[blank] -= job.copies
                press.go_on()
                self.look(press)

    def move_on(self) -> None:
        """Move what lies at a stopped press to one that is free, once a try; only the shop may give it a new one."""
        free = [one for one in self.presses if self._is_free(one)]
        for press in self.presses:
            job = self.parked.get(press.name)
            if job is None or press.dead or not press.stopped or not free or self.line.away:
                continue
            if job.id not in self.moved and press.name not in self.short:
                self.moved.add(job.id)
                del self.parked[press.name]
                self._take(press, job, move_away(job, press, self.line))
                free.pop()

    def bury(self, press: Press) -> str:
        """Look what a dead press left: the order whose job it had; its piece is there, or it is printed again."""
        job = self.at_press.pop(press.name, None) or self.parked.pop(press.name, None)
        if job is None:
            return ""
        came_out = press.found(job.key)
        decision = "printed" if came_out else "print_again"
        if came_out:
            self.table.bags.setdefault(job.order_number, Counter())[job.sku] += job.copies
        else:
            self._unload(press, job)
        wakeups = self.hub.room.database.write(lambda c: print_attempts.decide(c, job.id, decision, WHO))
        for wakeup in wakeups:
            self.hub.bell.wake(wakeup)
        return f"{job.order_number}: {decision.replace('_', ' ')}"

    def _load(self, press: Press, job: Job) -> None:
        """Put a blank in; where none is left, the press waits for one."""
        if press.name not in self.at_press:
            return
        self.made[job.key] = Made(job.order_number, job.sku, job.copies)
        blank = self.blank_of.get(job.sku, "")
        if not blank:
            return
        if self.table.pieces[blank] < job.copies:
            press.stop(NO_BLANK)
            self.said.append(f"{press.name} waits for {job.copies} × {blank}")
            self.short[press.name] = blank
            self.look(press)
        else:
            self.table.pieces[blank] -= job.copies

    def _unload(self, press: Press, job: Job) -> None:
        """Nothing came out: the blank is as good as new."""
        blank = self.blank_of.get(job.sku, "")
        if blank and self.short.pop(press.name, "") != blank and job.key in self.made:
            self.table.pieces[blank] += job.copies

    def _may_begin(self, job: Job, press: Press) -> bool:
        busy = {one.id for one in (*self.at_press.values(), *self.parked.values())}
        return not job.started and job.process in press.spec.prints and job.id not in busy

    def _is_free(self, press: Press) -> bool:
        return not press.dead and not press.stopped and press.name not in {*self.at_press, *self.parked}

    def _take(self, press: Press, job: Job, turn: Turn) -> None:
        begun = replace(job, started=True, printer=press.name, printer_job=turn.printer_job or job.printer_job)
        match turn.result:
            case Result.PRINTING:
                self.at_press[press.name] = replace(begun, state="printing")
            case Result.BLOCKED:
                self.parked[press.name] = replace(begun, state="blocked", reason=turn.reason)
            case Result.DONE:
                self.table.bags.setdefault(job.order_number, Counter())[job.sku] += job.copies
            case Result.FAILED:
                self._unload(press, job)
            case Result.GONE | Result.LEFT:
                pass
            case _:
                raise AssertionError(f"no press of the evening leaves a job {turn.result}: {turn.reason}")
