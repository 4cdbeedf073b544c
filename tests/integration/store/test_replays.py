"""Whatever order, however often: what a booth tells afterwards leaves the same books, and nothing below zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, select

from backroom.domain.errors import BackroomError
from backroom.store import cancelling, desk, print_attempts
from backroom.store.carried_out import CORRECTION
from backroom.store.replayed_prints import OUTCOME, PROGRESS, STARTED, Machine, ReplayedLine, take_in
from backroom.store.tables import print_jobs
from tests.booth_books import a_sale, fresh_booth, level, listed, moved, put, sell, sold
from tests.shops import BOOTH, HUB, PLAIN, SCARCE, Floor

MACHINE = Machine("laptop", "bench", BOOTH)
FAST = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

Fates = Sequence[tuple[str, str]]


def lines_of(jobs: Sequence[int], fates: Fates) -> list[ReplayedLine]:
    """What the machine did with each job, numbered as it did it: started, seen at its printer, and its outcome."""
    found: list[ReplayedLine] = []
    for job, (outcome, _) in zip(jobs, fates, strict=True):
        first = ReplayedLine(0, job, 1, STARTED, 60.0, "press-1")
        found.append(first)
        found.append(replace(first, what=PROGRESS, state="blocked", reason="out of paper", printer_job="7"))
        if outcome:
            found.append(replace(first, what=OUTCOME, state=outcome, printer_job="7"))
    return [replace(line, seq=seq) for seq, line in enumerate(found, 1)]


def meanwhile(floor: Floor, number: str, job: int, what: str) -> None:
    """What the shop did with a job that the machine had in hand."""

    def work(connection: Connection) -> object:
        match what:
            case "held":
                return desk.hold(connection, number, desk.ASKED_BY_STAFF, "Ada")
            case "cancelled":
                return cancelling.cancel(connection, number, "Ada", "changed_their_mind")
            case "printed" | "print_again":
                return print_attempts.decide(connection, job, what, "Ada")
        return None

    floor.room.database.write(work)
    if what == "print_again":
        for other in floor.hand_out(BOOTH, "another", most=1):
            if other.id == job and job % 2:
                floor.print(other, holder="another")


def end(floor: Floor) -> tuple[object, ...]:
    """The books, as far as anybody can tell them apart."""
    floor.check_sums()
    with floor.room.database.read() as connection:
        query = select(print_jobs.c.line_no, print_jobs.c.state, print_jobs.c.reason, print_jobs.c.printer_job)
        jobs = [tuple(row) for row in connection.execute(query.order_by(print_jobs.c.id))]
    return level(floor, SCARCE), level(floor, PLAIN), listed(floor), jobs, sold(floor)


FATE = st.tuples(
    st.sampled_from(["done", "done", "failed", "unknown", ""]),
    st.sampled_from(["", "", "held", "cancelled", "printed", "print_again"]),
)


@FAST
@given(data=st.data(), fates=st.lists(FATE, min_size=1, max_size=3))
def test_prints_that_are_told_in_any_order_and_many_times_leave_the_same_books(
    sqlite_template: Path, tmp_path: Path, data: st.DataObject, fates: Fates
) -> None:
    ends = []
    for told in ("in order", "anyhow"):
        with fresh_booth(sqlite_template, tmp_path) as floor:
            numbers = [floor.taken_in((SCARCE, 1), at=BOOTH) for _ in fates]
            floor.fulfil(BOOTH)
            jobs = [job.id for job in floor.hand_out(BOOTH, most=10)]
            for number, job, (_, what) in zip(numbers, jobs, fates, strict=True):
                meanwhile(floor, number, job, what)
            lines = lines_of(jobs, fates)
            batches: list[list[ReplayedLine]] = [lines]
            if told == "anyhow":
                some = st.lists(st.sampled_from(lines), min_size=1, max_size=len(lines))
                batches = [*data.draw(st.lists(some, max_size=5)), data.draw(st.permutations(lines)), lines]
                # Line by line: within one batch they are put in order.
                batches = [[line] for batch in batches for line in batch]
            for batch in batches:
                floor.room.database.write(lambda c, batch=batch: take_in(c, MACHINE, batch))
            ends.append(end(floor))
    assert ends[0] == ends[1]


@FAST
@given(
    data=st.data(),
    rack=st.integers(0, 3),
    online=st.integers(0, 3),
    counts=st.lists(st.integers(1, 2), min_size=1, max_size=4),
)
def test_sales_that_are_told_in_any_order_and_many_times_leave_the_same_books(
    sqlite_template: Path, tmp_path: Path, data: st.DataObject, rack: int, online: int, counts: list[int]
) -> None:
    sales = [a_sale(seq, PLAIN, count) for seq, count in enumerate(counts, 1)]
    ends = []
    for told in ("in order", "anyhow"):
        with fresh_booth(sqlite_template, tmp_path) as floor:
            if rack:
                put(floor, PLAIN, rack)
            for _ in range(online):
                floor.taken_in((PLAIN, 1), at=BOOTH)
            batches = [sales]
            if told == "anyhow":
                some = st.lists(st.sampled_from(sales), min_size=1, max_size=5)
                batches = [*data.draw(st.lists(some, max_size=4)), data.draw(st.permutations(sales)), sales]
            for batch in batches:
                sell(floor, *batch)
            lacking = sum(pieces for kind, _, pieces in listed(floor) if kind == "not_in_books")
            assert lacking == max(sum(counts) - rack, 0)
            floor.check_sums()
            floor.fulfil(BOOTH)
            assert sold(floor) == {"fulfilled": len(sales)}
            ends.append((level(floor, PLAIN), lacking, len(listed(floor)) > 0))
    assert ends[0] == ends[1]


class BoothLife(RuleBasedStateMachine):
    """A booth's evening: online orders come, sales are made at the till and told whenever there is a line."""

    template: Path
    folder: Path

    @initialize(rack=st.integers(0, 4))
    def open(self, rack: int) -> None:
        self.manager = fresh_booth(self.template, self.folder)
        self.floor = self.manager.__enter__()
        self.rack = rack
        self.kept: list[dict[str, object]] = []
        self.online: list[str] = []
        if rack:
            put(self.floor, PLAIN, rack)

    @rule(count=st.integers(1, 2))
    def carry_out(self, count: int) -> None:
        self.kept.append(a_sale(len(self.kept) + 1, PLAIN, count))

    @rule()
    def order_online(self) -> None:
        self.online.append(self.floor.taken_in((PLAIN, 1), at=BOOTH))

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def tell_some(self, data: st.DataObject) -> None:
        sell(self.floor, *data.draw(st.lists(st.sampled_from(self.kept), min_size=1, max_size=4)))

    @rule()
    def pack(self) -> None:
        self.floor.fulfil(BOOTH)

    @precondition(lambda self: self.online)
    @rule(data=st.data(), what=st.sampled_from(["held", "cancelled"]))
    def change_their_mind(self, data: st.DataObject, what: str) -> None:
        number = data.draw(st.sampled_from(self.online))
        try:
            meanwhile(self.floor, number, 0, what)
        except BackroomError:
            return  # it is packed, or over

    @invariant()
    def the_books_add_up(self) -> None:
        if hasattr(self, "floor"):
            self.floor.check_sums()

    def teardown(self) -> None:
        if not hasattr(self, "floor"):
            return
        try:
            if self.kept:
                sell(self.floor, *self.kept)
            self.floor.fulfil(BOOTH)
            self.floor.check_sums()
            self.floor.check_effects()
            assert sold(self.floor) == ({"fulfilled": len(self.kept)} if self.kept else {})
            pieces = sum(line["quantity"] for sale in self.kept for line in sale["lines"])  # type: ignore[attr-defined]
            corrected = moved(self.floor, CORRECTION)
            packed = -moved(self.floor, "packed")
            assert packed >= pieces
            on_hand, _ = level(self.floor, PLAIN)
            back = moved(self.floor, "cancelled")
            assert self.rack + corrected + back - packed == on_hand
            assert sum(count for kind, _, count in listed(self.floor) if kind == "not_in_books") == corrected
        finally:
            self.manager.__exit__(None, None, None)


