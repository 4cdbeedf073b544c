"""The whole way with a real Vendure, by mapping alone: an order placed in its API comes in, is made, and what we did is
seen in its API.

The shop file's tables for it are those that the guide shows. The single calls are in `test_vendure_mapping.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from backroom.shop.secrets import Secrets
from backroom.store import selling
from backroom.store.tables import inbox, orders
from tests.peers.sent_orders import state_of
from tests.peers.vendure_shop import WEBHOOK_SECRET, Product, Vendure, can_run_vendure, guide_table, running_vendure
from tests.running import RunningShop, running_shop, wait_until

pytestmark = [
    pytest.mark.peer,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not can_run_vendure(), reason="NO VENDURE: Node or its packages are missing (bash .ci/peers)"),
]

MOTH, FOX = "TEE-MOTH-INK-S", "TEE-MOTH-INK-M"
NOBODY = "http://127.0.0.1:9/nobody"


@pytest.fixture(scope="module")
def vendure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendure]:
    products = [Product(MOTH, "Night Moth Tee, S", 3400, 30), Product(FOX, "Night Moth Tee, M", 3400, 30)]
    with running_vendure(tmp_path_factory.mktemp("vendure"), products) as one:
        yield one


@pytest.fixture(scope="module")
def shop(vendure: Vendure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """The demo shop with Vendure as one more channel, and its webhooks led to our gateway."""
    home = tmp_path_factory.mktemp("with-vendure") / "shop"
    Secrets.read(home / "secrets.toml").add(
        {"webhook.vendure": WEBHOOK_SECRET, "channel.vendure": vendure.key, "refunds.vendure": vendure.key}
    )
    # Where it pays back is asked for by nobody here, and needs TLS.
    table = guide_table().replace("https://shop.example.com", vendure.url, 1)

    def change(text: str) -> str:
        text = text.replace("[channels.boutiques] ", '[channels.boutiques]\nfolder = "drop/boutiques" ')
        return f"{text}\n{table}"

    with running_shop(home, change) as one:
        lead_to(vendure, one)
        yield one


def lead_to(vendure: Vendure, shop: RunningShop | None) -> None:
    """Where Vendure's webhooks go; None loses them."""
    vendure.hook.write_text(f"{shop.ports.pages}/webhooks/vendure" if shop else NOBODY)


def number_of(shop: RunningShop, external_id: str, channel: str = "vendure") -> str:
    query = select(orders.c.number).where(orders.c.channel == channel, orders.c.external_id == external_id)
    with shop.room.database.read() as connection:
        return connection.execute(query).scalar_one_or_none() or ""


def tracking_of(shop: RunningShop, number: str) -> str:
    [shipment] = shop.story(number).shipments
    return str(shipment["tracking"])


def started(shop: RunningShop, deployment: str, parameters: Mapping[str, Any]) -> None:
    """Run a deployment now, and wait for its end."""
    id_ = shop.prefect("GET", f"/deployments/name/{deployment}")["id"]
    run = shop.prefect("POST", f"/deployments/{id_}/create_flow_run", {"parameters": dict(parameters)})["id"]
    wait_until(lambda: shop.prefect("GET", f"/flow_runs/{run}")["state_type"] == "COMPLETED", f"{deployment} to end")


@pytest.fixture(scope="module")
def made(vendure: Vendure, shop: RunningShop) -> tuple[dict[str, Any], str]:
    """An order as Vendure has it, and its number here, once all of it is done."""
    placed = vendure.order([(MOTH, 1), (FOX, 2)], "ines.q@example.org")
    wait_until(lambda: bool(number_of(shop, placed["id"])), "the webhook to become an order")
    number = number_of(shop, placed["id"])
    wait_until(lambda: state_of(shop, number) == "fulfilled", f"{number} to be fulfilled", 300)
    return placed, number


def test_an_order_placed_there_is_made_here(
    shop: RunningShop, vendure: Vendure, made: tuple[dict[str, Any], str]
) -> None:
    placed, number = made
    told = shop.story(number)
    assert told.order["total_minor"] == placed["totalWithTax"]
    assert [(line["sku"], line["quantity"]) for line in told.lines] == [(MOTH, 1), (FOX, 2)]


