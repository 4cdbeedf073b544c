"""News for channels, as rows: what left the house, and what we do not make. Written in the commit of what it tells of.

What belongs here: writing, claiming and settling them. What does not: stock levels (`backroom.store.selling`), and the
telling itself (`tasks.tell_channels`). Each channel has a line of its own, whose stage stands at the channel's id
instead of a location: one that is away keeps no other's news waiting, and no order.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, exists, select, update

from backroom.domain.errors import Refuse
from backroom.domain.lifecycle import Kind, ends
from backroom.domain.shop import Shop
from backroom.store import history
from backroom.store.batches import chunks, insert_new
from backroom.store.claim_rows import Work, claim_of_order, claim_wave
from backroom.store.claims import (
    Claim,
    Wakeup,
    is_free,
    raise_generation,
    wakeup,
)
from backroom.store.database import now
from backroom.store.tables import (
    channel_news,
    fulfilment_lines,
    fulfilment_orders,
    order_lines,
    orders,
    shipments,
)
from backroom.store.waiting import HEALTHY, is_due

STAGE = "tell"
# The kind of effect that tells a channel.
EFFECT = "told"
TAKEN, SHIPPED, CANCELLED = "taken", "shipped", "cancelled"
KINDS = (TAKEN, SHIPPED, CANCELLED)
# `settled`: a person said that there is nothing more to tell.
WAITING, TOLD, SETTLED = "waiting", "told", "settled"
UNTOLD = channel_news.c.state == WAITING


class NothingToTell(Refuse):
    """No news of this order waits for its channel."""

    cause = "nothing_to_tell"


def write_taken(connection: Connection, taken: Iterable[tuple[int, str, int]], at: datetime) -> list[Wakeup]:
    """Write that these orders are ours now, each an id with its channel and priority; returns what this owes."""
    rows = [
        _row(f"{TAKEN}-{order_id}", TAKEN, channel, order_id, None, priority, "", at)
        for order_id, channel, priority in taken
    ]
    return _write(connection, rows)


def write_shipped(
    connection: Connection, part_ids: Iterable[int], channels: Collection[str], at: datetime
) -> list[Wakeup]:
    """Write that these parts of orders left, each once, for those whose channel is told; returns what this owes.

    An order that sends another piece for a return is ours alone: its channel does not know it.
    """
    rows: list[dict[str, Any]] = []
    for batch in chunks(part_ids if channels else ()):
        query = (
            select(fulfilment_orders.c.id, fulfilment_orders.c.key, orders.c.id, orders.c.channel, orders.c.priority)
            .join(orders, orders.c.id == fulfilment_orders.c.order_id)
            .where(fulfilment_orders.c.id.in_(batch), orders.c.channel.in_(channels), orders.c.return_id.is_(None))
        )
        for part_id, key, order_id, channel, priority in connection.execute(query):
            rows.append(_row(f"{SHIPPED}-{key}", SHIPPED, channel, order_id, part_id, priority, "", at))
    return _write(connection, rows)


def write_cancelled(connection: Connection, order: RowMapping, reason: str, at: datetime) -> list[Wakeup]:
    """Write that we do not make this order, and why (a code)."""
    if order["return_id"] is not None:
        return []
    key = f"{CANCELLED}-{uuid.uuid4().hex[:12]}"
    row = _row(key, CANCELLED, order["channel"], order["id"], None, order["priority"], reason, at)
    return _write(connection, [row])


def claim_waiting(connection: Connection, *, channel: str, instance: str, run_id: str, most: int) -> Claim | None:
    """Claim what a channel is to be told; None when nothing waits."""
    taken = claim_wave(connection, _work(channel), instance=instance, run_id=run_id, most=most)
    return taken[0] if taken else None


def claim_order(connection: Connection, order_id: int, *, channel: str, instance: str, run_id: str) -> Claim | None:
    """Claim one order's news, sick or not; None when there is none or another run holds it."""
    taken = claim_of_order(connection, _work(channel), order_id, instance=instance, run_id=run_id)
    return taken[0] if taken else None


def channel_of(connection: Connection, order_id: int) -> str | None:
    """The channel that is still to be told of this order; None where nothing waits."""
    query = select(channel_news.c.channel).where(UNTOLD, channel_news.c.order_id == order_id).limit(1)
    return connection.execute(query).scalar_one_or_none()


def claimed(connection: Connection, token: str) -> list[RowMapping]:
    """The wave's news, in the order in which it is told: each with its order's number and its id at the channel.

    `last` says of a part that left whether every other part of its order has ended.
    """
    query = _with_order().where(channel_news.c.claim_token == token, UNTOLD)
    return list(connection.execute(query.order_by(channel_news.c.priority, channel_news.c.id)).mappings())


def of_order(connection: Connection, order_id: int) -> Sequence[RowMapping]:
    """All news of one order, the oldest first."""
    query = select(channel_news).where(channel_news.c.order_id == order_id).order_by(channel_news.c.id)
    return connection.execute(query).mappings().all()