def test_an_evening_of_sales_and_orders_ends_with_books_that_add_up(sqlite_template: Path, tmp_path: Path) -> None:
    machine = type("Evening", (BoothLife,), {"template": sqlite_template, "folder": tmp_path})
    run_state_machine_as_test(machine, settings=settings(FAST, max_examples=12, stateful_step_count=12))


def test_two_tills_of_one_name_are_one_till(sqlite_template: Path, tmp_path: Path) -> None:
    with fresh_booth(sqlite_template, tmp_path) as floor:
        put(floor, PLAIN, 3)
        sell(floor, a_sale(1), a_sale(2))
        sell(floor, a_sale(2), a_sale(1))
        sell(floor, a_sale(1), device="till-2")
        assert sum(sold(floor).values()) == 3
        assert floor.room.shop.hub == HUB


def test_a_line_of_a_job_that_is_not_here_changes_nothing(sqlite_template: Path, tmp_path: Path) -> None:
    with fresh_booth(sqlite_template, tmp_path) as floor:
        before = end(floor)
        line = ReplayedLine(1, 4711, 1, OUTCOME, 1.0, "press-1", state="done")
        assert floor.room.database.write(lambda c: take_in(c, MACHINE, [line])) == (1, [])
        assert floor.room.database.write(lambda c: take_in(c, MACHINE, [line])) == (0, [])
        assert end(floor) == before


def test_an_outcome_that_names_no_printer_and_comes_before_its_start_is_taken_in(
    sqlite_template: Path, tmp_path: Path
) -> None:
    with fresh_booth(sqlite_template, tmp_path) as floor:
        floor.taken_in((SCARCE, 1), at=BOOTH)
        floor.fulfil(BOOTH)
        [job] = floor.hand_out(BOOTH, most=10)
        done = ReplayedLine(2, job.id, 1, OUTCOME, 1.0, state="done")
        started = ReplayedLine(1, job.id, 1, STARTED, 60.0, "press-1")
        for line in (done, started):
            floor.room.database.write(lambda c, line=line: take_in(c, MACHINE, [line]))
        _, _, _, [(_, state, _, _)], _ = end(floor)
        assert state == "done"
