"""What channels may sell, and which levels they are to be told.

What belongs here: comparing what is free with what each channel was told. What does not: the rules
(`backroom.domain.selling`), and the lease of whoever tells it (`backroom.store.level_calls`).

Nothing is written when stock changes: what is to be told is the difference, so that only the newest level of a SKU
ever waits, and none can be lost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import (
    Connection,
    RowMapping,
    Select,
    Subquery,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
    update,
)

from backroom.domain.channels import ChannelSpec
from backroom.domain.model import OrderState
from backroom.domain.selling import may_sell
from backroom.domain.shop import Shop
from backroom.store import events, stock
from backroom.store.claims import Wakeup, wakeup
from backroom.store.database import now
from backroom.store.tables import channel_levels, channel_stock, order_lines, orders, stock_levels

STAGE = "stock"
KIND = "stock"
# What a channel sold and no order explains by then was no sale: somebody corrected its level there.
UNHEARD_FOR = timedelta(minutes=20)
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


def wakeups(connection: Connection, shop: Shop) -> list[Wakeup]:
    """What a commit owes that changed what may be sold: a wake-up for each channel that is told of stock."""
    return [wakeup(connection, STAGE, spec.id) for spec in shop.told(KIND)]


def for_sale(connection: Connection, shop: Shop, channel: str) -> dict[str, int]:
    """Pieces by SKU that a channel may sell now, of every SKU that one of its places ever had."""
    return _lying(connection, shop, shop.channel(channel))


def online(connection: Connection, shop: Shop) -> dict[str, dict[str, int]]:
    """Pieces by SKU that the web shops may sell now: of each channel that is told of stock, by its id, what it is told;
    under "" where none is, what any other may sell."""
    return {spec.id if spec else "": _lying(connection, shop, spec) for spec in shop.told(KIND) or (None,)}


def _lying(connection: Connection, shop: Shop, spec: ChannelSpec | None) -> dict[str, int]:
    shut = {place for place, gate in events.gates(connection, now(connection)).items() if gate.shut}
    places = set(shop.sells_from(spec))
    levels = (
        # A booth that is shut sells nothing, and yet its SKUs are told: as what the others have.
        replace(level, reserved=level.on_hand) if level.location in shut else level
        for level in stock.levels(connection).values()
    )
    keep_back = spec.api.keep_back if spec and spec.api else 0
    return may_sell(levels, places, owed(connection), keep_back)


def owed(connection: Connection) -> dict[str, int]:
    """Pieces by SKU of orders that hold none yet: sold, though they lie free."""
    return {sku: int(pieces) for sku, pieces in connection.execute(_owed())}


def to_tell(
    connection: Connection,
    shop: Shop,
    channel: str,
    at: datetime,
    compare_since: datetime | None = None,
    most: int | None = None,
) -> list[ToTell]:
    """The levels that a channel is to be told, by SKU: all that differ, are in doubt, or may be cleared up now.

    `compare_since`: all besides that were not told since then. The sum is that of `for_sale`, made by the database: it
    is asked after every sale, and thousands of levels are as they were.
    """
    may = _may_sell(connection, shop, channel)
    told = channel_levels
    # Told once, and at none of its places any more.
    gone = select(told.c.sku, literal(0).label("pieces")).where(
        told.c.channel == channel, told.c.level.is_not(None), ~exists().where(may.c.sku == told.c.sku)
    )
    wanted = union_all(select(may.c.sku, may.c.pieces), gone).subquery()
    over = told.c.unheard_since <= at - UNHEARD_FOR
    differs = [
        told.c.sku.is_(None),
        told.c.available.is_distinct_from(wanted.c.pieces),
        told.c.doubtful,
        (told.c.unheard > 0) & ((told.c.arrived > 0) | over),
    ]
    if compare_since is not None:
        differs.append(or_(told.c.told_at.is_(None), told.c.told_at < compare_since))
    columns = [told.c[name] for name in ("level", "unheard", "unheard_since", "arrived", "doubtful")]
    query = (
        select(wanted.c.sku, wanted.c.pieces, *columns)
        .outerjoin(told, (told.c.channel == channel) & (told.c.sku == wanted.c.sku))
        .where(or_(*differs))
        .order_by(wanted.c.sku)
        .limit(most)
    )
    found = []
    for row in connection.execute(query):
        if row.arrived is None:
            found.append(ToTell(row.sku, int(row.pieces), None, 0, 0))
            continue
        expired = row.unheard_since is not None and row.unheard_since <= at - UNHEARD_FOR
        unheard = 0 if expired else row.unheard
        found.append(ToTell(row.sku, int(row.pieces), row.level, unheard, row.arrived, doubtful=row.doubtful))
    return found


def _may_sell(connection: Connection, shop: Shop, channel: str) -> Subquery:
    """`for_sale` as a subquery of `sku` and `pieces`."""
    spec = shop.channel(channel)
    shut = [place for place, gate in events.gates(connection, now(connection)).items() if gate.shut]
    keep_back = spec.api.keep_back if spec.api else 0
    free = case(
        (stock_levels.c.kept | stock_levels.c.aside | stock_levels.c.location.in_(shut), 0),
        else_=stock_levels.c.on_hand - stock_levels.c.reserved,
    )
    lying = (
        select(stock_levels.c.sku, func.sum(free).label("free"))
        .where(stock_levels.c.location.in_(shop.sells_from(spec)))
        .group_by(stock_levels.c.sku)
        .subquery()
    )
    sold = _owed().subquery()
    left = lying.c.free - func.coalesce(sold.c.pieces, 0) - keep_back
    return (
        select(lying.c.sku, case((left > 0, left), else_=0).label("pieces"))
        .outerjoin(sold, sold.c.sku == lying.c.sku)
        .subquery()
    )


def _owed() -> Select[tuple[str, int]]:
    under_way = orders.c.state.in_(_OWED) | ((orders.c.state == OrderState.HELD) & orders.c.held_from.in_([*_OWED, ""]))
    return (
        select(order_lines.c.sku, func.sum(order_lines.c.quantity).label("pieces"))
        .join(orders, orders.c.id == order_lines.c.order_id)
        .where(under_way)
        .group_by(order_lines.c.sku)
    )


def levels_of(connection: Connection, channel: str) -> Sequence[RowMapping]:
    """What a channel was told last of each SKU."""
    query = select(channel_levels).where(channel_levels.c.channel == channel).order_by(channel_levels.c.sku)
    return connection.execute(query).mappings().all()


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