def test_its_parcel_is_seen_there_with_its_tracking(
    shop: RunningShop, vendure: Vendure, made: tuple[dict[str, Any], str]
) -> None:
    placed, number = made
    wait_until(lambda: vendure.find(placed["id"])["state"] == "Shipped", "the fulfilment to be told", 200)
    there = vendure.find(placed["id"])
    [parcel] = there["fulfillments"]
    assert parcel["state"] == "Shipped"
    assert parcel["trackingCode"] == tracking_of(shop, number)
    assert parcel["method"] == "Nachtbote"


def test_what_may_be_sold_there_is_what_is_free_here(
    shop: RunningShop, vendure: Vendure, made: tuple[dict[str, Any], str]
) -> None:
    """It had thirty of each, and learns what really lies here."""
    free = free_pieces(shop, MOTH)
    assert free != 29
    wait_until(lambda: shown(vendure, MOTH) == free_pieces(shop, MOTH), "the level to be told", 200)


def test_an_order_whose_webhook_was_lost_is_found_by_asking(shop: RunningShop, vendure: Vendure) -> None:
    lead_to(vendure, None)
    placed = vendure.order([(MOTH, 1)], "lost@example.org")
    started(shop, "reconcile/recent", {})
    wait_until(lambda: bool(number_of(shop, placed["id"])), "the order to be fetched")
    lead_to(vendure, shop)
    number = number_of(shop, placed["id"])
    wait_until(lambda: state_of(shop, number) == "fulfilled", f"{number} to be fulfilled", 300)
    # Vendure tries again, and its late message makes nothing twice.
    wait_until(lambda: messages_about(shop, placed["id"]) == 2, "the late webhook", 120)
    assert shop.numbers().count(number) == 1
    wait_until(lambda: vendure.find(placed["id"])["state"] == "Shipped", "the fulfilment to be told", 200)


def test_an_order_cancelled_there_before_it_is_made_is_cancelled_here(shop: RunningShop, vendure: Vendure) -> None:
    lead_to(vendure, None)
    placed = vendure.order([(MOTH, 1)], "second-thoughts@example.org")
    vendure.admin(
        'mutation ($i: ID!) { cancelOrder(input: { orderId: $i, reason: "no", cancelShipping: true })'
        " { ... on ErrorResult { errorCode } } }",
        i=placed["id"],
    )
    lead_to(vendure, shop)
    wait_until(lambda: bool(number_of(shop, placed["id"])), "the webhooks to become an order", 120)
    number = number_of(shop, placed["id"])
    wait_until(lambda: state_of(shop, number) == "cancelled", f"{number} to be cancelled", 120)


def test_a_dropped_file_comes_in_with_the_next_sweep(shop: RunningShop, tmp_path: Path) -> None:
    folder = shop.home / "drop" / "boutiques"
    wait_until(folder.is_dir, "the sweep to make the folder", 120)
    draft = folder / "orders.csv.part"
    draft.write_text(
        "order_id,placed_at,sku,quantity,unit_price,total,currency,email,name,line1,postcode,city,country\n"
        f"B-77,2026-11-02,{MOTH},1,34.00,34.00,EUR,buyer@example.org,Ines Quill,Wurbelgasse 4,10997,Berlin,DE\n"
    )
    draft.rename(folder / "orders.csv")
    wait_until(lambda: bool(number_of(shop, "B-77", "boutiques")), "the file to come in", 200)
    assert [path.name for path in (folder / "done").iterdir()] == ["orders.csv"]


def messages_about(shop: RunningShop, external_id: str) -> int:
    query = select(inbox.c.id).where(inbox.c.channel == "vendure", inbox.c.external_id == external_id)
    with shop.room.database.read() as connection:
        return len(connection.execute(query).all())


def shown(vendure: Vendure, sku: str) -> int:
    on_hand, allocated = vendure.level(sku)
    return on_hand - allocated


def free_pieces(shop: RunningShop, sku: str) -> int:
    with shop.room.database.read() as connection:
        return selling.for_sale(connection, shop.room.shop, "vendure")[sku]
