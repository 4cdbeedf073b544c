"""F10: a model of the whole back room. Whatever customers, staff, printers, scanners, waves and crashes do, in whatever
order, stock is conserved, no print, label or message happens twice, and every order ends or waits for a named reason.

The floor is the real one, on SQLite, with folders for printers, labels and mail; the model keeps only what was ordered.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Connection, event, select

from backroom.engine import wake
from backroom.shop import room as rooms
from backroom.store import desk, print_attempts, print_jobs, stock
from backroom.store.claims import end_instance
from backroom.store.database import Database, now
from backroom.store.instances import this_instance
from backroom.store.print_attempts import NotYourJob
from backroom.store.tables import orders
from tests.databases import migrated
from tests.faults.table import Fault
from tests.shops import BOOTH, GTIN_TEE, HUB, PLAIN, SCARCE, SOUTH, an_order, open_floor

# A wave commits about as often as this from its claim to its end.
COMMITS = st.integers(0, 12)
STEPS = 20

PLACES = st.sampled_from([HUB, SOUTH, BOOTH])
SKUS = st.sampled_from([PLAIN, SCARCE, GTIN_TEE])


class Killed(BaseException):
    """The process died here."""


class BackRoom(RuleBasedStateMachine):
    """Rules are what may happen; invariants are what must hold after each of them."""

    days = 0

    @initialize()
    def open(self) -> None:
        type(self).days += 1
        self.folder = Path(tempfile.mkdtemp(prefix="backroom-model-"))
        url = f"sqlite:///{self.folder / 'shop.db'}"
        migrated(url)
        self.floor = open_floor(Database(url), self.folder / "home")
        self.patch = pytest.MonkeyPatch()
        self.patch.setenv("BACKROOM_HOME", str(self.floor.room.home))
        self.patch.setitem(rooms._open, self.floor.room.home.resolve(), self.floor.room)
        self.patch.setitem(vars(wake), "_this", self.floor.waker)
        self.ordered: dict[int, str] = {}
        self.minute = 0
        self.parcels = 0

    def teardown(self) -> None:
        if not hasattr(self, "floor"):
            return
        self.settle_everything()
        self.patch.undo()
        self.floor.room.close()
        shutil.rmtree(self.folder)

    @rule(sku=SKUS, quantity=st.integers(1, 4), at=PLACES)
    def a_customer_orders(self, sku: str, quantity: int, at: str) -> None:
        self.ordered[self.floor.order((sku, quantity), at=at)] = at

    @rule(data=st.data(), sku=SKUS, quantity=st.integers(1, 4))
    def a_customer_changes_an_order(self, data: st.DataObject, sku: str, quantity: int) -> None:
        if self.ordered:
            external = data.draw(st.sampled_from(sorted(self.ordered)))
            self.minute = min(self.minute + 1, 59)
            changed = an_order(external, [(sku, quantity)], at=self.ordered[external], minute=self.minute)
            self.floor.deliver(changed, "orders/updated")

    @rule(data=st.data(), what=st.sampled_from(["hold", "release", "cancel", "retry"]))
    def staff_act(self, data: st.DataObject, what: str) -> None:
        numbers = self.numbers()
        if not numbers:
            return
        number = data.draw(st.sampled_from(numbers))
        write = self.floor.room.database.write
        try:
            match what:
                case "hold":
                    write(lambda c: desk.hold(c, number, "wait", "Ada"))
                case "release":
                    write(lambda c: desk.release(c, number, "Ada", HUB))
                case "cancel":
                    write(lambda c: desk.cancel(c, number, "Ada", "changed"))
                case "retry":
                    write(lambda c: desk.retry(c, number, "Ada", HUB))
        except desk.NotPossibleNow:
            pass

    @rule()
    def intake(self) -> None:
        self.floor.intake()

    @rule(place=PLACES)
    def fulfilment(self, place: str) -> None:
        self.floor.fulfil(place)

    @rule(
        place=st.sampled_from([HUB, BOOTH]), outcome=st.sampled_from(["done", "done", "failed", "unknown", "returned"])
    )
    def a_printer_prints(self, place: str, outcome: str) -> None:
        for job in self.floor.hand_out(place, most=1):
            if outcome == "returned":
                self.floor.room.database.write(
                    lambda c, job=job: print_attempts.settle(c, job.id, job.attempt, "bench", outcome, "")
                )
            else:
                self.floor.print(job, outcome)

    @rule(place=st.sampled_from([HUB, BOOTH]))
    def a_printer_dies_in_the_middle(self, place: str) -> None:
        for job in self.floor.hand_out(place, most=1):
            self.floor.room.database.write(
                lambda c, job=job: print_attempts.start(c, job.id, job.attempt, "bench", "press")
            )

    @rule(data=st.data(), decision=st.sampled_from(["printed", "print_again"]))
    def a_person_decides_on_a_print(self, data: st.DataObject, decision: str) -> None:
        with self.floor.room.database.read() as connection:
            ids = [row["id"] for place in (HUB, BOOTH) for row in print_jobs.queue(connection, place)]
        if ids:
            id_ = data.draw(st.sampled_from(ids))
            with contextlib.suppress(NotYourJob):
                self.floor.room.database.write(lambda c: print_attempts.decide(c, id_, decision, "Ada"))

    @rule(data=st.data(), code=SKUS)
    def somebody_scans(self, data: st.DataObject, code: str) -> None:
        numbers = self.numbers()
        if numbers:
            self.floor.scan(SOUTH, data.draw(st.sampled_from(numbers)), code)

    @rule(place=PLACES, commits=COMMITS)
    def a_wave_is_killed(self, place: str, commits: int) -> None:
        """After so many commits nothing of the process is written any more, not even that its claim is over."""
        left = itertools.count(commits, -1)

        def die(_: Connection) -> None:
            if next(left) <= 0:
                raise Killed

        engine = self.floor.room.database.engine
        event.listen(engine, "commit", die)
        try:
            with contextlib.suppress(Killed):
                self.floor.intake()
                self.floor.fulfil(place)
        finally:
            event.remove(engine, "commit", die)
        # What the next claim finds out of a process that is gone.
        self.floor.room.database.write(lambda c: end_instance(c, this_instance()))

    @rule(place=st.sampled_from([HUB, SOUTH]), sku=SKUS, pieces=st.integers(1, 5))
    def stock_arrives(self, place: str, sku: str, pieces: int) -> None:
        self.parcels += 1
        key = f"parcel-{self.parcels}"
        write = self.floor.room.database.write
        for _ in range(2):
            # The same delivery note is typed in twice, and counts once.
            write(lambda c: stock.receive(c, key, [(place, sku, pieces)], "delivered", now(c)))

    @invariant()
    def stock_is_conserved(self) -> None:
        if hasattr(self, "floor"):
            self.floor.check_sums()

    @invariant()
    def every_effect_happened_once_or_not_at_all(self) -> None:
        if hasattr(self, "floor"):
            self.floor.check_effects()

    @invariant()
    def cancelled_orders_have_no_label_and_fulfilled_ones_have_all_they_wait_for(self) -> None:
        if not hasattr(self, "floor"):
            return
        for number in self.numbers():
            state, parts = self.floor.state(number)
            if state == "cancelled":
                assert set(parts) <= {"cancelled"}
                assert self.floor.story(number).shipments == []
            if state == "fulfilled":
                assert set(parts) <= {"cancelled", "done"}
                assert "done" in parts

    def numbers(self) -> list[str]:
        with self.floor.room.database.read() as connection:
            return list(connection.execute(select(orders.c.number).order_by(orders.c.id)).scalars())

    def settle_everything(self) -> None:
        """At the end of the day everything that waits is done: then every order has ended or waits for a person."""
        write = self.floor.room.database.write
        for _ in range(3):
            self.floor.intake()
            for place in (HUB, SOUTH, BOOTH):
                self.floor.fulfil(place)
            with self.floor.room.database.read() as connection:
                jobs = [row["id"] for place in (HUB, BOOTH) for row in print_jobs.queue(connection, place)]
            for id_ in jobs:
                if job_state(self.floor.room.database, id_) in ("unknown", "failed", "printing", "handed", "blocked"):
                    write(lambda c, id_=id_: print_attempts.decide(c, id_, "printed", "Ada"))
            for place in (HUB, BOOTH):
                for job in self.floor.hand_out(place, most=100):
                    self.floor.print(job)
            for number in self.numbers():
                for line in self.floor.story(number).part_lines:
                    for _ in range(line["from_stock"] - line["picked"]):
                        self.floor.scan(SOUTH, number, line["sku"])
        for number in self.numbers():
            assert self.floor.state(number)[0] in ("fulfilled", "cancelled", "held", "backordered"), number
        self.floor.check_sums()


def job_state(database: Database, id_: int) -> str:
    with database.read() as connection:
        query = select(print_jobs.print_jobs.c.state).where(print_jobs.print_jobs.c.id == id_)
        return str(connection.execute(query).scalar_one())


@pytest.mark.fault("F10")
@pytest.mark.timeout(7200)
def test_whatever_happens_in_whatever_order_every_order_ends_or_waits_for_a_reason(fault: Fault) -> None:
    BackRoom.days = 0
    chosen = settings(
        max_examples=fault.volume(6, 150, 2_000),
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    run_state_machine_as_test(seed(fault.seed)(BackRoom), settings=chosen)
    fault.tell(sequences=BackRoom.days, steps=STEPS)
