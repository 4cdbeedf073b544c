"""The folder as a printer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backroom.domain.printing import Printer, PrintRequest, PrintState
from backroom.printing.errors import PrinterUnreachable, UnsupportedAttribute
from backroom.printing.folder import FolderPrinter

REQUEST = PrintRequest(
    "print-A-1042-7-1", b"%PDF-1.7 fox", "application/pdf", 2, "iso_a4_210x297mm", "one-sided", "high", "color"
)


@pytest.fixture
def printer(tmp_path: Path) -> Printer:
    return FolderPrinter("bench", tmp_path / "prints")


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_job_is_its_document_and_what_was_asked(printer: Printer, tmp_path: Path) -> None:
    ticket = printer.submit(REQUEST)
    assert visible(tmp_path / "prints") == [f"{ticket.job_id}+x2.pdf", f"{ticket.job_id}.json"]
    assert ticket.job_id.startswith("print-A-1042-7-1-")
    assert (tmp_path / "prints" / f"{ticket.job_id}+x2.pdf").read_bytes() == REQUEST.document
    asked = json.loads((tmp_path / "prints" / f"{ticket.job_id}.json").read_text())
    assert (asked["copies"], asked["media"], asked["sides"]) == (2, "iso_a4_210x297mm", "one-sided")
    assert (asked["quality"], asked["color"], asked["key"]) == ("high", "color", REQUEST.key)
    assert printer.progress(ticket).state is PrintState.DONE


def test_the_same_key_twice_is_one_job(printer: Printer, tmp_path: Path) -> None:
    first = printer.submit(REQUEST)
    again = printer.submit(replace(REQUEST, document=b"%PDF other", copies=5))
    assert again == first
    assert len(visible(tmp_path / "prints")) == 2
    assert (tmp_path / "prints" / f"{first.job_id}+x2.pdf").read_bytes() == REQUEST.document


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(keys=st.lists(st.text(min_size=1, max_size=80), min_size=2, max_size=4, unique=True))
def test_a_key_is_found_exactly_when_it_was_printed(keys: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    printer = FolderPrinter("bench", tmp_path_factory.mktemp("prints"))
    absent, *printed = keys
    for key in printed:
        printer.submit(replace(REQUEST, key=key))
    assert printer.find(absent) is None
    for key in printed:
        found = printer.find(key)
        assert found is not None
        assert found.key == key


def test_a_crash_between_document_and_description_is_found_as_printed(printer: Printer, tmp_path: Path) -> None:
    ticket = printer.submit(REQUEST)
    (tmp_path / "prints" / f"{ticket.job_id}.json").unlink()
    assert printer.find(REQUEST.key) == ticket


def test_a_document_that_was_taken_away_was_printed_all_the_same(printer: Printer, tmp_path: Path) -> None:
    ticket = printer.submit(REQUEST)
    (tmp_path / "prints" / f"{ticket.job_id}+x2.pdf").unlink()
    assert printer.find(REQUEST.key) == ticket


def test_a_job_whose_files_are_gone_is_unknown(printer: Printer, tmp_path: Path) -> None:
    ticket = printer.submit(REQUEST)
    for path in (tmp_path / "prints").iterdir():
        path.unlink()
    assert printer.progress(ticket).state is PrintState.UNKNOWN


def test_what_is_no_document_of_a_printer_is_refused(printer: Printer) -> None:
    with pytest.raises(UnsupportedAttribute):
        printer.submit(replace(REQUEST, media_type="text/html"))
    with pytest.raises(UnsupportedAttribute):
        printer.submit(replace(REQUEST, copies=0))


def test_a_folder_that_cannot_be_made_is_a_printer_that_does_not_answer(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    printer = FolderPrinter("bench", tmp_path / "file" / "prints")
    with pytest.raises(PrinterUnreachable):
        printer.status()
    with pytest.raises(PrinterUnreachable):
        printer.submit(REQUEST)
