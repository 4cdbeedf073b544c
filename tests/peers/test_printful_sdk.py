"""Our Printful and our fake of it against Printful's own types and client (`tests/peers/printful_sdk.py`).

Each call is made by our adapter against the fake. What we ask and what the fake answers must be of their types, down to
the last name; and each call must be one that their client makes, by method, path and query.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from backroom.domain.model import Address
from backroom.domain.partner_orders import ArtworkFile, AskedLine, PartnerOrderState, PartnerRequest, Recipient
from backroom.outgoing.circuit import close_all
from backroom.partners.printful import Printful
from backroom.partners.printful_orders import body_of
from tests.fake_printful import TOKEN, FakePrintful
from tests.peers.printful_sdk import Held, call_all, can_hold, wrong

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(
        not can_hold(), reason="NO TYPES of Printful: Node or its packages are missing (bash .ci/peers)"
    ),
]

SHA256 = "ab" * 32
ADDRESS = Address(
    name="Anna Möwe",
    company="Hafen GmbH",
    line1="Kai 1",
    line2="2nd floor",
    postcode="80331",
    city="Munich",
    region="BY",
    country="DE",
)
REQUEST = PartnerRequest(
    reference="partner-A-1042-x1",
    lines=(
        AskedLine(
            1, "OWL-BLK-M", "4012", 2, "front", SHA256, "dtg", {"inside_pocket": "true", "stitch_color": "white"}
        ),
        AskedLine(2, "CAP", "4020", 1),
    ),
    recipient=Recipient(ADDRESS, "+4930123456"),
    artwork={SHA256: ArtworkFile("owl.png", f"https://hooks.nord.example/artworks/{SHA256}.png?name=owl.png")},
    shipping_method="STANDARD",
)
BODY = 'NonNullable<Parameters<OrdersV2Service["createOrder"]>[1]>'
ITEMS = "Array<CatalogItemReadonly | WarehouseItemReadonly>"
# Of which type an answer's `data` is, by what was called.
ANSWERS = {
    ("GET", r"/v2/orders"): "Array<OrderSummary>",
    ("POST", r"/v2/orders"): "Order",
    ("GET", r"/v2/orders/[^/]+"): "Order",
    ("GET", r"/v2/orders/[^/]+/order-items"): ITEMS,
    ("GET", r"/v2/orders/[^/]+/shipments"): "Array<Shipment>",
    ("POST", r"/v2/orders/[^/]+/confirmation"): "Order",
}
VERSION_1 = re.compile(r"/orders/")


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


@pytest.fixture
def fake(httpserver: HTTPServer) -> FakePrintful:
    return FakePrintful(httpserver)


def every_call(fake: FakePrintful) -> None:
    """All that we ever ask of Printful, and all that our fake has to say."""
    printful = Printful("Printful", fake.url, TOKEN)
    printful.check()
    fake.costs = "calculating"
    waits = printful.submit(REQUEST)
    fake.brand(kind="order_item")
    fake.brand()
    printful.status(REQUEST.reference, waits.partner_id)
    del fake.only()["items"][2:]
    fake.calculated("failed")
    fake.placed(status="failed", status_explanation="The design cannot have disjointed elements.")
    assert printful.status(REQUEST.reference, waits.partner_id).state is PartnerOrderState.STUCK
    fake.placed(status="ok", status_explanation="")
    fake.calculated()
    assert printful.confirm(REQUEST.reference, waits.partner_id).state is PartnerOrderState.ACCEPTED
    fake.ship(fake.only(), "00340434161094000001")
    assert printful.status(REQUEST.reference, waits.partner_id).parcels[0].tracking == "00340434161094000001"
    printful.check()
    for reference, costs in (("partner-A-1043-x1", "calculating"), ("partner-A-1044-x1", "done")):
        fake.costs = costs
        printful.submit(replace(REQUEST, reference=reference))
        fake.calculated()
        printful.cancel(reference, "")
    printful.close()


def held_of(server: HTTPServer) -> list[Held]:
    found = []
    for request, answer in server.log:
        what = f"{request.method} {request.path}"
        if request.method == "POST" and request.path == "/v2/orders":
            found.append(Held(f"asked {what}", BODY, json.loads(request.get_data())))
        of_type = [
            type_
            for (method, path), type_ in ANSWERS.items()
            if request.method == method and re.fullmatch(path, request.path)
        ]
        if answer.status_code == 200 and of_type:
            found.append(Held(f"answered {what}", of_type[0], json.loads(answer.get_data())["data"]))
    return found


def test_all_that_printful_is_asked_and_our_fake_answers_is_of_its_types(
    fake: FakePrintful, httpserver: HTTPServer, tmp_path: Path
) -> None:
    every_call(fake)
    held = held_of(httpserver)
    assert {one.type for one in held} == {BODY, *ANSWERS.values()}
    assert wrong(tmp_path, held) == []


def test_every_call_is_one_that_its_own_client_makes(fake: FakePrintful) -> None:
    def shapes() -> set[tuple[str, str, tuple[str, ...]]]:
        made = {(method, re.sub(r"/orders/[^/]+", "/orders/ID", path), query) for method, path, query in fake.calls}
        return {one for one in made if not VERSION_1.match(one[1])}

    every_call(fake)
    ours = shapes()
    fake.calls.clear()
    fake.orders.clear()
    call_all(fake.url, TOKEN, body_of(REQUEST))
    theirs = shapes()
    assert {(method, path) for method, path, _ in ours} == {(method, path) for method, path, _ in theirs}
    asked = {(method, path): set(query) for method, path, query in theirs}
    assert [one for one in ours if not set(one[2]) <= asked[one[0], one[1]]] == []


def _without(value: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: one for key, one in value.items() if key != name}


def test_what_is_not_of_its_types_is_seen(fake: FakePrintful, httpserver: HTTPServer, tmp_path: Path) -> None:
    every_call(fake)
    held = {one.type: one for one in held_of(httpserver)}
    order, items, asked = (held[name].value for name in ("Order", ITEMS, BODY))
    shipment = {"id": 1, "shipment_status": "shipped"}
    bad = [
        Held("an order's name that they have not", "Order", order | {"notes": ""}),
        Held("no costs", "Order", _without(order, "costs")),
        Held("a status that is none", "Order", order | {"costs": order["costs"] | {"calculation_status": "soon"}}),
        Held("an item's name that they have not", ITEMS, [items[0] | {"type": "order_item"}]),
        Held("an item without what is printed", ITEMS, [_without(items[0], "placements")]),
        Held("a flag as a text", ITEMS, [items[0] | {"product_options": [{"name": "inside_pocket", "value": "true"}]}]),
        Held("a shipment's number", "Array<Shipment>", [shipment | {"tracking_number": "1"}]),
        Held("a shipment's state that is none", "Array<Shipment>", [shipment | {"shipment_status": "away"}]),
        Held("what they do not know of an order", BODY, asked | {"confirm": True}),
        Held("an order without who gets it", BODY, _without(asked, "recipient")),
        Held(
            "a variant as a text",
            BODY,
            asked | {"order_items": [asked["order_items"][0] | {"catalog_variant_id": "1"}]},
        ),
    ]
    found = wrong(tmp_path, bad)
    assert {one.what for one in bad} == {one.partition(":")[0] for one in found}
