"""Handing a job to a printer so that we know whether it took it, wherever the printer can tell.

What belongs here: the question after a lost answer. What does not: how a printer is spoken to (`ipp`, `folder`), and
who reports what (`bench`).
"""

from __future__ import annotations

import time
from datetime import timedelta

from backroom.domain.errors import BackroomError, OutcomeUnknown, Retry
from backroom.domain.printing import Printer, PrintRequest, PrintTicket

ASK_SECONDS = 6.0
ASK_AGAIN = 0.3


class NotTaken(Retry):
    """The printer was lost in the middle of a job, came back, and has not got it: nothing was printed."""

    cause = "printer_lost"


def hand_over(printer: Printer, request: PrintRequest) -> PrintTicket:
    """Submit a job; a printer that was lost meanwhile is asked for it, for some seconds.

    Raises like `Printer.submit`: OutcomeUnknown only when the printer could not tell, anything else printed nothing.
    """
    began = time.monotonic()
    try:
        return printer.submit(request)
    except OutcomeUnknown as lost:
        ticket = _ask(printer, request.key, began, lost)
    if ticket is None:
        raise NotTaken(f"Printer {printer.name} was lost before it had job {request.key}.")
    return ticket


def _ask(printer: Printer, key: str, began: float, lost: OutcomeUnknown) -> PrintTicket | None:
    ends = time.monotonic() + ASK_SECONDS
    while True:
        try:
            return printer.find(key, age=timedelta(seconds=time.monotonic() - began))
        except BackroomError as error:
            # It may be starting again, or still be taking what was sent: both pass.
            if time.monotonic() >= ends:
                raise lost from error
        time.sleep(ASK_AGAIN)
