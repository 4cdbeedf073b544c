"""One printer during one run of the lanes: the job it has, and what was last seen of it.

What belongs here: whether this printer can take a job now. What does not: which job (`lanes`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Protocol, TypeAlias

from backroom.domain.errors import BackroomError
from backroom.domain.locations import PrinterSpec
from backroom.domain.printing import Printer, PrinterLoad, PrinterStatus
from backroom.printing.bench import Turn
from backroom.printing.booth import Job

FRESH_SECONDS = 0.5
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 1.0
# A printer whose job had to be moved, or that gave up two in a row, may say that it is ready without being so.
REST_SECONDS = 60.0
MOST_FAILURES = 2


class Flight(Protocol):
    """A turn at a job that runs elsewhere: a future."""

    def result(self) -> Turn: ...

    def add_done_callback(self, fn: Callable[[Any], None], /) -> None: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """A look at a printer: its status, or why it cannot be asked."""

    at: float
    status: PrinterStatus | None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """A look that was taken elsewhere."""

    seen: Future[Seen]


Ended: TypeAlias = SimpleQueue[tuple["Lane", Flight | Look]]


class Lane:
    """A printer, the job it is flying or that is parked at it, and the last look."""

    def __init__(self, spec: PrinterSpec) -> None:
        self.spec = spec
        self.name = spec.name
        self.job: Job | None = None
        self.untouched = False
        self.looking = False
        self._flight: Flight | None = None
        self._seen: Seen | None = None
        self._next_look = 0.0
        self._pause = FIRST_PAUSE
        self._rests_until = 0.0
        self._failures = 0
        self._trouble = ""

    @property
    def flying(self) -> bool:
        return self._flight is not None

    @property
    def parked(self) -> Job | None:
        """A job that lies at this printer, which has stopped."""
        return None if self.flying else self.job

    @property
    def free(self) -> bool:
        return self.job is None and time.monotonic() >= self._rests_until

    @property
    def answers(self) -> bool:
        return self._seen is not None and self._seen.status is not None

    @property
    def busy(self) -> bool:
        """Whether it works on a job of somebody else."""
        status = self._seen.status if self._seen else None
        return self.free and status is not None and status.ready and (status.state == "printing" or status.queued > 0)

    @property
    def ready(self) -> bool:
        """Whether a job sent now would be printed, as it said a moment ago."""
        return self.free and self._fresh() and self._says_ready() and not self.busy

    @property
    def hopeful(self) -> bool:
        """Whether it may take a job soon: nothing is known that speaks against it."""
        return self.flying or (self.free and (self._seen is None or self._says_ready()) and not self.busy)

    @property
    def recovered(self) -> bool:
        """Whether a printer that had stopped says that it is ready again."""
        return self.parked is not None and self._says_ready()

    @property
    def can_take_over(self) -> bool:
        """Whether another printer's job may be moved here: it prints, or would, without any doubt."""
        if self.parked is not None or time.monotonic() < self._rests_until or not self._fresh():
            return False
        return self._says_ready() and not self.load().doubtful

    @property
    def trouble(self) -> str:
        """Why it takes no job, in words for staff."""
        if self.parked is not None or not self.free:
            return f"{self.name}: {self._trouble or 'at work'}"
        if self._seen is None:
            return f"{self.name}: not asked yet"
        if self._seen.status is None:
            return self._seen.trouble
        words = ", ".join(self._seen.status.words)
        return f"{self.name}: {words or ('busy with another job' if self.busy else 'the printer has stopped')}"

    def load(self) -> PrinterLoad:
        status = self._seen.status if self._seen else None
        jobs, doubtful = (status.queued, status.doubtful) if status else (0, True)
        return PrinterLoad(self.name, self.spec.prints, jobs, ready=self.ready, doubtful=doubtful)

    def fly(self, job: Job, flight: Flight, ended: Ended) -> None:
        """Note the turn that has begun; it drops this lane into `ended` when it is over."""
        self.job, self._flight, self.untouched = job, flight, False
        self._forget()
        flight.add_done_callback(lambda _: ended.put((self, flight)))

    def land(self) -> Job:
        """The turn is over: the job it was about."""
        assert self.job is not None
        job, self.job, self._flight = self.job, None, None
        self._forget()
        return job

    def park(self, job: Job, reason: str, *, untouched: bool) -> None:
        """The job stays here until somebody helps the printer, or it is moved."""
        self.job, self.untouched, self._trouble = job, untouched, reason
        self._next_look = time.monotonic() + LONGEST_PAUSE

    def failed(self, reason: str, *, rest: bool) -> None:
        """A job did not come out here."""
        self._failures += 1
        self._trouble = reason
        if rest or self._failures >= MOST_FAILURES:
            self._rests_until = time.monotonic() + REST_SECONDS

    def succeeded(self) -> None:
        self._failures = 0

    def due(self, at: float) -> bool:
        """Whether to look at it again, now that somebody waits for it."""
        return not self.looking and at >= self._next_look and not (self._fresh() and self._says_ready())

    def look(self, lookers: ThreadPoolExecutor, open_printer: Callable[[PrinterSpec], Printer], ended: Ended) -> None:
        """Ask it elsewhere how it is; the answer comes through `ended`."""
        self.looking = True
        look: Future[Seen] = lookers.submit(_look_at, self.spec, open_printer)
        look.add_done_callback(lambda done: ended.put((self, Look(done))))

    def saw(self, seen: Seen) -> None:
        self.looking, self._seen = False, seen
        if self._says_ready() and not self.busy:
            self._pause = FIRST_PAUSE
            self._next_look = seen.at + FRESH_SECONDS
        else:
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
            self._next_look = time.monotonic() + self._pause
        if self.job is not None:
            self._next_look = time.monotonic() + LONGEST_PAUSE

    def _forget(self) -> None:
        """What was seen before this moment says nothing any more."""
        self._seen, self._next_look, self._pause = None, 0.0, FIRST_PAUSE

    def _fresh(self) -> bool:
        return self._seen is not None and time.monotonic() - self._seen.at < FRESH_SECONDS

    def _says_ready(self) -> bool:
        return self._seen is not None and self._seen.status is not None and self._seen.status.ready


def _look_at(spec: PrinterSpec, open_printer: Callable[[PrinterSpec], Printer]) -> Seen:
    try:
        status = open_printer(spec).status()
    except BackroomError as error:
        return Seen(time.monotonic(), None, str(error))
    return Seen(time.monotonic(), status)
