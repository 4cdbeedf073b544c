"""The bench: one print job carried out on one printer, from the start to its end, by whoever holds it.

What belongs here: the order of calls between gateway and printer, which is what makes a print happen once. What does
not: which job goes to which printer (`lanes`), and how a printer is spoken to (`ipp`, `folder`).

Before a job is sent, the gateway commits that it begins; a job that was begun before is asked for at its printer by
its key. Found, it is followed; certainly not there, it is printed; where nobody can tell, a person decides. `failed` is
told to the gateway only of what certainly did not come out: it is tried again under a new key. `done` is told only of
what the printer has taken whole: the gateway is told the printer's number of a job once that is so, and a job whose
document was cut off on its way is for a person to look at, though the printer says that it is done.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum

from backroom.domain.errors import BackroomError, OutcomeUnknown, Refuse
from backroom.domain.locations import PrinterSpec
from backroom.domain.printing import Printer, PrintProgress, PrintRequest, PrintState, PrintTicket
from backroom.printing.booth import Booth, FetchLater, GatewayRefused, Job, JobTaken
from backroom.printing.handover import hand_over

FOLLOW_SECONDS = 8.0
# A tray that is pushed back in at once is no stop that anybody must hear of for long.
STOPPED_SECONDS = 1.0
# A job that takes longer than this is noted as taken by its printer, so that a crash meanwhile is nobody's to settle.
TAKEN_SECONDS = 0.5
FIRST_LOOK, SLOWEST_LOOK = 0.03, 1.0


class Result(StrEnum):
    """What one turn at a job came to.

    PRINTING: look again. BLOCKED: it is at its printer, which waits for somebody. FAILED: certainly not printed, to be
    tried anew. REFUSED: the same, and this printer will never do it. LEFT: it waits in our hands for somebody to mend
    what is not the printer. LATER: the same, until another job of ours is over. UNKNOWN: a person decides. GONE: it is
    not ours any more.
    """

    DONE = "done"
    PRINTING = "printing"
    BLOCKED = "blocked"
    FAILED = "failed"
    REFUSED = "refused"
    LEFT = "left"
    LATER = "later"
    UNKNOWN = "unknown"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn at one job came to. `untouched`: the printer says that nothing of a blocked job came out yet.

    `printer_job` is the printer's number of a job that it has taken whole.
    """

    job: int
    result: Result
    reason: str = ""
    untouched: bool = False
    printer_job: str = ""


def work_on(
    job: Job, spec: PrinterSpec, printer: Printer, booth: Booth, *, follow_seconds: float = FOLLOW_SECONDS
) -> Turn:
    """One turn at a job of at most some ten seconds: begin it or find it again, follow it, report it.

    `follow_seconds` is how long it is followed before the next turn; with 0 it is looked at once.

    Raises only errors that stop the bench as a whole (the gateway is away, the key is refused).
    """
    with booth.connected() as gateway:
        try:
            return _work(job, spec, printer, gateway, follow_seconds)
        except JobTaken as error:
            return Turn(job.id, Result.GONE, error.message)


def move_away(job: Job, printer: Printer, booth: Booth) -> Turn:
    """Take a job off a printer that has stopped: FAILED once the printer confirms that nothing of it came out.

    BLOCKED as before where it does not confirm in time. A job that goes on meanwhile is followed instead. Raises like
    `work_on`.
    """
    with booth.connected() as gateway:
        try:
            return _move(job, printer, gateway)
        except JobTaken as error:
            return Turn(job.id, Result.GONE, error.message)


def _work(job: Job, spec: PrinterSpec, printer: Printer, booth: Booth, follow_seconds: float) -> Turn:
    found = _find(job, printer, booth) if job.started else None
    if isinstance(found, Turn):
        return found
    if found is None:
        # Sent anew, it gets another number, which may be the same after a restart.
        job = replace(job, printer_job="")
    ticket = found or _begin(job, spec, printer, booth)
    return ticket if isinstance(ticket, Turn) else _follow(job, printer, booth, ticket, follow_seconds)


def _move(job: Job, printer: Printer, booth: Booth) -> Turn:
    ticket = _find(job, printer, booth)
    if isinstance(ticket, Turn):
        return ticket
    if ticket is None:
        return _fail(job, booth, "the printer never had it")
    try:
        seen = printer.progress(ticket)
        stopped = seen.state is PrintState.STOPPED and seen.printed == 0
        if stopped:
            printer.cancel(ticket)
    except OutcomeUnknown as error:
        return _unknown(job, booth, error.message)
    except BackroomError as error:
        return _block(job, booth, str(error), _taken(ticket))
    return _follow(job, printer, booth, ticket, FOLLOW_SECONDS, moved_for=job.reason if stopped else "")


def _find(job: Job, printer: Printer, booth: Booth) -> PrintTicket | Turn | None:
    try:
        ticket = printer.find(job.key, age=job.age())
    except OutcomeUnknown as error:
        return _unknown(job, booth, error.message)
    except BackroomError as error:
        return _block(job, booth, str(error), job.printer_job)
    if ticket is not None and ticket.job_id == job.printer_job:
        return replace(ticket, whole=True)
    return ticket


