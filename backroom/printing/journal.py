"""The booth's journal: what its machine did at its printers, line by line on its own disk, until the shop has heard it.

What belongs here: writing, reading and dropping lines. What does not: what a line means for a job (`kept`), and what is
to be printed (`vault`). A line holds numbers, states and times, a printer's name and its words; of an order it holds
nothing but its job's id.

A line is on the disk before its `append` returns: before a printer is called, there is a line that says so. Each line
carries a checksum; a last one that was cut off by a crash is dropped: nothing was done that it would have allowed.
Numbers go on for ever: the shop knows each line by machine and number, so it may hear it as often as it likes. Where
there is no journal they begin at the time of day in milliseconds: one that was damaged and moved away had fewer lines.
"""

from __future__ import annotations

import json
import os
import threading
import time
import zlib
from collections.abc import Iterable
from contextlib import suppress
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
        self._lines, self._whole = _read(self._path)
        self._next = max((line.seq + 1 for line in self._lines), default=time.time_ns() // 1_000_000)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        # What an error left undone, and nothing is written before: bytes of a line that was cut off, the file's name.
        self._torn = os.fstat(self._file).st_size != self._whole
        self._name_is_new = True
        self._put_right()

    def close(self) -> None:
        os.close(self._file)

    def lines(self) -> list[Line]:
        with self._lock:
            return [line for line in self._lines if line.what != MARK]

    def append(self, **words: Any) -> Line:
        """Write a line; it is on the disk when this returns. Raises OSError where the disk takes none: then nothing of
        it stays there, and while that cannot be had, no other line is taken."""
        with self._lock:
            self._put_right()
            line = Line(seq=self._next, **words)
            packed = _packed(line)
            try:
                write_all(self._file, packed)
                os.fsync(self._file)
            except OSError:
                self._torn = True
                with suppress(OSError):  # the first error says what is wrong; the next line tries this again
                    self._put_right()
                raise
            self._whole += len(packed)
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
            written = b"".join(map(_packed, kept))
            draft = self._path.with_suffix(".new")
            descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                write_all(descriptor, written)
                os.fsync(descriptor)
                draft.replace(self._path)
            except OSError:
                os.close(descriptor)
                raise
            os.close(self._file)
            self._file, self._lines, self._whole = descriptor, kept, len(written)
            self._torn, self._name_is_new = False, True
            self._put_right()

    def _put_right(self) -> None:
        """Do what an error left undone. What is written next must stand on a line of its own, in the file that is found
        at the next start."""
        if self._torn:
            os.ftruncate(self._file, self._whole)
            os.fsync(self._file)
            self._torn = False
        os.lseek(self._file, self._whole, os.SEEK_SET)
        if self._name_is_new:
            flush(self._path.parent)
            self._name_is_new = False


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
                    remedy="Look at the printers, keep the file for whoever looks after the machine, and move it away: "
                    "the booth prints again then, and the hub's prints page asks about what it was printing.",
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
