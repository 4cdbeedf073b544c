"""Telling a channel its levels, as rows: who is at it, what levels were left at, and what keeps us from it.

What belongs here: the lease, and the doubt around each call. What does not: which levels differ
(`backroom.store.selling`), and the calls (`tasks.tell_stock`).

A level is in doubt from before its call until its answer is written; `generation` tells an answer that comes late from
the newest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, case, func, literal, or_, select, update

from backroom.domain import breaker as breaker_rule
from backroom.domain.selling import left_in_doubt
from backroom.domain.shop import Shop
from backroom.store.batches import chunks, insert_new
from backroom.store.claims import Claim, Wakeup, attend, is_free, look_for_work, raise_generation, take
from backroom.store.database import now
from backroom.store.selling import KIND, STAGE, ToTell, to_tell
from backroom.store.tables import channel_levels, channel_stock

MOST = 250
# Stock that nobody is told of is sold twice: who tells it comes back sooner than others do.
LONGEST_WAIT = timedelta(minutes=2)
FAILURES_BEFORE_ASKING = 6


@dataclass(frozen=True, slots=True)
class LeftAt:
    """What a channel was left at: its level and what it sold unheard of; or the trouble that kept it from being set."""

    told: ToTell
    level: int | None
    unheard: int
    trouble: str


def claim(
    connection: Connection,
    shop: Shop,
    channel: str,
    *,
    instance: str,
    run_id: str,
    compare_since: datetime | None = None,
    at_once: bool = False,
) -> tuple[Claim, list[ToTell]] | None:
    """Claim the telling of a channel, and put the levels that are told into doubt; None where nothing is to be told.

    None as well while another run is at it, which looks again, and while the channel is left alone after a failure,
    unless a person says `at_once`.
    """
    at = look_for_work(connection, STAGE, channel)
    row = _locked(connection, channel)
    waits = row["next_attempt_at"] is not None and row["next_attempt_at"] > at and not at_once
    free = connection.execute(
        select(channel_stock.c.channel).where(channel_stock.c.channel == channel, is_free(channel_stock, at))
    ).first()
    due = to_tell(connection, shop, channel, at, compare_since, MOST) if free and not waits else []
    attend(connection, STAGE, channel, at if due else None)
    if not due:
        return None
    taken = take(connection, stage=STAGE, location=channel, instance=instance, run_id=run_id)
    connection.execute(update(channel_stock).where(channel_stock.c.channel == channel).values(claim_token=taken.token))
    return taken, _begin(connection, channel, due)


def settle(connection: Connection, channel: str, left: Iterable[LeftAt], at: datetime) -> None:
    """Write what levels were left at. Of one that another run has begun to tell since, nobody knows who came last: it
    is told again. Needs no claim: what was set there is written though the lease ran out."""
    for one in left:
        told = one.told
        mine = (channel_levels.c.channel == channel) & (channel_levels.c.sku == told.sku)
        since = case(
            (
                channel_levels.c.unheard_since.is_(None) | literal(told.unheard < one.unheard),
                # With its type: as it stands beside a column, SQLite would keep it otherwise than the column does.
                literal(at, channel_levels.c.unheard_since.type),
            ),
            else_=channel_levels.c.unheard_since,
        )
        values: dict[str, Any] = {
            "level": one.level,
            "available": told.available,
            "unheard": one.unheard,
            "unheard_since": since if one.unheard else None,
            "doubtful": False,
            "trouble": one.trouble,
            "told_at": at,
        }
        newest = update(channel_levels).where(mine, channel_levels.c.generation == told.generation)
        if connection.execute(newest.values(**values)).rowcount == 0:
            connection.execute(update(channel_levels).where(mine).values(doubtful=True))


def put_back(connection: Connection, channel: str, untold: Iterable[ToTell]) -> None:
    """Say of levels that they certainly were not set: they are what they were, and wait for the next call."""
    for one in untold:
        mine = (channel_levels.c.channel == channel) & (channel_levels.c.sku == one.sku)
        newest = update(channel_levels).where(mine, channel_levels.c.generation == one.generation)
        # Where it had been in doubt before, `before` is still the highest that it may show.
        arrived = channel_levels.c.arrived + one.arrived
        connection.execute(newest.values(level=one.before, unheard=one.unheard, arrived=arrived, doubtful=one.doubtful))


def refuse(connection: Connection, channel: str, refused: Sequence[ToTell], trouble: str, at: datetime) -> None:
    """The channel takes others and not these: they are what they were, and told again when there is another level to
    tell, or at night."""
    put_back(connection, channel, refused)
    for one in refused:
        mine = (channel_levels.c.channel == channel) & (channel_levels.c.sku == one.sku)
        newest = update(channel_levels).where(mine, channel_levels.c.generation == one.generation)
        connection.execute(newest.values(available=one.available, trouble=trouble, told_at=at))


def went_well(connection: Connection, channel: str, at: datetime) -> None:
    """The channel took what it was told."""
    well = {"failures": 0, "next_attempt_at": None, "cause": "", "reason": "", "failing_since": None}
    connection.execute(
        update(channel_stock).where(channel_stock.c.channel == channel).values(**well, asked_person=False, told_at=at)
    )


def went_wrong(
    connection: Connection, channel: str, cause: str, reason: str, at: datetime, *, may_pass: bool, wait: timedelta
) -> bool:
    """The channel could not be told; it is left alone for a while, `wait` at the least. Whether a person is to be told
    of it now: at once where nothing passes by itself, else after some failures, and once."""
    row = _locked(connection, channel)
    failures = row["failures"] + 1
    pause = min(breaker_rule.next_attempt(failures, at, cause, seed=channel) - at, LONGEST_WAIT)
    ask = (not may_pass or failures >= FAILURES_BEFORE_ASKING) and not row["asked_person"]
    connection.execute(
        update(channel_stock)
        .where(channel_stock.c.channel == channel)
        .values(
            failures=failures,
            next_attempt_at=at + max(pause, wait),
            cause=cause,
            reason=reason,
            failing_since=func.coalesce(channel_stock.c.failing_since, at),
            asked_person=channel_stock.c.asked_person if not ask else True,
        )
    )
    return ask


def trouble_of(connection: Connection) -> list[RowMapping]:
    """The channels that cannot be told of their stock now, and why."""
    query = select(channel_stock).where(channel_stock.c.cause != "").order_by(channel_stock.c.channel)
    return list(connection.execute(query).mappings())


def wake_again(connection: Connection, shop: Shop) -> list[Wakeup]:
    """For the sweep: a wake-up under a new generation for each channel that is to be told of a level now."""
    at = now(connection)
    found = []
    for spec in shop.told(KIND):
        left_alone = or_(channel_stock.c.next_attempt_at > at, ~is_free(channel_stock, at))
        query = select(channel_stock.c.channel).where(channel_stock.c.channel == spec.id, left_alone)
        if connection.execute(query).first() is None and to_tell(connection, shop, spec.id, at, most=1):
            found.append(raise_generation(connection, STAGE, spec.id))
    return found


def tell_anew(connection: Connection, channel: str) -> list[Wakeup]:
    """Put every level of a channel into doubt and let it be told at once; returns the wake-up this owes."""
    connection.execute(update(channel_levels).where(channel_levels.c.channel == channel).values(doubtful=True))
    left_alone = update(channel_stock).where(channel_stock.c.channel == channel)
    connection.execute(left_alone.values(next_attempt_at=None, asked_person=False))
    return [raise_generation(connection, STAGE, channel)]


def _begin(connection: Connection, channel: str, due: Sequence[ToTell]) -> list[ToTell]:
    fresh = {"channel": channel, "unheard": 0, "arrived": 0, "generation": 0, "trouble": ""}
    insert_new(connection, channel_levels, [fresh | {"sku": one.sku} for one in due])
    wanted = {one.sku: one for one in due}
    begun: Mapping[str, int] = {}
    for batch in chunks(sorted(wanted)):
        rows = select(channel_levels.c.sku, channel_levels.c.generation).where(
            channel_levels.c.channel == channel, channel_levels.c.sku.in_(batch)
        )
        begun = {**begun, **{row.sku: row.generation + 1 for row in connection.execute(rows.with_for_update())}}
    connection.execute(
        update(channel_levels)
        .where(channel_levels.c.channel == channel, channel_levels.c.sku == bindparam("what"))
        .values(
            generation=bindparam("now"),
            doubtful=True,
            level=bindparam("left_at"),
            # Both are in that sum; what arrives from now on counts anew.
            unheard=0,
            arrived=channel_levels.c.arrived - bindparam("heard"),
        ),
        [
            {
                "what": sku,
                "now": begun[sku],
                "left_at": None
                if one.before is None
                else left_in_doubt(one.available, one.before, one.unheard, one.arrived),
                "heard": one.arrived,
            }
            for sku, one in sorted(wanted.items())
        ],
    )
    return [replace(one, generation=begun[one.sku]) for one in due]


def _locked(connection: Connection, channel: str) -> RowMapping:
    insert_new(connection, channel_stock, [{"channel": channel, "failures": 0, "cause": "", "reason": ""}])
    query = select(channel_stock).where(channel_stock.c.channel == channel).with_for_update()
    return connection.execute(query).mappings().one()
