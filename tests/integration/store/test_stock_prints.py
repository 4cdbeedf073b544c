"""What a transfer lacks is printed at the hub with the yes to it, and stock adds up to the piece, on both databases."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Connection, RowMapping, func, select

from backroom.domain.leases import LeaseRefused
from backroom.domain.model import PrintJobState
from backroom.domain.print_queue import in_turn
from backroom.domain.reject_rates import Fault
from backroom.domain.sample_rules import SampleRules
from backroom.domain.transfers import TransferRefused
from backroom.store import (
    event_desk,
    events,
    figures,
    print_attempts,
    print_jobs,
    print_queue,
    print_rejects,
    replayed_prints,
    stock,
    stock_prints,
    transfer_rows,
    transfers,
)
from backroom.store.booth_wakes import look
from backroom.store.catalogue import save_variants
from backroom.store.database import now
from backroom.store.material_batches import INK
from backroom.store.print_attempts import NotYourJob
from backroom.store.print_handing import HandedJob
from backroom.store.print_rejects import NotToReject
from backroom.store.tables import effects, event_history, stock_levels, transfer_lines
from backroom.store.tables import print_jobs as jobs_table
from backroom.store.tables import transfers as transfers_table
from tests.integration.store.test_samples import approve as approve_samples
from tests.integration.store.test_samples import batch, sample
from tests.integration.store.test_transfers import CODE, an_event, at_booth, do, proposed
from tests.markets import end_event
from tests.shops import HUB, PLAIN, Floor, a_variant

BLANK = replace(a_variant("BLANK-BLK-M", printable=False), tags=("blank", "tee"))
BLANKS = 12


@pytest.fixture(autouse=True)
def fair(floor: Floor) -> None:
    """An event, and blanks at the hub."""
    an_event(floor)

    def fill(connection: Connection) -> None:
        save_variants(connection, [BLANK, replace(a_variant(PLAIN), tags=("tee",))])
        stock.receive(connection, "blanks", [(HUB, BLANK.sku, BLANKS)], "delivered", now(connection))

    floor.room.database.write(fill)


def said_yes(floor: Floor, pieces: int, to_print: int, code: str = CODE) -> transfer_rows.Transfer:
    return do(floor, "approve", proposed(floor, {PLAIN: pieces}, code, to_print={PLAIN: to_print}), "Ada")


def line_of(floor: Floor, number: str) -> tuple[int, int]:
    """Pieces that are set aside, and that are still to be printed."""
    with floor.room.database.read() as connection:
        (line,) = transfer_rows.read(connection, number).lines
    return line.sent, line.printing


def jobs_of(floor: Floor, number: str) -> list[RowMapping]:
    with floor.room.database.read() as connection:
        mine = select(jobs_table).where(jobs_table.c.order_number == number).order_by(jobs_table.c.id)
        return list(connection.execute(mine).mappings())


def states(floor: Floor, number: str) -> Counter[str]:
    return Counter(row["state"] for row in jobs_of(floor, number))


def begin(floor: Floor, job: HandedJob) -> None:
    floor.room.database.write(lambda c: print_attempts.start(c, job.id, job.attempt, "bench", "press-hub"))


def settle(floor: Floor, job: HandedJob, outcome: str) -> None:
    floor.room.database.write(lambda c: print_attempts.settle(c, job.id, job.attempt, "bench", outcome, "so"))


def bad(floor: Floor, id_: int, attempt: int = 1) -> print_rejects.Rejected:
    work = print_rejects.came_out_bad
    return floor.room.database.write(lambda c: work(c, floor.room.shop, id_, attempt, Fault.COLOUR, "Ada"))


def test_with_the_yes_what_is_not_there_is_printed_and_joins_the_transfer_as_it_comes_out(floor: Floor) -> None:
    one = said_yes(floor, 5, 3)
    assert line_of(floor, one.number) == (2, 3)
    assert floor.available(HUB, PLAIN) == (98, 0)
    jobs = floor.hand_out(HUB)
    assert [(job.order_number, job.copies) for job in jobs] == [(one.number, 1)] * 3
    for count, job in enumerate(jobs, start=1):
        floor.print(job)
        assert line_of(floor, one.number) == (2 + count, 3 - count)
        # Never free in between, and each took a blank.
        assert floor.available(HUB, PLAIN) == (98, 0)
        assert floor.available(HUB, BLANK.sku) == (BLANKS - count, 0)
    assert transfer_rows.short_of(do(floor, "send", one.number, {}, "Ada")) == {}
    floor.room.database.write(lambda c: transfers.scan_all(c, one.number, {}))
    do(floor, "book_in", one.number, "Bo")
    assert at_booth(floor) == 5
    floor.check_sums()


def test_a_print_to_stock_is_said_twice_and_counts_once(floor: Floor) -> None:
    one = said_yes(floor, 1, 1)
    (job,) = floor.hand_out(HUB)
    floor.print(job)
    settle(floor, job, "done")
    assert line_of(floor, one.number) == (1, 0)
    assert [state for _, state in floor.effects("print")] == ["done"]
    floor.check_sums()


def test_nobody_but_the_hub_is_woken_and_only_where_something_is_printed(floor: Floor) -> None:
    one, none = said_yes(floor, 4, 4), said_yes(floor, 30, 0)
    write = floor.room.database.write
    assert [wake.location for wake in write(lambda c: stock_prints.wakeups(c, one))] == [HUB]
    assert write(lambda c: stock_prints.wakeups(c, none)) == []
    with floor.room.database.read() as connection:
        assert {place for place, work in look(connection).items() if work.waiting} == {HUB}


def test_no_more_is_printed_than_there_are_blanks_for_and_the_rest_is_named(floor: Floor) -> None:
    first = said_yes(floor, 8, 8)
    second = said_yes(floor, 20, 20)
    assert (first.still_to_print, second.still_to_print) == (8, BLANKS - 8)
    assert transfer_rows.short_of(second) == {PLAIN: 20 - (BLANKS - 8)}


def test_without_an_approved_sample_nothing_is_printed_to_stock(floor: Floor) -> None:
    floor.room = replace(floor.room, shop=replace(floor.room.shop, samples=SampleRules(require=True)))
    assert said_yes(floor, 3, 3).still_to_print == 0
    approve_samples(floor, sample(floor, "press-hub", at=HUB))
    assert said_yes(floor, 9, 6).still_to_print == 6


def test_a_closed_sample_drops_what_nobody_has_begun(floor: Floor) -> None:
    rules = SampleRules(require=True, least_prints=5, most_rejects=0.1)
    floor.room = replace(floor.room, shop=replace(floor.room.shop, samples=rules))
    approve_samples(floor, sample(floor, "press-hub", at=HUB))
    one = said_yes(floor, 10, 10)
    *out, printing = floor.hand_out(HUB, most=7)
    for job in [*out, printing]:
        begin(floor, job)
    for job in out:
        settle(floor, job, "done")
    closed = [bool(bad(floor, job.id).closed) for job in out[:4]]
    assert True in closed
    last = closed.index(True)
    bads = last + 1
    # From the one that was too many on none is printed anew, nor what nobody had begun; what is at a printer comes out.
    assert states(floor, one.number)["waiting"] == len(closed) - bads
    assert line_of(floor, one.number)[0] == len(out) - len(closed)
    settle(floor, printing, "done")
    assert line_of(floor, one.number)[0] == len(out) - len(closed) + 1
    floor.check_sums()


def test_a_new_batch_drops_what_nobody_has_begun_and_what_is_at_the_printer_comes_out(floor: Floor) -> None:
    floor.room = replace(floor.room, shop=replace(floor.room.shop, samples=SampleRules(require=True)))
    approve_samples(floor, sample(floor, "press-hub", at=HUB))
    one = said_yes(floor, 4, 4)
    printing, *_ = floor.hand_out(HUB, most=2)
    begin(floor, printing)
    batch(floor, INK, "press-hub", "K-2", at=HUB)
    assert states(floor, one.number) == {"printing": 1, "cancelled": 3}
    settle(floor, printing, "done")
    assert line_of(floor, one.number) == (1, 0)
    floor.check_sums()


def test_an_order_comes_before_what_is_printed_to_stock(floor: Floor) -> None:
    one = said_yes(floor, 4, 4)
    number = floor.taken_in(("TEE-RED-S", 3), at=HUB)
    floor.fulfil(HUB)
    assert floor.hand_out(HUB, most=1)[0].order_number == number
    with floor.room.database.read() as connection:
        queue = print_queue.read_queue(connection, floor.room.shop.location(HUB), now(connection))
    assert [job.part > 0 for job in in_turn(queue.jobs)][-4:] == [False] * 4
    assert not any(job.waits for job in queue.jobs if job.part < 0)
    assert -one.row["id"] in queue.parts


def test_an_unknown_outcome_waits_for_a_person_and_what_they_say_counts_once(floor: Floor) -> None:
    one = said_yes(floor, 2, 2)
    first, second = floor.hand_out(HUB)
    floor.print(first, "unknown")
    floor.print(second, "unknown")
    assert line_of(floor, one.number) == (0, 2)
    with floor.room.database.read() as connection:
        waiting = print_jobs.queue(connection, HUB)
    assert [print_jobs.to_do(row) != "" for row in waiting] == [True, True]
    decide = print_attempts.decide
    floor.room.database.write(lambda c: decide(c, first.id, "printed", "Ada"))
    with pytest.raises(NotYourJob):
        floor.room.database.write(lambda c: decide(c, first.id, "printed", "Ada"))
    floor.room.database.write(lambda c: decide(c, second.id, "print_again", "Ada"))
    assert line_of(floor, one.number) == (1, 1)
    (again,) = floor.hand_out(HUB)
    assert (again.id, again.attempt) == (second.id, 2)
    assert again.key != second.key
    floor.print(again)
    assert line_of(floor, one.number) == (2, 0)
    floor.check_sums()


def test_a_bad_piece_leaves_the_transfer_and_is_printed_anew(floor: Floor) -> None:
    one = said_yes(floor, 1, 1)
    (job,) = floor.hand_out(HUB)
    floor.print(job)
    with floor.room.database.read() as connection:
        assert [row["id"] for row in print_rejects.lately(connection, HUB, now(connection))] == [job.id]
    bad(floor, job.id)
    with pytest.raises(NotToReject):
        bad(floor, job.id)
    assert line_of(floor, one.number) == (0, 1)
    floor.check_sums()
    (again,) = floor.hand_out(HUB)
    floor.print(again)
    assert line_of(floor, one.number) == (1, 0)
    # Thrown away, and its blank with it.
    assert floor.available(HUB, PLAIN) == (100, 0)
    assert floor.available(HUB, BLANK.sku) == (BLANKS - 2, 0)
    floor.check_sums()


@pytest.mark.parametrize("end", ["cancel", "send", "close"])
def test_when_nobody_waits_for_it_any_more_nothing_is_begun_and_what_comes_out_is_for_everybody(
    floor: Floor, end: str
) -> None:
    one = said_yes(floor, 6, 4)
    printing, handed = floor.hand_out(HUB, most=2)
    begin(floor, printing)
    if end == "close":
        floor.room.database.write(lambda c: event_desk.close_event(c, CODE, HUB, "Ada"))
    else:
        do(floor, end, one.number, *([{}] if end == "send" else []), "Ada")
    assert states(floor, one.number) == {"printing": 1, "cancelled": 3}
    with pytest.raises(NotYourJob):
        begin(floor, handed)
    before = floor.available(HUB, PLAIN)[0]
    settle(floor, printing, "done")
    assert floor.available(HUB, PLAIN)[0] == before + 1
    assert floor.hand_out(HUB) == []
    with pytest.raises(NotToReject):
        bad(floor, printing.id)
    if end == "close":
        do(floor, "cancel", one.number, "Ada")
        assert floor.available(HUB, PLAIN)[0] == 101
    floor.check_sums()


def test_what_fails_after_its_transfer_was_cancelled_is_not_printed_again(floor: Floor) -> None:
    one = said_yes(floor, 1, 1)
    (job,) = floor.hand_out(HUB)
    begin(floor, job)
    do(floor, "cancel", one.number, "Ada")
    settle(floor, job, "failed")
    assert states(floor, one.number) == {"cancelled": 1}
    assert floor.hand_out(HUB) == []


def test_a_machine_that_was_alone_tells_afterwards_and_each_piece_is_there_once(floor: Floor) -> None:
    one = said_yes(floor, 2, 2)
    first, second = floor.hand_out(HUB)
    machine = replayed_prints.Machine("hub-machine", "bench", HUB)

    def line(seq: int, job: HandedJob, what: str, state: str = "") -> replayed_prints.ReplayedLine:
        return replayed_prints.ReplayedLine(seq, job.id, job.attempt, what, 5.0, "press-hub", "7", state)

    lines = [line(1, first, "started"), line(2, first, "outcome", "done"), line(3, second, "outcome", "done")]
    do(floor, "cancel", one.number, "Ada")
    for turn in ([lines[2]], lines, list(reversed(lines))):
        floor.room.database.write(lambda c, turn=turn: replayed_prints.take_in(c, machine, turn))
    assert floor.available(HUB, PLAIN)[0] == 102
    floor.check_sums()


def test_it_is_told_in_the_events_history_and_in_no_figure_of_an_order(floor: Floor) -> None:
    one = said_yes(floor, 2, 2)
    (job,) = floor.hand_out(HUB, most=1)
    floor.print(job)
    with floor.room.database.read() as connection:
        told = connection.execute(select(event_history.c.event, event_history.c.data)).all()
        owners = connection.execute(select(effects.c.order_id)).scalars().all()
        waits = figures.read_figures(connection).oldest
    assert {row.event: row.data["transfer"] for row in told if row.event.startswith("print.")} == {
        "print.done": one.number
    }
    assert owners == [None, None]
    assert waits["print",] == 0


class AtThePress(RuleBasedStateMachine):
    """Yes, print, reject, unknown, cancel, send, the end and a worker that dies, in whatever order: every piece that
    was printed and not thrown away is in one place, and every blank that was printed on is gone once."""

    floor: Floor
    numbers = itertools.count(1)

    @initialize()
    def start_anew(self) -> None:
        # The floor is the test's; each example goes on with an event and as many blanks of its own.
        self.code = f"press-{next(self.numbers)}"
        an_event(self.floor, self.code)
        used = BLANKS - self.floor.available(HUB, BLANK.sku)[0]
        write, pieces = self.floor.room.database.write, [(HUB, BLANK.sku, used)]
        write(lambda c: stock.receive(c, f"blanks {self.code}", pieces, "delivered", now(c)))
        self.pieces, self.blanks = self.everywhere(), self.floor.available(HUB, BLANK.sku)[0]
        self.printed = self.thrown = 0
        self.done = self.prints_done()

    @rule(pieces=st.integers(1, 6), to_print=st.integers(0, 6))
    def a_person_says_yes(self, pieces: int, to_print: int) -> None:
        number = proposed(self.floor, {PLAIN: pieces + to_print}, self.code, to_print={PLAIN: to_print})
        if number:
            self.attempt(lambda: do(self.floor, "approve", number, "Ada"))

    @rule(outcome=st.sampled_from(["done", "done", "done", "failed", "unknown", "returned"]), twice=st.booleans())
    def the_worker_takes_a_job(self, outcome: str, twice: bool) -> None:
        for job in self.floor.hand_out(HUB, most=20)[:1]:
            if outcome != "returned" and not job.started:
                begin(self.floor, job)
            settle(self.floor, job, outcome if outcome != "returned" or not job.started else "done")
            came_out = outcome == "done" or (outcome == "returned" and job.started)
            self.printed += came_out
            if came_out and twice:
                settle(self.floor, job, "done")

    @rule()
    def the_worker_dies_at_a_printer(self) -> None:
        for job in [job for job in self.floor.hand_out(HUB, most=20) if not job.started][:1]:
            begin(self.floor, job)

    @rule(data=st.data(), decision=st.sampled_from(["printed", "print_again"]))
    def a_person_decides(self, data: st.DataObject, decision: str) -> None:
        rows = self.rows(PrintJobState.UNKNOWN, PrintJobState.FAILED)
        if rows:
            row = data.draw(st.sampled_from(rows))
            self.floor.room.database.write(lambda c: print_attempts.decide(c, row["id"], decision, "Ada"))
            self.printed += decision == "printed"

    @rule(data=st.data())
    def a_piece_is_bad(self, data: st.DataObject) -> None:
        rows = self.rows(PrintJobState.DONE, PrintJobState.UNKNOWN)
        if rows:
            row = data.draw(st.sampled_from(rows))
            try:
                bad(self.floor, row["id"], row["attempt"])
            except NotToReject:
                return
            self.printed += row["state"] == PrintJobState.UNKNOWN
            self.thrown += 1

    @rule(data=st.data(), what=st.sampled_from(["send", "book_in", "cancel"]))
    def somebody_acts(self, data: st.DataObject, what: str) -> None:
        with self.floor.room.database.read() as connection:
            numbers = [one.number for one in self.transfers(connection)]
        if numbers:
            rest: tuple[object, ...] = ({}, "Ada") if what == "send" else ("Ada",)
            number = data.draw(st.sampled_from(numbers))
            self.attempt(lambda: do(self.floor, what, number, *rest))

    @rule()
    def the_event_is_called_off(self) -> None:
        self.floor.room.database.write(lambda c: event_desk.close_event(c, self.code, HUB, "Ada"))

    @invariant()
    def every_piece_is_in_one_place(self) -> None:
        if not hasattr(self, "pieces"):
            return
        assert self.everywhere() == self.pieces + self.printed - self.thrown
        assert self.floor.available(HUB, BLANK.sku)[0] == max(0, self.blanks - self.printed)
        self.floor.check_sums()
        with self.floor.room.database.read() as connection:
            for one in self.transfers(connection):
                for line in one.lines:
                    assert line.sent + line.printing <= line.asked
        assert self.prints_done() == self.done + self.printed

    def everywhere(self) -> int:
        with self.floor.room.database.read() as connection:
            there = select(func.sum(stock_levels.c.on_hand)).where(stock_levels.c.sku == PLAIN)
            road = select(func.sum(transfer_lines.c.sent - transfer_lines.c.booked))
            road = road.join(transfers_table, transfers_table.c.id == transfer_lines.c.transfer_id)
            return int(connection.execute(there).scalar() or 0) + int(connection.execute(road).scalar() or 0)

    def prints_done(self) -> int:
        """How often the ledger says that something was printed: each under a key of its own."""
        with self.floor.room.database.read() as connection:
            done = select(func.count()).where(effects.c.state == "done", effects.c.kind == "print")
            return int(connection.execute(done).scalar_one())

    def transfers(self, connection: Connection) -> list[transfer_rows.Transfer]:
        return transfer_rows.listing(connection, events.find(connection, self.code)["id"])

    def rows(self, *states: PrintJobState) -> list[RowMapping]:
        with self.floor.room.database.read() as connection:
            mine = jobs_table.c.transfer_id.in_([one.row["id"] for one in self.transfers(connection)])
            query = select(jobs_table).where(mine, jobs_table.c.state.in_(states)).order_by(jobs_table.c.id)
            return list(connection.execute(query).mappings())

    def attempt(self, act: Callable[[], object]) -> None:
        try:
            act()
        except (TransferRefused, LeaseRefused):
            return

    def teardown(self) -> None:
        if not hasattr(self, "pieces"):
            return

        # Its booth, and the hub's worker, are free for the next example.
        self.the_event_is_called_off()
        for job in self.floor.hand_out(HUB, most=20):
            settle(self.floor, job, "done" if job.started else "returned")
        end_event(self.floor, self.code)


def test_in_whatever_order_things_happen_stock_adds_up_to_the_piece(floor: Floor) -> None:
    AtThePress.floor = floor
    chosen = settings(
        max_examples=8,
        stateful_step_count=18,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.differing_executors],
    )
    run_state_machine_as_test(seed(11)(AtThePress), settings=chosen)
