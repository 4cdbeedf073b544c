"""The journal: what was written is there after any crash, in order and once; what was damaged is not passed over."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backroom.printing.journal import FILE, OUTCOME, STARTED, Journal, JournalBroken


def written(folder: Path, count: int) -> Journal:
    journal = Journal(folder)
    for number in range(count):
        journal.append(at="2026-11-20T18:00:00+00:00", boot="b", up=1.0, job=number, attempt=1, what=STARTED)
    return journal


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
