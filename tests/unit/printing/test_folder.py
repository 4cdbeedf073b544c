"""The folder as a printer."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backroom.domain.errors import OutcomeUnknown
from backroom.domain.printing import Printer, PrintRequest, PrintState
from backroom.printing import folder
from backroom.printing.errors import PrinterUnreachable, UnsupportedAttribute
from backroom.printing.folder import FolderPrinter
from backroom.printing.handover import hand_over

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


class FailingDisk:
    """One call of the system that fails so many times, as that of a disk does: `open`, `fsync` or `rename`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, call: str, number: int, times: int, *, after: int = 0) -> None:
        self.calls = 0
        self._real: Callable[..., Any] = getattr(os, call)
        self._number, self._first, self._last = number, after + 1, after + times
        monkeypatch.setattr(os, call, self)

    def __call__(self, *words: Any, **named: Any) -> Any:
        self.calls += 1
        if self._first <= self.calls <= self._last:
            raise OSError(self._number, os.strerror(self._number))
        return self._real(*words, **named)


ALWAYS = 10**6


@pytest.mark.parametrize(
    ("call", "number", "after"),
    [
        *(("open", errno.ENOSPC, after) for after in range(3)),
        *(("fsync", number, after) for number in (errno.EIO, errno.ENOSPC) for after in range(3)),
        *(("rename", errno.EIO, after) for after in range(2)),
    ],
)
def test_a_disk_that_fails_for_a_moment_takes_the_job_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, after: int
) -> None:
    printer = FolderPrinter("bench", tmp_path / "prints")
    disk = FailingDisk(monkeypatch, call, number, 3, after=after)
    ticket = printer.submit(REQUEST)
    assert disk.calls > after
    assert sorted(one.name for one in (tmp_path / "prints").iterdir()) == [
        f"{ticket.job_id}+x2.pdf",
        f"{ticket.job_id}.json",
    ]


def test_a_rename_that_was_done_and_told_as_failed_is_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printer = FolderPrinter("bench", tmp_path / "prints")
    real, lost = os.rename, [1]

    def rename(*words: Any) -> None:
        real(*words)
        if lost:
            lost.clear()
            raise OSError(errno.EIO, "the answer was lost")

    monkeypatch.setattr(os, "rename", rename)
    ticket = printer.submit(REQUEST)
    assert visible(tmp_path / "prints") == [f"{ticket.job_id}+x2.pdf", f"{ticket.job_id}.json"]


@pytest.mark.parametrize("call", ["open", "fsync"])
def test_a_disk_that_goes_on_failing_is_a_printer_that_printed_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr(folder, "TROUBLE_SECONDS", 0.3)
    disk = FailingDisk(monkeypatch, call, errno.EIO, ALWAYS)
    with pytest.raises(PrinterUnreachable):
        FolderPrinter("bench", tmp_path / "prints").submit(REQUEST)
    assert disk.calls > 2
    assert visible(tmp_path / "prints") == []


def test_a_job_whose_names_never_get_to_the_disk_is_a_persons_and_leaves_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "TROUBLE_SECONDS", 0.3)
    FailingDisk(monkeypatch, "rename", errno.EIO, ALWAYS, after=1)
    with pytest.raises(OutcomeUnknown):
        FolderPrinter("bench", tmp_path / "prints").submit(REQUEST)
    assert [one.split("+")[1] for one in visible(tmp_path / "prints")] == ["x2.pdf"]


def test_what_no_wait_mends_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FailingDisk(monkeypatch, "open", errno.EROFS, ALWAYS)
    with pytest.raises(PrinterUnreachable):
        FolderPrinter("bench", tmp_path / "prints").submit(REQUEST)
    assert disk.calls == 1


def test_whoever_is_told_to_end_waits_for_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    over.set()
    disk = FailingDisk(monkeypatch, "fsync", errno.EIO, ALWAYS)
    with pytest.raises(PrinterUnreachable):
        FolderPrinter("bench", tmp_path / "prints", over).submit(REQUEST)
    assert disk.calls == 1


def test_a_job_is_found_once_its_name_is_on_the_disk(
    printer: Printer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = printer.submit(REQUEST)
    FailingDisk(monkeypatch, "fsync", errno.EIO, 1)
    with pytest.raises(PrinterUnreachable):
        printer.find(REQUEST.key)
    assert printer.find(REQUEST.key) == ticket
    monkeypatch.setattr(folder, "TROUBLE_SECONDS", 0.2)
    # Sent again, it is there: nobody may be told that it was not printed.
    FailingDisk(monkeypatch, "fsync", errno.EIO, ALWAYS)
    with pytest.raises(OutcomeUnknown):
        printer.submit(REQUEST)


def test_a_job_whose_name_is_late_on_the_disk_is_handed_over_once_it_is_there(
    printer: Printer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "TROUBLE_SECONDS", 0.3)
    # The document and what describes it are flushed; their names are not, for longer than the folder tries.
    disk = FailingDisk(monkeypatch, "fsync", errno.EIO, 8, after=2)
    ticket = hand_over(printer, REQUEST)
    assert disk.calls > 10
    assert visible(tmp_path / "prints") == [f"{ticket.job_id}+x2.pdf", f"{ticket.job_id}.json"]
