"""Codes for those who asked for SMS at an event: each is sent once, through the ledger, to whoever did not say stop.

What belongs here: sending. What does not: how often a code may be asked for, and what comes of it
(`backroom.store.opt_ins`). Prefect hears numbers of wishes, never of phones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from prefect import task
from sqlalchemy import Connection

from backroom.domain.errors import BackroomError, OutcomeUnknown, Retry
from backroom.effects.ledger import Effect, perform
from backroom.messaging.base import Messenger, OutgoingMessage
from backroom.messaging.templates import choose, fill
from backroom.shop.room import Room, this_room
from backroom.store import opt_ins
from backroom.store.claims import Claim, fence
from backroom.store.effects import request_hash
from backroom.store.opt_outs import Withdrawn
from tasks.connections import messengers_of
from tasks.messages import MessengerSink

KIND = "opt_in_code"


@task(name="send codes", task_run_name="send codes")
def send_codes(claim: Claim) -> int:
    """Send a wave of codes; returns how many went. What fails and may pass by itself is tried again later; anything
    else is given up: whoever waits for a code asks for another one."""
    room = this_room()
    with room.database.read() as connection:
        codes = opt_ins.claimed(connection, room.seals, claim.token)
    messenger = messengers_of(room).get("sms")
    results = _send(room, claim, messenger, codes) if messenger else {}
    ended: dict[int, tuple[str, str]] = {}
    waits: dict[int, timedelta] = {}
    for one in codes:
        result = results.get(opt_ins.code_key(one.id))
        if messenger is None:
            ended[one.id] = (opt_ins.REFUSED, "the shop sends no sms")
        elif isinstance(result, OutcomeUnknown):
            # It may well be there; and if it is not, another one is asked for.
            ended[one.id] = (opt_ins.SENT, result.cause)
        elif isinstance(result, BackroomError):
            if not isinstance(result, Retry):
                ended[one.id] = (opt_ins.REFUSED, result.cause)
            elif result.retry_after is not None:
                waits[one.id] = result.retry_after
        else:
            ended[one.id] = (opt_ins.SENT, "")
    room.database.write(lambda c: opt_ins.settle(c, claim.token, ended, fence(c, claim.token), waits))
    return sum(state == opt_ins.SENT for state, _ in ended.values())


def _send(
    room: Room, claim: Claim, messenger: Messenger, codes: Sequence[opt_ins.Code]
) -> Mapping[str, Mapping[str, object] | BackroomError]:
    messages = [_message(room, one) for one in codes]
    effects = [
        Effect(
            message.key,
            KIND,
            None,
            request_hash({"recipient": message.recipient, "body": message.body}, room.seals),
            message,
        )
        for message in messages
    ]

    def gate(
        connection: Connection, batch: Sequence[Effect[OutgoingMessage]], _at: object
    ) -> Mapping[str, BackroomError]:
        phones = {effect.key: effect.request.recipient for effect in batch}
        stopped = opt_ins.silenced(connection, room.seals, phones)
        return {key: Withdrawn("whoever has that phone told us to stop") for key in stopped}

    return perform(room.database, claim.token, effects, MessengerSink(messenger, messages), gate)


def _message(room: Room, one: opt_ins.Code) -> OutgoingMessage:
    owner = room.shop.owner
    template = choose(room.shop.templates, KIND, "sms", one.language, owner.language)
    body = fill(template, {"shop": owner.name, "code": one.code}).body
    return OutgoingMessage(
        key=opt_ins.code_key(one.id),
        medium="sms",
        recipient=one.phone,
        subject=None,
        body=body,
        sender=room.shop.messaging.sender_sms,
    )
