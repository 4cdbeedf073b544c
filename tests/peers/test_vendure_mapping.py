"""A real Vendure by mapping alone: asked and told through its own interface, by the mapping that the guide shows.

The mapped channel's own classes against the real shop. The whole way of an order is in `test_vendure.py`.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from backroom.channels.base import BadSignature
from backroom.channels.mapped import MappedChannel
from backroom.channels.mapped_news import MappedWriteBack
from backroom.channels.mapped_order import FETCHED
from backroom.channels.mapped_paying import MappedRefunds
from backroom.channels.mapped_source import MappedSource
from backroom.channels.refunding import RefundRefused, RefundRequest
from backroom.channels.remote import NOT_COUNTED, UNKNOWN_SKU, Cancelled, LineShipped, Shipped, StockTold
from backroom.channels.strict_json import parse_json
from backroom.domain.channels import ChannelSpec, RefundsSpec
from backroom.domain.model import PaymentStatus
from backroom.outgoing.errors import ServiceRefused, ServiceSetup
from tests.mapped_shops import read_spec
from tests.peers.vendure_shop import WEBHOOK_SECRET, Product, Vendure, can_run_vendure, guide_table, running_vendure
from tests.running import wait_until
from tests.unit.channels.samples import sum_of_parts

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(not can_run_vendure(), reason="NO VENDURE: Node or its packages are missing (bash .ci/peers)"),
]

TEE, FOX = "TEE-MOTH-INK-S", "TEE-FOX-SAND-M"


@pytest.fixture(scope="module")
def vendure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendure]:
    products = [Product(TEE, "Night Moth Tee", 3400, 100), Product(FOX, "Fox Tee", 2900, 100)]
    with running_vendure(tmp_path_factory.mktemp("vendure"), products) as one:
        yield one


@pytest.fixture(scope="module")
def spec(vendure: Vendure) -> ChannelSpec:
    table = guide_table().replace("channels.vendure.", "").replace("[channels.vendure]\n", "")
    spec, problems = read_spec(table.replace("https://shop.example.com", vendure.url, 1), "vendure")
    assert problems == []
    # A shop file takes an address for refunds with TLS only.
    return replace(spec, refunds=RefundsSpec(vendure.url, "refunds.vendure"))


@pytest.fixture(scope="module")
def source(spec: ChannelSpec, vendure: Vendure) -> MappedSource:
    return MappedSource(spec, vendure.key)


@pytest.fixture
def telling(spec: ChannelSpec, vendure: Vendure) -> MappedWriteBack:
    return MappedWriteBack(spec, vendure.key)


class Hook:
    """Whoever hears the webhooks: what came, with its headers."""

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, dict[str, str]]] = []
        hook = self

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.heard.append((body, dict(self.headers.items())))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Answers)

    def about(self, order_id: str, kind: str) -> tuple[bytes, dict[str, str]] | None:
        for body, headers in self.heard:
            message = json.loads(body)
            # Its own ids are numbers, and texts in GraphQL.
            if (str(message["order"]["id"]), message["type"]) == (order_id, kind):
                return body, headers
        return None


@pytest.fixture(scope="module")
def hook(vendure: Vendure) -> Iterator[Hook]:
    one = Hook()
    thread = threading.Thread(target=one.server.serve_forever, daemon=True)
    thread.start()
    vendure.hook.write_text(f"http://127.0.0.1:{one.server.server_port}/")
    yield one
    one.server.shutdown()
    thread.join()
    one.server.server_close()


def fetched(source: MappedSource, spec: ChannelSpec, order_id: str) -> Any:
    [one] = source.fetch([order_id])
    assert one.topic == FETCHED
    return MappedChannel(spec).parse(parse_json(one.body), one.topic, "DE")


def shipped(order: Any, key: str, tracking: str) -> Shipped:
    lines = tuple(LineShipped(line.external_id, line.sku, line.quantity) for line in order.lines)
    return Shipped(key, order.external_id, lines, "Nachtbote", tracking)


def test_the_connection_can_be_tried(source: MappedSource, spec: ChannelSpec) -> None:
    source.check()
    with pytest.raises(ServiceSetup):
        MappedSource(spec, "another-key").check()


def test_a_webhook_and_the_fetched_order_say_the_same(
    vendure: Vendure, hook: Hook, source: MappedSource, spec: ChannelSpec
) -> None:
    placed = vendure.order([(TEE, 2), (FOX, 1)], "webhook@example.org")
    wait_until(lambda: hook.about(placed["id"], "order.placed") is not None, "the webhook", 30)
    message = hook.about(placed["id"], "order.placed")
    assert message is not None
    body, headers = message
    channel = MappedChannel(spec)
    channel.verify(body, headers, WEBHOOK_SECRET)
    with pytest.raises(BadSignature):
        channel.verify(body + b" ", headers, WEBHOOK_SECRET)
    order = channel.parse(parse_json(body), channel.topic(headers), "DE")
    assert (order.external_id, order.external_name) == (placed["id"], placed["code"])
    assert order.payment is PaymentStatus.PAID
    assert order.total_minor == placed["totalWithTax"] == sum_of_parts(order)
    assert [(line.sku, line.quantity) for line in order.lines] == [(TEE, 2), (FOX, 1)]
    assert order.address is not None
    assert (order.address.line1, order.address.country) == ("Wurbelgasse 4", "DE")
    assert fetched(source, spec, placed["id"]) == order


def test_orders_are_listed_page_by_page_since_a_time(vendure: Vendure, spec: ChannelSpec) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    placed: list[str] = []
    for number in range(12):
        # A page of eight cannot be cut within a second, and a fast machine places all twelve in one.
        if number in {4, 8}:
            time.sleep(1.1)
        placed.append(vendure.order([(FOX, 1)], f"list{number}@example.org")["id"])
    assert spec.mapping is not None
    assert spec.mapping.poll is not None
    small = replace(spec, mapping=replace(spec.mapping, poll=replace(spec.mapping.poll, size=8)))
    source = MappedSource(small, vendure.key)
    listed = list(source.changed_since(before))
    assert [one.external_id for one in listed if one.external_id in placed] == placed
    assert all(one.paid and one.total_minor > 0 and one.currency == "EUR" for one in listed)
    assert list(source.changed_since(datetime.now(UTC) + timedelta(hours=1))) == []


def test_an_order_that_is_not_there_is_left_out(source: MappedSource) -> None:
    assert list(source.fetch(["999999"])) == []


def test_a_parcel_is_told_once_however_often_it_is_told(
    vendure: Vendure, source: MappedSource, spec: ChannelSpec, telling: MappedWriteBack
) -> None:
    order = fetched(source, spec, vendure.order([(TEE, 1)], "parcel@example.org")["id"])
    news = shipped(order, "shipped:A-1", "NB-1001")
    assert telling.was_told(news) is None
    id_ = telling.shipped(news)
    assert telling.was_told(news) == id_
    assert telling.shipped(news) == id_
    there = vendure.find(order.external_id)
    assert there["state"] == "Shipped"
    assert there["fulfillments"] == [{"id": id_, "state": "Shipped", "method": "Nachtbote", "trackingCode": "NB-1001"}]


def test_a_parcel_that_was_told_by_half_is_told_to_its_end(
    vendure: Vendure, source: MappedSource, spec: ChannelSpec, telling: MappedWriteBack
) -> None:
    order = fetched(source, spec, vendure.order([(TEE, 1)], "half@example.org")["id"])
    news = shipped(order, "shipped:A-2", "NB-1002")
    made = vendure.admin(
        "mutation ($l: ID!) { addFulfillmentToOrder(input: { lines: [{ orderLineId: $l, quantity: 1 }], handler:"
        ' { code: "manual-fulfillment", arguments: [{ name: "method", value: "x" },'
        ' { name: "trackingCode", value: "NB-1002" }] } }) { ... on Fulfillment { id } } }',
        l=order.lines[0].external_id,
    )
    assert telling.was_told(news) is None
    assert telling.shipped(news) == made["addFulfillmentToOrder"]["id"]
    assert vendure.find(order.external_id)["state"] == "Shipped"


def test_two_parts_of_an_order_are_two_fulfilments(
    vendure: Vendure, source: MappedSource, spec: ChannelSpec, telling: MappedWriteBack
) -> None:
    order = fetched(source, spec, vendure.order([(TEE, 1), (FOX, 1)], "parts@example.org")["id"])
    first, second = (
        Shipped(f"shipped:A-3.{n}", order.external_id, (LineShipped(line.external_id, line.sku, 1),), "Nachtbote", code)
        for n, (line, code) in enumerate(zip(order.lines, ("NB-1", ""), strict=True))
    )
    telling.shipped(first)
    assert vendure.find(order.external_id)["state"] == "PartiallyShipped"
    telling.shipped(second)
    there = vendure.find(order.external_id)
    assert there["state"] == "Shipped"
    assert {one["trackingCode"] for one in there["fulfillments"]} == {"NB-1", "shipped:A-3.1"}


def test_a_refusal_of_the_shop_is_a_refusal_here(
    vendure: Vendure, source: MappedSource, spec: ChannelSpec, telling: MappedWriteBack
) -> None:
    order = fetched(source, spec, vendure.order([(FOX, 1)], "refused@example.org")["id"])
    telling.cancelled(Cancelled("cancelled:A-4", order.external_id, "out_of_stock"))
    with pytest.raises(ServiceRefused, match="vendure refuses shipped:A-4"):
        telling.shipped(shipped(order, "shipped:A-4", "NB-4"))


def test_a_cancelled_order_is_cancelled_there_and_says_so_itself(
    vendure: Vendure, hook: Hook, source: MappedSource, spec: ChannelSpec, telling: MappedWriteBack
) -> None:
    placed = vendure.order([(FOX, 1)], "cancelled@example.org")
    news = Cancelled("cancelled:A-5", placed["id"], "out_of_stock")
    telling.cancelled(news)
    telling.cancelled(news)
    assert vendure.find(placed["id"])["state"] == "Cancelled"
    # Its lines have no pieces any more.
    assert fetched(source, spec, placed["id"]).cancelled
    wait_until(lambda: hook.about(placed["id"], "order.cancelled") is not None, "the webhook", 30)


def test_what_the_shop_may_sell_is_set_beside_what_it_has_sold(vendure: Vendure, telling: MappedWriteBack) -> None:
    _, allocated = vendure.level(TEE)
    [told] = telling.stock([StockTold(TEE, 7)])
    assert (told.level, told.trouble) == (7, "")
    assert vendure.level(TEE) == (7 + allocated, allocated)
    # Somebody buys two, of which we have not heard yet.
    vendure.order([(TEE, 2)], "stock@example.org")
    [told] = telling.stock([StockTold(TEE, 7, before=7)])
    assert (told.level, told.unheard) == (5, 2)
    assert vendure.level(TEE) == (5 + allocated + 2, allocated + 2)


def test_a_sku_whose_pieces_the_shop_does_not_count_is_named(vendure: Vendure, telling: MappedWriteBack) -> None:
    find = "query ($s: String!) { productVariants(options: { filter: { sku: { eq: $s } } }) { items { id } } }"
    change = (
        "mutation ($i: ID!, $t: GlobalFlag!) { updateProductVariants(input: [{ id: $i, trackInventory: $t }]) { id } }"
    )
    id_ = vendure.admin(find, s=FOX)["productVariants"]["items"][0]["id"]
    vendure.admin(change, i=id_, t="FALSE")
    [told] = telling.stock([StockTold(FOX, 3)])
    vendure.admin(change, i=id_, t="TRUE")
    assert (told.level, told.trouble) == (None, NOT_COUNTED)


def test_a_sku_that_the_shop_does_not_have_is_named(telling: MappedWriteBack) -> None:
    told = telling.stock([StockTold("NOBODY", 3), StockTold(TEE, 6)])
    assert [(one.sku, one.level, one.trouble) for one in told] == [("NOBODY", None, UNKNOWN_SKU), (TEE, 6, "")]


PAYMENTS = "query ($i: ID!) { order(id: $i) { payments { id refunds { id state total reason } } } }"


def test_what_is_owed_is_paid_back_there_once_and_read_with_the_order(
    vendure: Vendure, source: MappedSource, spec: ChannelSpec
) -> None:
    order = fetched(source, spec, vendure.order([(TEE, 2)], "back@example.org")["id"])
    paying = MappedRefunds(spec, vendure.key)
    owed = RefundRequest("refund-R-A-7-1", order.external_id, 3400, "EUR")
    assert paying.find(owed) is None
    paid = paying.refund(owed)
    assert paying.refund(owed) == paying.find(owed) == paid
    [payment] = vendure.admin(PAYMENTS, i=order.external_id)["order"]["payments"]
    assert payment["refunds"] == [{"id": paid.reference, "state": "Settled", "total": 3400, "reason": owed.key}]
    after = fetched(source, spec, order.external_id)
    assert (after.payment, after.total_minor) == (PaymentStatus.PAID, order.total_minor - 3400)
    assert sum_of_parts(after) == after.total_minor
    # More than is left of the payment it does not pay.
    with pytest.raises(RefundRefused):
        paying.refund(replace(owed, key="refund-R-A-7-2", amount_minor=order.total_minor))
    rest = replace(owed, key="refund-R-A-7-3", amount_minor=order.total_minor - 3400)
    assert paying.refund(rest).amount_minor == rest.amount_minor
    assert fetched(source, spec, order.external_id).payment is PaymentStatus.REFUNDED


def test_a_piece_that_its_owner_pays_back_is_not_ordered_any_more(
    vendure: Vendure, source: MappedSource, spec: ChannelSpec
) -> None:
    order = fetched(source, spec, vendure.order([(TEE, 2), (FOX, 1)], "piece@example.org")["id"])
    [payment] = vendure.admin(PAYMENTS, i=order.external_id)["order"]["payments"]
    made = vendure.admin(
        "mutation ($p: ID!, $l: ID!) { refundOrder(input: { paymentId: $p, shipping: 0, adjustment: 0,"
        " lines: [{ orderLineId: $l, quantity: 1 }] }) { ... on Refund { id } ... on ErrorResult { errorCode } } }",
        p=payment["id"],
        l=order.lines[0].external_id,
    )["refundOrder"]
    # Only asked for: it counts when it is paid.
    assert fetched(source, spec, order.external_id) == replace(
        order, updated_at=fetched(source, spec, order.external_id).updated_at
    )
    vendure.admin(
        'mutation ($i: ID!) { settleRefund(input: { id: $i, transactionId: "t" }) { ... on Refund { id } } }',
        i=made["id"],
    )
    after = fetched(source, spec, order.external_id)
    assert [(line.sku, line.quantity) for line in after.lines] == [(TEE, 1), (FOX, 1)]
    assert after.total_minor < order.total_minor
    assert sum_of_parts(after) == after.total_minor
