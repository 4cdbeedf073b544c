"""What somebody is told to do about a print job that waits for them."""

from __future__ import annotations

import pytest

from backroom.domain.model import PrintJobState
from backroom.domain.remedies import print_remedy


def remedy(state: PrintJobState, *, copies: int = 1, begun: bool = True) -> str:
    return print_remedy(state, key="print-A-1042-1-1", copies=copies, printer="press", begun=begun)


@pytest.mark.parametrize(("copies", "whole"), [(1, "it is there, whole"), (3, "all 3 copies are there, whole")])
def test_an_unknown_print_names_printer_job_and_what_must_be_there(copies: int, whole: str) -> None:
    told = remedy(PrintJobState.UNKNOWN, copies=copies)
    assert told.startswith("Look at press for print-A-1042-1-1,")
    assert whole in told


def test_a_print_that_was_never_begun_names_no_printer() -> None:
    assert "press" in remedy(PrintJobState.BLOCKED)
    assert "press" not in remedy(PrintJobState.BLOCKED, begun=False)


@pytest.mark.parametrize("state", PrintJobState)
def test_what_waits_for_somebody_has_a_remedy_and_nothing_else_has(state: PrintJobState) -> None:
    waits = state in (PrintJobState.UNKNOWN, PrintJobState.FAILED, PrintJobState.BLOCKED)
    assert bool(remedy(state)) is waits
