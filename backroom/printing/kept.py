"""What a booth's machine knows by itself of the jobs in its hands: its journal, its vault, and what follows of both.

What belongs here: which of the jobs fetched ahead may be printed without the shop, and what is written down when. What
does not: whom it is told to (`alone`, `Booth`), and what happens at a printer (`bench`).

The order of things is what makes a print happen once though the machine may lose power at any of them: a line that says
*started* before the printer is called; a line with the outcome before the payload's key is destroyed; and the line
stays until the shop has heard it. A job that was started and has no outcome is asked for at its printer, as ever.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from backroom.printing.booth import Job, job_of, short
from backroom.printing.device import Device
from backroom.printing.journal import AGAIN, FILE, OUTCOME, PROGRESS, STARTED, Journal, Line
from backroom.printing.vault import Try, Vault

# At most so many jobs are fetched ahead.
MOST_AHEAD = 20
# A job that certainly failed so often here waits for the shop.
MOST_TRIES = 3
# What nobody can tell the age of is older than any printer remembers.
LONG_AGO = timedelta(days=30)
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Kept:
    """The memory of one bench, for whoever holds it. Its threads may share it."""

    def __init__(self, folder: Path, device: Device) -> None:
        self.folder = folder
        self.device = device
        self.vault = Vault(folder, device)
        if not (folder / FILE).exists():
            # Somebody moved the journal away: of what was fetched before, nobody knows here what was begun.
            self.forget()
        self.journal = Journal(folder)
        # Of lines that stay: what the shop took since this was opened. What it hears twice it knows.
        self._heard: set[int] = set()
        # Lines that are being told just now, by a call of their own.
        self._on_their_way: set[int] = set()
        self._guard = threading.Lock()
        # A key whose job has its outcome: the machine stopped between the line and the key.
        for which in self.ended():
            self.vault.destroy(which)
        self.vault.clear(datetime.now(UTC))

    def close(self) -> None:
        self.tidy()
        self.journal.close()

    def forget(self) -> None:
        """Destroy all that was fetched: this machine may print nothing of it any more."""
        for which in self.vault.tries():
            self.vault.destroy(which)

    def begun(self, job: Job, printer: str, *, told: bool) -> None:
        """To be called just before the printer is."""
        self._write(job, STARTED, printer=printer, told=told)

    def went_on(self, job: Job, state: str, reason: str, printer_job: str, *, told: bool) -> None:
        """How far a started job is; of what the shop heard itself, only what its printer calls it is kept."""
        known = self._last_of(job)
        if told and (not printer_job or (known is not None and known.printer_job == printer_job)):
            return
        self._write(
            job,
            PROGRESS,
            state=state,
            reason=_plain(job, reason),
            printer=self._as_it_stands(job).printer,
            printer_job=short(printer_job),
            told=told,
        )

    def again(self, job: Job, reason: str) -> bool:
        """Note that a job certainly did not come out, and that it is tried again here; False where that is enough."""
        tried = sum(line.what == AGAIN for line in self._of((job.id, job.attempt)))
        if tried + 1 >= MOST_TRIES or not self.vault.has((job.id, job.attempt)):
            return False
        self._write(job, AGAIN, reason=_plain(job, reason))
        return True

    def ends(self, job: Job, outcome: str, reason: str) -> Line:
        """Note what became of a job, and destroy what was to be printed. Whoever calls this tells the shop, and says
        with `heard` or `not_heard` how that went."""
        as_it_was = self._as_it_stands(job)
        with self._guard:
            line = self._write(
                job,
                OUTCOME,
                state=outcome,
                reason=_plain(job, reason),
                printer=as_it_was.printer,
                printer_job=as_it_was.printer_job,
            )
            self._on_their_way.add(line.seq)
        self.vault.destroy((job.id, job.attempt))
        return line

    def ended(self) -> set[Try]:
        """Jobs and attempts that have their outcome."""
        return {(line.job, line.attempt) for line in self.journal.lines() if line.what == OUTCOME}

    def untold(self) -> list[Line]:
        """What the shop has not heard, in order."""
        with self._guard:
            known = self._heard | self._on_their_way
            return [line for line in self.journal.lines() if not line.told and line.seq not in known]

    def heard(self, seqs: Iterable[int]) -> None:
        """The shop has these."""
        with self._guard:
            self._heard.update(seqs)
            self._on_their_way.difference_update(seqs)

    def not_heard(self, seq: int) -> None:
        """The shop has not heard this line, or not taken it: it is told again with the others."""
        with self._guard:
            self._on_their_way.discard(seq)

    def tidy(self, ours: Collection[Try] | None = None) -> None:
        """Forget what has its outcome and was heard whole. Where the shop says what is in our hands (`ours`): destroy
        whatever else was fetched, and forget that too; what the shop has not heard of it stays in the journal.

        Of what is still in our hands the lines stay: by them this machine knows where it is.
        """
        if ours is not None:
            for which in self.vault.tries():
                if which not in ours:
                    self.vault.destroy(which)
        ended = self.ended()
        self._drop(which for which in self._tries() if which in ended or (ours is not None and which not in ours))

    def _tries(self) -> set[Try]:
        return {(line.job, line.attempt) for line in self.journal.lines()}

    def _drop(self, whole: Iterable[Try]) -> None:
        """Forget tries of which the shop has heard every line."""
        lines, on_their_way = self.untold(), set(self._on_their_way)
        lines += [line for line in self.journal.lines() if line.seq in on_their_way]
        gone = set(whole) - {(line.job, line.attempt) for line in lines}
        seqs = [line.seq for line in self.journal.lines() if (line.job, line.attempt) in gone]
        self.journal.drop(seqs)
        with self._guard:
            self._heard.difference_update(seqs)

    def jobs(self) -> list[Job]:
        """What may be printed without the shop: fetched, not ended, not dead. What was begun is marked as such."""
        ended, at = self.ended(), datetime.now(UTC)
        found = []
        for which in self.vault.tries():
            opened = None if which in ended else self.vault.open(which, at)
            if opened is not None:
                found.append(self._as_it_stands(job_of(opened.described | {"age_s": 0.0}, time.monotonic())))
        return found

    def overlay(self, job: Job) -> Job:
        """A job that the shop just told of, as this machine knows it: every start of it was written here first."""
        return self._as_it_stands(job) if self._of((job.id, job.attempt)) else job

    def document(self, job: Job) -> bytes | None:
        """What is to be printed of a job, where it was fetched ahead."""
        opened = self.vault.open((job.id, job.attempt), datetime.now(UTC))
        return opened.document if opened is not None else None

    def remaining(self) -> int:
        """How many jobs could still be printed without the shop."""
        return len([which for which in self.vault.tries() if which not in self.ended()])

    def age_of(self, line: Line) -> timedelta:
        """How long ago a line was written, at the most."""
        if line.boot == boot():
            return timedelta(seconds=time.clock_gettime(time.CLOCK_BOOTTIME) - line.up)
        age = datetime.now(UTC) - datetime.fromisoformat(line.at)
        # Another start, and a clock that was set back since.
        return age if age > timedelta(0) else LONG_AGO

    def _as_it_stands(self, job: Job) -> Job:
        """A job as the journal tells of it: at its printer, or to be sent, under a name of its own at each try."""
        lines = self._of((job.id, job.attempt))
        tries = sum(line.what == AGAIN for line in lines)
        since = max((number for number, line in enumerate(lines) if line.what == AGAIN), default=-1)
        started = next((line for line in lines[since + 1 :] if line.what == STARTED), None)
        fresh = replace(job, key=f"{job.key}.{tries}" if tries else job.key)
        if started is None:
            return replace(fresh, state="handed", started=False, printer="", printer_job="", reason="")
        told = [line for line in lines[since + 1 :] if line.what == PROGRESS]
        last = told[-1] if told else None
        return replace(
            fresh,
            state=last.state if last is not None else "printing",
            started=True,
            age_s=self.age_of(started).total_seconds(),
            asked_at=time.monotonic(),
            printer=started.printer,
            printer_job=next((line.printer_job for line in reversed(told) if line.printer_job), ""),
            reason=last.reason if last is not None else "",
        )

    def _of(self, which: Try) -> list[Line]:
        return [line for line in self.journal.lines() if (line.job, line.attempt) == which]

    def _last_of(self, job: Job) -> Line | None:
        lines = [line for line in self._of((job.id, job.attempt)) if line.what == PROGRESS]
        return lines[-1] if lines else None

    def _write(self, job: Job, what: str, **words: Any) -> Line:
        up = time.clock_gettime(time.CLOCK_BOOTTIME)
        at = datetime.now(UTC).isoformat()
        return self.journal.append(at=at, boot=boot(), up=up, job=job.id, attempt=job.attempt, what=what, **words)


def boot() -> str:
    """Which start of this machine this is."""
    return _BOOT.read_text(encoding="ascii").strip()


def _plain(job: Job, reason: str) -> str:
    """A reason that names no order: a printer's words may hold its name for the job."""
    for word in (job.key, job.order_number):
        if word:
            reason = reason.replace(word, "the job")
    return short(reason)
