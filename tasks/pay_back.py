"""Paying back: refunds that are owed, at the channels that do it themselves, each once.

What a channel cannot do waits for a person (`backroom.store.refunds`); one that fails makes its return sick, and a
person may pay it by hand all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from prefect import task
from sqlalchemy import Connection

from backroom.channels.refunding import Refunded, RefundRequest, Refunds, RefundSetupBroken
from backroom.domain.errors import BackroomError
from backroom.domain.model import StepOutcome
from backroom.effects.ledger import Answer, Effect, Gate, perform
from backroom.shop.room import Room, this_room
from backroom.store import refunds, return_steps, returns
from backroom.store.claims import Claim, Wakeup, fence
from backroom.store.refunds import Owed
from tasks.connections import refunds_from
from tasks.sick import failed_return, leave
from tasks.waking import send


@task(name="pay back", retries=2, retry_delay_seconds=2, task_run_name="pay back")
def pay_back(claim: Claim) -> list[StepOutcome]:
    """Pay what the wave's returns are owed, where their channel does that; what is paid closes its return."""
    room = this_room()
    paying = {spec.id for spec in room.shop.channels if spec.refunds is not None}
    with room.database.read() as connection:
        backs = {back["number"]: back for back in returns.claimed(connection, claim.token)}
        due = [one for one in refunds.waiting(connection, room.seals, backs) if one.channel in paying]
    if not due:
        return []
    results = ask_channels(room, claim, due)
    paid: list[tuple[Owed, Answer]] = []
    sick = []
    for one in due:
        result = results[one.key]
        if isinstance(result, BackroomError):
            sick.append(failed_return(backs[one.number], result))
        else:
            paid.append((one, result))

    def commit(connection: Connection) -> list[Wakeup]:
        at = fence(connection, claim.token)
        owed: list[Wakeup] = []
        for one, answer in paid:
            # A person who decided on a lost answer knows no figures: then it was what was owed.
            minor = int(answer.get("paid_minor", one.amount_minor))
            reference = str(answer.get("reference", ""))
            owed += return_steps.paid_by_channel(connection, room.shop, one.number, minor, reference, at)
        return owed

    send(room.database.write(commit) if paid else [])
    return leave(room, claim, sick)


def ask_channels(
    room: Room, claim: Claim, due: Sequence[Owed], gate: Gate[RefundRequest] | None = None
) -> dict[str, Answer | BackroomError]:
    """Have each channel pay back what is owed of its orders, each once; returns answer or error by key."""
    results: dict[str, Answer | BackroomError] = {}
    for channel in sorted({one.channel for one in due}):
        mine = {one.key: request_of(one) for one in due if one.channel == channel}
        if not room.shop.pays_back(channel):
            gone = RefundSetupBroken(f"{channel} pays nothing back any more", remedy="Look there whether it was paid.")
            results |= dict.fromkeys(mine, gone)
            continue
        try:
            gateway = refunds_from(room, channel)
        except BackroomError as error:
            # What was begun there stays so until it can be asked; the other channels pay.
            results |= dict.fromkeys(mine, error)
            continue
        effects = [
            Effect(one.key, refunds.KIND, one.order_id, refunds.request_hash_of(one), mine[one.key])
            for one in due
            if one.key in mine
        ]
        results |= perform(room.database, claim.token, effects, RefundSink(gateway, mine), gate)
    return results


def request_of(owed: Owed) -> RefundRequest:
    """What is asked of the channel."""
    return RefundRequest(owed.key, owed.external_id, owed.amount_minor, owed.currency)


class RefundSink:
    """A channel that pays back, as the ledger sees it: it knows no key of ours, so a start without an outcome is asked
    for."""

    idempotent = False

    def __init__(self, gateway: Refunds, requests: Mapping[str, RefundRequest]) -> None:
        self._gateway = gateway
        self._requests = requests

    def carry_out(self, requests: Sequence[tuple[str, RefundRequest]]) -> list[Answer | BackroomError]:
        answers: list[Answer | BackroomError] = []
        for _, request in requests:
            try:
                answers.append(_answer(self._gateway.refund(request)))
            except BackroomError as error:
                answers.append(error)
        return answers

    def ask(self, key: str, age: timedelta) -> Answer | None:
        found = self._gateway.find(self._requests[key])
        return _answer(found) if found else None


def _answer(refunded: Refunded) -> Answer:
    return {"paid_minor": refunded.amount_minor, "reference": refunded.reference}
