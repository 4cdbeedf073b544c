"""What is printed and on which printer: requests, tickets, progress, the choice of a printer, and words for trouble.

What belongs here: value types, the `Printer` protocol that every kind of printer answers, and the rules that need no
printer. What does not: IPP, files and PDFs (`backroom.printing`), and the shop's print jobs (`backroom.domain.model`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol


class PrintState(StrEnum):
    """Where a job is at its printer. STOPPED waits for somebody's hand; UNKNOWN is a job the printer lost sight of."""

    PENDING = "pending"
    PRINTING = "printing"
    STOPPED = "stopped"
    DONE = "done"
    ABORTED = "aborted"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"

    @property
    def ended(self) -> bool:
        return self in (PrintState.DONE, PrintState.ABORTED, PrintState.CANCELLED)


@dataclass(frozen=True, slots=True)
class PrintRequest:
    """One document to be printed. None leaves a choice to the printer; what is named must be honoured or refused.

    `key` is our own unique name of the job, 255 bytes at most; `media` a size in the words of PWG 5101.1, such as
    `iso_a6_105x148mm`; `sides` is one-sided, two-sided-long-edge or two-sided-short-edge; `quality` draft, normal or
    high; `color` auto, color or monochrome.
    """

    key: str
    document: bytes
    media_type: str
    copies: int
    media: str | None = None
    sides: str | None = None
    quality: str | None = None
    color: str | None = None


@dataclass(frozen=True, slots=True)
class PrintTicket:
    """A job at a printer: `job_id` and `job_uuid` are the printer's names for it, `key` is ours.

    `whole`: the printer is known to have all of its document. One that is not may come out in part.
    """

    printer: str
    job_id: str
    job_uuid: str
    key: str
    whole: bool = True


@dataclass(frozen=True, slots=True)
class PrintProgress:
    """Where a job is, and why it does not go on: `reasons` are plain words for staff.

    `printed` is how many printed sides have come out so far, None where the printer does not tell.
    """

    ticket: PrintTicket
    state: PrintState
    reasons: tuple[str, ...] = ()
    printed: int | None = None


@dataclass(frozen=True, slots=True)
class Supply:
    """Ink, toner or a waste tank. `percent` is its level, None where the printer cannot say."""

    name: str
    percent: int | None


