"""Messages to customers as effects: whether somebody may get one, in which words, and sent once.

What belongs here: what a message about a parcel and one about a return share. What does not: the steps that send them
(`tasks.notify`, `tasks.return_notices`), and the texts (`backroom.messaging.templates`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping

from backroom.domain.consent import ALL_MEDIA, MEDIA, Medium, decide
from backroom.domain.errors import AskPerson, BackroomError
from backroom.domain.model import StatedConsent
from backroom.domain.opening import zone
from backroom.domain.quiet_hours import may_go
from backroom.effects.ledger import Answer, Effect, Gate, perform
from backroom.messaging.base import Messenger, OptedOut, OutgoingMessage, Sent
from backroom.messaging.clocks import zones_of
from backroom.messaging.templates import KINDS, choose, fill
from backroom.messaging.webpush import SubscriptionsGone
from backroom.shop.room import Room
from backroom.store import messages, opt_outs, push_subscriptions
from backroom.store.claims import Claim, fence
from backroom.store.contacts import Contact
from backroom.store.effects import request_hash
from backroom.store.messages import PLANNED, SENT, SKIPPED, WAITING
from backroom.store.opt_outs import Withdrawn
from backroom.store.seals import seal, unseal

# A message's id, its state, why, and when it was sent.
Settled = tuple[int, str, str, datetime | None]
# What a template may mention, in the template's language.
Values = Callable[[str], Mapping[str, str]]


class MessengerMissing(AskPerson):
    """A message waits for a medium by which the shop sends no more."""

    cause = "messenger-missing"


@dataclass(frozen=True, slots=True, repr=False)
class About:
    """A parcel or a return of which its customer is told. `name` stands for it in the keys of effects."""

    part_id: int | None
    return_id: int | None
    order_id: int
    person_id: int
    name: str
    language: str
    channel: str
    contact: Contact
    key: bytes
    consents: Sequence[StatedConsent]

    @property
    def row_id(self) -> int:
        id_ = self.part_id if self.part_id is not None else self.return_id
        assert id_ is not None
        return id_


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes messages: whether, by which medium, in which words. Consents count as they stand `at`."""

    room: Room
    messengers: Mapping[Medium, Messenger]
    at: datetime

    def write(self, about: About, kind: str, values: Values) -> list[messages.NewMessage]:
        """One message a medium: planned, waiting for its hour, or skipped with its reason. `values` are asked for in a
        language."""
        written = []
        for medium in ALL_MEDIA:
            if medium not in MEDIA and medium not in self.messengers:
                continue
            recipient = self._recipient(about, medium)
            reason = self._why_not(about, medium, kind, recipient)
            content = {} if reason else self._content(about, kind, medium, recipient, values)
            until = None if reason else self.waits(about, kind, medium)
            state = SKIPPED if reason else WAITING if until else PLANNED
            written.append(
                messages.NewMessage(
                    part_id=about.part_id,
                    return_id=about.return_id,
                    order_id=about.order_id,
                    person_id=about.person_id,
                    kind=kind,
                    medium=medium,
                    content=seal(about.key, json.dumps(content, ensure_ascii=False).encode(), messages.CONTEXT),
                    state=state,
                    reason=self.say_wait(until) if until else reason,
                    key=key_of(about, kind, medium),
                    next_attempt_at=until,
                )
            )
        return written

    def waits(self, about: About, kind: str, medium: Medium) -> datetime | None:
        """Until when this message waits for its hour; None when it may go now."""
        if KINDS[kind].at_once:
            return None
        zones = zones_of(about.contact.phone) if about.contact.phone else ()
        quiet, home = self.room.shop.messaging.quiet_hours, self.room.shop.owner.timezone
        until = may_go(quiet, medium, KINDS[kind].purpose, self.at, zones, home)
        return until if until > self.at else None

    def say_wait(self, until: datetime) -> str:
        """Why it waits, by the shop's clock."""
        return f"quiet hours until {until.astimezone(zone(self.room.shop.owner.timezone)):%Y-%m-%d %H:%M %Z}"

    def _recipient(self, about: About, medium: Medium) -> str:
        """Where a message goes, empty where that is not known: for push all browsers of theirs, as JSON."""
        if medium != "push":
            return about.contact.email if medium == "email" else about.contact.phone
        with self.room.database.read() as connection:
            browsers = push_subscriptions.of_people(connection, {about.person_id: about.key})
        return json.dumps(browsers[about.person_id]) if browsers else ""

    def _why_not(self, about: About, medium: Medium, kind: str, recipient: str) -> str:
        if medium not in self.messengers:
            return f"the shop sends no {medium}"
        if not recipient:
            return f"no {medium} address is known"
        decision = decide(about.consents, medium, KINDS[kind].purpose, self.at)
        return "" if decision.allowed else decision.reason

    def _content(self, about: About, kind: str, medium: Medium, recipient: str, values: Values) -> dict[str, str]:
        owner, contact = self.room.shop.owner, about.contact
        template = choose(self.room.shop.templates, kind, medium, about.language, owner.language, about.channel)
        usual = {"shop": owner.name, "name": contact.address.name if contact.address else ""}
        text = fill(template, usual | dict(values(template.language)))
        subject = text.subject or (owner.name if medium == "push" else "")
        return {"recipient": recipient, "subject": subject, "body": text.body}


