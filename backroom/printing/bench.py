"""The bench: one print job carried out on one printer, from the start to its end, by whoever holds it.

What belongs here: the order of calls between gateway and printer, which is what makes a print happen once. What does
not: who schedules it (`tasks.print_job`) and how a printer is spoken to (`ipp`, `folder`).

Before a job is sent, the gateway commits that it begins; a job that was begun before is asked for at its printer by
its key. Found, it is followed; certainly not there, it is printed; where nobody can tell, a person decides.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta

from backroom.domain.errors import BackroomError, OutcomeUnknown, Refuse
from backroom.domain.printing import Printer, PrintProgress, PrintRequest, PrintState, PrintTicket
from backroom.domain.shop import PrinterSpec
from backroom.printing.booth import Booth, Job

FOLLOW_SECONDS = 8.0
FIRST_LOOK, SLOWEST_LOOK = 0.05, 1.0


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn at one job came to: `done`, `printing` (look again), `blocked` (a person at the printer), `failed`,
    `unknown`, or `gone` (not ours any more)."""

    job: int
    result: str
    reason: str = ""


def work_on(job: Job, spec: PrinterSpec, printer: Printer, booth: Booth) -> Turn:
    """One turn at a job of at most some ten seconds: begin it or find it again, follow it, report it.

    Raises only errors that stop the bench as a whole (the gateway is away, the key is refused).
    """
    try:
        ticket = printer.find(job.key, age=timedelta(seconds=job.age_s)) if job.started else None
    except OutcomeUnknown as error:
        booth.outcome(job, "unknown", error.message)
        return Turn(job.id, "unknown", error.message)
    except BackroomError as error:
        booth.progress(job, PrintState.STOPPED, error.message, job.printer_job)
        return Turn(job.id, "blocked", error.message)
    if ticket is None:
        begun = _begin(job, spec, printer, booth)
        if isinstance(begun, Turn):
            return begun
        ticket = begun
    return _follow(job, printer, booth, ticket)


def _begin(job: Job, spec: PrinterSpec, printer: Printer, booth: Booth) -> PrintTicket | Turn:
    request = PrintRequest(
        key=job.key,
        document=booth.document(job),
        media_type="application/pdf",
        copies=job.copies,
        media=spec.media or None,
        sides=spec.sides or None,
        quality=spec.quality or None,
    )
    booth.start(job, spec.name)
    try:
        return printer.submit(request)
    except OutcomeUnknown as error:
        booth.outcome(job, "unknown", error.message)
        return Turn(job.id, "unknown", error.message)
    except Refuse as error:
        # It can never be printed like this: nothing was printed, and a person must change the printer or the piece.
        booth.progress(job, PrintState.STOPPED, str(error), "")
        return Turn(job.id, "blocked", str(error))
    except BackroomError as error:
        booth.outcome(job, "failed", error.message)
        return Turn(job.id, "failed", error.message)


def _follow(job: Job, printer: Printer, booth: Booth, ticket: PrintTicket) -> Turn:
    deadline = time.monotonic() + FOLLOW_SECONDS
    pause, told = FIRST_LOOK, ""
    while True:
        try:
            seen = printer.progress(ticket)
        except OutcomeUnknown as error:
            booth.outcome(job, "unknown", error.message)
            return Turn(job.id, "unknown", error.message)
        except BackroomError as error:
            return Turn(job.id, "printing", error.message)
        ended = _settle(job, booth, seen)
        if ended is not None:
            return ended
        reason = ", ".join(seen.reasons)
        if seen.state is PrintState.STOPPED and reason != told:
            booth.progress(job, seen.state, reason, ticket.job_id)
            told = reason
        if time.monotonic() >= deadline:
            if seen.state is PrintState.STOPPED:
                return Turn(job.id, "blocked", reason)
            booth.progress(job, PrintState.PRINTING, "", ticket.job_id)
            return Turn(job.id, "printing", reason)
        time.sleep(pause)
        pause = min(pause * 1.5, SLOWEST_LOOK)


def _settle(job: Job, booth: Booth, seen: PrintProgress) -> Turn | None:
    reason = ", ".join(seen.reasons)
    match seen.state:
        case PrintState.DONE:
            booth.outcome(job, "done")
            return Turn(job.id, "done")
        case PrintState.ABORTED | PrintState.CANCELLED:
            # Part of it may be on paper: the printer gave up in the middle. A person looks at what lies there.
            booth.outcome(job, "unknown", f"the printer says {seen.state}: {reason}")
            return Turn(job.id, "unknown", reason)
        case PrintState.UNKNOWN:
            booth.outcome(job, "unknown", reason)
            return Turn(job.id, "unknown", reason)
    return None
