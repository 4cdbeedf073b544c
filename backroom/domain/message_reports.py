"""What providers report of a message after they took it, and which of two reports holds.

What belongs here: the states and their order, and what each provider's own word means. What does not: where a report
comes from (`backroom.gateway.messages`) and where it is kept (`backroom.store.message_reports`).

Reports come late, twice and out of order. So the state of a message is the furthest one that anybody reported: whatever
the order in which they come, it ends alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum


class Report(StrEnum):
    """How far a message has come at its provider; the values are kept in the database.

    QUEUED: the provider, or its SMS centre, holds it. SENT: it left for the phone's network. UNDELIVERED: it will not
    arrive. DELIVERED: the phone has it.
    """

    QUEUED = "queued"
    SENT = "sent"
    UNDELIVERED = "undelivered"
    DELIVERED = "delivered"


# Delivered goes before undelivered: some networks give up, say so, and deliver all the same.
_ORDER = ("", *Report)


def furthest(known: str, report: Report) -> str:
    """The state after a report; `known` is empty where nothing was reported yet."""
    return max(known, report, key=_ORDER.index)


# Kannel's User's Guide, "SMS Delivery Reports": the value of %d.
KANNEL: Mapping[str, Report] = {
    "1": Report.DELIVERED,
    "2": Report.UNDELIVERED,
    "4": Report.QUEUED,
    "8": Report.SENT,
    "16": Report.UNDELIVERED,
    "32": Report.SENT,
}

# Twilio's `message_enum_status`, for outbound messages.
TWILIO: Mapping[str, Report] = {
    "accepted": Report.QUEUED,
    "scheduled": Report.QUEUED,
    "queued": Report.QUEUED,
    "sending": Report.QUEUED,
    "sent": Report.SENT,
    "delivered": Report.DELIVERED,
    "read": Report.DELIVERED,
    "partially_delivered": Report.UNDELIVERED,
    "undelivered": Report.UNDELIVERED,
    "failed": Report.UNDELIVERED,
    "canceled": Report.UNDELIVERED,
}

# SMPP 3.4, appendix B: a receipt as text, `id:… stat:UNDELIV err:001 text:…`. Its text is the customer's.
_RECEIPT = re.compile(r"\bstat:([A-Z]{2,9})\b(?:.*?\berr:([0-9A-Za-z]{1,6})\b)?")
_CODE = re.compile(r"[0-9A-Za-z_-]{1,20}")


def receipt_code(text: str) -> str:
    """The state and error of an SMS centre's receipt, such as `UNDELIV 001`; empty for anything else.

    Only these two: a receipt repeats the first words of the message.
    """
    found = _RECEIPT.search(text)
    return " ".join(part for part in found.groups() if part) if found else ""


def plain_code(text: str) -> str:
    """A provider's error code; empty for what is no code, which may be a sentence about somebody."""
    return text if _CODE.fullmatch(text) else ""
