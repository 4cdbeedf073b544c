"""What the database says afterwards: how many orders came to their end, how long each took, what was made of them.

What belongs here: reading. Only orders after a given id are looked at, those that were measured; effects and sheets of
the warm-up are told apart by the moment the clock started.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select

from backroom.shop.room import Room
from backroom.store.tables import (
    claims,
    effects,
    fulfilment_orders,
    history,
    inbox,
    labels,
    messages,
    orders,
    sheets,
    shipments,
)
from benchmarks.pages import pages

FULFILLED = "fulfilled"
ALERT = "alert-"


@dataclass(slots=True)
class Claimed:
    """When each wave of intake was claimed, looked at while it lives: a claim's row goes when it ends."""

    room: Room
    taken: dict[str, datetime] = field(default_factory=dict)

    def look(self) -> None:
        with self.room.database.read() as connection:
            query = select(claims.c.token, claims.c.taken_at).where(claims.c.stage == "intake")
            self.taken |= {row.token: row.taken_at for row in connection.execute(query)}

    def before(self, at: datetime) -> datetime:
        """The last claim before a moment, for waves of one place follow each other; the moment itself where none is."""
        return max((taken for taken in self.taken.values() if taken <= at), default=at)


def fulfilled(room: Room, after: int) -> int:
    """How many orders after this id are fulfilled."""
    with room.database.read() as connection:
        query = select(func.count()).select_from(orders).where(orders.c.id > after, orders.c.state == FULFILLED)
        return int(connection.execute(query).scalar_one())


def latencies(room: Room, after: int, claimed: Claimed | None = None) -> list[float]:
    """Seconds of each fulfilled order, least first: from its first claim; without `claimed`, from its arrival."""
    query = (
        select(orders.c.accepted_at, orders.c.ended_at, func.min(inbox.c.received_at).label("arrived"))
        .join(inbox, inbox.c.order_id == orders.c.id)
        .where(orders.c.id > after, orders.c.state == FULFILLED)
        .group_by(orders.c.id, orders.c.accepted_at, orders.c.ended_at)
    )
    with room.database.read() as connection:
        rows = connection.execute(query).all()
    first = (claimed.before(row.accepted_at) if claimed else _utc(row.arrived) for row in rows)
    return sorted((row.ended_at - begun).total_seconds() for row, begun in zip(rows, first, strict=True))


def share(sorted_: list[float], part: float) -> float:
    """The value below which this part of them lies (nearest rank)."""
    return sorted_[min(int(part * len(sorted_)), len(sorted_) - 1)] if sorted_ else float("nan")


def counts(room: Room, after: int, since: datetime) -> dict[str, int]:
    """Rows of the measured orders, read back: what must be there once an order, and effects by kind and state."""
    mine = orders.c.id > after
    parts = select(fulfilment_orders.c.id).where(fulfilment_orders.c.order_id > after)
    parcels = select(shipments.c.id).where(shipments.c.fulfilment_order_id.in_(parts))
    with room.database.read() as connection:
        told = {
            f"orders_{state}": count
            for state, count in connection.execute(
                select(orders.c.state, func.count()).where(mine).group_by(orders.c.state)
            )
        }
        for name, table, condition in (
            ("parcels", shipments, shipments.c.fulfilment_order_id.in_(parts)),
            ("labels", labels, labels.c.shipment_id.in_(parcels)),
            ("history", history, history.c.order_id > after),
            ("sheets", sheets, sheets.c.at >= since),
        ):
            told[name] = connection.execute(select(func.count()).select_from(table).where(condition)).scalar_one()
        for state, count in connection.execute(
            select(messages.c.state, func.count()).where(messages.c.order_id > after).group_by(messages.c.state)
        ):
            told[f"messages_{state}"] = count
        for kind, state, count in connection.execute(
            select(effects.c.kind, effects.c.state, func.count())
            .where(effects.c.planned_at >= since)
            .group_by(effects.c.kind, effects.c.state)
        ):
            told[f"effects_{kind}_{state}"] = count
    return told


def sinks(room: Room) -> dict[str, int]:
    """What lies in the sinks: pages at the label printer, messages in the folders of mail and SMS; all so far."""
    return {
        "prints": pages((room.home / "labels").rglob("*.pdf")),
        "delivered": mails(room.home / "mail") + len(list((room.home / "sms").glob("*.txt"))),
    }


def mails(folder: Path) -> int:
    """How many mails to customers lie in this folder; the shop's own alerts lie there as well, and are named so."""
    return sum(not mail.name.startswith(ALERT) for mail in folder.glob("*.eml"))


def due(orders_: int, messages_: int) -> dict[str, int]:
    """What must be counted after so many orders whose customers were to get so many messages: no less, and no more."""
    once = dict.fromkeys(("orders_fulfilled", "parcels", "effects_label_done"), orders_)
    twice = dict.fromkeys(("labels", "prints"), 2 * orders_)
    return once | twice | dict.fromkeys(("messages_sent", "effects_message_done", "delivered"), messages_)


def _utc(moment: datetime | str) -> datetime:
    # An aggregate loses the column's type on SQLite.
    return datetime.fromisoformat(moment) if isinstance(moment, str) else moment
