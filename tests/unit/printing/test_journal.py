"""The journal: what was written is there after any crash, in order and once; what was damaged is not passed over."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backroom.printing.journal import FILE, OUTCOME, STARTED, Journal, JournalBroken
from tests.printers import wait_for


def written(folder: Path, count: int) -> Journal:
    journal = Journal(folder)
    for number in range(count):
        journal.append(at="2026-11-20T18:00:00+00:00", boot="b", up=1.0, job=number, attempt=1, what=STARTED)
    return journal


def write_one(journal: Journal, job: int) -> int:
    return journal.append(at="x", boot="b", up=1.0, job=job, attempt=1, what=STARTED).seq


@contextmanager
def room_for(path: Path, more: int) -> Iterator[None]:
    """A disk that takes so many bytes more of this file, and then an error in the middle of a line."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + more, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@settings(max_examples=60, deadline=None)
@given(lines=st.integers(1, 6), cut=st.integers(1, 400))
def test_a_line_that_a_crash_cut_off_is_dropped_and_all_before_it_is_there(
    tmp_path_factory: pytest.TempPathFactory, lines: int, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("bench")
    written(folder, lines).close()
    path = folder / FILE
    raw = path.read_bytes()
    last = len(raw) - raw[:-1].rfind(b"\n") - 1
    path.write_bytes(raw[: len(raw) - min(cut, last)])
    journal = Journal(folder)
    assert [line.job for line in journal.lines()] == list(range(lines - 1))
    journal.append(at="x", boot="b", up=1.0, job=99, attempt=1, what=OUTCOME)
    journal.close()
    assert [line.job for line in Journal(folder).lines()] == [*range(lines - 1), 99]


def test_a_damaged_line_in_the_middle_is_told_and_not_passed_over(tmp_path: Path) -> None:
    written(tmp_path, 3).close()
    raw = bytearray((tmp_path / FILE).read_bytes())
    raw[40] ^= 1
    (tmp_path / FILE).write_bytes(raw)
    with pytest.raises(JournalBroken):
        Journal(tmp_path)


@given(st.lists(st.sampled_from(["append", "drop one", "drop all", "reopen"]), max_size=12))
def test_a_number_never_comes_again_whatever_was_dropped(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("bench")
    journal, seen = Journal(folder), set[int]()
    for act in acts:
        there = [line.seq for line in journal.lines()]
        if act == "append":
            line = journal.append(at="x", boot="b", up=1.0, job=1, attempt=1, what=STARTED)
            assert line.seq not in seen
            assert line.seq > max(seen, default=0)
            seen.add(line.seq)
        elif act == "reopen":
            journal.close()
            journal = Journal(folder)
            assert [line.seq for line in journal.lines()] == there
        else:
            gone = there[:1] if act == "drop one" else there
            journal.drop(gone)
            assert [line.seq for line in journal.lines()] == there[len(gone) :]
    journal.close()


@settings(max_examples=30, deadline=None)
@given(before=st.integers(0, 3), room=st.integers(0, 100), after=st.integers(1, 3))
def test_what_a_full_disk_took_half_of_is_gone_before_the_next_line_is_written(
    tmp_path_factory: pytest.TempPathFactory, before: int, room: int, after: int
) -> None:
    folder = tmp_path_factory.mktemp("bench")
    journal = written(folder, before)
    with room_for(folder / FILE, room), pytest.raises(OSError, match="large"):
        write_one(journal, 77)
    seqs = [write_one(journal, 100 + number) for number in range(after)]
    journal.close()
    again = Journal(folder)
    assert [line.job for line in again.lines()] == [*range(before), *range(100, 100 + after)]
    assert [line.seq for line in again.lines()][before:] == seqs
    again.close()


def test_while_the_torn_half_cannot_be_taken_off_no_line_is_written_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stuck(*_: object) -> None:
        raise OSError(5, "the disk does nothing")

    journal = written(tmp_path, 1)
    with monkeypatch.context() as brief:
        brief.setattr("os.ftruncate", stuck)
        with room_for(tmp_path / FILE, 20), pytest.raises(OSError, match="large"):
            write_one(journal, 77)
        with pytest.raises(OSError, match="does nothing"):
            write_one(journal, 78)
    write_one(journal, 79)
    journal.close()
    assert [line.job for line in Journal(tmp_path).lines()] == [0, 79]


def test_a_journal_whose_new_name_could_not_be_made_safe_loses_no_line_after_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stuck(_: object) -> None:
        raise OSError(5, "the disk does nothing")

    journal = written(tmp_path, 3)
    first = journal.lines()[0].seq
    with monkeypatch.context() as brief:
        brief.setattr("backroom.printing.journal.flush", stuck)
        with pytest.raises(OSError, match="does nothing"):
            journal.drop([first])
        with pytest.raises(OSError, match="does nothing"):
            write_one(journal, 78)
    write_one(journal, 79)
    journal.close()
    assert [line.job for line in Journal(tmp_path).lines()] == [1, 2, 79]


def test_a_journal_that_was_moved_away_is_followed_by_numbers_that_never_were(tmp_path: Path) -> None:
    journal = written(tmp_path, 5)
    before = {line.seq for line in journal.lines()}
    journal.close()
    (tmp_path / FILE).rename(tmp_path / "journal.kept")
    # No printer and no disk is quicker than a line in a millisecond; this test is.
    wait_for(lambda: time.time_ns() // 1_000_000 > max(before))
    after = {line.seq for line in written(tmp_path, 5).lines()}
    assert min(after) > max(before)
