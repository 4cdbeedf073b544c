"""F11: a fifth of a shop's webhooks is dropped. After one round of `reconcile` all orders are here, none of them twice.

The others are signed and sent to the gateway's door; the shop answers over real HTTP (`tests.fake_shops`), and the
flow runs at a real Prefect server, whose page shows the figure.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from pytest_httpserver import HTTPServer
from sqlalchemy import select
from werkzeug import Response

from backroom.channels.signing import sign
from backroom.domain.channels import ApiSpec, ChannelSpec
from backroom.outgoing.circuit import close_all
from backroom.shop import room as rooms
from backroom.shop.secrets import Secrets
from backroom.store.api_keys import make_key
from backroom.store.tables import orders
from blocks.channels import ChannelAccount, block_name
from flows.reconcile import reconcile
from tests.fake_shops import LOGIN, TOKEN, FakeShopify, FakeWoo
from tests.faults.table import Fault
from tests.gateways import listening
from tests.prefect_server import PrefectServer, artifacts
from tests.shops import PLAIN, Floor, an_order
from tests.unit.channels.samples import payload

# A delivery waits for its commit: many connections at once, each kept, share commits.
CLIENTS = 16
SECRET, DOMAIN = "hush", "nord.example"
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


def here(floor: Floor) -> Counter[str]:
    with floor.room.database.read() as connection:
        return Counter(connection.execute(select(orders.c.external_id)).scalars())


def send(url: str, kind: str, bodies: Sequence[bytes]) -> Counter[str]:
    """Sign and post them over one connection, one after another; how often the gateway answered what."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
    answers: Counter[str] = Counter()
    for body in bodies:
        connection.request("POST", "/webhooks/web", body, sign(kind, body, SECRET, shop_domain=DOMAIN))
        answers[json.loads(connection.getresponse().read())["outcome"]] += 1
    connection.close()
    return answers


def unaccounted(url: str, key: str) -> dict[str, float]:
    """What `/metrics` says of it, by channel."""
    page = requests.get(f"{url}/metrics", headers={"Authorization": f"Bearer {key}"}, timeout=60).text
    families = text_string_to_metric_families(page)
    [found] = [family.samples for family in families if family.name == "backroom_unaccounted_orders"]
    return {one.labels["channel"]: one.value for one in found}


def when_first_asked_for_whole_orders(shop: FakeShopify | FakeWoo, look: Callable[[], None]) -> None:
    """Look once the shop is asked for the first of what is missing, before it answers."""
    looked: list[None] = []

    def then(asked: dict[str, Any]) -> Response | None:
        if not looked and ("include" in asked or "Whole" in asked.get("query", "")):
            looked.append(look())
        return None

    shop.fails = then


@pytest.mark.fault("F11")
@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["shopify", "woocommerce"])
def test_when_a_fifth_of_5000_webhooks_is_dropped_one_round_brings_them_all_once(
    floor: Floor,
    fake_shopify: FakeShopify,
    fake_woo: FakeWoo,
    httpserver: HTTPServer,
    running_prefect: PrefectServer,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    kind: str,
) -> None:
    # All 5,000 at every run of the tests where they are soonest done; on the others' turn, by `make faults`.
    soonest = kind == "woocommerce" and floor.room.database.engine.dialect.name == "sqlite"
    count = fault.volume(5_000 if soonest else 500, 5_000, 5_000)
    shop = {"shopify": fake_shopify, "woocommerce": fake_woo}[kind]
    api = ApiSpec(shop.listen(httpserver), "channel.web")
    spec = ChannelSpec("web", kind, 2, "standard", secret="webhook.web", shop_domain=DOMAIN, api=api)
    # WooCommerce tells no coordinates: all is made at the hub.
    rooms_shop = replace(floor.room.shop, channels=(spec,), rules=floor.room.shop.rules[-1:])
    secrets = Secrets(floor.room.home / "secrets.toml", {"webhook.web": SECRET})
    floor.room = replace(floor.room, shop=rooms_shop, secrets=secrets)
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
    ChannelAccount(kind=kind, secret=KEYS[kind]).save(block_name("web"), overwrite=True)
    key = floor.room.database.write(lambda c: make_key(c, "Ada", "metrics", ""))

    everyone = range(1, count + 1)
    # Not the first: what was placed before a channel's first order here is somebody else's to make.
    lost = set(fault.chance.sample(everyone[1:], dropped := count // 5))
    came = [id_ for id_ in everyone if id_ not in lost]
    shop.orders |= {id_: MAKE[kind](id_) for id_ in everyone}
    bodies = [json.dumps(shop.orders[id_]).encode() for id_ in came]

    with listening(floor.room, floor.waker) as url, ThreadPoolExecutor(CLIENTS) as clients:
        began = time.monotonic()
        answers = clients.map(lambda first: send(url, kind, bodies[first::CLIENTS]), range(CLIENTS))
        assert sum(answers, Counter()) == {"accepted": count - dropped}
        sent_s = time.monotonic() - began
        floor.intake()
        assert here(floor) == Counter(str(id_) for id_ in came)

        at_the_round: list[dict[str, float]] = []
        when_first_asked_for_whole_orders(shop, lambda: at_the_round.append(unaccounted(url, key)))
        began = time.monotonic()
        said = reconcile("recent")
        round_s = time.monotonic() - began
        assert said == f"web: {count} paid, {count - dropped} ours, {dropped} fetched, 0 unaccounted"
        assert at_the_round == [{"web": dropped}], "all of them are counted before the first is fetched"
        floor.intake()
        assert here(floor) == Counter(str(id_) for id_ in everyone), "all are here, and each of them once"
        assert unaccounted(url, key) == {"web": 0}

    [shown] = json.loads(artifacts("reconciliation")[0])
    figures = {"channel": "web", "paid there": count, "ours": count - dropped, "fetched now": dropped, "unaccounted": 0}
    assert shown | figures == shown
    assert reconcile("full") == f"web: {count} paid, {count} ours, 0 fetched, 0 unaccounted"
    assert here(floor) == Counter(str(id_) for id_ in everyone)
    floor.check_sums()
    fault.tell(orders=count, dropped=dropped, fetched=dropped, sent_s=round(sent_s, 1), round_s=round(round_s, 1))