def _begin(job: Job, spec: PrinterSpec, printer: Printer, booth: Booth) -> PrintTicket | Turn:
    """Send a job that the printer certainly does not have."""
    try:
        document = booth.document(job)
        booth.start(job, spec.name)
    except GatewayRefused as error:
        booth.progress(job, PrintState.STOPPED, str(error), "")
        return Turn(job.id, Result.LEFT, str(error))
    except FetchLater as error:
        return Turn(job.id, Result.LATER, str(error))
    except JobTaken:
        # Its order was held or cancelled meanwhile; where the job is still in our hands, it goes back.
        with suppress(JobTaken):
            booth.outcome(job, "failed" if job.started else "returned", "its order does not want it now")
        raise
    request = PrintRequest(
        key=job.key,
        document=document,
        media_type="application/pdf",
        copies=job.copies,
        media=spec.media or None,
        sides=spec.sides or None,
        quality=spec.quality or None,
    )
    try:
        return hand_over(printer, request)
    except OutcomeUnknown as error:
        return _unknown(job, booth, error.message)
    except Refuse as error:
        return _fail(job, booth, str(error), Result.REFUSED)
    except BackroomError as error:
        return _fail(job, booth, str(error))


def _follow(
    job: Job, printer: Printer, booth: Booth, ticket: PrintTicket, follow_seconds: float, *, moved_for: str = ""
) -> Turn:
    """See a job to its end, or as far as a turn goes; `moved_for` is why its printer was asked to give it up."""
    ends = time.monotonic() + follow_seconds
    stopped_seconds = FOLLOW_SECONDS if moved_for else STOPPED_SECONDS
    pause, told, stopped_at = FIRST_LOOK, job.reason if job.state == "blocked" else "", 0.0
    taken, tell_taken_at = _taken(ticket), time.monotonic() + TAKEN_SECONDS
    known = job.printer_job
    while True:
        try:
            seen = printer.progress(ticket)
        except OutcomeUnknown as error:
            return _unknown(job, booth, error.message)
        except BackroomError as error:
            return _block(job, booth, str(error), taken)
        ended = _settle(job, booth, seen, moved_for, whole=ticket.whole)
        if ended is not None:
            return ended
        at = time.monotonic()
        if seen.state is PrintState.STOPPED:
            reason = ", ".join(seen.reasons) or "the printer has stopped"
            if reason != told:
                booth.progress(job, PrintState.STOPPED, reason, taken)
                told, known = reason, taken
            stopped_at = stopped_at or at
            if at >= min(ends, stopped_at + stopped_seconds):
                return Turn(job.id, Result.BLOCKED, reason, untouched=seen.printed == 0, printer_job=taken)
        else:
            stopped_at = 0.0
            if told or at >= ends or (taken != known and at >= tell_taken_at):
                booth.progress(job, PrintState.PRINTING, "", taken)
                told, known = "", taken
            if at >= ends:
                return Turn(job.id, Result.PRINTING, printer_job=taken)
        time.sleep(pause)
        pause = min(pause * 1.5, SLOWEST_LOOK)


def _settle(job: Job, booth: Booth, seen: PrintProgress, moved_for: str, *, whole: bool) -> Turn | None:
    """Report a job that has come to its end at the printer; None while it has not."""
    reason = f"taken off its printer: {moved_for}" if moved_for else ", ".join(seen.reasons)
    match seen.state:
        case PrintState.DONE if not whole:
            return _unknown(job, booth, "the printer was lost while it took the document: it may have printed a part")
        case PrintState.DONE:
            booth.outcome(job, "done")
            return Turn(job.id, Result.DONE)
        case PrintState.ABORTED | PrintState.CANCELLED:
            if seen.printed == 0:
                return _fail(job, booth, reason or f"the printer says {seen.state}")
            # Part of it may be on paper. A person looks at what lies there.
            return _unknown(job, booth, f"the printer says {seen.state}: {reason}")
        case PrintState.UNKNOWN:
            return _unknown(job, booth, reason)
    return None


def _fail(job: Job, booth: Booth, reason: str, result: Result = Result.FAILED) -> Turn:
    booth.outcome(job, "failed", reason)
    return Turn(job.id, result, reason)


def _unknown(job: Job, booth: Booth, reason: str) -> Turn:
    booth.outcome(job, "unknown", reason)
    return Turn(job.id, Result.UNKNOWN, reason)


def _block(job: Job, booth: Booth, reason: str, printer_job: str) -> Turn:
    booth.progress(job, PrintState.STOPPED, reason, printer_job)
    return Turn(job.id, Result.BLOCKED, reason, printer_job=printer_job)


def _taken(ticket: PrintTicket) -> str:
    """The printer's number of a job that it has taken whole; empty of any other."""
    return ticket.job_id if ticket.whole else ""
