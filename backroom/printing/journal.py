"""The booth's journal: what its machine did at its printers, line by line on its own disk, until the shop has heard it.

What belongs here: writing, reading and dropping lines. What does not: what a line means for a job (`kept`), and what is
to be printed (`vault`). A line holds numbers, states and times, a printer's name and its words; of an order it holds
nothing but its job's id.

A line is on the disk before its `append` returns: before a printer is called, there is a line that says so. Each line
carries a checksum; a last one that was cut off by a crash is dropped: nothing was done that it would have allowed.
Numbers go on for ever: the shop knows each line by machine and number, so it may hear it as often as it likes.
"""

from __future__ import annotations

import json
import os
import threading
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from backroom.domain.errors import AskPerson
from backroom.durable import flush, write_all

FILE = "journal"
# What was begun (a printer is called next), how far it is, that it is tried again here, and what became of it.
STARTED, PROGRESS, AGAIN, OUTCOME = "started", "progress", "again", "outcome"
# Only the number goes on: written when all before was heard, so that numbers never come again.
MARK = "mark"


class JournalBroken(AskPerson):
    """A line in the middle of the journal is damaged: what this machine did is not known for certain."""

    cause = "journal_broken"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was done at an attempt at a job. `at` is this machine's clock (ISO 8601, UTC); `up` its seconds
    since it was started (CLOCK_BOOTTIME) and `boot` which start that was, by which an age is told that no changed
    clock can falsify. `told`: the shop committed the same before this line was written."""

    seq: int
    at: str
    boot: str
    up: float
    job: int
    attempt: int
    what: str
    printer: str = ""
    printer_job: str = ""
    state: str = ""
    reason: str = ""
    told: bool = False


_FIELDS = frozenset(field.name for field in fields(Line))


class Journal:
    """The journal of one bench, opened by whoever holds it; its threads may share it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / FILE
        self._lock = threading.Lock()
        self._lines, whole = _read(self._path)
        self._next = max((line.seq for line in self._lines), default=0) + 1
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        # A line that was cut off goes now: what is written next must stand on a line of its own.
        if os.fstat(self._file).st_size != whole:
            os.ftruncate(self._file, whole)
            os.fsync(self._file)
        os.lseek(self._file, 0, os.SEEK_END)
        flush(folder)

    def close(self) -> None:
        os.close(self._file)

    def lines(self) -> list[Line]:
        with self._lock:
            return [line for line in self._lines if line.what != MARK]

    def append(self, **words: Any) -> Line:
        """Write a line; it is on the disk when this returns. Raises OSError where the disk takes none."""
        with self._lock:
            line = Line(seq=self._next, **words)
            write_all(self._file, _packed(line))
            os.fsync(self._file)
            self._next += 1
            self._lines.append(line)
            return line

    def drop(self, seqs: Iterable[int]) -> None:
        """Forget lines that the shop has heard: the journal is written anew without them."""
        gone = set(seqs)
        if not gone:
            return
        with self._lock:
            last = self._lines[-1]
            kept = [line for line in self._lines if line.seq not in gone and line.what != MARK]
            if not kept or kept[-1].seq != last.seq:
                kept.append(Line(last.seq, last.at, last.boot, last.up, 0, 0, MARK, told=True))
            draft = self._path.with_suffix(".new")
            descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            write_all(descriptor, b"".join(map(_packed, kept)))
            os.fsync(descriptor)
            draft.replace(self._path)
            flush(self._path.parent)
            os.close(self._file)
            self._file, self._lines = descriptor, kept


def _read(path: Path) -> tuple[list[Line], int]:
    """The lines of a journal, and how many bytes of it are whole."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return [], 0
    lines, whole = [], 0
    for number, packed in enumerate(raw.splitlines(keepends=True), 1):
        line = _unpacked(packed)
        if line is None:
            if whole + len(packed) < len(raw):
                raise JournalBroken(
                    f"line {number} of the journal at {path.parent.name} is damaged",
                    remedy="Look at the printers, keep the file for whoever looks after the machine, and move it away.",
                )
            break
        lines.append(line)
        whole += len(packed)
    return lines, whole


def _packed(line: Line) -> bytes:
    told = json.dumps(asdict(line), separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(told), told)


def _unpacked(packed: bytes) -> Line | None:
    checksum, _, told = packed.partition(b" ")
    if not told.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(told[:-1]):
        return None
    words = json.loads(told)
    return Line(**{name: words[name] for name in _FIELDS if name in words})


def numbers_between(seqs: Sequence[int]) -> list[int]:
    """The numbers that are missing between the first and the last of these."""
    there = set(seqs)
    return [one for one in range(min(there), max(there)) if one not in there] if there else []
