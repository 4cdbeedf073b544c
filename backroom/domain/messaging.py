"""What the shop file says of messages: by whom they are sent, and the shop's own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backroom.domain.quiet_hours import QuietHours

MAIL_KINDS = ("folder", "smtp", "none")
SMS_KINDS = ("folder", "gateway", "none")
PUSH_KINDS = ("web", "none")
# Who sends where SMS go by a gateway: `sms.kind` of the secrets, the first where it says nothing.
SMS_PROVIDERS = ("kannel", "json", "twilio")
# What the shop's own templates may mention, by kind of message; `backroom.messaging.templates` fills them in.
TEMPLATE_PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    "handed_over": frozenset({"shop", "order", "name", "carrier", "tracking", "location", "window"}),
    "ready_to_collect": frozenset({"shop", "order", "name", "location", "code"}),
    "promised": frozenset({"shop", "order", "name", "location", "time"}),
    "promised_later": frozenset({"shop", "order", "name", "location", "time"}),
    "made_elsewhere": frozenset({"shop", "order", "name", "location"}),
    "delivered": frozenset({"shop", "order", "name", "carrier", "tracking", "email"}),
    "delivery_failed": frozenset({"shop", "order", "name", "carrier", "tracking", "email"}),
    "collect_reminder": frozenset({"shop", "order", "name", "location", "code"}),
    "return_requested": frozenset({"shop", "order", "name", "rma"}),
    "return_accepted": frozenset({"shop", "order", "name", "rma", "way"}),
    "return_received_in_part": frozenset({"shop", "order", "name", "rma"}),
    "return_received": frozenset({"shop", "order", "name", "rma"}),
    "return_refunded": frozenset({"shop", "order", "name", "rma", "amount"}),
    "return_exchange_ahead": frozenset({"shop", "order", "name", "rma", "exchange"}),
    "return_exchanged": frozenset({"shop", "order", "name", "rma", "exchange"}),
    "return_closed": frozenset({"shop", "order", "name", "rma", "email"}),
    "return_declined": frozenset({"shop", "order", "name", "rma", "email"}),
    "return_cancelled": frozenset({"shop", "order", "name", "rma", "email"}),
    "opt_in_code": frozenset({"shop", "code"}),
}


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """The words of one kind of message; `channel` names the one whose customers get them, empty for all others."""

    kind: str
    medium: str
    language: str
    subject: str
    body: str
    channel: str = ""


@dataclass(frozen=True, slots=True)
class MessagingSpec:
    """Where messages go: `mail` is `folder`, `smtp` or `none`, `sms` is `folder`, `gateway` or `none`,
    `push` is `web` or `none`.

    The blocks hold the rest: servers, accounts and passwords. `public_url` is where the SMS provider reaches the
    gateway; empty where it does not.
    """

    mail: str
    sms: str
    sender_email: str
    sender_sms: str
    public_url: str = ""
    push: str = "none"
    quiet_hours: QuietHours | None = None
