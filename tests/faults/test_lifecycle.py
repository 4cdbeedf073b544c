"""F10: a model of the whole back room. Whatever customers, staff, printers, scanners, waves and crashes do, in whatever
order, stock and money are conserved, no print, label, message or refund happens twice, and every order ends, waits for
a named reason, or is flagged.

The floor is the real one, on SQLite, with folders for printers, labels and mail; the model keeps only what was ordered,
and the channel's till what was paid. What comes back is in `taking_back`, the sums of money in `money`.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test
from pytest_httpserver import HTTPServer
from sqlalchemy import Connection, event, select

from backroom.engine import wake
from backroom.shop import room as rooms
from backroom.store import cancelling, desk, print_attempts, print_jobs, stock
from backroom.store.claims import end_instance
from backroom.store.database import Database, now
from backroom.store.effects import STARTED
from backroom.store.instances import this_instance
from backroom.store.print_attempts import NotYourJob
from backroom.store.tables import effects, orders
from tests.faults.lasting import check_labels, check_reasons
from tests.faults.money import SOURCE, Price, check_conserved, check_never_too_much, open_till
from tests.faults.table import Fault
from tests.faults.taking_back import TakingBack
from tests.shops import BOOTH, GTIN_TEE, HUB, PLAIN, SCARCE, SOUTH, an_order, open_floor, pay_by_secrets

# A wave commits about as often as this from its claim to its end.
COMMITS = st.integers(0, 12)
STEPS = 24

PLACES = st.sampled_from([HUB, SOUTH, BOOTH])
SKUS = st.sampled_from([PLAIN, SCARCE, GTIN_TEE])
MIDDAY = "2026-11-01T12:00:00+00:00"
PRICES = st.builds(Price, discount=st.sampled_from([0, 0, 100, 1001]), postage=st.sampled_from([0, 490]))


class Killed(BaseException):
    """The process died here."""


class BackRoom(TakingBack):
    """Rules are what may happen; invariants are what must hold after each of them."""

    server: HTTPServer
    # A database with all tables and nothing in them: making one takes longer than a day.
    template: Path
    days = refunds = 0

    @initialize(quantity=st.integers(1, 4), price=PRICES)
    def open(self, quantity: int, price: Price) -> None:
        """A shop that has sent one order already."""
        type(self).days += 1
        self.folder = Path(tempfile.mkdtemp(prefix="backroom-model-"))
        url = f"sqlite:///{self.folder / 'shop.db'}"
        shutil.copy(self.template, self.folder / "shop.db")
        self.floor = open_floor(Database(url), self.folder / "home")
        self.patch = pytest.MonkeyPatch()
        self.till = open_till(self.server, self.days, self.floor, self.patch)
        self.patch.setenv("BACKROOM_HOME", str(self.floor.room.home))
        self.patch.setitem(rooms._open, self.floor.room.home.resolve(), self.floor.room)
        self.patch.setitem(vars(wake), "_this", self.floor.waker)
        pay_by_secrets(self.floor, self.patch)
        self.ordered: dict[int, tuple[str, Price, list[tuple[str, int]]]] = {}
        self.said: dict[int, dict[str, Any]] = {}
        self.minute = 0
        self.parcels = 0
        self.an_order_is_sent(quantity, price)

    def teardown(self) -> None:
        if not hasattr(self, "floor"):
            return
        self.settle_everything()
        self.patch.undo()
        self.floor.room.close()
        shutil.rmtree(self.folder)

    @rule(sku=SKUS, quantity=st.integers(1, 4), at=PLACES, price=PRICES)
    def a_customer_orders(self, sku: str, quantity: int, at: str, price: Price) -> None:
        external_id = next(self.floor.ids)
        self.ordered[external_id] = at, price, [(sku, quantity)]
        self.news(external_id, "orders/create")

    @rule(quantity=st.integers(1, 4), price=PRICES)
    def an_order_is_sent(self, quantity: int, price: Price) -> None:
        """Most of what comes back has been gone for long: here it has gone at once."""
        self.a_customer_orders(PLAIN, quantity, HUB, price)
        self.floor.intake()
        self.floor.fulfil(HUB)

    @rule(data=st.data(), sku=SKUS, quantity=st.integers(1, 4))
    def a_customer_changes_an_order(self, data: st.DataObject, sku: str, quantity: int) -> None:
        """Nobody changes at the channel what was paid back there in part."""
        free = [external_id for external_id in self.ordered if not self.till.shop.refunds.get(external_id)]
        if free:
            external_id = data.draw(st.sampled_from(free))
            at, price, _ = self.ordered[external_id]
            self.ordered[external_id] = at, price, [(sku, quantity)]
            self.news(external_id)

    @rule(data=st.data())
    def a_customer_cancels_at_the_channel(self, data: st.DataObject) -> None:
        """It pays back at once what it has."""
        if self.ordered:
            external_id = data.draw(st.sampled_from(sorted(self.ordered)))
            if left := self.till.left(external_id):
                self.till.gives(external_id, left, SOURCE)
            self.news(external_id, "orders/cancelled", financial_status="refunded", cancelled_at=MIDDAY)

    def news(self, external_id: int, topic: str = "orders/updated", **changes: Any) -> None:
        at, price, lines = self.ordered[external_id]
        self.minute = min(self.minute + 1, 59)
        # What was said once of an order holds for all that is said of it later.
        self.said[external_id] = self.said.get(external_id, {}) | changes
        order = an_order(external_id, lines, at=at, minute=self.minute, **self.said[external_id])
        order, total = price.on(order)
        if not self.till.shop.refunds.get(external_id):
            self.till.takes(external_id, order, total)
        self.floor.deliver(order, topic)

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
                    write(lambda c: desk.hold(c, number, desk.ASKED_BY_STAFF, "Ada"))
                case "release":
                    write(lambda c: desk.release(c, number, "Ada", HUB))
                case "cancel":
                    write(lambda c: cancelling.cancel(c, number, "Ada", "changed"))
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
                self.floor.take_back()
                self.floor.pay_cancelled()
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
    def nothing_is_paid_back_twice_nor_beyond_what_was_paid(self) -> None:
        if hasattr(self, "floor"):
            check_never_too_much(self.floor, self.till)

    @invariant()
    def whatever_waits_says_for_what(self) -> None:
        if hasattr(self, "floor"):
            check_reasons(self.floor)

    @invariant()
    def cancelled_orders_have_no_label_and_fulfilled_ones_have_all_they_wait_for(self) -> None:
        if hasattr(self, "floor"):
            check_labels(self.floor)

    def numbers(self) -> list[str]:
        with self.floor.room.database.read() as connection:
            return list(connection.execute(select(orders.c.number).order_by(orders.c.id)).scalars())

    def settle_everything(self) -> None:
        """At the end of the day everything that waits is done: then every order has ended or waits for a person, and
        every cent is where the books say."""
        write = self.floor.room.database.write
        for last in (False, False, True):
            self.floor.intake()
            if not last:
                # What comes back may still be exchanged, and the other piece is made.
                self.settle_returns()
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
            # Nothing is left that nobody would look at; what it waits for is checked with all others.
            state, parts = self.floor.state(number)
            assert state in ("fulfilled", "cancelled", "held", "backordered"), f"{number} is {state}: {parts}"
        check_reasons(self.floor)
        self.floor.check_sums()
        self.check_nothing_is_left_begun()
        type(self).refunds += check_conserved(self.floor, self.till)

    def check_nothing_is_left_begun(self) -> None:
        """What was begun by whoever died over it was asked for, or done again, and is known by now."""
        with self.floor.room.database.read() as connection:
            begun = select(effects.c.key).where(effects.c.state == STARTED)
            assert connection.execute(begun).scalars().all() == []
        self.floor.check_effects()


def job_state(database: Database, id_: int) -> str:
    with database.read() as connection:
        query = select(print_jobs.print_jobs.c.state).where(print_jobs.print_jobs.c.id == id_)
        return str(connection.execute(query).scalar_one())


@pytest.mark.fault("F10")
@pytest.mark.timeout(7200)
def test_whatever_happens_in_whatever_order_every_order_ends_or_waits_for_a_reason(
    fault: Fault, httpserver: HTTPServer, sqlite_template: Path
) -> None:
    BackRoom.server, BackRoom.template = httpserver, sqlite_template
    BackRoom.days = BackRoom.refunds = 0
    chosen = settings(
        max_examples=fault.volume(6, 120, 2_000),
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    run_state_machine_as_test(seed(fault.seed)(BackRoom), settings=chosen)
    fault.tell(sequences=BackRoom.days, steps=STEPS, refunds=BackRoom.refunds)
