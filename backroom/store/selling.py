"""What channels may sell, as rows: which levels are to be told, who tells them, and what they were left at.

What belongs here: comparing what is free with what each channel was told, and the lease of whoever tells it. What does
not: the sums (`backroom.domain.selling`), and the telling itself (`tasks.tell_stock`).

Nothing is written when stock changes: what is to be told is the difference, so that only the newest level of a SKU
ever waits, and none can be lost. A level is in doubt from before its call until its answer is written; `generation`
tells an answer that comes late from the newest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, case, func, literal, or_, select, update

from backroom.domain import breaker as breaker_rule
from backroom.domain.model import OrderState
from backroom.domain.selling import may_sell
from backroom.domain.shop import Shop
from backroom.store import events, stock
from backroom.store.batches import chunks, insert_new
from backroom.store.claims import Claim, Wakeup, attend, is_free, look_for_work, raise_generation, take, wakeup
from backroom.store.database import now
from backroom.store.tables import channel_levels, channel_stock, order_lines, orders

STAGE = "stock"
KIND = "stock"
MOST = 250
# What a channel sold and no order explains by then was no sale: somebody corrected its level there.
UNHEARD_FOR = timedelta(minutes=20)
# Stock that nobody is told of is sold twice: who tells it comes back sooner than others do.
LONGEST_WAIT = timedelta(minutes=2)
FAILURES_BEFORE_ASKING = 6
# They have no pieces yet that were set aside for them.
_OWED = (OrderState.ACCEPTED, OrderState.ROUTED, OrderState.BACKORDERED)


@dataclass(frozen=True, slots=True)
class ToTell:
    """A level to be told: what there is for the channel, what it was left at, and what was unheard of and arrived."""

    sku: str
    available: int
    before: int | None
    unheard: int
    arrived: int
    generation: int = 0
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class LeftAt:
    """What a channel was left at: its level and what it sold unheard of; or the trouble that kept it from being set."""

    told: ToTell
    level: int | None
    unheard: int
    trouble: str


def wakeups(connection: Connection, shop: Shop) -> list[Wakeup]:
    """What a commit owes that changed what may be sold: a wake-up for each channel that is told of stock."""
    return [wakeup(connection, STAGE, spec.id) for spec in shop.told(KIND)]


def for_sale(connection: Connection, shop: Shop, channel: str) -> dict[str, int]:
    """Pieces by SKU that a channel may sell now, of every SKU that one of its places ever had."""
    spec = shop.channel(channel)
    shut = {place for place, gate in events.gates(connection, now(connection)).items() if gate.shut}
    places = set(shop.sells_from(spec))
    levels = (
        # A booth that is shut sells nothing, and yet its SKUs are told: as what the others have.
        replace(level, reserved=level.on_hand) if level.location in shut else level
        for level in stock.levels(connection).values()
    )
    keep_back = spec.api.keep_back if spec.api else 0
    return may_sell(levels, places, owed(connection), keep_back)


def owed(connection: Connection) -> dict[str, int]:
    """Pieces by SKU of orders that hold none yet: sold, though they lie free."""
    under_way = orders.c.state.in_(_OWED) | ((orders.c.state == OrderState.HELD) & orders.c.held_from.in_([*_OWED, ""]))
    query = (
        select(order_lines.c.sku, func.sum(order_lines.c.quantity))
        .join(orders, orders.c.id == order_lines.c.order_id)
        .where(under_way)
        .group_by(order_lines.c.sku)
    )
    return {sku: int(pieces) for sku, pieces in connection.execute(query)}


def to_tell(
    connection: Connection, shop: Shop, channel: str, at: datetime, compare_since: datetime | None = None
) -> list[ToTell]:
    """The levels that a channel is to be told, by SKU: all that differ, are in doubt, or may be cleared up now.

    `compare_since`: all besides that were not told since then.
    """
    rows = {row["sku"]: row for row in levels_of(connection, channel)}
    there = for_sale(connection, shop, channel)
    for sku, row in rows.items():
        # Told once, and at none of its places any more.
        if row["level"] is not None:
            there.setdefault(sku, 0)
    found = []
    for sku, available in sorted(there.items()):
        row_or_none = rows.get(sku)
        if row_or_none is None:
            found.append(ToTell(sku, available, None, 0, 0))
            continue
        row = row_or_none
        since = row["unheard_since"]
        over = since is not None and since <= at - UNHEARD_FOR
        clear = row["unheard"] > 0 and (row["arrived"] > 0 or over)
        old = compare_since is not None and (row["told_at"] is None or row["told_at"] < compare_since)
        if row["available"] != available or row["doubtful"] or clear or old:
            unheard = 0 if over else row["unheard"]
            found.append(ToTell(sku, available, row["level"], unheard, row["arrived"], doubtful=row["doubtful"]))
    return found


def levels_of(connection: Connection, channel: str) -> Sequence[RowMapping]:
    """What a channel was told last of each SKU."""
    query = select(channel_levels).where(channel_levels.c.channel == channel).order_by(channel_levels.c.sku)
    return connection.execute(query).mappings().all()


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
    due = to_tell(connection, shop, channel, at, compare_since)[:MOST] if free and not waits else []
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
                channel_levels.c.unheard_since.is_(None) | (channel_levels.c.unheard < one.unheard),
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
            "arrived": channel_levels.c.arrived - told.arrived,
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
        connection.execute(newest.values(level=one.before, doubtful=one.doubtful))


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
        if connection.execute(query).first() is None and to_tell(connection, shop, spec.id, at):
            found.append(raise_generation(connection, STAGE, spec.id))
    return found


def tell_anew(connection: Connection, channel: str) -> list[Wakeup]:
    """Put every level of a channel into doubt and let it be told at once; returns the wake-up this owes."""
    connection.execute(update(channel_levels).where(channel_levels.c.channel == channel).values(doubtful=True))
    left_alone = update(channel_stock).where(channel_stock.c.channel == channel)
    connection.execute(left_alone.values(next_attempt_at=None, asked_person=False))
    return [raise_generation(connection, STAGE, channel)]


def count_arrived(connection: Connection, pieces: Iterable[tuple[str, str, int]]) -> None:
    """Count pieces `(channel, SKU, how many)` of orders that were just taken in, of channels that are told of stock."""
    channels = set(connection.execute(select(channel_stock.c.channel)).scalars())
    if not channels:
        return
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for channel, sku, count in pieces:
        if channel in channels:
            counts[channel, sku] += count
    if counts:
        connection.execute(
            update(channel_levels)
            .where(channel_levels.c.channel == bindparam("of"), channel_levels.c.sku == bindparam("what"))
            .values(arrived=channel_levels.c.arrived + bindparam("count")),
            [{"of": of, "what": what, "count": count} for (of, what), count in sorted(counts.items())],
        )


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
            # The highest that it may be left at: what it shows below that, it may have sold.
            level=case((channel_levels.c.level < bindparam("most"), bindparam("most")), else_=channel_levels.c.level),
        ),
        [{"what": sku, "now": begun[sku], "most": one.available} for sku, one in sorted(wanted.items())],
    )
    return [replace(one, generation=begun[one.sku]) for one in due]


def _locked(connection: Connection, channel: str) -> RowMapping:
    insert_new(connection, channel_stock, [{"channel": channel, "failures": 0, "cause": "", "reason": ""}])
    query = select(channel_stock).where(channel_stock.c.channel == channel).with_for_update()
    return connection.execute(query).mappings().one()
