"""Tell stock: set a channel's levels to what it may sell now, the newest of each SKU only.

What belongs here: one call's worth of levels, and what becomes of a channel that cannot be told. What does not: which
levels differ (`backroom.store.selling`). A level that is set twice is set once, so this needs no ledger of its own
beside the row of each level, which is in doubt from before the call until its answer is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta

from prefect import task
from sqlalchemy import Connection

from backroom.channels.remote import HALF_SET, LEVEL_REFUSED, StockTold
from backroom.domain.errors import AskPerson, BackroomError, OutcomeUnknown, Retry
from backroom.outgoing.errors import AnswerUnreadable, ServiceAway
from backroom.shop.room import Room, this_room
from backroom.store import level_calls, selling
from backroom.store.claims import Claim
from backroom.store.database import now
from tasks.connections import write_back_of


class StockUntold(AskPerson):
    """A channel cannot be told of its stock. Mend the cause, then press Retry on this run."""

    cause = "stock_untold"


# Without retries: what failed is put off in its row, and a person who is asked must see the run that asks.
@task(name="tell stock", task_run_name="tell {claim.location} its stock")
def tell_stock(claim: Claim, due: Sequence[selling.ToTell]) -> str:
    """Tell a channel these levels; one sentence on what came of it. Raises StockUntold where a person is needed, once.

    What was not set stays in doubt, and is told again with what has changed by then.
    """
    room = this_room()
    channel = claim.location
    told = [StockTold(one.sku, one.available, one.before, one.unheard, one.arrived) for one in due]
    open_ = {one.sku: one for one in due}
    left: list[level_calls.LeftAt] = []
    refused: list[selling.ToTell] = []
    failure: BackroomError | None = None
    try:
        with closing(write_back_of(room, channel)) as write_back:
            for answer in write_back.stock(told):
                one = open_.pop(answer.sku)
                if answer.trouble == LEVEL_REFUSED:
                    refused.append(one)
                elif answer.trouble != HALF_SET:
                    left.append(level_calls.LeftAt(one, answer.level, answer.unheard, answer.trouble))
    except BackroomError as error:
        failure = error

    def commit(connection: Connection) -> None:
        at = now(connection)
        level_calls.settle(connection, channel, left, at)
        level_calls.refuse(connection, channel, refused, LEVEL_REFUSED, at)
        if failure is None:
            level_calls.went_well(connection, channel, at)
        elif _nothing_happened(failure):
            level_calls.put_back(connection, channel, open_.values())

    room.database.write(commit)
    if failure is None:
        unset = sum(1 for one in left if one.trouble)
        said = [f"{len(left) - unset} levels told"]
        said += [f"{unset} not sold there"] if unset else []
        said += [f"{len(refused)} refused there"] if refused else []
        return ", ".join(said)
    return _put_off(room, channel, failure)


def _nothing_happened(failure: BackroomError) -> bool:
    """Whether the call that failed certainly set nothing; what was lost on its way may have."""
    if isinstance(failure, ServiceAway):
        return failure.nothing_happened
    return not isinstance(failure, OutcomeUnknown | AnswerUnreadable)


def _put_off(room: Room, channel: str, failure: BackroomError) -> str:
    wait = failure.retry_after if isinstance(failure, Retry) and failure.retry_after else timedelta(0)
    ask = room.database.write(
        lambda connection: level_calls.went_wrong(
            connection,
            channel,
            failure.cause,
            str(failure),
            now(connection),
            may_pass=isinstance(failure, Retry),
            wait=wait,
        )
    )
    if ask:
        raise StockUntold(
            f"{channel} does not know its stock: {failure.message}",
            remedy=failure.remedy or "See `backroom doctor`, mend it, then press Retry here.",
            cause=failure.cause,
        )
    return f"put off: {failure.message}"
