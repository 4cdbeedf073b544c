"""The choice of a printer, and what staff read about its troubles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.printing import (
    PrinterLoad,
    PrinterStatus,
    PrintState,
    choose_printer,
    in_plain_words,
    may_need_a_hand,
    needs_a_hand,
)

PROCESSES = ("dtg", "dtf", "sublimation")

loads = st.builds(
    PrinterLoad,
    name=st.text("abcdef", min_size=1, max_size=3),
    processes=st.lists(st.sampled_from(PROCESSES), unique=True).map(tuple),
    jobs=st.integers(0, 5),
    ready=st.booleans(),
    doubtful=st.booleans(),
)


@given(st.lists(loads, max_size=6, unique_by=lambda one: one.name), st.sampled_from(PROCESSES))
def test_the_chosen_printer_can_do_it_and_no_better_one_is_less_busy(candidates: list[PrinterLoad], needs: str) -> None:
    able = [one for one in candidates if one.ready and needs in one.processes]
    chosen = choose_printer(candidates, needs)
    if not able:
        assert chosen is None
        return
    winner = next(one for one in candidates if one.name == chosen)
    assert winner in able
    trusted = [one for one in able if not one.doubtful] or able
    assert winner in trusted
    assert winner.jobs == min(one.jobs for one in trusted)


def test_of_equally_busy_printers_the_first_in_the_shop_file_is_taken() -> None:
    assert choose_printer([PrinterLoad("a", ("dtg",), 2), PrinterLoad("b", ("dtg",), 2)], "dtg") == "a"


def test_a_printer_that_reports_an_empty_tray_is_the_last_choice_and_still_a_choice() -> None:
    doubtful, busy = PrinterLoad("a", ("dtg",), 0, doubtful=True), PrinterLoad("b", ("dtg",), 9)
    assert choose_printer([doubtful, busy], "dtg") == "b"
    assert choose_printer([doubtful], "dtg") == "a"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("media-empty", "out of paper"),
        ("media-empty-error", "out of paper"),
        ("media-jam-warning", "paper jam"),
        ("marker-supply-empty-error", "out of ink"),
        ("cover-open-report", "a cover is open"),
        ("com.example-belt-worn-warning", "com.example belt worn"),
    ],
)
def test_staff_read_plain_words_whatever_the_severity(reason: str, words: str) -> None:
    assert in_plain_words([reason]) == (words,)


def test_what_needs_a_hand_is_said_first_and_nothing_twice() -> None:
    told = in_plain_words(["toner-low-report", "none", "media-empty-error", "input-media-supply-empty", "job-printing"])
    assert told == ("out of paper", "toner is running low")


def test_only_what_is_more_than_a_report_stops_a_printer() -> None:
    assert needs_a_hand("media-empty-warning")
    assert not needs_a_hand("media-empty-report")
    assert may_need_a_hand("media-empty-report")
    assert PrinterStatus("idle", ("media-empty-report",), ()).doubtful
    assert not needs_a_hand("toner-low-error")


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        (PrinterStatus("idle", (), ()), True),
        (PrinterStatus("printing", ("toner-low-warning",), ()), True),
        (PrinterStatus("idle", ("media-empty-error",), ()), False),
        (PrinterStatus("stopped", (), ()), False),
        (PrinterStatus("idle", (), (), accepting_jobs=False), False),
    ],
)
def test_a_printer_is_ready_unless_a_job_would_wait_for_a_hand(status: PrinterStatus, ready: bool) -> None:
    assert status.ready is ready


def test_only_done_aborted_and_cancelled_are_ends() -> None:
    assert {state for state in PrintState if state.ended} == {
        PrintState.DONE,
        PrintState.ABORTED,
        PrintState.CANCELLED,
    }