@dataclass(frozen=True, slots=True)
class PrinterStatus:
    """A printer now: `state` is idle, printing or stopped; `reasons` are IPP keywords; `accepts` are media types."""

    state: str
    reasons: tuple[str, ...]
    accepts: tuple[str, ...]
    accepting_jobs: bool = True
    queued: int = 0
    supplies: tuple[Supply, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether a job sent now would be printed without anybody's hand, as far as the printer knows."""
        return self.accepting_jobs and self.state != "stopped" and not any(map(needs_a_hand, self.reasons))

    @property
    def doubtful(self) -> bool:
        """Whether it tells of something that may need a hand, if only as a report."""
        return any(map(may_need_a_hand, self.reasons))

    @property
    def words(self) -> tuple[str, ...]:
        return in_plain_words(self.reasons)


class Printer(Protocol):
    """Any printer. One object belongs to one task: it is not shared by threads.

    Every call may raise `PrinterUnreachable`, a Retry: nothing was printed by that call.
    """

    @property
    def name(self) -> str: ...

    def status(self) -> PrinterStatus: ...

    def submit(self, request: PrintRequest) -> PrintTicket:
        """Hand over a job whole. A Retry or a Refuse has printed nothing; OutcomeUnknown may have: ask `find`."""
        ...

    def progress(self, ticket: PrintTicket) -> PrintProgress: ...

    def find(self, key: str, *, age: timedelta | None = None) -> PrintTicket | None:
        """The job of this key if it was printed or will be, if only in part (`whole`); None if it certainly was not.

        `age` is how long ago its submission began; without it absence can seldom be proved. OutcomeUnknown when the
        printer cannot tell.
        """
        ...

    def cancel(self, ticket: PrintTicket) -> PrintProgress:
        """Ask the printer to stop a job; returns where it is then, which may be done, or not ended yet."""
        ...


@dataclass(frozen=True, slots=True)
class PrinterLoad:
    """A printer as the choice sees it: the print processes it does, and the `jobs` in its hands or waiting for it.

    `ready` printers take work now. A `doubtful` one reports, without having stopped, what may need a hand.
    """

    name: str
    processes: tuple[str, ...]
    jobs: int
    ready: bool = True
    doubtful: bool = False


def choose_printer(candidates: Sequence[PrinterLoad], needs: str) -> str | None:
    """The name of the least busy printer that does the process `needs`, the first of equals; None when none can now.

    A doubtful printer is chosen only when no other is left: it may hold the job up.
    """
    able = [one for one in candidates if one.ready and needs in one.processes]
    best = min(able, key=lambda one: (one.doubtful, one.jobs), default=None)
    return best.name if best else None


# Keywords of printer-state-reasons and job-state-reasons (RFC 8011 sections 5.3.8 and 5.4.12, PWG 5100.9) in the words
# that staff read. True marks those that keep a printer from going on until somebody does something.
_WORDS: dict[str, tuple[str, bool]] = {
    "media-empty": ("out of paper", True),
    "media-needed": ("waits for paper to be put in", True),
    "media-jam": ("paper jam", True),
    "media-low": ("paper is running low", False),
    "input-tray-missing": ("a paper tray is missing", True),
    "input-tray-empty": ("a paper tray is empty", True),
    "input-media-supply-empty": ("out of paper", True),
    "input-media-supply-low": ("paper is running low", False),
    "cover-open": ("a cover is open", True),
    "door-open": ("a door is open", True),
    "interlock-open": ("a door or cover is open", True),
    "marker-supply-empty": ("out of ink", True),
    "marker-supply-low": ("ink is running low", False),
    "marker-supply-missing": ("an ink cartridge is missing", True),
    "marker-waste-almost-full": ("the waste ink tank is almost full", False),
    "marker-waste-full": ("the waste ink tank is full", True),
    "toner-empty": ("out of toner", True),
    "toner-low": ("toner is running low", False),
    "developer-empty": ("out of developer", True),
    "developer-low": ("developer is running low", False),
    "opc-life-over": ("the drum is worn out", True),
    "opc-near-eol": ("the drum is almost worn out", False),
    "fuser-over-temp": ("the fuser is too hot", True),
    "fuser-under-temp": ("the fuser is too cold", True),
    "output-area-full": ("the output tray is full", True),
    "output-area-almost-full": ("the output tray is almost full", False),
    "output-tray-missing": ("the output tray is missing", True),
    "spool-area-full": ("the printer's memory is full", True),
    "paused": ("the printer is paused", True),
    "moving-to-paused": ("the printer is about to pause", True),
    "shutdown": ("the printer is shutting down", True),
    "stopping": ("the printer is stopping", True),
    "stopped-partly": ("part of the printer has stopped", False),
    "connecting-to-device": ("connecting to the printer", False),
    "timed-out": ("the printer does not answer its server", True),
    "offline": ("the printer is offline", True),
    "other": ("the printer reports a trouble without a name", False),
    "printer-stopped": ("the printer has stopped", True),
    "printer-stopped-partly": ("part of the printer has stopped", False),
    "resources-are-not-ready": ("paper or ink for this job is not in the printer", True),
    "job-canceled-by-user": ("cancelled by us", False),
    "job-canceled-by-operator": ("cancelled at the printer", False),
    "job-canceled-at-device": ("cancelled at the printer", False),
    "aborted-by-system": ("the printer gave the job up", False),
    "document-format-error": ("the printer could not read the document", False),
    "unsupported-document-format": ("the printer does not take this kind of document", False),
    "document-unprintable-error": ("the printer could not print the document", False),
    "job-completed-with-errors": ("printed with errors", False),
    "job-completed-with-warnings": ("printed with warnings", False),
    "processing-to-stop-point": ("is being cancelled", False),
    "job-data-insufficient": ("the document did not arrive whole", False),
}
_UNREMARKABLE = frozenset(
    {"none", "job-incoming", "job-printing", "job-queued", "job-transforming", "job-completed-successfully"}
)
_SEVERITIES = ("-error", "-warning", "-report")


def needs_a_hand(reason: str) -> bool:
    """Whether an IPP reason keeps the printer from going on. What it only reports (`-report`) does not."""
    return not reason.endswith("-report") and _WORDS.get(_keyword(reason), ("", False))[1]


def may_need_a_hand(reason: str) -> bool:
    """Like `needs_a_hand`, with what is only reported: a printer at rest may know of its empty tray just so."""
    return _WORDS.get(_keyword(reason), ("", False))[1]


def in_plain_words(reasons: Iterable[str]) -> tuple[str, ...]:
    """IPP reasons as staff read them, what needs a hand first, each once. A keyword we do not know is spelled out."""
    told = [one for one in reasons if _keyword(one) not in _UNREMARKABLE]
    ordered = sorted(told, key=lambda one: not may_need_a_hand(one))
    return tuple(dict.fromkeys(_say(_keyword(one)) for one in ordered))


def _keyword(reason: str) -> str:
    for severity in _SEVERITIES:
        if reason.endswith(severity) and reason not in _WORDS:
            return reason.removesuffix(severity)
    return reason


def _say(keyword: str) -> str:
    known = _WORDS.get(keyword)
    return known[0] if known else keyword.replace("-", " ")
