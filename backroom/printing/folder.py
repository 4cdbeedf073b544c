"""The `folder:` printer: every job as a file, for a shop without an IPP printer and for everybody's first day.

What belongs here: naming, writing and finding those files. A job is its document, `KEY-HASH+xCOPIES.pdf`, and beside it
`KEY-HASH.json` with what was asked: copies, media, sides, quality. Whoever prints the folder by hand, or by a program
that watches it, may take documents away; the folder still knows by the `.json` that the job was there.

Files are written whole, flushed to the disk and then renamed to their names, the document first: a crash leaves
either no job, or one that is found.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from backroom.domain.errors import OutcomeUnknown
from backroom.domain.printing import PrinterStatus, PrintProgress, PrintRequest, PrintState, PrintTicket
from backroom.durable import flush
from backroom.printing.errors import PrinterUnreachable, Sent, UnsupportedAttribute

_SUFFIXES = {
    "application/pdf": ".pdf",
    "image/png": ".png",
    "image/jpeg": ".jpg",
}
_READABLE_PART = 100
# No living process writes one file for so long.
ABANDONED_AFTER = timedelta(hours=1)
# Above the largest document, and what is written beside it; RFC 8011 names the reason (section 5.4.12).
ROOM, NO_ROOM = 8 * 1024 * 1024, "spool-area-full"


class FolderPrinter:
    """A folder as a printer. Implements `backroom.domain.printing.Printer`; the same key twice is one job."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        self._folder = folder

    @property
    def name(self) -> str:
        return self._name

    def status(self) -> PrinterStatus:
        """Idle; stopped while its disk has too little room, PrinterUnreachable when nothing can be kept there."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            told = os.statvfs(self._folder)
            if told.f_bavail * told.f_frsize < ROOM:
                # Said before a job is sent: its tries would be over before there is room again.
                return PrinterStatus(state="stopped", reasons=(NO_ROOM,), accepts=tuple(_SUFFIXES))
            self._draft(b"").unlink()
        except OSError as error:
            raise self._trouble(error) from error
        return PrinterStatus(state="idle", reasons=(), accepts=tuple(_SUFFIXES))

    def submit(self, request: PrintRequest) -> PrintTicket:
        """Write a job and return once it is safe on the disk; a key that is there already is left as it is."""
        if request.media_type not in _SUFFIXES:
            raise UnsupportedAttribute(self.name, "document-format", request.media_type)
        if request.copies < 1:
            raise UnsupportedAttribute(self.name, "copies", request.copies)
        earlier = self.find(request.key)
        if earlier is not None:
            return earlier
        stem = _stem(request.key)
        document = self._folder / f"{stem}+x{request.copies}{_SUFFIXES[request.media_type]}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            written = self._draft(request.document)
            try:
                described = self._draft(_describe(request, document.name))
            except OSError:
                # It may hold an address, and every try would leave another.
                written.unlink()
                raise
        except OSError as error:
            raise self._trouble(error) from error
        try:
            written.rename(document)
            described.rename(self._folder / f"{stem}.json")
            flush(self._folder)
        except OSError as error:
            raise OutcomeUnknown(
                f"Printer {self.name} failed while it wrote {request.key}.", remedy="Look into its folder."
            ) from error
        return self._ticket(request.key)

    def progress(self, ticket: PrintTicket) -> PrintProgress:
        """DONE, since a job in the folder is all this printer does; UNKNOWN when its files were taken away."""
        if self.find(ticket.key) is None:
            return PrintProgress(ticket, PrintState.UNKNOWN, ("its files are no longer in the folder",))
        return PrintProgress(ticket, PrintState.DONE)

    def find(self, key: str, *, age: timedelta | None = None) -> PrintTicket | None:
        """The job of this key, or None: exact, whatever its age."""
        stem = _stem(key)
        try:
            there = (self._folder / f"{stem}.json").exists() or any(self._folder.glob(f"{stem}+x*"))
        except OSError as error:
            raise self._trouble(error) from error
        return self._ticket(key) if there else None

    def cancel(self, ticket: PrintTicket) -> PrintProgress:
        """Nothing is left to cancel: a job is done as soon as it is there."""
        return self.progress(ticket)

    def rewrite(self, key: str, document: bytes | None) -> bool:
        """Put another document in the place of a job's, or take it away; False where it is not there any more.

        The job stays known, and was printed once.
        """
        there = list(self._folder.glob(f"{_stem(key)}+x*")) if self._folder.is_dir() else []
        for path in there:
            if document is None:
                path.unlink()
            else:
                self._draft(document).rename(path)
        if there:
            flush(self._folder)
        return bool(there)

    def remove_older(self, oldest: datetime) -> int:
        """Remove documents that were written before `oldest`, and what crashed processes left behind; the jobs stay
        known. Returns how many documents there were."""
        if not self._folder.is_dir():
            return 0
        abandoned = (datetime.now(UTC) - ABANDONED_AFTER).timestamp()
        for draft in self._folder.glob(".*"):
            if draft.is_file() and draft.stat().st_mtime < abandoned:
                draft.unlink(missing_ok=True)
        documents = [path for suffix in _SUFFIXES.values() for path in self._folder.glob(f"*+x*{suffix}")]
        old = [path for path in documents if path.stat().st_mtime < oldest.timestamp()]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def _draft(self, content: bytes) -> Path:
        path = self._folder / f".{secrets.token_hex(16)}"
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            path.unlink()
            raise
        return path

    def _ticket(self, key: str) -> PrintTicket:
        return PrintTicket(self.name, _stem(key), "", key)

    def _trouble(self, error: OSError) -> PrinterUnreachable:
        reason = error.strerror or type(error).__name__
        return PrinterUnreachable(f"The folder of printer {self.name} cannot be used: {reason}.", sent=Sent.NOTHING)


def _stem(key: str) -> str:
    # Readable for a person; the hash keeps apart what is cut off, or mixed up by a file system without upper case.
    digest = hashlib.sha256(key.encode()).hexdigest()[:12]
    return f"{quote(key, safe='')[:_READABLE_PART]}-{digest}"


def _describe(request: PrintRequest, document: str) -> bytes:
    return json.dumps(
        {
            "key": request.key,
            "document": document,
            "media_type": request.media_type,
            "copies": request.copies,
            "media": request.media,
            "sides": request.sides,
            "quality": request.quality,
            "color": request.color,
            "bytes": len(request.document),
            "sha256": hashlib.sha256(request.document).hexdigest(),
            "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
        },
        indent=2,
    ).encode()
