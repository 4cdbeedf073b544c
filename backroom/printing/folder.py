"""The `folder:` printer: every job as a file, for a shop without an IPP printer and for everybody's first day.

What belongs here: naming, writing and finding those files. A job is its document, `KEY-HASH+xCOPIES.pdf`, and beside it
`KEY-HASH.json` with what was asked: copies, media, sides, quality. Whoever prints the folder by hand, or by a program
that watches it, may take documents away; the folder still knows by the `.json` that the job was there.

Files are written whole, flushed to the disk and then renamed to their names, the document first: a crash leaves
either no job, or one that is found. A disk that is full or fails for a moment is waited for, for some seconds: whoever
prints has few tries at a job, and they would be over before there is room again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar
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
# How long a job is tried while its disk fails, and the pauses between. What else a system answers passes by nobody's
# waiting: a folder that may not be written, a disk that is gone.
TROUBLE_SECONDS = 3.0
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 0.5
PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})

T = TypeVar("T")


class FolderPrinter:
    """A folder as a printer. Implements `backroom.domain.printing.Printer`; the same key twice is one job.

    Once `over` is set, no failing disk is waited for any longer: its user ends.
    """

    def __init__(self, name: str, folder: Path, over: threading.Event | None = None) -> None:
        self._name = name
        self._folder = folder
        self._over = over or threading.Event()

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
        ends = time.monotonic() + TROUBLE_SECONDS
        stem = _stem(request.key)
        document = self._folder / f"{stem}+x{request.copies}{_SUFFIXES[request.media_type]}"
        drafts: dict[Path, Path] = {}
        if not self._has(request.key):
            described = _describe(request, document.name)
            try:
                written = self._insist(ends, partial(self._drafts, request.document, described))
            except OSError as error:
                raise self._trouble(error) from error
            drafts = dict(zip(written, (document, self._folder / f"{stem}.json"), strict=True))
        try:
            for draft, path in drafts.items():
                self._insist(ends, partial(_take_name, draft, path))
            self._insist(ends, partial(flush, self._folder))
        except OSError as error:
            self._drop(drafts)
            raise OutcomeUnknown(
                f"Printer {self.name} failed while it wrote {request.key}.", remedy="Look into its folder."
            ) from error
        return self._ticket(request.key)

    def progress(self, ticket: PrintTicket) -> PrintProgress:
        """DONE, since a job in the folder is all this printer does; UNKNOWN when its files were taken away."""
        if not self._has(ticket.key):
            return PrintProgress(ticket, PrintState.UNKNOWN, ("its files are no longer in the folder",))
        return PrintProgress(ticket, PrintState.DONE)

    def find(self, key: str, *, age: timedelta | None = None) -> PrintTicket | None:
        """The job of this key, or None: exact, whatever its age. What is found is on the disk by now: whoever wrote it
        may have died, or failed, before it was."""
        if not self._has(key):
            return None
        try:
            flush(self._folder)
        except OSError as error:
            raise self._trouble(error) from error
        return self._ticket(key)

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

    def _has(self, key: str) -> bool:
        stem = _stem(key)
        try:
            return (self._folder / f"{stem}.json").exists() or any(self._folder.glob(f"{stem}+x*"))
        except OSError as error:
            raise self._trouble(error) from error

    def _insist(self, ends: float, step: Callable[[], T]) -> T:
        """Take a step, again and again while the disk fails in a way that passes, until `ends`; OSError after that."""
        pause = FIRST_PAUSE
        while True:
            try:
                return step()
            except OSError as error:
                if error.errno not in PASSING or time.monotonic() + pause > ends or self._over.wait(pause):
                    raise
            pause = min(2 * pause, LONGEST_PAUSE)

    def _drafts(self, *contents: bytes) -> list[Path]:
        """All of these on the disk, without their names; or none of them."""
        self._folder.mkdir(parents=True, exist_ok=True)
        written: list[Path] = []
        try:
            for content in contents:
                written.append(self._draft(content))
        except OSError:
            self._drop(written)
            raise
        return written

    def _drop(self, drafts: Iterable[Path]) -> None:
        # They may hold an address, and every try would leave others. What a failing disk keeps, `remove_older` finds.
        for draft in drafts:
            with suppress(OSError):
                draft.unlink(missing_ok=True)

    def _draft(self, content: bytes) -> Path:
        path = self._folder / f".{secrets.token_hex(16)}"
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            self._drop([path])
            raise
        return path

    def _ticket(self, key: str) -> PrintTicket:
        return PrintTicket(self.name, _stem(key), "", key)

    def _trouble(self, error: OSError) -> PrinterUnreachable:
        reason = error.strerror or type(error).__name__
        return PrinterUnreachable(f"The folder of printer {self.name} cannot be used: {reason}.", sent=Sent.NOTHING)


def _take_name(draft: Path, path: Path) -> None:
    try:
        draft.rename(path)
    except FileNotFoundError:
        # An earlier try did it, and was told that it had failed.
        if not path.exists():
            raise


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
