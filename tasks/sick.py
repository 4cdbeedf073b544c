"""A sick order leaves its wave: it gets a run of its own, named after it; many of one cause are one breaker."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from datetime import datetime

from sqlalchemy import Connection, RowMapping

from backroom.domain.errors import BackroomError, Retry
from backroom.domain.model import StepOutcome
from backroom.engine.wake import this_waker
from backroom.shop.room import Room
from backroom.store import sickness
from backroom.store.claims import Claim, fence
from backroom.store.database import MOMENT, now
from backroom.store.refunds import Owed
from backroom.store.sickness import Sick


def failed(part: RowMapping, error: BackroomError) -> Sick:
    """A part or a parcel on which a step failed. What says Retry may pass by itself: a printer off, a full disk."""
    return _sick(part["id"], part["order_id"], part["number"], error)


def failed_return(back: RowMapping, error: BackroomError) -> Sick:
    """A return on which a step failed, under its order's number: that is whose run it gets."""
    return _sick(back["id"], back["order_id"], back["order_number"], error)


def failed_refund(owed: Owed, error: BackroomError) -> Sick:
    """A cancelled order that its channel did not pay back. The order itself stays cancelled."""
    return _sick(owed.id, owed.order_id, owed.order_number, error)


def failed_news(news: RowMapping, error: BackroomError) -> Sick:
    """News that a channel could not be told, under its order's number. The order itself goes on."""
    return _sick(news["id"], news["order_id"], news["number"], error)


def _sick(row_id: int, order_id: int, number: str, error: BackroomError) -> Sick:
    passes, wait = (True, error.retry_after) if isinstance(error, Retry) else (False, None)
    return Sick(row_id, order_id, number, error.cause, str(error), passes, wait)


def leave(room: Room, claim: Claim, sick: Sequence[Sick]) -> list[StepOutcome]:
    """Take sick ones out of the wave, in a commit of their own; the others go on. What may pass is only put off."""
    if not sick:
        return []

    def commit(connection: Connection) -> set[int]:
        at = fence(connection, claim.token)
        return sickness.leave_wave(connection, claim.stage, claim.location, claim.token, sick, at, claim.run_id)

    put_off = room.database.write(commit)
    return [
        StepOutcome(one.number, "waiting" if one.row_id in put_off else "sick", one.reason, one.cause) for one in sick
    ]


def give_runs(room: Room, stage: str, location: str) -> list[Future[bool]]:
    """Open a breaker where more than ten share a cause, and start its run, and one for each other sick order.

    Doing it again starts nothing twice: a breaker has one run, and an order none beside one that stands open. Each
    answer says, when it comes, whether a run was started by this.
    """

    def commit(connection: Connection) -> tuple[list[RowMapping], list[tuple[int, str, str, datetime]]]:
        at = now(connection)
        sickness.trip(connection, stage, location, at)
        return sickness.open_breakers(connection, stage, location), sickness.alone(connection, stage, location)

    breakers, alone = room.database.write(commit)
    waker = this_waker()
    asked = [
        waker.start_order_run(number, f"sick:{stage}:{row_id}:{since:{MOMENT}}") for row_id, number, _, since in alone
    ]
    asked += [
        waker.start_breaker_run(row["id"], f"breaker:{row['id']}:{row['opened_at']:{MOMENT}}") for row in breakers
    ]
    return asked
