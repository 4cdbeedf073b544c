"""Notify: tell the customer, once, by the media they agreed to, and end the fulfilment order.

A message nobody may get is written down as not sent, with the reason: that is an end as well. Messages already sent
are told by the ledger, whichever worker sent them. One that its provider does not take now is tried again for hours,
with growing pauses, before it waits for a person.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from prefect import task
from sqlalchemy import Connection, RowMapping

from backroom.domain.consent import MEDIA, Medium, decide
from backroom.domain.errors import BackroomError, Retry
from backroom.domain.model import Delivery, FulfilmentState, StatedConsent, StepOutcome
from backroom.domain.promise import delivery_window
from backroom.effects.ledger import Answer, Effect, perform
from backroom.messaging.base import Messenger, OutgoingMessage, Sent
from backroom.messaging.templates import KINDS, choose, fill, say_window
from backroom.shop.room import Room, this_room
from backroom.store import fulfilment, history, messages, people, shipping
from backroom.store.claims import Claim, fence
from backroom.store.contacts import Contact, open_contact
from backroom.store.database import now
from backroom.store.effects import request_hash
from backroom.store.messages import PLANNED, SENT, SKIPPED
from backroom.store.seals import seal, unseal
from backroom.store.sickness import Sick
from tasks.connections import messengers_of
from tasks.sick import failed, leave

MESSAGE = "message"
KIND_OF = {Delivery.SHIP: "handed_over", Delivery.COLLECT: "ready_to_collect"}


@task(name="notify", retries=2, retry_delay_seconds=2, task_run_name="notify at {claim.location}")
def notify(claim: Claim) -> list[StepOutcome]:
    """LABELLED → DONE, with every message that is allowed sent; orders that are complete become fulfilled."""
    room = this_room()
    with room.database.read() as connection:
        parts = fulfilment.claimed(connection, claim.token, FulfilmentState.LABELLED)
        keys = people.load(connection, room.seals, (part["person_id"] for part in parts))
        at = now(connection)
        consents = messages.consents_of(connection, (part["person_id"] for part in parts))
        shipments = {
            row["fulfilment_order_id"]: row for row in shipping.shipments_of(connection, (part["id"] for part in parts))
        }
    if not parts:
        return []
    writer = Writer(room, messengers_of(room), at)
    new = [
        message
        for part in parts
        for message in writer.write(
            part, keys[part["person_id"]].key, consents[part["person_id"]], shipments.get(part["id"])
        )
    ]

    def plan(connection: Connection) -> list[RowMapping]:
        return messages.save_messages(connection, new, fence(connection, claim.token))

    rows = [row for row in room.database.write(plan) if row["state"] == PLANNED]
    sick = _send(room, claim, parts, rows, {part["id"]: keys[part["person_id"]].key for part in parts}, writer)
    ill = {one.row_id for one in sick}
    outcomes = _finish(room, claim, [part for part in parts if part["id"] not in ill])
    return outcomes + leave(room, claim, sick)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the messages of a parcel: whether, by which medium, in which words. Consents count as they stand `at`."""

    room: Room
    messengers: Mapping[Medium, Messenger]
    at: datetime

    def write(
        self, part: RowMapping, key: bytes, consents: Sequence[StatedConsent], shipment: RowMapping | None
    ) -> list[messages.NewMessage]:
        """One message a medium for a parcel, planned, or skipped with its reason."""
        kind = KIND_OF.get(Delivery(part["delivery"]))
        if kind is None:
            return []
        contact = open_contact(key, part["contact"])
        written = []
        for medium in MEDIA:
            reason = self._why_not(contact, consents, medium, kind)
            content = {} if reason else self._content(part, contact, kind, medium, shipment)
            written.append(
                messages.NewMessage(
                    part_id=part["id"],
                    order_id=part["order_id"],
                    person_id=part["person_id"],
                    kind=kind,
                    medium=medium,
                    content=seal(key, json.dumps(content, ensure_ascii=False).encode(), messages.CONTEXT),
                    state=SKIPPED if reason else PLANNED,
                    reason=reason,
                    key=key_of(part, kind, medium),
                )
            )
        return written

    def _why_not(self, contact: Contact, consents: Sequence[StatedConsent], medium: Medium, kind: str) -> str:
        if medium not in self.messengers:
            return f"the shop sends no {medium}"
        if not (contact.email if medium == "email" else contact.phone):
            return f"no {medium} address is known"
        decision = decide(consents, medium, KINDS[kind].purpose, self.at)
        return "" if decision.allowed else decision.reason

    def _content(
        self, part: RowMapping, contact: Contact, kind: str, medium: Medium, shipment: RowMapping | None
    ) -> dict[str, str]:
        owner = self.room.shop.owner
        location = self.room.shop.location(part["location"])
        sla = self.room.shop.sla(self.room.shop.channel(part["channel"]).sla)
        window = delivery_window(part["labelled_at"], sla, owner.timezone, self.room.shop.holidays)
        template = choose(self.room.shop.templates, kind, medium, part["language"], owner.language)
        text = fill(
            template,
            {
                "shop": owner.name,
                "order": part["number"],
                "name": contact.address.name if contact.address else "",
                "carrier": shipment["carrier"] if shipment else "",
                "tracking": shipment["tracking"] if shipment else "",
                "location": location.name,
                "window": say_window(window, template.language),
            },
        )
        recipient = contact.email if medium == "email" else contact.phone
        return {"recipient": recipient, "subject": text.subject, "body": text.body}


