"""From a signed message that only names an order to that order, with the real sources at hand-written fakes."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import select
from werkzeug import Response

from backroom.channels.base import BadSignature
from backroom.channels.login_drawer import LoginDrawer
from backroom.channels.registry import SOURCES, channel_for
from backroom.channels.remote import KeepsLogin, OrderSource
from backroom.domain import signatures
from backroom.domain.channels import ApiSpec, ChannelSpec
from backroom.domain.model import StepOutcome
from backroom.gateway.doors import WebhookDoor
from backroom.outgoing.circuit import close_all
from backroom.shop import room as rooms
from backroom.shop.room import Room
from backroom.store.inbox_door import Delivery, accept
from backroom.store.tables import inbox, orders
from tasks.claiming import claim_intake, holding
from tasks.fetch import fetch_by, has_hints
from tests import fake_etsy, fake_square, fake_stripe
from tests.fake_etsy import FakeEtsy
from tests.fake_square import FakeSquare
from tests.fake_stripe import FakeStripe
from tests.shops import Floor
from tests.unit.channels.samples import payload

URL = "https://orders.example.com/webhooks/market"
SIGNING = "whsec_" + base64.b64encode(b"twenty-four bytes of it!").decode()
TOKENS = {"square": fake_square.TOKEN, "stripe": fake_stripe.KEY, "etsy": fake_etsy.SECRET}


@dataclass
class Market:
    """The floor with one such channel, its fake, and what it sends when something happens."""

    floor: Floor
    spec: ChannelSpec
    fake: FakeSquare | FakeStripe | FakeEtsy
    told: bytes
    headers: dict[str, str]

    @property
    def door(self) -> WebhookDoor:
        return WebhookDoor(self.spec, channel_for(self.spec), SIGNING)

    def arrive(self, body: bytes | None = None) -> None:
        delivery = self.door.read(self.told if body is None else body, self.headers)
        assert isinstance(delivery, Delivery)
        assert delivery.hint
        room = self.floor.room
        room.database.write(lambda c: accept(c, room.seals, delivery, room.shop.hub))

    def waves(self) -> list[StepOutcome]:
        """As the flow `order-intake` does, until nothing waits."""
        from tasks.release import release
        from tasks.reserve import reserve
        from tasks.route import route
        from tasks.validate import validate

        room, outcomes = self.floor.room, []
        while claim := claim_intake(room):
            with holding(room, claim):
                for step in (validate, route, reserve, release):
                    outcomes += step.fn(claim)
                if has_hints(room, claim):
                    outcomes += fetch_by(room, claim, opened)
        return outcomes

    def rows(self) -> list[tuple[bool, str, str]]:
        with self.floor.room.database.read() as connection:
            query = select(inbox.c.hint, inbox.c.state, inbox.c.outcome).order_by(inbox.c.id)
            return [(bool(hint), state, outcome) for hint, state, outcome in connection.execute(query)]

    def orders(self) -> list[tuple[str, str, int]]:
        with self.floor.room.database.read() as connection:
            query = select(orders.c.channel, orders.c.external_id, orders.c.total_minor)
            return [(channel, id_, total) for channel, id_, total in connection.execute(query)]


def opened(room: Room, spec: ChannelSpec) -> OrderSource:
    """The channel's own source, as `tasks.connections` opens it, without Prefect's block."""
    source = SOURCES[spec.kind](spec, TOKENS[spec.kind])
    if isinstance(source, KeepsLogin):
        source.keep_in(LoginDrawer(room.database, spec.id))
    return source


def of_square(url: str, server: HTTPServer) -> tuple[Any, bytes, dict[str, str]]:
    fake, whole = FakeSquare(), payload("square_order.json")
    fake.listen(server)
    order = whole["order"]
    fake.orders[order["id"]] = order
    fake.variations = {id_: fake_square.variation(id_, sku) for id_, sku in whole["skus"].items()}
    fake.payments = {one["id"]: one for one in whole["payments"]}
    told = {
        "merchant_id": "M",
        "type": "order.updated",
        "event_id": "e-1",
        "data": {"type": "order", "id": order["id"], "object": {"order_updated": {"order_id": order["id"]}}},
    }
    body = json.dumps(told).encode()
    return fake, body, {"x-square-hmacsha256-signature": signatures.square(URL, body, SIGNING)}


def of_stripe(url: str, server: HTTPServer) -> tuple[Any, bytes, dict[str, str]]:
    fake, whole = FakeStripe(), payload("stripe_session.json")
    fake.listen(server)
    fake.take(whole)
    told = {
        "id": "evt_1",
        "object": "event",
        "type": "checkout.session.completed",
        "data": {"object": {"id": whole["session"]["id"], "object": "checkout.session", "mode": "payment"}},
    }
    body, at = json.dumps(told).encode(), int(time.time())
    return fake, body, {"stripe-signature": signatures.stripe(body, SIGNING, at)}


def of_etsy(url: str, server: HTTPServer) -> tuple[Any, bytes, dict[str, str]]:
    fake, receipt = FakeEtsy(), payload("etsy_receipt.json")
    fake.listen(server)
    fake.receipts[str(receipt["receipt_id"])] = receipt
    there = f"https://api.etsy.com/v3/application/shops/{fake_etsy.SHOP}/receipts/{receipt['receipt_id']}"
    told = {"event_type": "order.paid", "resource_url": there, "shop_id": fake_etsy.SHOP}
    body, at = json.dumps(told).encode(), int(time.time())
    signed = signatures.standard("msg-1", at, body, SIGNING)
    return fake, body, {"webhook-id": "msg-1", "webhook-timestamp": str(at), "webhook-signature": signed}


MAKERS: dict[str, Callable[[str, HTTPServer], tuple[Any, bytes, dict[str, str]]]] = {
    "square": of_square,
    "stripe": of_stripe,
    "etsy": of_etsy,
}
ACCOUNTS = {"square": fake_square.LOCATION, "stripe": "", "etsy": fake_etsy.SHOP}


@pytest.fixture(params=list(MAKERS))
def market(
    request: pytest.FixtureRequest, floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Market]:
    close_all()
    kind, url = request.param, httpserver.url_for("").rstrip("/")
    fake, body, headers = MAKERS[kind](url, httpserver)
    spec = ChannelSpec(
        "market",
        kind,
        2,
        "standard",
        secret="webhook.market",
        api=ApiSpec(url, "channel.market", account=ACCOUNTS[kind]),
        notification_url=URL if kind == "square" else "",
    )
    shop = replace(floor.room.shop, channels=(*floor.room.shop.channels, spec))
    floor.room = replace(floor.room, shop=shop)
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
    yield Market(floor, spec, fake, body, headers)
    close_all()


def test_a_signed_message_becomes_the_order_that_it_names(market: Market) -> None:
    market.arrive()
    market.waves()
    ((channel, _, total),) = market.orders()
    assert (channel, total > 0) == ("market", True)
    assert [(hint, state) for hint, state, _ in market.rows()] == [(True, "done"), (False, "done")]
    # The same event again, as they all send it when an answer was late.
    market.arrive()
    market.waves()
    assert len(market.orders()) == 1
    assert len(market.rows()) == 2


def test_a_changed_message_is_refused_before_it_is_read(market: Market) -> None:
    for body in (market.told + b" ", market.told.replace(b"{", b"[", 1), b""):
        with pytest.raises(BadSignature):
            market.arrive(body)
    assert market.rows() == []


def test_while_it_is_away_its_message_waits_and_other_orders_are_made(market: Market) -> None:
    market.fake.bad = [Response("", 503) for _ in range(30)]
    market.arrive()
    other = market.floor.order()
    outcomes = market.waves()
    assert market.floor.state(market.floor.number(other))[0] == "released"
    (waiting,) = [one for one in outcomes if one.result == "waiting"]
    assert waiting.cause == f"{market.spec.kind}-away"
    assert [channel for channel, _, _ in market.orders()] == ["web"]
