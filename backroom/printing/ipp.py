"""A printer that speaks IPP (RFC 8010, RFC 8011; IPP Everywhere, PWG 5100.14): the operations and what they mean.

What belongs here: the way of a job, Create-Job then Send-Document, and how it is found again. What does not: what
all operations have in common (`operations`), what a printer supports (`capabilities`).

IPP knows no idempotency key. Our key goes along as job-name and is looked for in the printer's lists, which makes most
accidents harmless:
- Lost before the document: an empty job never prints. Whoever finds it cancels it, and sees to it that it has ended:
  the document may be on its way.
- Lost after the document: the job is found by its key, and followed.
- Lost within the document: some printers (ippeveprinter among them) print what they have got of it, and call it
  complete; nothing in IPP tells. Only the printer's answer to a document proves that it came whole, so a job that was
  found by its key is not known to be. The document is sent from memory, in one piece, after the job was accepted: the
  time in which this may happen is milliseconds.
- A printer that was switched off, or whose history has run out, cannot prove that it did not print: OutcomeUnknown.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from backroom.domain.errors import BackroomError, OutcomeUnknown
from backroom.domain.printing import (
    PrinterStatus,
    PrintProgress,
    PrintRequest,
    PrintState,
    PrintTicket,
    in_plain_words,
    needs_a_hand,
)
from backroom.printing.capabilities import JOB_ATTRIBUTES, STATUS_ATTRIBUTES, in_its_format, job_attributes, read_status
from backroom.printing.encoding import Attribute, Group, Tag, attribute
from backroom.printing.errors import PrinterUnreachable, Sent, UnsupportedAttribute
from backroom.printing.history import history_reaches_back
from backroom.printing.operations import Attributes, Operation, Operations, Status, word, words

UPLOAD_ANSWER_S = 30.0
# How long what had reached a printer may lie in its buffers before it is looked at.
SETTLES_S = 1.0

_LONGEST_NAME = 255
_NO_LONGER_KNOWN = "the printer no longer knows this job: it was switched off, or it was long ago"
_JOB_STATES = {
    3: PrintState.PENDING,
    4: PrintState.PENDING,
    5: PrintState.PRINTING,
    6: PrintState.STOPPED,
    7: PrintState.CANCELLED,
    8: PrintState.ABORTED,
    9: PrintState.DONE,
}
_JOB_FIELDS = (
    "job-id",
    "job-uuid",
    "job-name",
    "job-state",
    "job-state-reasons",
    "job-state-message",
    "job-impressions-completed",
    "time-at-processing",
    "time-at-completed",
)


class IppPrinter:
    """One IPP printer, for one task. Implements `backroom.domain.printing.Printer`.

    `upload_answer_s` is how long it may take to answer to a document, in seconds.
    """

    def __init__(
        self, name: str, uri: str, fingerprint: str | None = None, *, upload_answer_s: float = UPLOAD_ANSWER_S
    ) -> None:
        self._printer = Operations(name, uri, fingerprint)
        self._upload_answer_s = upload_answer_s

    @property
    def name(self) -> str:
        return self._printer.name

    def status(self) -> PrinterStatus:
        """State, troubles, media types and supplies."""
        return read_status(self._printer.describe(STATUS_ATTRIBUTES))

    def submit(self, request: PrintRequest) -> PrintTicket:
        """Send a job whole: UnsupportedAttribute, PrinterRefused, PrinterBusy and PrinterUnreachable printed nothing.

        OutcomeUnknown when the answer to the document is lost and the printer cannot be asked about it at once.
        """
        if len(request.key.encode()) > _LONGEST_NAME:
            raise UnsupportedAttribute(self.name, "job-name", f"longer than {_LONGEST_NAME} bytes")
        described = self._printer.describe(JOB_ATTRIBUTES)
        request = in_its_format(self.name, described, request)
        template = job_attributes(self.name, described, request)
        ticket = self._create(request, template)
        try:
            self._send_document(ticket, request)
        except PrinterUnreachable as error:
            if error.sent is Sent.NOTHING:
                self._discard(ticket)
                raise
            if error.sent is Sent.WHOLE and self._has_taken_it(ticket):
                return ticket
            raise OutcomeUnknown(
                f"Printer {self.name} was lost while it took job {ticket.key}.", remedy="Look at what it has printed."
            ) from error
        except BackroomError:
            self._discard(ticket)
            raise
        return ticket

    def progress(self, ticket: PrintTicket) -> PrintProgress:
        """Where a job is. UNKNOWN when the printer has forgotten it, or gives its number to another job."""
        job = self._look_up(ticket)
        if job is None:
            return PrintProgress(ticket, PrintState.UNKNOWN, (_NO_LONGER_KNOWN,))
        state, reasons, printed = _state(job), words(job, "job-state-reasons"), _printed(job)
        if state.ended:
            message = word(job, "job-state-message").strip() if state is PrintState.ABORTED else ""
            return PrintProgress(ticket, state, in_plain_words(reasons) + ((message,) if message else ()), printed)
        # Many printers tell of an empty tray in their own state only, and leave the job "processing".
        status = self.status()
        if state is PrintState.PRINTING and (status.state == "stopped" or any(map(needs_a_hand, status.reasons))):
            state = PrintState.STOPPED
        return PrintProgress(ticket, state, in_plain_words((*status.reasons, *reasons)), printed)

    def find(self, key: str, *, age: timedelta | None = None) -> PrintTicket | None:
        """The job of this key, looked for among those not completed and then those completed.

        It is not known to be whole. None when it is there without a document (then it is cancelled), or when a job as
        young as `age` could not be missing; OutcomeUnknown when it could.
        """
        # In this order: a job that ends between the two questions is seen by the second.
        jobs = [*self._jobs("not-completed"), *self._jobs("completed")]
        ours = [job for job in jobs if word(job, "job-name") == key]
        for job in ours:
            if "job-incoming" in words(job, "job-state-reasons"):
                raise OutcomeUnknown(f"Printer {self.name} is still taking job {key}.", remedy="Ask again in a minute.")
            ticket = replace(self._ticket(job, key), whole=False)
            if not _without_document(job) or not (_state(job).ended or self._withdraw(ticket)):
                return ticket
        if ours:
            return None
        if any("job-name" not in job for job in jobs) or not self._would_know(jobs, age):
            raise OutcomeUnknown(
                f"Printer {self.name} cannot tell whether it printed {key}.", remedy="Look at what it has printed."
            )
        return None

    def cancel(self, ticket: PrintTicket) -> PrintProgress:
        """Cancel-Job, if the job is still this one."""
        if self._look_up(ticket) is not None:
            self._cancel(ticket)
        return self.progress(ticket)

    def _create(self, request: PrintRequest, template: Sequence[Attribute]) -> PrintTicket:
        answer = self._printer.call(
            Operation.CREATE_JOB,
            [attribute(Tag.NAME, "job-name", request.key), attribute(Tag.BOOLEAN, "ipp-attribute-fidelity", True)],
            template,
        )
        ticket = self._ticket(answer.first(Group.JOB), request.key)
        ignored = answer.first(Group.UNSUPPORTED)
        if ignored:
            self._discard(ticket)
            raise self._printer.unsupported(ignored)
        return ticket

    def _send_document(self, ticket: PrintTicket, request: PrintRequest) -> None:
        self._printer.call(
            Operation.SEND_DOCUMENT,
            [
                attribute(Tag.MIME_TYPE, "document-format", request.media_type),
                attribute(Tag.BOOLEAN, "last-document", True),
            ],
            job_id=ticket.job_id,
            document=request.document,
            answer_s=self._upload_answer_s,
        )

    def _has_taken_it(self, ticket: PrintTicket) -> bool:
        """Whether a job whose document left whole, without an answer in time, goes on at the printer."""
        try:
            job = self._look_up(ticket)
        except BackroomError:
            return False
        return job is not None and not _without_document(job) and "job-incoming" not in words(job, "job-state-reasons")

    def _withdraw(self, ticket: PrintTicket) -> bool:
        """Cancel a job whose document has not come; whether it never will print.

        What was sent may still be on its way, and overtake this: only a job that has ended takes no document any more.
        And what had reached the printer by then may still lie in its buffers, and bring the job back to life (seen at
        ippeveprinter): so it must stay ended for a while.
        """
        self._cancel(ticket)
        settled = time.monotonic() + SETTLES_S
        while True:
            job = self._look_up(ticket)
            if job is None or not _state(job).ended or not _without_document(job):
                return False
            if time.monotonic() >= settled:
                return True
            time.sleep(SETTLES_S / 10)

    def _discard(self, ticket: PrintTicket) -> None:
        # No document was sent, and an empty job prints nothing whether this succeeds or not: the printer gives it up
        # by itself later.
        with contextlib.suppress(BackroomError):
            self._cancel(ticket)

    def _cancel(self, ticket: PrintTicket) -> None:
        self._printer.call(Operation.CANCEL_JOB, job_id=ticket.job_id, allow=(Status.NOT_POSSIBLE, Status.NOT_FOUND))

    def _look_up(self, ticket: PrintTicket) -> Attributes | None:
        """The job if the printer still knows it as ours: after a restart its number may be another's."""
        answer = self._printer.call(
            Operation.GET_JOB_ATTRIBUTES,
            [attribute(Tag.KEYWORD, "requested-attributes", *_JOB_FIELDS)],
            job_id=ticket.job_id,
            allow=(Status.NOT_FOUND, Status.GONE),
        )
        job = answer.first(Group.JOB)
        name, uuid = word(job, "job-name"), word(job, "job-uuid")
        # A printer may draw the same job-uuid again after a restart, so the name has the last word where it is kept.
        ours = name == ticket.key if name else bool(uuid) and uuid == ticket.job_uuid
        contradicted = bool(uuid and ticket.job_uuid) and uuid != ticket.job_uuid
        return job if ours and not contradicted else None

    def _jobs(self, which: str) -> list[Attributes]:
        answer = self._printer.call(
            Operation.GET_JOBS,
            [
                attribute(Tag.KEYWORD, "which-jobs", which),
                attribute(Tag.KEYWORD, "requested-attributes", *_JOB_FIELDS),
            ],
        )
        return answer.all(Group.JOB)

    def _would_know(self, jobs: Sequence[Attributes], age: timedelta | None) -> bool:
        if age is None:
            return False
        described = self._printer.describe(("printer-up-time", "job-history-interval-configured"))
        return history_reaches_back(
            age_s=age.total_seconds(),
            up_time_s=int(described.get("printer-up-time", 0)),
            kept_s=described.get("job-history-interval-configured"),
            ended_at_s=[at for job in jobs for at in job.get("time-at-completed", ()) if isinstance(at, int)],
        )

    def _ticket(self, job: Attributes, key: str) -> PrintTicket:
        job_id = next(iter(job.get("job-id", ())), None)
        if not isinstance(job_id, int):
            raise self._printer.no_ipp()
        return PrintTicket(self.name, str(job_id), word(job, "job-uuid"), key)


def _state(job: Attributes) -> PrintState:
    return _JOB_STATES.get(
        next((one for one in job.get("job-state", ()) if isinstance(one, int)), 0), PrintState.UNKNOWN
    )


def _printed(job: Attributes) -> int | None:
    """job-impressions-completed (RFC 8011, section 5.3.18.2): sides that came out, of all copies."""
    return next((one for one in job.get("job-impressions-completed", ()) if isinstance(one, int)), None)


def _without_document(job: Attributes) -> bool:
    """Whether a job has nothing to print: its document has not come, or it ended and was never processed."""
    if not _state(job).ended:
        return "job-data-insufficient" in words(job, "job-state-reasons")
    return _state(job) is not PrintState.DONE and job.get("time-at-processing") == (None,)
