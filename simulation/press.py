"""A press that only counts: it takes its time by the evening's clock, stops, dies, and knows what came out of it.

What belongs here: a printer as its protocol wants one (`backroom.domain.printing.Printer`). What does not: who gives it
work (`booth`). It prints a key twice when it is sent twice: whether that happens is what the judge looks at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import exp, log
from random import Random

from backroom.domain.locations import PrinterSpec
from backroom.domain.printing import PrinterStatus, PrintProgress, PrintRequest, PrintState, PrintTicket
from backroom.printing.errors import PrinterUnreachable, Sent

OUT_OF_PAPER = "media-empty"
# What lies between the median and the eightieth percentile of a normal distribution, in standard deviations.
EIGHTIETH = 0.8416


@dataclass
class _Job:
    """A job at a press: `left` is how long it prints yet while the press stands, `ends_at` when it is through."""

    key: str
    copies: int
    left: timedelta
    ends_at: datetime | None = None
    state: PrintState = PrintState.PRINTING


@dataclass
class Press:
    """One press. `came_out` are the keys of what it printed, each with when; a job of several copies is one."""

    spec: PrinterSpec
    clock: Callable[[], datetime]
    chance: Random
    stopped: str = ""
    dead: bool = False
    came_out: list[tuple[str, datetime]] = field(default_factory=list)
    _jobs: dict[str, _Job] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def ends_at(self) -> datetime | None:
        """When the job at hand is through, None where none is being printed."""
        current = self._current()
        return current.ends_at if current else None

    def stop(self, reason: str) -> None:
        """It waits for somebody, and what it was printing with it."""
        self._catch_up()
        self.stopped = reason
        if current := self._current():
            current.left = max(timedelta(), (current.ends_at or self.clock()) - self.clock())
            current.ends_at = None

    def go_on(self) -> None:
        self.stopped = ""
        if current := self._current():
            current.ends_at = self.clock() + current.left

    def die(self) -> str:
        """For good. What it was printing may have come out with its last breath, for whoever looks: its key, if so."""
        self._catch_up()
        self.dead = True
        current = self._current()
        if current is None or self.stopped or self.chance.random() < 0.7:
            return ""
        self._done(current, self.clock())
        return current.key

    def found(self, key: str) -> bool:
        """Whether it lies in the tray, for somebody who looks now: before, nobody could have had it."""
        there = [one for one, _ in self.came_out]
        if key not in there:
            return False
        self.came_out[there.index(key)] = (key, self.clock())
        return True

    def status(self) -> PrinterStatus:
        self._answer()
        if self.stopped:
            return PrinterStatus("stopped", (self.stopped,), ("application/pdf",))
        current = self._current()
        return PrinterStatus(
            "printing" if current else "idle", (), ("application/pdf",), queued=int(current is not None)
        )

    def submit(self, request: PrintRequest) -> PrintTicket:
        self._answer()
        job = _Job(request.key, request.copies, self._takes(request.copies))
        self._jobs[request.key] = job
        if not self.stopped:
            job.ends_at = self.clock() + job.left
        return self._ticket(request.key)

    def progress(self, ticket: PrintTicket) -> PrintProgress:
        self._answer()
        job = self._jobs[ticket.key]
        if job.state is PrintState.PRINTING and self.stopped:
            return PrintProgress(ticket, PrintState.STOPPED, ("out of paper",), 0)
        return PrintProgress(ticket, job.state, (), job.copies if job.state is PrintState.DONE else 0)

    def find(self, key: str, *, age: timedelta | None = None) -> PrintTicket | None:
        self._answer()
        return self._ticket(key) if key in self._jobs else None

    def cancel(self, ticket: PrintTicket) -> PrintProgress:
        self._answer()
        job = self._jobs[ticket.key]
        if job.state is PrintState.PRINTING:
            job.state = PrintState.CANCELLED
        return self.progress(ticket)

    def _answer(self) -> None:
        if self.dead:
            raise PrinterUnreachable(f"Printer {self.name} does not answer.", sent=Sent.NOTHING)
        self._catch_up()

    def _catch_up(self) -> None:
        current = self._current()
        if current and current.ends_at is not None and current.ends_at <= self.clock():
            self._done(current, current.ends_at)

    def _done(self, job: _Job, at: datetime) -> None:
        job.state = PrintState.DONE
        self.came_out.append((job.key, at))

    def _current(self) -> _Job | None:
        return next((job for job in self._jobs.values() if job.state is PrintState.PRINTING), None)

    def _takes(self, copies: int) -> timedelta:
        """Log-normal by what its profile says: half of all pieces take longer than usual, one in five than slow."""
        profile = self.spec.profile
        assert profile is not None, "a press of the evening has a profile"
        spread = log(profile.slow / profile.usual) / EIGHTIETH
        return timedelta(seconds=sum(profile.usual * exp(self.chance.gauss(0, spread)) for _ in range(copies)))

    def _ticket(self, key: str) -> PrintTicket:
        return PrintTicket(self.name, hashlib.sha256(key.encode()).hexdigest()[:8], "", key)
