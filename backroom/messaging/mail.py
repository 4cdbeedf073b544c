"""One e-mail as RFC 5322 text: what the mail folder writes and the SMTP server gets is the same.

What belongs here: headers, addresses and the encoding of a plain text mail. What does not: carrying it anywhere.

The headers follow what receivers ask of automatic mail: `Auto-Submitted: auto-generated` keeps vacation responders
quiet (RFC 3834, section 5.1), `Message-ID` is derived from our key, so that a mail can be found again and a repeated
one recognised (RFC 5322, section 3.6.4), and marketing carries `List-Unsubscribe` (RFC 2369, section 3.2), with the
one-click form where the address is https (RFC 8058, section 3.1).
"""

from __future__ import annotations

import hashlib
import re
from binascii import b2a_qp
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UniqueUnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from typing import Any

from backroom.messaging.base import MessageRefused, OutgoingMessage, RecipientRefused, SetupBroken


class _UrlHeader(UniqueUnstructuredHeader, BaseHeader):  # type: ignore[misc]  # the stubs differ on max_count only
    """A header whose URL must stay whole: Python would fold a long one into encoded words nobody can follow."""

    def fold(self, *, policy: Policy[Any]) -> str:
        return f"{self.name}: {self}{policy.linesep}"


def _policy() -> EmailPolicy[EmailMessage]:
    headers = HeaderRegistry()
    headers.map_to_type("list-unsubscribe", _UrlHeader)
    return SMTP.clone(header_factory=headers, cte_type="7bit")


_POLICY = _policy()
# What every one of our mails says alike, and what the standard library would write for a plain text of UTF-8.
_AUTOMATIC = b"Auto-Submitted: auto-generated\r\n"
_PLAIN_TEXT = (
    b'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1.0\r\n'
)
_LONGEST_LINE = 78
# A dot-atom at a domain of letters, digits and hyphens (RFC 5322, section 3.4.1; RFC 1034, section 3.5): what nearly
# every address is, and what needs no parser. A label has 63 characters at the most.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_USUAL_ADDRESS = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@({_LABEL}(?:\.{_LABEL})+)")


def compose(message: OutgoingMessage, at: datetime) -> bytes:
    """The mail for this message as it travels, dated `at` (aware).

    The standard library takes 1 ms of processor for each of a wave's mails, most of it to parse what it just wrote. So
    what is usual (short lines of printable ASCII) is written as it is here, and what is not by the library.

    Raises `RecipientRefused` for what is not exactly one address, `SetupBroken` for a sender that is not one, and
    `MessageRefused` for a header that would break out of its line.
    """
    sender = sender_address(message)
    recipient = recipient_address(message)
    try:
        head = [
            _folded_sender(message.sender),
            _header("To", recipient.addr_spec) if not recipient.display_name else _folded("To", recipient),
            _header("Subject", message.subject or ""),
            f"Date: {format_datetime(at)}\r\n".encode("ascii"),
            _header("Message-ID", message_id(message.key, sender.domain)),
            _AUTOMATIC,
        ]
        if message.unsubscribe_url:
            head.append(_folded("List-Unsubscribe", f"<{message.unsubscribe_url}>"))
            if message.unsubscribe_url.startswith("https://"):
                head.append(_folded("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
        body = message.body.encode()
    except (ValueError, MessageError):
        # The error quotes the text, which is the customer's.
        raise MessageRefused(
            f"Message {message.key} has a header that is not one line of text.", remedy="Mend its template."
        ) from None
    lines = b"".join(line + b"\r\n" for line in body.splitlines() or [b""])
    return b"".join((*head, _PLAIN_TEXT, b"\r\n", b2a_qp(lines, istext=True)))


def _header(name: str, value: str) -> bytes:
    """A header whose value mostly is plain text that fits its line; else as the standard library writes it."""
    plain = value.isascii() and value.isprintable() and "=?" not in value and value == value.strip()
    if plain and value and len(name) + 2 + len(value) <= _LONGEST_LINE:
        return f"{name}: {value}\r\n".encode("ascii")
    return _folded(name, value)


def _folded(name: str, value: object) -> bytes:
    return _POLICY.fold_binary(*_POLICY.header_store_parse(name, value))


@lru_cache(maxsize=8)
def _folded_sender(text: str) -> bytes:
    return _folded("From", _sender(text))


def message_id(key: str, domain: str) -> str:
    """The Message-ID of this key, the same whenever it is asked: 128 bits of its SHA-256 at the sender's domain."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"


def sender_address(message: OutgoingMessage) -> Address:
    """The sender, with or without a display name; `SetupBroken` if it is not an address."""
    parsed = _sender(message.sender)
    if parsed is None:
        raise SetupBroken(
            f"The sender {message.sender!r} of message {message.key} is not an e-mail address.",
            remedy="Mend sender_email in the shop file.",
        )
    return parsed


@lru_cache(maxsize=8)
def _sender(text: str) -> Address | None:
    """Parsed once for all the shop's mails."""
    name, address = parseaddr(text)
    parsed = _parse(address)
    return Address(name, parsed.username, parsed.domain) if parsed else None


def recipient_address(message: OutgoingMessage) -> Address:
    """The one recipient, its domain in ASCII (IDNA); `RecipientRefused` if it is not one address."""
    parsed = _parse(message.recipient)
    if parsed is None:
        raise RecipientRefused(
            f"The recipient of message {message.key} is not an e-mail address.", remedy="Correct the order's e-mail."
        )
    return parsed


def _parse(text: str) -> Address | None:
    if usual := _USUAL_ADDRESS.fullmatch(text):
        return Address(username=usual[1], domain=usual[2])
    try:
        address = Address(addr_spec=text)
        address.username.encode("ascii")  # a local part beyond ASCII needs SMTPUTF8, which few servers take (RFC 6531)
        return Address(username=address.username, domain=address.domain.encode("idna").decode("ascii"))
    except (ValueError, MessageError, IndexError):  # the parser of the standard library raises all three
        return None