class MessengerSink:
    """A messenger as the ledger sees it."""

    def __init__(self, messenger: Messenger) -> None:
        self._messenger = messenger
        self.idempotent = messenger.idempotent

    def carry_out(self, requests: Sequence[tuple[str, OutgoingMessage]]) -> list[Answer | BackroomError]:
        results = self._messenger.send_many([message for _, message in requests])
        return [_answer(result) if isinstance(result, Sent) else result for result in results]

    def ask(self, key: str, age: timedelta) -> Answer | None:
        found = self._messenger.find(key)
        return _answer(found) if found else None


def _send(
    room: Room,
    claim: Claim,
    parts: Sequence[RowMapping],
    rows: Sequence[RowMapping],
    keys: Mapping[int, bytes],
    writer: Writer,
) -> list[Sick]:
    """Send what is planned, medium by medium; returns the parcels one of whose messages could not be sent."""
    by_part = {part["id"]: part for part in parts}
    sick: dict[int, Sick] = {}
    for medium, messenger in writer.messengers.items():
        mine = [
            (row, _outgoing(room, by_part[row["fulfilment_order_id"]], row, keys[row["fulfilment_order_id"]], medium))
            for row in rows
            if row["medium"] == medium
        ]
        effects = [
            Effect(message.key, MESSAGE, row["order_id"], _request_hash(room, message), message)
            for row, message in mine
        ]
        results = perform(room.database, claim.token, effects, MessengerSink(messenger))
        settled = []
        for row, message in mine:
            result = results[message.key]
            if isinstance(result, BackroomError):
                part = by_part[row["fulfilment_order_id"]]
                # Of two messages that failed, the one that needs somebody's hand is what the parcel waits for.
                if part["id"] not in sick or not isinstance(result, Retry):
                    sick[part["id"]] = failed(part, result)
            else:
                settled.append((row["id"], SENT, "", datetime.fromisoformat(str(result["at"]))))
        _settle(room, claim, settled)
    return list(sick.values())


def _settle(room: Room, claim: Claim, settled: Sequence[tuple[int, str, str, datetime | None]]) -> None:
    def commit(connection: Connection) -> None:
        fence(connection, claim.token)
        messages.settle_messages(connection, settled)

    room.database.write(commit)


def key_of(part: RowMapping, kind: str, medium: str) -> str:
    """The effect's key of a message, and its key at the provider."""
    return f"message-{part['number']}-{part['key']}-{kind}-{medium}"


def _outgoing(room: Room, part: RowMapping, row: RowMapping, key: bytes, medium: Medium) -> OutgoingMessage:
    content = json.loads(unseal(key, row["content"], messages.CONTEXT))
    spec = room.shop.messaging
    return OutgoingMessage(
        key=key_of(part, row["kind"], medium),
        medium=medium,
        recipient=content["recipient"],
        subject=content["subject"] or None,
        body=content["body"],
        sender=spec.sender_email if medium == "email" else spec.sender_sms,
    )


def _request_hash(room: Room, message: OutgoingMessage) -> str:
    """Of whom it is for and what it says; its sender may change in the shop file without making it another message."""
    return request_hash({"recipient": message.recipient, "subject": message.subject, "body": message.body}, room.seals)


def _finish(room: Room, claim: Claim, parts: Sequence[RowMapping]) -> list[StepOutcome]:
    def commit(connection: Connection) -> list[StepOutcome]:
        at = fence(connection, claim.token)
        moved = set(
            fulfilment.move(
                connection,
                claim.token,
                [part["id"] for part in parts],
                FulfilmentState.LABELLED,
                FulfilmentState.DONE,
                keep_claim=False,
                done_at=at,
            )
        )
        done = [part for part in parts if part["id"] in moved]
        finished = set(fulfilment.finish_orders(connection, (part["order_id"] for part in done), at))
        entries = [history.Entry(part["order_id"], "parcel.announced", {"location": part["location"]}) for part in done]
        entries += [history.Entry(order_id, "order.fulfilled") for order_id in sorted(finished)]
        history.record(connection, entries, at=at, run_id=claim.run_id)
        return [StepOutcome(part["number"], "done" if part["order_id"] in finished else "advanced") for part in done]

    return room.database.write(commit)


def _answer(sent: Sent) -> Answer:
    return {"provider": sent.provider, "provider_id": sent.provider_id, "at": sent.at.isoformat()}
