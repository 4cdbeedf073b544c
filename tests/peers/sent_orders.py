"""Orders that tests with peers send, found again in the shop's database."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import func, select

from backroom.shop.demo_messages import DemoOrder, Maker
from backroom.store.tables import effects, fulfilment_orders, orders
from tests.running import RunningShop, wait_until

# An order's id at its channel comes from its seed: two tests of one shop with the same would share an order.
_SEEDS = itertools.count(4001)


def send_one(shop: RunningShop, story: Callable[[Maker], list[DemoOrder]]) -> str:
    """Send one of the demo's stories of a single message; returns its order's number once it is known."""
    [sent] = story(Maker(next(_SEEDS), datetime.now(UTC)))
    shop.send_all([sent])
    wait_until(lambda: bool(number_of(shop, sent)), f"the order of {sent.kind}")
    return number_of(shop, sent)


def number_of(shop: RunningShop, sent: DemoOrder) -> str:
    """The number the shop gave it; empty while it has none."""
    query = select(orders.c.number).where(orders.c.channel == sent.channel_id, orders.c.external_id == sent.external_id)
    with shop.room.database.read() as connection:
        return connection.execute(query).scalar_one_or_none() or ""


def state_of(shop: RunningShop, number: str) -> str:
    with shop.room.database.read() as connection:
        return str(connection.execute(select(orders.c.state).where(orders.c.number == number)).scalar_one())


def part_state_of(shop: RunningShop, number: str) -> str:
    """The state of an order's only part; empty before it is released to a location."""
    query = select(fulfilment_orders.c.state).join(orders, orders.c.id == fulfilment_orders.c.order_id)
    with shop.room.database.read() as connection:
        return connection.execute(query.where(orders.c.number == number)).scalar_one_or_none() or ""


def effects_of(shop: RunningShop, number: str) -> Counter[tuple[str, str]]:
    """How many effects the whole ledger holds for an order, by kind and state."""
    query = (
        select(effects.c.kind, effects.c.state, func.count())
        .join(orders, orders.c.id == effects.c.order_id)
        .where(orders.c.number == number)
        .group_by(effects.c.kind, effects.c.state)
    )
    with shop.room.database.read() as connection:
        return Counter({(kind, state): count for kind, state, count in connection.execute(query)})
