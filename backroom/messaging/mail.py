"""One e-mail as RFC 5322 text: what the mail folder writes and the SMTP server gets is the same.

What belongs here: headers, addresses and the encoding of a plain text mail. What does not: carrying it anywhere.

The headers follow what receivers ask of automatic mail: `Auto-Submitted: auto-generated` keeps vacation responders
quiet (RFC 3834, section 5.1), `Message-ID` is derived from our key, so that a mail can be found again and a repeated
one recognised (RFC 5322, section 3.6.4), and marketing carries `List-Unsubscribe` (RFC 2369, section 3.2), with the
one-click form where the address is https (RFC 8058, section 3.1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UniqueUnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy
from email.utils import parseaddr
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


def build(message: OutgoingMessage, at: datetime) -> EmailMessage:
    """The mail for this message, dated `at` (aware).

    Raises `RecipientRefused` for what is not exactly one address, `SetupBroken` for a sender that is not one, and
    `MessageRefused` for a header that would break out of its line.
    """
    sender = sender_address(message)
    recipient = recipient_address(message)
    mail = EmailMessage(policy=_policy())
    headers: Mapping[str, object] = {
        "From": sender,
        "To": recipient,
        "Subject": message.subject or "",
        "Date": at,
        "Message-ID": message_id(message.key, sender.domain),
        "Auto-Submitted": "auto-generated",
    }
    try:
        for name, value in headers.items():
            mail[name] = value
        if message.unsubscribe_url:
            mail["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
            if message.unsubscribe_url.startswith("https://"):
                mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        mail.set_content(message.body, cte="quoted-printable")
    except (ValueError, MessageError):
        # The error quotes the text, which is the customer's.
        raise MessageRefused(
            f"Message {message.key} has a header that is not one line of text.", remedy="Mend its template."
        ) from None
    return mail


def message_id(key: str, domain: str) -> str:
    """The Message-ID of this key, the same whenever it is asked: 128 bits of its SHA-256 at the sender's domain."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"


def sender_address(message: OutgoingMessage) -> Address:
    """The sender, with or without a display name; `SetupBroken` if it is not an address."""
    name, address = parseaddr(message.sender)
    parsed = _parse(address)
    if parsed is None:
        raise SetupBroken(
            f"The sender {message.sender!r} of message {message.key} is not an e-mail address.",
            remedy="Mend sender_email in the shop file.",
        )
    return Address(name, parsed.username, parsed.domain)


def recipient_address(message: OutgoingMessage) -> Address:
    """The one recipient, its domain in ASCII (IDNA); `RecipientRefused` if it is not one address."""
    parsed = _parse(message.recipient)
    if parsed is None:
        raise RecipientRefused(
            f"The recipient of message {message.key} is not an e-mail address.", remedy="Correct the order's e-mail."
        )
    return parsed


def _parse(text: str) -> Address | None:
    try:
        address = Address(addr_spec=text)
        address.username.encode("ascii")  # a local part beyond ASCII needs SMTPUTF8, which few servers take (RFC 6531)
        return Address(username=address.username, domain=address.domain.encode("idna").decode("ascii"))
    except (ValueError, MessageError, IndexError):  # the parser of the standard library raises all three
        return None
