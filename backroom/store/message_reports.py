"""What a provider reported of a message, kept beside it.

A report also answers what nobody could tell: a message of which one comes was handed over, so an unknown outcome is
settled by it and its order goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, select, update

from backroom.domain.message_reports import Report, furthest
from backroom.store import decisions, effects, history
from backroom.store.claims import Wakeup
from backroom.store.database import now
from backroom.store.tables import messages

TOLD = (Report.DELIVERED, Report.UNDELIVERED)


@dataclass(frozen=True, slots=True)
class Noted:
    """Whether there is such a message, whether the report said anything new, and the wake-ups that it owes."""

    found: bool
    new: bool = False
    wakeups: list[Wakeup] = field(default_factory=list)


def note(connection: Connection, key: str, report: Report, code: str, provider: str, provider_id: str = "") -> Noted:
    """Note one report about the message of this key. The same again, and what we are past, change nothing."""
    query = select(messages).where(messages.c.key == key).with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return Noted(found=False)
    at = now(connection)
    wakeups: list[Wakeup] = []
    effect = effects.read(connection, [key]).get(key)
    if effect is not None and effect["state"] == effects.UNKNOWN:
        told = {"provider": provider, "provider_id": provider_id}
        wakeups = decisions.decide(connection, key, happened=True, actor=provider, answer=told)
    if furthest(row["delivery"], report) == row["delivery"]:
        return Noted(found=True, wakeups=wakeups)
    told_now = {"delivery": report, "delivery_code": code, "delivery_at": at}
    connection.execute(update(messages).where(messages.c.id == row["id"]).values(told_now))
    if report in TOLD:
        told = {"kind": row["kind"], "medium": row["medium"], "provider": provider}
        told |= {"reason": code} if code else {}
        history.record(connection, [history.Entry(row["order_id"], f"message.{report}", told)], at=at)
    return Noted(found=True, new=True, wakeups=wakeups)
