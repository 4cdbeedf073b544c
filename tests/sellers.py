"""A seller of every kind that a shop file may name, whose orders are placed, changed, cancelled, paid back and deleted.

What belongs here: what a source says of an order at its moments, in its own words, and asking it by our own adapters.
What does not: what becomes of it here (`tests/integration/channels/test_every_kind.py`). The shops behind them are the
hand-written ones, over real HTTP; who cannot be asked hands over what it sends.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from backroom.channels.csvfile import read_file
from backroom.channels.delivering import delivery_of, delivery_of_fetched
from backroom.channels.login_drawer import LoginDrawer
from backroom.channels.registry import SOURCES, channel_for
from backroom.channels.remote import KeepsLogin, OrderSource
from backroom.channels.strict_json import parse_json
from backroom.domain.channels import ApiSpec, ChannelSpec
from backroom.store.database import Database
from backroom.store.inbox_door import Delivery
from tests import fake_etsy, fake_meta, fake_shops, fake_square, fake_stripe
from tests.mapped_shops import LANTERN, LIST, a_spec
from tests.shops import PLAIN, an_order
from tests.unit.channels.samples import payload

PLACED, CHANGED, CANCELLED, REFUNDED = "placed", "changed", "cancelled", "refunded"
# One of two pieces was taken off it.
FEWER = "fewer"
DELETED = "deleted"
# When each is said, in minutes after the first.
MINUTES = {PLACED: 1, CHANGED: 10, FEWER: 15, CANCELLED: 20, REFUNDED: 20, DELETED: 20}
FIRST = (datetime.now(UTC) - timedelta(hours=2)).replace(microsecond=0)


def moment_of(moment: str) -> datetime:
    return FIRST + timedelta(minutes=MINUTES[moment])


def iso(moment: str) -> str:
    return moment_of(moment).isoformat()


@dataclass
class Seller:
    """One source. `says` are the moments that it can tell of; `stand` has its order stand at one of them; `sends` is
    what it sends of it by itself: bodies with their headers."""

    spec: ChannelSpec
    says: tuple[str, ...]
    id_of: Callable[[int], str]
    stand: Callable[[int, str], None]
    sends: Callable[[int, str], list[tuple[bytes, Mapping[str, str]]]]
    secret: str = ""
    database: Database | None = None

    def source(self) -> OrderSource:
        source = SOURCES[self.spec.kind](self.spec, self.secret)
        if isinstance(source, KeepsLogin):
            assert self.database is not None
            source.keep_in(LoginDrawer(self.database, self.spec.id))
        return source

    def told(self, number: int, moment: str) -> list[Delivery]:
        """What comes to our door of an order at one of its moments: each way in which it may come, once."""
        self.stand(number, moment)
        channel, found = channel_for(self.spec), []
        for body, headers in self.sends(number, moment):
            parsed = parse_json(body)
            found.append(delivery_of(self.spec, channel, parsed, headers, body))
        # What was deleted is not there to be fetched.
        if self.spec.kind in SOURCES and moment != DELETED:
            [fetched] = self.source().fetch([self.id_of(number)])
            found.append(delivery_of_fetched(self.spec, channel, fetched))
        return found


def nothing(_number: int, _moment: str) -> list[tuple[bytes, Mapping[str, str]]]:
    """Only asked, or its messages only say which order it is: they are fetched as if it had been asked."""
    return []


def a_seller_on_shopify(server: HTTPServer) -> Seller:
    shop = fake_shops.FakeShopify()

    def order(number: int, moment: str) -> dict[str, Any]:
        told = an_order(number, [(PLAIN, 3 if moment == CHANGED else 2)], created_at=FIRST.isoformat())
        if moment == FEWER:
            # What was removed stays as a line; what is left of it stands beside.
            told["line_items"][0]["current_quantity"] = 1
            told["current_total_price"] = "29.00"
        told |= {"updated_at": iso(moment), "cancelled_at": iso(moment) if moment == CANCELLED else None}
        return told | ({"financial_status": "refunded"} if moment == REFUNDED else {})

    def stand(number: int, moment: str) -> None:
        shop.orders[number] = order(number, moment)
        if moment == DELETED:
            del shop.orders[number]

    def sends(number: int, moment: str) -> list[tuple[bytes, Mapping[str, str]]]:
        topics = {PLACED: "orders/create", CANCELLED: "orders/cancelled", DELETED: "orders/delete"}
        headers = {"X-Shopify-Topic": topics.get(moment, "orders/updated"), "X-Shopify-Event-Id": f"{number}-{moment}"}
        headers |= {"X-Shopify-Triggered-At": f"{moment_of(moment):%Y-%m-%dT%H:%M:%S}.877041743Z"}
        body = {"id": number} if moment == DELETED else order(number, moment)
        return [(json.dumps(body).encode(), headers)]

    spec = ChannelSpec("seller", "shopify", 2, "standard", api=ApiSpec(shop.listen(server), "channel.seller"))
    says = (PLACED, CHANGED, FEWER, CANCELLED, REFUNDED, DELETED)
    return Seller(spec, says, str, stand, sends, fake_shops.TOKEN)


def a_seller_on_woocommerce(server: HTTPServer) -> Seller:
    shop = fake_shops.FakeWoo()

    def order(number: int, moment: str) -> dict[str, Any]:
        sample = payload("woocommerce_order.json")
        told = sample | {
            "id": number,
            "number": str(number),
            "status": {CANCELLED: "cancelled", REFUNDED: "refunded"}.get(moment, "processing"),
            "date_created_gmt": f"{FIRST:%Y-%m-%dT%H:%M:%S}",
            "date_modified_gmt": f"{moment_of(moment):%Y-%m-%dT%H:%M:%S}",
            "line_items": [sample["line_items"][0] | {"sku": PLAIN}],
        }
        if moment == FEWER:
            left = {"quantity": 1, "subtotal": "23.11", "subtotal_tax": "4.39", "total": "21.01", "total_tax": "3.99"}
            told["line_items"][0] |= left
            told |= {"total": "34.84", "total_tax": "5.56", "discount_total": "2.10"}
        return told | {"billing": sample["billing"] | ({"address_1": "Fuchsweg 2"} if moment == CHANGED else {})}

    def stand(number: int, moment: str) -> None:
        shop.orders[number] = order(number, moment)
        if moment == DELETED:
            del shop.orders[number]

    def sends(number: int, moment: str) -> list[tuple[bytes, Mapping[str, str]]]:
        topic = {PLACED: "order.created", DELETED: "order.deleted"}.get(moment, "order.updated")
        body = {"id": number} if moment == DELETED else order(number, moment)
        return [(json.dumps(body).encode(), {"X-WC-Webhook-Topic": topic})]

    spec = ChannelSpec("seller", "woocommerce", 2, "standard", api=ApiSpec(shop.listen(server), "channel.seller"))
    says = (PLACED, CHANGED, FEWER, CANCELLED, REFUNDED, DELETED)
    return Seller(spec, says, str, stand, sends, fake_shops.LOGIN)


def a_seller_on_square(server: HTTPServer) -> Seller:
    shop, sample = fake_square.FakeSquare(), payload("square_order.json")
    shop.listen(server)
    tee = sample["order"]["line_items"][1]["catalog_object_id"]
    shop.variations = {tee: fake_square.variation(tee, PLAIN)}

    def stand(number: int, moment: str) -> None:
        order, payment = copy.deepcopy(sample["order"]), copy.deepcopy(sample["payments"][0])
        order |= {"id": f"O{number}", "line_items": order["line_items"][1:], "service_charges": []}
        pieces = 1 if moment == FEWER else 2
        order["line_items"][0]["quantity"] = str(pieces)
        for holder in (order, payment, order["line_items"][0]):
            holder["total_money"] = {"amount": 700 * pieces, "currency": "EUR"}
        order["tenders"][0] |= {"payment_id": f"P{number}", "id": f"P{number}"}
        payment["id"] = f"P{number}"
        # A refund changes the payment, and makes an order of its own; the sale may stay as it was.
        order |= {"created_at": FIRST.isoformat(), "updated_at": iso(PLACED if moment == REFUNDED else moment)}
        payment["updated_at"] = iso(moment)
        if moment == CHANGED:
            order["fulfillments"][0]["shipment_details"]["recipient"]["address"]["address_line_1"] = "Fuchsweg 2"
        if moment == CANCELLED:
            order["state"] = "CANCELED"
        if moment == REFUNDED:
            payment["refunded_money"] = payment["total_money"]
            back = {"id": f"R{number}", "line_items": [], "returns": [{"source_order_id": order["id"]}]}
            shop.orders[back["id"]] = order | back | {"updated_at": iso(moment)}
        shop.orders[order["id"]], shop.payments[payment["id"]] = order, payment

    api = ApiSpec(server.url_for("").rstrip("/"), "channel.seller", account=fake_square.LOCATION)
    spec = ChannelSpec("seller", "square", 2, "standard", api=api)
    says = (PLACED, CHANGED, FEWER, CANCELLED, REFUNDED)
    return Seller(spec, says, lambda number: f"O{number}", stand, nothing, fake_square.TOKEN)


def a_seller_by_stripe(server: HTTPServer) -> Seller:
    account, sample = fake_stripe.FakeStripe(), json.dumps(payload("stripe_session.json"))

    def stand(number: int, moment: str) -> None:
        whole = json.loads(sample.replace("_3abc", f"_{number}").replace("cs_live_a1b2c3d4e5f6g7h8", f"cs_{number}"))
        first, at = int(FIRST.timestamp()), int(moment_of(moment).timestamp())
        session = whole["session"] | {"created": first, "amount_total": 1190}
        whole["line_items"] = [whole["line_items"][1]]
        whole["line_items"][0]["price"]["product"]["metadata"]["sku"] = PLAIN
        session["total_details"] |= {"amount_discount": 0}
        charge = session["payment_intent"]["latest_charge"] | {"created": first + 7, "amount": 1190}
        session["payment_intent"]["latest_charge"] = charge
        if moment == CANCELLED:
            # Paid by a debit that its bank sends back: the payment failed after all.
            session["payment_status"], session["payment_intent"]["status"] = "unpaid", "requires_payment_method"
        if moment == REFUNDED:
            charge |= {"refunded": True, "amount_refunded": 1190}
            charge["refunds"]["data"] = [{"id": f"re_{number}", "created": at, "status": "succeeded", "amount": 1190}]
        account.take(whole | {"session": session})
        kind = {CANCELLED: "checkout.session.async_payment_failed", REFUNDED: "charge.refunded"}.get(moment)
        if kind:
            # What Stripe writes down of it comes a little later than what it is of.
            about = {"object": "charge" if moment == REFUNDED else "checkout.session", "id": f"cs_{number}"}
            about["payment_intent"] = f"pi_{number}"
            event = {"id": f"evt_{number}_{moment}", "type": kind, "created": at + 3, "data": {"object": about}}
            account.events = [one for one in account.events if one["id"] != event["id"]] + [event]

    spec = ChannelSpec("seller", "stripe", 2, "standard", api=ApiSpec(account.listen(server), "channel.seller"))
    says = (PLACED, CANCELLED, REFUNDED)
    return Seller(spec, says, lambda number: f"cs_{number}", stand, nothing, fake_stripe.KEY)


def a_seller_on_etsy(server: HTTPServer) -> Seller:
    shop, sample = fake_etsy.FakeEtsy(), payload("etsy_receipt.json")

    def stand(number: int, moment: str) -> None:
        first, at = int(FIRST.timestamp()), int(moment_of(moment).timestamp())
        told = copy.deepcopy(sample) | {
            "receipt_id": number,
            "status": {CANCELLED: "canceled", REFUNDED: "fully refunded"}.get(moment, "paid"),
            "transactions": [sample["transactions"][1] | {"sku": PLAIN}],
            "grandtotal": {"amount": 1190, "divisor": 100, "currency_code": "EUR"},
            "discount_amt": {"amount": 0, "divisor": 100, "currency_code": "EUR"},
            "total_vat_cost": {"amount": 0, "divisor": 100, "currency_code": "EUR"},
        }
        for name, value in (("create", first), ("created", first), ("update", at), ("updated", at)):
            told[f"{name}_timestamp"] = value
        shop.receipts[str(number)] = told | ({"first_line": "Fuchsweg 2"} if moment == CHANGED else {})

    api = ApiSpec(shop.listen(server), "channel.seller", account=fake_etsy.SHOP)
    spec = ChannelSpec("seller", "etsy", 2, "standard", api=api)
    return Seller(spec, (PLACED, CHANGED, CANCELLED, REFUNDED), str, stand, nothing, fake_etsy.SECRET)


def a_seller_on_instagram(server: HTTPServer) -> Seller:
    shop, sample = fake_meta.FakeMeta(), json.dumps(payload("meta_order.json")).replace('"USD"', '"EUR"')

    def stand(number: int, moment: str) -> None:
        order = json.loads(sample)
        tee, _other = order["items"]["data"]
        tee |= {"retailer_id": PLAIN, "quantity": 2}
        order["items"]["data"] = [tee]
        # A customer may cancel pieces; Meta changes nothing else of an order.
        off = {FEWER: 1, CANCELLED: 2}.get(moment, 0)
        called_off = [{"id": "8", "items": {"data": [{"id": tee["id"], "quantity": off}]}}]
        state = "COMPLETED" if moment == CANCELLED else "IN_PROGRESS"
        shop.take(
            order
            | {"id": str(number), "created": FIRST.isoformat(), "last_updated": iso(moment)}
            | {"cancellations": {"data": called_off if off else []}, "order_status": {"state": state}}
            | {"shipping_address": order["shipping_address"] | {"country": "DE", "postal_code": "10997"}}
        )

    api = ApiSpec(shop.listen(server), "channel.seller", account=fake_meta.CMS)
    spec = ChannelSpec("seller", "meta", 2, "standard", api=api)
    return Seller(spec, (PLACED, FEWER, CANCELLED), str, stand, nothing, fake_meta.TOKEN)


def a_seller_of_a_mapped_shop(server: HTTPServer) -> Seller:
    sample, stands = payload("mapped_order.json"), dict[str, dict[str, Any]]()

    def order(number: int, moment: str) -> dict[str, Any]:
        told = copy.deepcopy(sample["data"]["order"])
        count = {CHANGED: 3, FEWER: 1}.get(moment, 2)
        item = told["items"][0] | {"count": count, "off": None}
        money = {"currency": "EUR", "total": f"{29 * count}.00"}
        state = {"payment": "refunded" if moment == REFUNDED else "paid"}
        state |= {"cancelledAt": iso(moment)} if moment == CANCELLED else {}
        told |= {"items": [item], "money": money, "state": state}
        return told | {"id": f"ord_{number}", "created": FIRST.isoformat(), "changed": iso(moment)}

    def stand(number: int, moment: str) -> None:
        stands[f"ord_{number}"] = order(number, moment)

    def sends(number: int, moment: str) -> list[tuple[bytes, Mapping[str, str]]]:
        event = "order.placed" if moment == PLACED else "order.changed"
        body = json.dumps({"event": event, "data": {"order": order(number, moment)}}).encode()
        return [(body, {"X-Lantern-Delivery": f"{number}-{moment}"})]

    def lists(request: Request) -> Response:
        since = datetime.fromisoformat(request.args["since"])
        found = [one for one in stands.values() if datetime.fromisoformat(one["changed"]) >= since]
        return Response(json.dumps({"orders": found}), content_type="application/json")

    def shows(request: Request) -> Response:
        found = stands.get(request.path.rpartition("/")[2])
        return Response(json.dumps({"order": found}), 200 if found else 404, content_type="application/json")

    server.expect_request("/orders").respond_with_handler(lists)
    server.expect_request(_below("/orders/")).respond_with_handler(shows)
    api = f'[api]\nurl = "{server.url_for("").rstrip("/")}"\nsecret = "channel.lantern"\n'
    spec = replace(a_spec(LANTERN + LIST + api), id="seller")
    says = (PLACED, CHANGED, FEWER, CANCELLED, REFUNDED)
    return Seller(spec, says, lambda number: f"ord_{number}", stand, sends, "t0ken")


def a_seller_with_files(_server: HTTPServer) -> Seller:
    def sends(number: int, moment: str) -> list[tuple[bytes, Mapping[str, str]]]:
        pieces, status = {CHANGED: 3, FEWER: 1}.get(moment, 2), moment if moment in (CANCELLED, REFUNDED) else ""
        rows = [
            "order_id,placed_at,updated_at,sku,quantity,unit_price,total,currency,status,email,name,line1,postcode,city",
            f"F-{number},{FIRST.isoformat()},{iso(moment)},{PLAIN},{pieces},29.00,{29 * pieces}.00,EUR,{status},"
            "anna@example.com,Anna Berg,Elbweg 1,22767,Hamburg",
        ]
        [order] = read_file("\n".join(rows).encode(), "orders.csv").orders
        return [(order.body, {})]

    spec = ChannelSpec("seller", "csv", 2, "standard")
    says = (PLACED, CHANGED, FEWER, CANCELLED, REFUNDED)
    return Seller(spec, says, lambda number: f"F-{number}", lambda *_: None, sends)


def a_seller_at_a_till(_server: HTTPServer) -> Seller:
    """A sale is said once: what is given back is given back at the booth, as a return of ours."""

    def sends(number: int, _moment: str) -> list[tuple[bytes, Mapping[str, str]]]:
        line = {"sku": PLAIN, "quantity": 1, "unit_price": "29.00"}
        where = {"name": "Anna Berg", "line1": "Elbweg 1", "postcode": "22767", "city": "Hamburg", "country": "DE"}
        sale = {"device": "till-1", "seq": number, "sold_at": FIRST.isoformat(), "currency": "EUR", "lines": [line]}
        sale |= {"total": "29.00", "delivery": "ship", "address": where, "email": "anna@example.com"}
        return [(json.dumps(sale).encode(), {})]

    spec = ChannelSpec("seller", "pos", 2, "standard")
    return Seller(spec, (PLACED,), lambda number: f"till-1-{number}", lambda *_: None, sends)


def _below(path: str) -> Any:
    return re.compile(re.escape(path) + ".+")


SELLERS: dict[str, Callable[[HTTPServer], Seller]] = {
    "shopify": a_seller_on_shopify,
    "woocommerce": a_seller_on_woocommerce,
    "square": a_seller_on_square,
    "stripe": a_seller_by_stripe,
    "etsy": a_seller_on_etsy,
    "meta": a_seller_on_instagram,
    "mapped": a_seller_of_a_mapped_shop,
    "csv": a_seller_with_files,
    "pos": a_seller_at_a_till,
}
