"""Comparing a channel's own list of paid orders with what came here, by (channel, the channel's id or number)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl
from sqlalchemy import Connection

from backroom.domain.model import OrderState
from backroom.insight.past.figures import said_order
from backroom.insight.past.orders import Past
from backroom.store import paid_elsewhere
from backroom.store.paid_elsewhere import PaidOrder


@dataclass(frozen=True, slots=True)
class Compared:
    """Of `paid` orders in a list: those here, those whose message waits or lies in quarantine, those cancelled here
    though they are paid there, and those that never came."""

    paid: int
    here: int
    waiting: tuple[PaidOrder, ...]
    cancelled: tuple[PaidOrder, ...]
    missing: tuple[PaidOrder, ...]


def compare(connection: Connection, channel: str, past: Past, currency: str) -> Compared:
    """Look for every paid order of a list among ours. `currency` is of amounts that name none."""
    listed = list(_paid(past, currency))
    wanted = {id_ for order, also in listed for id_ in (order.external_id, *also)}
    ours = paid_elsewhere.ours(connection, channel, wanted)
    here, waiting, cancelled, missing = 0, [], [], []
    for order, also in listed:
        ids = (order.external_id, *also)
        state = next((ours.orders[id_] for id_ in ids if id_ in ours.orders), None)
        if state == OrderState.CANCELLED:
            cancelled.append(order)
        elif state is not None:
            here += 1
        elif (ours.waiting | ours.quarantined) & set(ids):
            waiting.append(order)
        else:
            missing.append(order)
    return Compared(len(listed), here, tuple(waiting), tuple(cancelled), tuple(missing))


def _paid(past: Past, currency: str) -> Iterator[tuple[PaidOrder, tuple[str, ...]]]:
    """Orders that the list says are paid, neither cancelled nor paid back, each with other ids it may have with us."""
    paid = past.orders.filter(
        pl.col("paid").fill_null(value=False)
        & ~pl.col("cancelled").fill_null(value=False)
        & ((pl.col("refunded").fill_null(0) == 0) | (pl.col("refunded") < pl.col("total")))
    )
    for row in paid.iter_rows(named=True):
        number, id_ = row["order"], row["id"] or row["order"]
        order = PaidOrder(id_, said_order(number), row["placed"], row["total"] or 0, row["currency"] or currency)
        yield order, (number, f"#{number}")
