"""The mail folder: every message as a file, for a shop without a mail server and for everybody's first day.

What belongs here: naming, writing and finding those files. What does not: the text of a mail (`mail`).

The folder works like a Maildir: a message is written whole in `tmp/`, flushed to the disk, and then renamed to its
own name, so that a file in the folder is always a whole message and a crash leaves nothing but a file in `tmp/`.
The name is made from the key, which is why the folder can say for certain whether a message went out.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from backroom.domain.consent import Medium
from backroom.domain.errors import BackroomError
from backroom.messaging.base import OutgoingMessage, ProviderDown, Sent, cannot_say, single
from backroom.messaging.mail import compose

PROVIDER = "mailfolder"

_SUFFIX: dict[Medium, str] = {"email": ".eml", "sms": ".txt"}
_ABANDONED_AFTER = timedelta(hours=1)
_READABLE_PART = 120


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

        Flushing after the last write lets the disk's journal carry the whole wave in few commits.
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

    def find(self, key: str) -> Sent | None:
        """The message of exactly this key, or None: then it was never sent."""
        try:
            return self._find(key)
        except OSError as error:
            raise cannot_say(key, "The mail folder") from error

    def _send_many(self, messages: Sequence[OutgoingMessage]) -> list[Sent | BackroomError]:
        drafts = self.folder / "tmp"
        drafts.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_abandoned(drafts)

        outcomes: dict[str, Sent | BackroomError] = {}
        written: dict[str, Path] = {}
        try:
            for message in messages:
                if message.key in written or message.key in outcomes:
                    continue
                if (earlier := self._find(message.key)) is not None:
                    outcomes[message.key] = earlier
                    continue
                try:
                    text = self._text(message)
                except BackroomError as error:
                    outcomes[message.key] = error
                    continue
                written[message.key] = drafts / secrets.token_hex(16)
                _write(written[message.key], text)

            for draft in written.values():
                _flush(draft)
            for key, draft in written.items():
                draft.rename(self.folder / self._name(key))
            _flush(self.folder)
        finally:
            for draft in written.values():
                draft.unlink(missing_ok=True)
        return [outcomes.get(message.key) or self._sent(message.key) for message in messages]

    def _text(self, message: OutgoingMessage) -> bytes:
        if self.medium == "email":
            return compose(message, datetime.now(UTC))
        return f"To: {message.recipient}\nFrom: {message.sender}\nKey: {message.key}\n\n{message.body}\n".encode()

    def _name(self, key: str) -> str:
        # Readable for a person; the hash keeps apart what a file system without upper case would mix up.
        digest = hashlib.sha256(key.encode()).hexdigest()[:16]
        return f"{quote(key, safe='')[:_READABLE_PART]}-{digest}{_SUFFIX[self.medium]}"

    def _find(self, key: str) -> Sent | None:
        try:
            return self._sent(key)
        except FileNotFoundError:
            return None

    def _sent(self, key: str) -> Sent:
        name = self._name(key)
        written_at = (self.folder / name).stat().st_mtime
        return Sent(PROVIDER, name, datetime.fromtimestamp(written_at, UTC))


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_abandoned(drafts: Path) -> None:
    """Drafts of a crashed process hold a customer's data: they go once no living wave can still own them."""
    oldest = (datetime.now(UTC) - _ABANDONED_AFTER).timestamp()
    for draft in drafts.iterdir():
        with contextlib.suppress(FileNotFoundError):  # a wave beside this one tidied it first
            if draft.stat().st_mtime < oldest:
                draft.unlink()
