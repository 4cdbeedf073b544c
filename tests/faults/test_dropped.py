"""F11: a fifth of a shop's webhooks is dropped. After one look at the shop all orders are here, and none of them twice.

The shop answers over real HTTP (`tests.fake_shops`); the look is that of the flow `reconcile`.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import select

from backroom.channels.delivering import delivery_of
from backroom.channels.reconciling import Books, Looked, look_at
from backroom.channels.registry import SOURCES, channel_for
from backroom.channels.strict_json import parse_json
from backroom.domain.reconciliation import Look
from backroom.domain.shop import ApiSpec, ChannelSpec
from backroom.outgoing.circuit import close_all
from backroom.shop import room as rooms
from backroom.store.inbox_door import accept
from backroom.store.tables import orders
from tests.fake_shops import LOGIN, TOKEN, FakeShopify, FakeWoo
from tests.faults.table import Fault
from tests.shops import HUB, PLAIN, Floor, an_order
from tests.unit.channels.samples import payload

DROPPED = 0.2
KEYS = {"shopify": TOKEN, "woocommerce": LOGIN}


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


def of_shopify(id_: int) -> dict[str, Any]:
    return an_order(id_, [(PLAIN, 1)], minute=id_ % 60)


def of_woocommerce(id_: int) -> dict[str, Any]:
    order = payload("woocommerce_order.json")
    line = order["line_items"][0] | {"sku": PLAIN}
    second = f"2026-11-20T{id_ // 3600 % 24:02}:{id_ // 60 % 60:02}:{id_ % 60:02}"
    told = {"id": id_, "number": str(id_), "line_items": [line], "date_modified_gmt": second}
    return order | told | {"date_created_gmt": "2026-11-20T00:00:00"}


MAKE = {"shopify": of_shopify, "woocommerce": of_woocommerce}


def deliver(floor: Floor, spec: ChannelSpec, order: dict[str, Any]) -> None:
    """By webhook, through the door."""
    body = json.dumps(order).encode()
    delivery = delivery_of(spec, channel_for(spec), parse_json(body), {}, body)
    floor.room.database.write(lambda c: accept(c, floor.room.seals, delivery, HUB))


def here(floor: Floor) -> Counter[str]:
    with floor.room.database.read() as connection:
        return Counter(connection.execute(select(orders.c.external_id)).scalars())


@pytest.mark.fault("F11")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["shopify", "woocommerce"])
def test_when_a_fifth_of_the_webhooks_is_dropped_one_look_brings_them_all_once(
    floor: Floor,
    fake_shopify: FakeShopify,
    fake_woo: FakeWoo,
    httpserver: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    kind: str,
) -> None:
    count = fault.volume(500, 5000, 5000)
    shop = {"shopify": fake_shopify, "woocommerce": fake_woo}[kind]
    spec = ChannelSpec("web", kind, 2, "standard", api=ApiSpec(shop.listen(httpserver), "channel.web"))
    # WooCommerce tells no coordinates: all is made at the hub.
    floor.room = replace(floor.room, shop=replace(floor.room.shop, channels=(spec,), rules=floor.room.shop.rules[-1:]))
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
    books = Books(floor.room.database, floor.room.seals, HUB, lambda _wakeups: None)

    def look(reach: Look) -> Looked:
        return look_at(spec, channel_for(spec), lambda: SOURCES[kind](spec, KEYS[kind]), books, reach)

    lost = {id_ for id_ in range(2, count + 1) if fault.chance.random() < DROPPED}
    for id_ in range(1, count + 1):
        shop.orders[id_] = MAKE[kind](id_)
        if id_ not in lost:
            deliver(floor, spec, shop.orders[id_])
    floor.intake()
    assert sum(here(floor).values()) == count - len(lost)
    began = time.monotonic()
    looked = look(Look.RECENT)
    took = time.monotonic() - began
    assert looked.error is None
    assert (looked.figures.paid, looked.figures.ours) == (count, count - len(lost))
    assert (looked.figures.fetched, looked.figures.missing) == (len(lost), 0)
    floor.intake()
    assert here(floor) == Counter(str(id_) for id_ in range(1, count + 1)), "all are here, and each of them once"
    again = look(Look.FULL)
    assert (again.figures.ours, again.figures.fetched, again.figures.missing) == (count, 0, 0)
    floor.check_sums()
    fault.tell(orders=count, dropped=len(lost), fetched=looked.figures.fetched, look_s=round(took, 1))
