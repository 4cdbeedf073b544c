"""A running shop tells a web shop over real HTTP: a sale at the booth changes what it may sell within seconds."""

from __future__ import annotations

import itertools
import json
import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from pytest_httpserver import HTTPServer
from sqlalchemy import select

from backroom.channels.signing import sign
from backroom.shop.secrets import Secrets
from backroom.store import stock
from backroom.store.api_keys import make_key
from backroom.store.database import now
from backroom.store.tables import orders
from tests.fake_shops import TOKEN
from tests.fake_tills import ShopifyTill
from tests.running import RunningShop, running_shop, wait_until
from tests.shops import an_order

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(600)]

BOOTH, HUB = "booth-a", "main-hub"
SKU, OTHER = "TEE-MOTH-INK-S", "TEE-MOTH-INK-M"
SALES = 25
# What it may take with a core for whoever wants one. Where others want them too it may take so many times as long as
# this process waits for its own share, which is measured beside each sale; and in no case more than the limit.
P95_SECONDS, LIMIT_SECONDS = 8.0, 20.0
SPIN_SECONDS = 0.01


def crowd() -> float:
    """How many times as long as it takes a piece of work waits here for its processor: 1 on a quiet machine."""
    began, worked = time.perf_counter(), time.thread_time()
    while time.thread_time() - worked < SPIN_SECONDS:
        pass
    return max(1.0, (time.perf_counter() - began) / SPIN_SECONDS)


@pytest.fixture(scope="module")
def web() -> Iterator[tuple[ShopifyTill, str]]:
    till = ShopifyTill()
    with HTTPServer(threaded=True) as server:
        yield till, till.listen(server)


@pytest.fixture(scope="module")
def shop(web: tuple[ShopifyTill, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    home: Path = tmp_path_factory.mktemp("told")
    Secrets.read(home / "secrets.toml").add({"channel.web": TOKEN})
    api = f'[channels.web.api]\nurl = "{web[1]}"\nsecret = "channel.web"\nask = false\nlocations = ["{HUB}", "{BOOTH}"]'

    def told(text: str) -> str:
        return f"{text}\n{api}\n"

    with running_shop(home, told) as running:
        yield running


def test_a_sale_at_the_booth_is_told_within_seconds(shop: RunningShop, web: tuple[ShopifyTill, str]) -> None:
    till, _ = web
    many = [(BOOTH, sku, 200) for sku in (SKU, OTHER)]
    shop.room.database.write(lambda c: stock.receive(c, "market", many, "delivered", now(c)))
    with shop.room.database.read() as connection:
        there = stock.levels(connection)
    expected = {
        sku: sum(level.available for (place, one), level in there.items() if one == sku and place in (HUB, BOOTH))
        for sku in (SKU, OTHER)
    }
    with till.lock:
        till.levels = dict.fromkeys({sku for _, sku in there}, 0)
    wait_until(lambda: all(till.levels[sku] == expected[sku] for sku in expected), "the first levels to be told")
    key = shop.room.database.write(lambda c: make_key(c, "Test till", "pos", BOOTH))
    took, crowds = [], []
    for seq, sku in zip(range(1, SALES + 1), itertools.cycle(expected), strict=False):
        line = {"sku": sku, "quantity": 1, "unit_price": "29.00"}
        sale = {"seq": seq, "sold_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "currency": "EUR", "lines": [line]}
        began = time.monotonic()
        answer = requests.post(
            f"{shop.ports.pages}/pos/sales",
            json={"device": "till-7", "sales": [sale | {"total": "29.00"}]},
            headers={"Authorization": f"Bearer {key}"},
            timeout=20,
        )
        assert [one["result"] for one in answer.json()["sales"]] == ["accepted"]
        expected[sku] -= 1
        while till.levels[sku] != expected[sku]:
            assert time.monotonic() - began < 60, f"{sku} shows {till.levels[sku]}, not {expected[sku]}"
            time.sleep(0.005)
        took.append(time.monotonic() - began)
        crowds.append(crowd())
        time.sleep(0.3)
    took.sort()
    p50, p95 = took[len(took) // 2], took[math.ceil(len(took) * 0.95) - 1]
    allowed = min(LIMIT_SECONDS, P95_SECONDS * sum(crowds) / len(crowds))
    print(
        f"booth sale → web shop's level: p50 {p50:.2f} s, p95 {p95:.2f} s, most {took[-1]:.2f} s, {len(took)} sales; "
        f"work took {sum(crowds) / len(crowds):.1f} times as long as alone, so p95 may be {allowed:.1f} s"
    )
    assert p95 < allowed


def test_what_the_hub_ships_is_a_fulfilment_over_there(shop: RunningShop, web: tuple[ShopifyTill, str]) -> None:
    till, _ = web
    order = an_order(880_001, [(SKU, 1)])
    with till.lock:
        till.orders[880_001] = order
    body = json.dumps(order).encode()
    headers = sign("shopify", body, shop.room.secret("webhook.web"), topic="orders/create")
    answer = requests.post(f"{shop.ports.pages}/webhooks/web", data=body, headers=headers, timeout=20)
    assert answer.ok, answer.text
    wait_until(lambda: bool(till.fulfilments.get(880_001)), "the parcel to be told")
    (fulfilment,) = till.fulfilments[880_001]
    with shop.room.database.read() as connection:
        number = connection.execute(select(orders.c.number).where(orders.c.external_id == "880001")).scalar_one()
    (shipment,) = shop.story(number).shipments
    assert fulfilment["tracking"]["number"] == shipment["tracking"]

    def told() -> bool:
        return [one["state"] for one in shop.story(number).news] == ["told"]

    wait_until(told, "it to be written down")
