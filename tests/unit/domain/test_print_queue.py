"""When a print queue is through, who comes first, and which promises can be kept."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.print_pace import ENOUGH, GUESS, Measured, Paces
from backroom.domain.print_queue import (
    Foreseen,
    PrinterThere,
    QueuedJob,
    bottlenecks,
    breaks,
    foresee,
    in_turn,
    may_promise,
    of_parts,
    promise,
)
from backroom.domain.printing import in_plain_words

NOW = datetime(2026, 11, 28, 19, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TWO = (PrinterThere("one", ("dtg",)), PrinterThere("two", ("dtg",)))


def job(id_: int, *, copies: int = 1, part: int = 0, waits: bool = False, **more: object) -> QueuedJob:
    return QueuedJob(id_, part or id_, copies, "dtg", "tee", "ink", waits, **more)  # type: ignore[arg-type]


def prints(seconds: list[float], printer: str = "one", colourway: str = "ink") -> list[Measured]:
    return [Measured(printer, "dtg", "tee", colourway, one) for one in seconds]


STEADY = Paces(prints([60.0] * ENOUGH) + prints([60.0] * ENOUGH, "two"))


def test_the_narrowest_kind_that_was_measured_often_enough_speaks() -> None:
    paces = Paces(prints([100.0] * ENOUGH) + prints([200.0] * (ENOUGH - 1), colourway="bone"))
    assert paces.ask("one", "dtg", "tee", "ink").basis == "colourway"
    assert paces.ask("one", "dtg", "tee", "bone").basis == "product"
    assert paces.ask("one", "dtg", "bag", "bone").basis == "printer"
    assert paces.ask("two", "dtg", "tee", "ink").basis == "process"
    assert paces.ask("two", "transfer", "tee", "ink") == GUESS


def test_the_newest_prints_speak_for_a_printer_that_has_slowed_down() -> None:
    assert Paces(prints([300.0] * 50 + [60.0] * 500)).ask("one", "dtg", "tee", "ink").usual == 300


def test_who_waits_there_comes_before_a_parcel_and_nobody_before_what_is_printing() -> None:
    parcel, early, person = job(1, priority=1), job(2, priority=9), job(3, waits=True, priority=9)
    printing = job(4, priority=9, printer="one", began=NOW)
    assert [one.id for one in in_turn([parcel, early, person, printing])] == [4, 3, 1, 2]


def test_two_printers_share_a_queue() -> None:
    found = foresee([job(n) for n in range(1, 5)], TWO, STEADY, NOW)
    assert [found[n].likely - NOW for n in range(1, 5)] == [MINUTE, MINUTE, 2 * MINUTE, 2 * MINUTE]
    assert {found[n].printer for n in (1, 2)} == {"one", "two"}


def test_what_is_at_a_printer_has_some_of_its_time_left_however_long_it_takes() -> None:
    late = job(1, printer="one", began=NOW - timedelta(hours=1))
    assert foresee([late], TWO, STEADY, NOW)[1].likely > NOW


def test_nobody_foresees_what_no_printer_can_print() -> None:
    broken = (PrinterThere("one", ("dtg",), ready=False, trouble="out of paper"), PrinterThere("two", ("transfer",)))
    assert foresee([job(1)], broken, STEADY, NOW) == {}
    assert of_parts([job(1)], {}) == {}


def test_a_part_is_ready_with_its_last_piece_and_never_before_nobody_can_say() -> None:
    jobs = [job(1, part=7), job(2, part=7), job(3, part=8)]
    found = foresee(jobs, TWO[:1], STEADY, NOW)
    assert of_parts(jobs, found)[7].likely == NOW + 2 * MINUTE
    del found[3]
    assert 8 not in of_parts(jobs, found)


def test_a_promise_is_a_time_that_people_read_off_a_clock() -> None:
    foreseen = Foreseen(NOW + 30 * MINUTE, NOW + timedelta(minutes=33, seconds=1))
    assert promise(foreseen, 3 * MINUTE) == NOW + 40 * MINUTE
    assert promise(Foreseen(NOW, NOW), timedelta(0)) == NOW


def test_a_promise_breaks_when_it_is_likely_to_be_missed_by_more_than_the_slack() -> None:
    on_time, late = Foreseen(NOW, NOW), Foreseen(NOW + 20 * MINUTE, NOW + 30 * MINUTE)
    assert not breaks(NOW + 5 * MINUTE, on_time, MINUTE, 5 * MINUTE, NOW)
    assert breaks(NOW + 5 * MINUTE, late, MINUTE, 5 * MINUTE, NOW)


def test_a_printer_that_waits_for_a_hand_breaks_no_promise_before_its_time_has_come() -> None:
    told = NOW + 30 * MINUTE
    assert not breaks(told, None, MINUTE, 5 * MINUTE, NOW)
    assert not breaks(told, None, MINUTE, 5 * MINUTE, NOW + 34 * MINUTE)
    assert breaks(told, None, MINUTE, 5 * MINUTE, NOW + 35 * MINUTE)


def test_what_only_comes_out_after_the_power_has_ended_breaks_and_is_not_promised() -> None:
    soon = Foreseen(NOW + 10 * MINUTE, NOW + 14 * MINUTE)
    assert breaks(NOW + 20 * MINUTE, soon, MINUTE, 5 * MINUTE, NOW, NOW + 9 * MINUTE)
    assert not breaks(NOW + 20 * MINUTE, soon, MINUTE, 5 * MINUTE, NOW, NOW + 11 * MINUTE)
    assert may_promise(soon, MINUTE, None)
    assert may_promise(soon, MINUTE, NOW + 15 * MINUTE)
    assert not may_promise(soon, MINUTE, NOW + 14 * MINUTE)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20), st.integers(0, 60), st.integers(0, 10))
def test_no_promise_is_ever_later_than_the_power(copies: list[int], lasts: int, handling: int) -> None:
    jobs = [job(n, copies=c) for n, c in enumerate(copies, 1)]
    until, hands = NOW + lasts * MINUTE, handling * MINUTE
    for one in foresee(jobs, TWO, STEADY, NOW).values():
        if may_promise(one, hands, until):
            assert promise(one, hands) <= until
            assert not breaks(promise(one, hands), one, hands, timedelta(0), NOW, until)


@given(
    st.lists(st.tuples(st.integers(1, 4), st.booleans(), st.integers(1, 9)), max_size=30),
    st.integers(1, 4),
)
def test_no_printer_is_idle_while_work_waits_and_nothing_is_forgotten(
    wanted: list[tuple[int, bool, int]], count: int
) -> None:
    jobs = [job(n, copies=c, waits=w, priority=p) for n, (c, w, p) in enumerate(wanted, 1)]
    printers = [PrinterThere(f"p{n}", ("dtg",)) for n in range(count)]
    found = foresee(jobs, printers, Paces(), NOW)
    assert set(found) == {one.id for one in jobs}
    work = sum(one.copies for one in jobs) * GUESS.usual
    longest = max((one.copies for one in jobs), default=0) * GUESS.usual
    through = max(((one.likely - NOW).total_seconds() for one in found.values()), default=0.0)
    # Graham's bound for list scheduling.
    assert work / count <= through + 1e-6
    assert through <= work / count + longest + 1e-6
    for one in jobs:
        assert found[one.id].likely <= found[one.id].sure


@given(st.lists(st.booleans(), min_size=1, max_size=20), st.integers(0, 5))
def test_a_person_who_comes_waits_for_no_parcel_that_is_not_begun(waiting: list[bool], parcels: int) -> None:
    people = [job(n, waits=True) for n, _ in enumerate(waiting, 1)]
    others = [job(100 + n, priority=1) for n in range(parcels)]
    alone = foresee(people, TWO, STEADY, NOW)
    crowded = foresee([*others, *people], TWO, STEADY, NOW)
    assert {one.id: crowded[one.id] for one in people} == alone


@pytest.mark.parametrize("seed", range(5))
def test_nineteen_of_twenty_promises_are_kept_where_prints_take_what_they_took_before(seed: int) -> None:
    chance = random.Random(seed)

    def takes() -> float:
        return chance.lognormvariate(5.0, 0.25)

    paces = Paces(prints([takes() for _ in range(50)]))
    kept = all_ = 0
    for _ in range(400):
        jobs = [job(n) for n in range(1, chance.randint(2, 25))]
        found = foresee(jobs, TWO[:1], paces, NOW)
        clock = NOW
        for one in in_turn(jobs):
            clock += timedelta(seconds=takes())
            all_ += 1
            kept += clock <= promise(found[one.id], timedelta(0))
    assert kept / all_ >= 0.95


def test_what_holds_everything_up_is_named_the_worst_first() -> None:
    jobs = [job(n) for n in range(1, 11)]
    found = foresee(jobs, TWO, STEADY, NOW)
    [first] = bottlenecks(jobs, TWO, found, NOW)
    assert (first.what, first.seconds) == ("printer", 300.0)
    lacking = bottlenecks(jobs, TWO, found, NOW, short_of={"Ink M": 4}, power_until=NOW + 2 * MINUTE)
    assert [one.what for one in lacking] == ["power", "blanks", "printer"]
    assert (lacking[0].at, "6 jobs do not come out" in lacking[0].sentence) == (NOW + 2 * MINUTE, True)
    assert "4 × Ink M" in lacking[1].sentence
    assert "power" not in [one.what for one in bottlenecks(jobs, TWO, found, NOW, power_until=NOW + 5 * MINUTE)]
    slow = bottlenecks(jobs, TWO, found, NOW, unpacked_since=[NOW - timedelta(hours=1), NOW])
    assert [one.what for one in slow] == ["staff", "printer"]
    assert bottlenecks([], TWO, {}, NOW) == []


@pytest.mark.parametrize(
    ("reason", "what"),
    [
        ("media-empty", "paper"),
        ("input-tray-missing", "paper"),
        ("marker-supply-empty", "ink"),
        ("marker-supply-missing", "ink"),
        ("toner-empty", "ink"),
        ("shutdown", "power"),
        ("cover-open", "printer"),
    ],
)
def test_what_a_printer_says_it_is_out_of_holds_the_queue_up_by_that_name(reason: str, what: str) -> None:
    jobs = [job(n) for n in range(1, 11)]
    [trouble] = in_plain_words([reason])
    out = (PrinterThere("one", ("dtg",), ready=False, trouble=trouble), TWO[1])
    [first, second] = bottlenecks(jobs, out, foresee(jobs, out, STEADY, NOW), NOW)
    assert (first.what, second.what, second.sentence) == ("printer", what, f"one: {trouble}")