def untold(connection: Connection, most: int = 200) -> list[RowMapping]:
    """What channels are still to be told, the oldest first."""
    return list(connection.execute(_with_order().where(UNTOLD).order_by(channel_news.c.id).limit(most)).mappings())


def pieces_of(connection: Connection, part_ids: Iterable[int]) -> dict[int, list[tuple[str, str, int]]]:
    """What left with each part: `(the channel's id of the line, SKU, pieces)`."""
    found: dict[int, list[tuple[str, str, int]]] = defaultdict(list)
    count = fulfilment_lines.c.from_stock + fulfilment_lines.c.to_print
    for batch in chunks(part_ids):
        query = (
            select(fulfilment_lines.c.fulfilment_order_id, order_lines.c.external_id, fulfilment_lines.c.sku, count)
            .join(fulfilment_orders, fulfilment_orders.c.id == fulfilment_lines.c.fulfilment_order_id)
            .join(
                order_lines,
                (order_lines.c.order_id == fulfilment_orders.c.order_id)
                & (order_lines.c.line_no == fulfilment_lines.c.line_no),
            )
            .where(fulfilment_orders.c.id.in_(batch), count > 0)
            .order_by(fulfilment_lines.c.line_no)
        )
        for part_id, external_id, sku, pieces in connection.execute(query):
            found[part_id].append((external_id, sku, pieces))
    return found


def settle(connection: Connection, token: str, told: Mapping[int, str], at: datetime) -> list[int]:
    """Say that these were told, each with the channel's own id of it, and give them up; returns those that were."""
    done = []
    for id_, reference in told.items():
        mine = update(channel_news).where(channel_news.c.id == id_, channel_news.c.claim_token == token, UNTOLD)
        if connection.execute(mine.values(**_ended(TOLD, at) | {"reference": reference})).rowcount:
            done.append(id_)
    return done


def settle_by_hand(connection: Connection, order_id: int, actor: str, at: datetime) -> None:
    """A person's word that the channel needs no more news of this order: it knows, or they told it there.

    NothingToTell where none waits.
    """
    mine = update(channel_news).where(channel_news.c.order_id == order_id, UNTOLD, is_free(channel_news, at))
    kinds = connection.execute(mine.values(**_ended(SETTLED, at)).returning(channel_news.c.kind)).scalars().all()
    if not kinds:
        raise NothingToTell("no news of this order waits", remedy="Look again: it may have been told by now.")
    entries = [history.Entry(order_id, "channel.settled", {"news": kind}) for kind in kinds]
    history.record(connection, entries, at=at, actor=actor)


def wake_again(connection: Connection, shop: Shop) -> list[Wakeup]:
    """For the sweep: a wake-up under a new generation for each channel with news that a wave may take now."""
    told = {spec.id for kind in KINDS for spec in shop.told(kind)}
    query = select(channel_news.c.channel).where(UNTOLD, is_due(channel_news, now(connection))).distinct()
    waiting_for = told.intersection(connection.execute(query).scalars())
    return [raise_generation(connection, STAGE, channel) for channel in sorted(waiting_for)]


def _row(
    key: str, kind: str, channel: str, order_id: int, part_id: int | None, priority: int, reason: str, at: datetime
) -> dict[str, Any]:
    return {
        "key": key,
        "kind": kind,
        "channel": channel,
        "order_id": order_id,
        "part_id": part_id,
        "priority": priority,
        "reason": reason,
        "state": WAITING,
        "reference": "",
        "at": at,
    }


def _write(connection: Connection, rows: Sequence[dict[str, Any]]) -> list[Wakeup]:
    insert_new(connection, channel_news, rows)
    return [wakeup(connection, STAGE, channel) for channel in sorted({row["channel"] for row in rows})]


def _ended(state: str, at: datetime) -> dict[str, Any]:
    return {"state": state, "told_at": at, "claim_token": None, "attempts": 0, "next_attempt_at": None, **HEALTHY}


def _work(channel: str) -> Work:
    return Work(channel_news, UNTOLD & (channel_news.c.channel == channel), STAGE, channel)


def _with_order() -> Select[tuple[Any, ...]]:
    columns = (
        orders.c.number,
        orders.c.external_id,
        shipments.c.carrier,
        shipments.c.tracking,
        _is_last().label("last"),
    )
    return (
        select(channel_news, *columns)
        .join(orders, orders.c.id == channel_news.c.order_id)
        .outerjoin(shipments, shipments.c.fulfilment_order_id == channel_news.c.part_id)
    )


def _is_last() -> ColumnElement[bool]:
    other = fulfilment_orders.alias()
    under_way = exists().where(
        other.c.order_id == channel_news.c.order_id,
        other.c.id != channel_news.c.part_id,
        other.c.state.not_in(ends(Kind.FULFILMENT)),
    )
    return ~under_way