class MessengerSink:
    """A messenger as the ledger sees it."""

    def __init__(self, messenger: Messenger, messages: Sequence[OutgoingMessage]) -> None:
        self._messenger = messenger
        self._messages = {message.key: message for message in messages}
        self.idempotent = messenger.idempotent

    def carry_out(self, requests: Sequence[tuple[str, OutgoingMessage]]) -> list[Answer | BackroomError]:
        results = self._messenger.send_many([message for _, message in requests])
        return [_answer(result) if isinstance(result, Sent) else result for result in results]

    def ask(self, key: str, age: timedelta) -> Answer | None:
        found = self._messenger.find(self._messages[key], age)
        return _answer(found) if found else None


def plan_and_send(
    room: Room, claim: Claim, writer: Writer, abouts: Sequence[About], new: Sequence[messages.NewMessage]
) -> dict[int, list[BackroomError]]:
    """Plan a wave's messages in one commit, and send what is planned, medium by medium.

    All of `abouts` are parcels, or all are returns. Returns by their row's id what could not be sent.
    """

    def plan(connection: Connection) -> list[RowMapping]:
        return messages.save_messages(connection, new, fence(connection, claim.token))

    planned = [row for row in room.database.write(plan) if row["state"] == PLANNED]
    by_row = {about.row_id: about for about in abouts}
    pairs = [(row, by_row[row["fulfilment_order_id"] or row["return_id"]]) for row in planned]
    about_of = {row["id"]: about for row, about in pairs}
    unsent: dict[int, list[BackroomError]] = defaultdict(list)
    for id_, error in send(room, claim, writer.messengers, pairs).items():
        unsent[about_of[id_].row_id].append(error)
    return unsent


def send(
    room: Room, claim: Claim, messengers: Mapping[Medium, Messenger], pairs: Sequence[tuple[RowMapping, About]]
) -> dict[int, BackroomError]:
    """Send messages that are written, medium by medium, each once; returns by its id what could not be sent."""
    unsent: dict[int, BackroomError] = {
        row["id"]: MessengerMissing(f"the shop sends no {row['medium']} any more", remedy="Set it in the shop file.")
        for row, _ in pairs
        if row["medium"] not in messengers
    }
    for medium, messenger in messengers.items():
        mine = [(row, about, _outgoing(room, about, row, medium)) for row, about in pairs if row["medium"] == medium]
        effects = [
            Effect(message.key, messages.KIND, about.order_id, _request_hash(room, message), message)
            for _, about, message in mine
        ]
        sink = MessengerSink(messenger, [message for *_, message in mine])
        gate = _gate(room, [(row["kind"], about, message) for row, about, message in mine])
        results = perform(room.database, claim.token, effects, sink, gate)
        settled: list[Settled] = []
        stopped: list[tuple[OutgoingMessage, OptedOut]] = []
        for row, _, message in mine:
            result = results[message.key]
            if isinstance(result, OptedOut):
                stopped.append((message, result))
            if isinstance(result, Withdrawn | OptedOut | SubscriptionsGone):
                settled.append((row["id"], SKIPPED, result.message, None))
            elif isinstance(result, BackroomError):
                unsent[row["id"]] = result
            else:
                settled.append((row["id"], SENT, "", datetime.fromisoformat(str(result["at"]))))
        _settle(room, claim, settled, stopped)
    return unsent


def _gate(room: Room, mine: Sequence[tuple[str, About, OutgoingMessage]]) -> Gate[OutgoingMessage]:
    """Who may still be written to, asked in the commit that begins their messages; `mine` with the kind of each."""
    asked = {
        message.key: opt_outs.Asked(
            message.key, about.person_id, message.medium, KINDS[kind].purpose, message.recipient
        )
        for kind, about, message in mine
    }

    def gate(
        connection: Connection, batch: Sequence[Effect[OutgoingMessage]], at: datetime
    ) -> Mapping[str, BackroomError]:
        return opt_outs.withdrawn(connection, room.seals, [asked[effect.key] for effect in batch], at)

    return gate


def key_of(about: About, kind: str, medium: str) -> str:
    """The effect's key of a message, and its key at the provider."""
    return f"message-{about.name}-{kind}-{medium}"


def _settle(
    room: Room, claim: Claim, settled: Sequence[Settled], stopped: Sequence[tuple[OutgoingMessage, OptedOut]]
) -> None:
    """Write down what became of messages. Who told the provider to stop is left alone by us as well from now on."""

    def commit(connection: Connection) -> None:
        at = fence(connection, claim.token)
        messages.settle_messages(connection, settled)
        for message, error in stopped:
            proof = opt_outs.Proof(error.provider, message.key, error.code)
            opt_outs.stop(connection, room.seals, message.medium, message.recipient, proof, at)

    room.database.write(commit)


def _outgoing(room: Room, about: About, row: RowMapping, medium: Medium) -> OutgoingMessage:
    content = json.loads(unseal(about.key, row["content"], messages.CONTEXT))
    spec = room.shop.messaging
    return OutgoingMessage(
        key=key_of(about, row["kind"], medium),
        medium=medium,
        recipient=content["recipient"],
        subject=content["subject"] or None,
        body=content["body"],
        sender=spec.sender_email if medium == "email" else spec.sender_sms,
    )


def _request_hash(room: Room, message: OutgoingMessage) -> str:
    """Of whom it is for and what it says; its sender may change in the shop file without making it another message."""
    return request_hash({"recipient": message.recipient, "subject": message.subject, "body": message.body}, room.seals)


def _answer(sent: Sent) -> Answer:
    return {"provider": sent.provider, "provider_id": sent.provider_id, "at": sent.at.isoformat()}
