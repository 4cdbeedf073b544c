"""A press for tests that counts what comes out of it: a file with a line for each copy that lies in its tray.

What belongs here: a printer as its protocol wants one (`backroom.domain.printing.Printer`), which prints a key twice
when it is sent twice, so that a test sees it; `forgets` it, or does not remember what it printed. No printer of ours
may do that, so none of ours can show it.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from backroom.domain.errors import OutcomeUnknown
from backroom.domain.printing import PrinterStatus, PrintProgress, PrintRequest, PrintState, PrintTicket
from backroom.printing.errors import PrinterUnreachable, Sent


@dataclass(frozen=True, slots=True)
class CountingPress:
    """`tray` is its file. `forgets`: it cannot tell of a job whether it had it. `off`: it does not answer."""

    name: str
    tray: Path
    forgets: bool = False
    off: bool = False

    def lines(self) -> list[str]:
        return self.tray.read_text(encoding="utf-8").splitlines() if self.tray.exists() else []

    def status(self) -> PrinterStatus:
        if self.off:
            raise PrinterUnreachable(f"Printer {self.name} does not answer.", sent=Sent.NOTHING)
        return PrinterStatus("idle", (), ("application/pdf",))

    def submit(self, request: PrintRequest) -> PrintTicket:
        assert request.document.startswith(b"%PDF")
        # One write: no kill leaves half of a line. What is in the tray is paper, which no crash takes back.
        descriptor = os.open(self.tray, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, f"{request.key}\n".encode())
        finally:
            os.close(descriptor)
        return self._ticket(request.key)

    def progress(self, ticket: PrintTicket) -> PrintProgress:
        return PrintProgress(ticket, PrintState.DONE)

    def find(self, key: str, *, age: timedelta | None = None) -> PrintTicket | None:
        if self.forgets:
            raise OutcomeUnknown(f"Printer {self.name} does not know what became of the job.")
        return self._ticket(key) if key in self.lines() else None

    def cancel(self, ticket: PrintTicket) -> PrintProgress:
        return self.progress(ticket)

    def _ticket(self, key: str) -> PrintTicket:
        return PrintTicket(self.name, hashlib.sha256(key.encode()).hexdigest()[:8], "", key)
