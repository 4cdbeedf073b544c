"""The booth's line to the shop: straight to what the gateway's doors call, and into a journal while it is cut off.

What belongs here: a `Booth` without sockets, for an evening that is over in seconds. What does not: HTTP, sealed
payloads and the journal on the disk: those are the product's (`backroom.printing`), and `make demo-event` runs them.
The journal here follows the same rule: what was fetched ahead may be printed alone, each step is a numbered line.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from random import Random

from backroom.domain.model import PrintJobState
from backroom.domain.printing import PrintState
from backroom.printing.booth import Booth, Job, JobTaken, job_of
from backroom.printing.device import Device
from backroom.printing.kept import MOST_AHEAD
from backroom.shop.room import Room
from backroom.store import booth_calls, print_attempts, replayed_prints
from backroom.store.booth_wakes import claim_jobs
from backroom.store.claims import Wakeup
from backroom.store.database import Clock
from backroom.store.print_attempts import NotYourJob
from backroom.store.replayed_prints import ReplayedLine
from simulation.hub import Bell

_SHEET = b"%PDF-1.4 an evening prints nothing\n"


@dataclass(frozen=True, slots=True)
class _Written:
    """A line of the journal and when it was written."""

    line: ReplayedLine
    at: datetime


class Line(Booth):
    """One booth as one holder. `away`: no network."""

    def __init__(self, room: Room, location: str, clock: Clock, bell: Bell, chance: Random) -> None:
        super().__init__(gateway="", key="", location=location, holder=f"{location} bench", device=Device())
        self.away = False
        self._room = room
        self._clock = clock
        self._bell = bell
        self._chance = chance
        self._kept: list[Job] = []
        self._journal: list[_Written] = []
        self._told = 0

    @contextmanager
    def connected(self) -> Iterator[Booth]:
        yield self

    def claim(self, most: int) -> list[Job]:
        """What is in our hands; without the shop, what was fetched ahead and has not ended here."""
        if not self.away:
            handed = self._room.database.write(
                lambda connection: claim_jobs(connection, self.location, self.holder, most)
            )
            self._kept = [job_of(asdict(one), time.monotonic()) for one in handed]
            return list(self._kept)
        ended = {(one.line.job, one.line.attempt) for one in self._journal if one.line.what == replayed_prints.OUTCOME}
        return [job for job in self._kept[:MOST_AHEAD] if (job.id, job.attempt) not in ended]

    def call(self) -> None:
        """The long poll for work, by which the shop hears that we are there."""
        if not self.away:
            self._room.database.write(lambda connection: booth_calls.hear(connection, self.location, self._clock()))

    def document(self, job: Job) -> bytes:
        return _SHEET

    def start(self, job: Job, printer: str) -> None:
        if self.away:
            self._write(job, replayed_prints.STARTED, printer=printer)
            return
        with _taken():
            self._room.database.write(lambda c: print_attempts.start(c, job.id, job.attempt, self.holder, printer))

    def progress(self, job: Job, state: PrintState, reason: str, printer_job: str) -> None:
        word = PrintJobState.BLOCKED if state is PrintState.STOPPED else PrintJobState.PRINTING
        if self.away:
            words = {"state": word, "reason": reason, "printer_job": printer_job}
            self._write(job, replayed_prints.PROGRESS, printer=self._printer_of(job), **words)
            return
        with _taken():
            self._room.database.write(
                lambda c: print_attempts.progress(c, job.id, job.attempt, self.holder, word, reason, printer_job)
            )

    def outcome(self, job: Job, outcome: str, reason: str = "") -> None:
        if self.away:
            self._write(job, replayed_prints.OUTCOME, state=outcome, reason=reason, printer=self._printer_of(job))
            return
        with _taken():
            self._ring(
                self._room.database.write(
                    lambda c: print_attempts.settle(c, job.id, job.attempt, self.holder, outcome, reason)
                )
            )

    def come_back(self) -> int:
        """Tell the shop what it has not heard: out of order, in pieces, and some of it twice. How many lines it was."""
        self.away = False
        self.call()
        untold = self._journal[self._told :]
        self._told = len(self._journal)
        twice = untold + self._chance.sample(untold, len(untold) // 3)
        self._chance.shuffle(twice)
        machine = replayed_prints.Machine(self.device.name, self.holder, self.location)
        while twice:
            size = self._chance.randint(1, 12)
            batch, twice = twice[:size], twice[size:]
            at = self._clock()
            lines = [self._aged(one, at) for one in batch]
            _, wakeups = self._room.database.write(lambda c: replayed_prints.take_in(c, machine, lines))  # noqa: B023
            self._ring(wakeups)
        return len(untold)

    def _aged(self, one: _Written, at: datetime) -> ReplayedLine:
        return ReplayedLine(**asdict(one.line) | {"age_s": (at - one.at).total_seconds()})

    def _printer_of(self, job: Job) -> str:
        """Where the journal says that it was begun; each line carries it, as the booth's own do."""
        mine = (
            one.line for one in reversed(self._journal) if (one.line.job, one.line.attempt) == (job.id, job.attempt)
        )
        return next((line.printer for line in mine if line.printer), job.printer)

    def _write(self, job: Job, what: str, **words: str) -> None:
        line = ReplayedLine(len(self._journal) + 1, job.id, job.attempt, what, 0.0, **words)
        self._journal.append(_Written(line, self._clock()))

    def _ring(self, wakeups: list[Wakeup]) -> None:
        for wakeup in wakeups:
            self._bell.wake(wakeup)


@contextmanager
def _taken() -> Iterator[None]:
    """What the gateway answers with 409 the bench knows as this."""
    try:
        yield
    except NotYourJob as error:
        raise JobTaken(error.message) from error
