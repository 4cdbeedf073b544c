"""Reminders of what an event still needs: a mail to the shop for each item, once a day, through the ledger.

What is due within three days or overdue is named with who has it in hand and until when; and so is an event that is
over and not settled, until its leases end: then once that its pieces are overdue. The mail goes to the shop's own
address; Prefect is told codes and items only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from sqlalchemy import Connection, RowMapping

from backroom.domain.errors import BackroomError
from backroom.domain.events import BEFORE_THE_END
from backroom.domain.opening import zone
from backroom.domain.readiness import due_for_reminder
from backroom.effects.ledger import Effect, perform
from backroom.engine.runs import this_run_id
from backroom.messaging.base import OutgoingMessage
from backroom.shop.room import Room, this_room
from backroom.store import effects, events, leases, messages, overdue
from backroom.store.claims import take
from backroom.store.database import MOMENT, now
from backroom.store.effects import request_hash
from backroom.store.instances import this_instance
from backroom.store.overdue import Overdue
from tasks.claiming import holding
from tasks.connections import messengers_of
from tasks.messages import MessengerSink

AHEAD = timedelta(days=3)
STAGE = "event"
SETTLE, OVERDUE = "settle", "overdue"


@dataclass(frozen=True, slots=True)
class Reminder:
    """One item of one event, of a day, or `once` for all. `subject` and `body` may name somebody, and go nowhere but
    into the mail."""

    code: str
    item: str
    key: str
    subject: str = field(repr=False)
    body: str = field(repr=False)
    once: bool = False


@task(name="remind", retries=2, retry_delay_seconds=5)
def remind() -> str:
    """Send what is due today and was not sent yet; raises the first error once everything was tried."""
    room = this_room()
    with room.database.read() as connection:
        due = due_reminders(connection, room, now(connection))
    if not due:
        return "nobody has to be reminded"
    listed = "\n".join(f"- {one.code}: {one.item}" for one in due)
    create_markdown_artifact(f"Missing, or due within three days:\n\n{listed}", key="event-reminders")
    messenger = messengers_of(room).get("email")
    if messenger is None:
        return f"{len(due)} items are due; the shop sends no mail"
    claim = room.database.write(
        lambda c: take(c, stage=STAGE, location=room.shop.hub, instance=this_instance(), run_id=this_run_id())
    )
    with holding(room, claim):
        effects = _effects(room, due)
        sink = MessengerSink(messenger, [effect.request for effect in effects])
        results = perform(room.database, claim.token, effects, sink)
    failed = [(key, result) for key, result in results.items() if isinstance(result, BackroomError)]
    for key, error in failed:
        get_run_logger().warning("%s was not sent: %s", key, error)
    if failed:
        raise failed[0][1]
    return f"{len(due)} reminders of {len({one.code for one in due})} events are sent today"


def due_reminders(connection: Connection, room: Room, at: datetime) -> list[Reminder]:
    """Every reminder of today, by the shop's own calendar, whether it was sent already or not; of those that come once,
    those that were not sent."""
    found = []
    for row in events.listing(connection, settled=False):
        if row["state"] in BEFORE_THE_END:
            gaps = due_for_reminder(events.readiness(connection, row, at), at, AHEAD)
            found += [
                _reminder(room, row, gap.check.item, f"{gap.sentence}\n\n{gap.check.help}".strip(), at) for gap in gaps
            ]
        elif (late := overdue.overdue_of(connection, row)) is not None:
            found.append(_overdue(room, row, late))
        elif not overdue.has_more_time(connection, row):
            found.append(_reminder(room, row, SETTLE, _to_settle(connection, row), at))
    known = effects.read(connection, [one.key for one in found if one.once])
    return [one for one in found if one.key not in known or known[one.key]["state"] != "done"]


def _overdue(room: Room, row: RowMapping, late: Overdue) -> Reminder:
    """Once for each end that passed, not day by day: it stands on the event's page until somebody decides."""
    code = row["code"]
    return Reminder(
        code=code,
        item=OVERDUE,
        key=f"event-{code}-{row['created_at']:{MOMENT}}-{OVERDUE}-{late.since:{MOMENT}}",
        subject=f"{row['name']}: {late.pieces} leased pieces are overdue",
        body=(
            f"{row['name']} ({code})\n\n{late.pieces} pieces should have been back and counted since "
            f"{late.since:%Y-%m-%d %H:%M} UTC. No online shop sells them until you decide:\n\n"
            f"- They are back: count them, then: backroom event settle {code}\n"
            f"- They come later: backroom event extend {code} --until DAY\n"
            f"- They do not come back: backroom event settle {code} --rest-missing\n\n"
            "This is said once. It stands on the event's page.\n"
        ),
        once=True,
    )


def _to_settle(connection: Connection, row: RowMapping) -> str:
    lent = leases.leases_of(connection, row["id"])
    pieces = sum(lease["pieces"] for lease in lent)
    until = min((lease["expires_at"] for lease in lent), default=None)
    said = f" {pieces} pieces are leased to it until {until:%Y-%m-%d %H:%M} UTC." if until else ""
    return f"It is over and not settled.{said} Count what is there, then: backroom event settle {row['code']}"


def _reminder(room: Room, row: RowMapping, item: str, said: str, at: datetime) -> Reminder:
    day = at.astimezone(zone(room.shop.owner.timezone)).date()
    return Reminder(
        code=row["code"],
        item=item,
        # With when it was planned: a mail folder may have outlived the database, and an event of the same name.
        key=f"event-{row['code']}-{row['created_at']:{MOMENT}}-{item}-{day}",
        subject=f"{row['name']}, {row['starts_at']:%Y-%m-%d}: {item}",
        body=f"{row['name']} ({row['code']})\n\n{said}\n",
    )


def _effects(room: Room, due: Sequence[Reminder]) -> list[Effect[OutgoingMessage]]:
    spec = room.shop.messaging
    return [
        Effect(
            one.key,
            messages.KIND,
            None,
            # Of which item on which day: its words may change before the evening, and it is the same reminder.
            request_hash({"reminder": one.key}, room.seals),
            OutgoingMessage(
                key=one.key,
                medium="email",
                recipient=room.shop.owner.email,
                subject=one.subject[:150],
                body=one.body,
                sender=spec.sender_email,
            ),
        )
        for one in due
    ]
