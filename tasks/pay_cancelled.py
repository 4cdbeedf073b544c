"""Paying back orders that were cancelled here: by their channel's call, once each, or left to a person with why.

What belongs here: which of a wave's refunds goes which way, and its commits. What does not: the rule
(`backroom.domain.cancelling`), the rows (`backroom.store.cancelled_refunds`), and the call (`tasks.pay_back`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from prefect import task
from sqlalchemy import Connection

from backroom.channels.refunding import RefundRequest
from backroom.domain.cancelling import WHAT_TO_DO, ChannelMoney, Way, Why, way_of
from backroom.domain.errors import BackroomError, Refuse
from backroom.domain.model import PaymentStatus, StepOutcome
from backroom.domain.money import format_money
from backroom.domain.shop import Shop
from backroom.effects.ledger import Answer, Effect
from backroom.shop.room import Room, this_room
from backroom.store import cancelled_refunds
from backroom.store.cancelled_refunds import LOOK_AGAIN, Due
from backroom.store.claims import Claim, fence
from backroom.store.news import WAITING as UNTOLD
from backroom.store.refunds import Owed
from tasks.pay_back import ask_channels
from tasks.sick import failed_refund, leave


class SettledMeanwhile(Refuse):
    """Somebody said that it was paid, or its channel paid it on its own, after this wave had looked."""

    cause = "settled_meanwhile"


@task(name="pay back cancelled", retries=2, retry_delay_seconds=2, task_run_name="pay back cancelled orders")
def pay_cancelled(claim: Claim) -> list[StepOutcome]:
    """Pay the wave's cancelled orders back, where their channel does that; what a person has to pay says why."""
    room = this_room()
    with room.database.read() as connection:
        due = cancelled_refunds.claimed(connection, room.seals, claim.token)
    if not due:
        return []
    ways = {one.owed.key: _way(room.shop, one) for one in due}
    outcomes = _without_a_call(room, claim, due, ways)
    by_call = [one.owed for one in due if ways[one.owed.key][0] is Way.BY_CALL]
    results = ask_channels(room, claim, by_call, gate=_only_what_waits)
    return outcomes + _settle(room, claim, by_call, results)


def _way(shop: Shop, due: Due) -> tuple[Way, Why | None]:
    """NOTHING is one that the channel has paid back on its own; what was begun is brought to its end."""
    if due.is_begun:
        return Way.BY_CALL, None
    if due.payment is PaymentStatus.REFUNDED:
        return Way.NOTHING, None
    channel = due.owed.channel
    money = ChannelMoney(shop.pays_back(channel), shop.cancelling_pays_back(channel), bool(due.news))
    return way_of(money, changed_there=due.changed_there)


def _without_a_call(
    room: Room, claim: Claim, due: Sequence[Due], ways: Mapping[str, tuple[Way, Why | None]]
) -> list[StepOutcome]:
    """Everything that nobody is asked for: what is settled there, what waits for its news, what a person pays."""
    there, with_news, untold = [], [], []
    by_hand: dict[int, Why] = {}
    outcomes = []
    for one in due:
        number = one.owed.order_number
        match ways[one.owed.key]:
            case (Way.NOTHING, _):
                there.append(one.owed)
                outcomes.append(StepOutcome(number, "advanced", "paid back there"))
            case (Way.WITH_CANCELLATION, _) if one.news == UNTOLD:
                untold.append(one.owed.id)
                outcomes.append(StepOutcome(number, "waiting", "its channel is to be told first"))
            case (Way.WITH_CANCELLATION, _):
                with_news.append(one.owed)
                outcomes.append(StepOutcome(number, "advanced", "paid back with its cancellation"))
            case (Way.BY_HAND, Why() as why):
                by_hand[one.owed.id] = why
                outcomes.append(StepOutcome(number, "waiting", WHAT_TO_DO[why], why))
    if not outcomes:
        return []

    def commit(connection: Connection) -> None:
        at = fence(connection, claim.token)
        for owed in there:
            cancelled_refunds.paid_there(connection, owed.order_id, at)
        for owed in with_news:
            cancelled_refunds.paid_with_cancellation(connection, owed, at)
        cancelled_refunds.put_off(connection, claim.token, untold, at + LOOK_AGAIN)
        cancelled_refunds.leave_to_person(connection, claim.token, by_hand)

    room.database.write(commit)
    return outcomes


def _only_what_waits(
    connection: Connection, batch: Sequence[Effect[RefundRequest]], _at: datetime
) -> Mapping[str, BackroomError]:
    """Refuses, in the commit just before the call, what was settled since the wave looked."""
    waiting = cancelled_refunds.still_waiting(connection, [effect.key for effect in batch])
    return {
        effect.key: SettledMeanwhile(f"{effect.key} is settled already")
        for effect in batch
        if effect.key not in waiting
    }


def _settle(
    room: Room, claim: Claim, owed: Sequence[Owed], results: Mapping[str, Answer | BackroomError]
) -> list[StepOutcome]:
    paid: list[tuple[Owed, int, str]] = []
    settled: list[Owed] = []
    sick, outcomes = [], []
    for one in owed:
        result = results[one.key]
        if isinstance(result, SettledMeanwhile):
            settled.append(one)
            outcomes.append(StepOutcome(one.order_number, "advanced", result.message))
        elif isinstance(result, BackroomError):
            sick.append(failed_refund(one, result))
        else:
            # A person who decided on a lost answer knows no figures: then it was what was owed.
            minor = int(result.get("paid_minor", one.amount_minor))
            paid.append((one, minor, str(result.get("reference", ""))))
            amount = format_money(minor, one.currency)
            outcomes.append(StepOutcome(one.order_number, "advanced", f"{amount} paid back"))

    def commit(connection: Connection) -> None:
        at = fence(connection, claim.token)
        for one, minor, reference in paid:
            cancelled_refunds.paid_by_channel(connection, one, minor, reference, at)
        for one in settled:
            # Nothing where a person settled it: only what the channel paid on its own is still to be written.
            cancelled_refunds.paid_there(connection, one.order_id, at, asked=True)

    if paid or settled:
        room.database.write(commit)
    return outcomes + leave(room, claim, sick)
