"""The mail folder: every message as a file, for a shop without a mail server and for everybody's first day.

What belongs here: naming, writing and finding those files. What does not: the text of a mail (`mail`).

The folder works like a Maildir: a message is written whole in `tmp/`, flushed to the disk, and then renamed to its
own name, so that a file in the folder is always a whole message and a crash leaves nothing but a file in `tmp/`.
The name is made from the key, which is why the folder can say for certain whether a message went out.
"""

from __future__ import annotations

# Paths as text, and not pathlib: a third of what a wave of mails cost was putting Path objects together.
# ruff: noqa: PTH104, PTH108, PTH116, PTH119
import contextlib
import hashlib
import os
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from backroom.domain.consent import Medium
from backroom.domain.errors import BackroomError
from backroom.durable import flush
from backroom.messaging.base import OutgoingMessage, ProviderDown, Sent, cannot_say, single
from backroom.messaging.mail import compose, message_id

PROVIDER = "mailfolder"

_SUFFIX: dict[Medium, str] = {"email": ".eml", "sms": ".txt"}
_ABANDONED_AFTER = timedelta(hours=1)
_READABLE_PART = 120
_SIDE_BY_SIDE = 8


class MailFolder:
    """Writes e-mails as `.eml` (RFC 5322) and SMS as `.txt`, readable by the owner only.

    Sending a key twice leaves the first file as it is. Raises `ProviderDown` when the disk does not take it.
    """

    idempotent = True

    def __init__(self, folder: Path, medium: Medium = "email") -> None:
        self.folder = folder
        self.medium: Medium = medium

    def send(self, message: OutgoingMessage) -> Sent:
        """Write one message and return once it is safe on the disk."""
        return single(self.send_many([message]))

    def send_many(self, messages: Sequence[OutgoingMessage]) -> list[Sent | BackroomError]:
        """Write a wave: all files are written, then flushed, then named, and the folder is flushed once.

        Flushing after the last write, and several side by side, lets the disk's journal carry them in few commits.
        """
        try:
            return self._send_many(messages)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            down = ProviderDown(
                f"The mail folder cannot be written: {reason}.", remedy="Make room, or let the worker write there."
            )
            down.__cause__ = error
            return [down for _ in messages]

    def find(self, message: OutgoingMessage, age: timedelta = timedelta(0)) -> Sent | None:
        """The message of exactly this key, or None: then it was never sent."""
        try:
            return _found(self._place(message.key))
        except OSError as error:
            raise cannot_say(message.key, "The mail folder") from error

    def place(self, key: str) -> Path | None:
        """The file of this key's message, None where there is none."""
        place = Path(self._place(key))
        return place if place.exists() else None

    def remove(self, key: str) -> bool:
        """Remove the message of this key for good, and what a crash left of it; False where there was none.

        Asked for again, the folder says that it was never sent: remove what is settled only.
        """
        drafts = self.folder / "tmp"
        # Whoever wrote one was killed before it had its name.
        for draft in drafts.iterdir() if drafts.is_dir() else ():
            if self._is_of(draft, key):
                draft.unlink(missing_ok=True)
        try:
            os.unlink(self._place(key))
        except FileNotFoundError:
            return False
        flush(self.folder)
        return True

    def remove_older(self, oldest: datetime) -> int:
        """Remove messages that were written before `oldest`, and drafts of crashed processes; returns how many."""
        if not self.folder.is_dir():
            return 0
        drafts = self.folder / "tmp"
        if drafts.is_dir():
            _remove_abandoned(drafts)
        old = [one for one in self.folder.glob(f"*{_SUFFIX[self.medium]}") if one.stat().st_mtime < oldest.timestamp()]
        for one in old:
            one.unlink(missing_ok=True)
        return len(old)

    def _send_many(self, messages: Sequence[OutgoingMessage]) -> list[Sent | BackroomError]:
        drafts = self.folder / "tmp"
        drafts.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_abandoned(drafts)

        outcomes: dict[str, Sent | BackroomError] = {}
        written: dict[str, tuple[str, str]] = {}
        loose: set[str] = set()
        try:
            for message in messages:
                if message.key in written or message.key in outcomes:
                    continue
                place = self._place(message.key)
                if (earlier := _found(place)) is not None:
                    outcomes[message.key] = earlier
                    continue
                try:
                    text = self._text(message)
                except BackroomError as error:
                    outcomes[message.key] = error
                    continue
                draft = f"{drafts}/{secrets.token_hex(16)}"
                written[message.key] = draft, place
                loose.add(draft)
                _write(draft, text)

            _flush_all([draft for draft, _ in written.values()])
            for draft, place in written.values():
                os.rename(draft, place)
                loose.discard(draft)
            flush(self.folder)
            outcomes |= {key: _sent(place) for key, (_, place) in written.items()}
        finally:
            for draft in loose:
                Path(draft).unlink(missing_ok=True)
        return [outcomes[message.key] for message in messages]

    def _text(self, message: OutgoingMessage) -> bytes:
        if self.medium == "email":
            return compose(message, datetime.now(UTC))
        return f"To: {message.recipient}\nFrom: {message.sender}\nKey: {message.key}\n\n{message.body}\n".encode()

    def _is_of(self, draft: Path, key: str) -> bool:
        mark = message_id(key, "").strip("<>") if self.medium == "email" else f"Key: {key}\n"
        try:
            return mark.encode() in draft.read_bytes()
        except FileNotFoundError:
            return False

    def _place(self, key: str) -> str:
        # Readable for a person; the hash keeps apart what a file system without upper case would mix up.
        digest = hashlib.sha256(key.encode()).hexdigest()[:16]
        return f"{self.folder}/{quote(key, safe='')[:_READABLE_PART]}-{digest}{_SUFFIX[self.medium]}"


def _found(place: str) -> Sent | None:
    try:
        return _sent(place)
    except FileNotFoundError:
        return None


def _sent(place: str) -> Sent:
    written_at = os.stat(place).st_mtime
    return Sent(PROVIDER, os.path.basename(place), datetime.fromtimestamp(written_at, UTC))


def _write(path: str, content: bytes) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _flush_all(paths: Sequence[str]) -> None:
    """Each file's own fsync; 500 side by side take the disk a tenth of the time."""
    if len(paths) < _SIDE_BY_SIDE:
        _flush_each(paths)
        return
    shares = [paths[first::_SIDE_BY_SIDE] for first in range(_SIDE_BY_SIDE)]
    with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="mail-flush") as pool:
        # Asked for each, or an error would stay unheard.
        list(pool.map(_flush_each, shares))


def _flush_each(paths: Sequence[str]) -> None:
    for path in paths:
        flush(path)


def _remove_abandoned(drafts: Path) -> None:
    """Drafts of a crashed process hold a customer's data: they go once no living wave can still own them."""
    oldest = (datetime.now(UTC) - _ABANDONED_AFTER).timestamp()
    for draft in drafts.iterdir():
        with contextlib.suppress(FileNotFoundError):  # a wave beside this one tidied it first
            if draft.stat().st_mtime < oldest:
                draft.unlink()
