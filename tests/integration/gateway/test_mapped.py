"""A mapped shop at the webhook door: signed messages are stored once, hints as such, pings and strangers not at all."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import select
from standardwebhooks import Webhook

from backroom.shop.room import Room
from backroom.shop.secrets import Secrets
from backroom.store.tables import inbox
from tests.integration.gateway.conftest import Gateway
from tests.mapped_shops import LANTERN, a_spec
from tests.unit.channels.samples import payload, raw
from tests.unit.channels.test_mapped import HINTING

KEY = base64.b64encode(b"a key of the market's own making").decode()
STANDARD = LANTERN.split("[mapping.signature]")[0] + '[mapping.signature]\nscheme = "standard-webhooks"\n'


@pytest.fixture
def room(room: Room) -> Room:
    """The gateway's shop with two mapped channels: `lantern` signs as a hub does, `market` by Standard Webhooks."""
    lantern, market = a_spec(HINTING), replace(a_spec(STANDARD), id="market", secret="webhook.market")
    shop = replace(room.shop, channels=(*room.shop.channels, lantern, market))
    names = {"webhook.web": "hush", "webhook.lantern": "s3cret", "webhook.market": "whsec_" + KEY}
    return replace(room, shop=shop, secrets=Secrets(room.home / "secrets.toml", names))


def deliver(gateway: Gateway, body: bytes, **headers: str) -> httpx.Response:
    made = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    told = {"X-Lantern-Signature": f"sha256={made}", "X-Lantern-Delivery": "d-1"}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    return gateway.client.post("/webhooks/lantern", content=body, headers=told)


def stored(gateway: Gateway) -> list[tuple[str, str, bool]]:
    with gateway.room.database.read() as connection:
        query = select(inbox.c.channel, inbox.c.external_id, inbox.c.hint).order_by(inbox.c.id)
        return [(row.channel, row.external_id, row.hint) for row in connection.execute(query)]


def test_a_signed_message_is_stored_once(gateway: Gateway) -> None:
    body = raw("mapped_order.json")
    assert deliver(gateway, body).json() == {"outcome": "accepted"}
    assert deliver(gateway, body).json() == {"outcome": "duplicate"}
    assert stored(gateway) == [("lantern", "ord_7h2", False)]


def test_a_message_that_names_an_order_is_stored_as_a_hint(gateway: Gateway) -> None:
    body = json.dumps({"event": "order.changed", "data": {"orderId": "ord_9"}}).encode()
    assert deliver(gateway, body).json() == {"outcome": "accepted"}
    assert stored(gateway) == [("lantern", "ord_9", True)]


def test_a_ping_is_answered_and_not_stored(gateway: Gateway) -> None:
    answer = deliver(gateway, b'{"event": "hello"}', X_Lantern_Signature="none")
    assert (answer.status_code, answer.json()) == (200, {"outcome": "ping"})
    assert stored(gateway) == []


@pytest.mark.parametrize("told", ["", "sha256=", "sha256=" + "0" * 64, "none"])
def test_a_strangers_message_is_refused(gateway: Gateway, told: str) -> None:
    assert deliver(gateway, raw("mapped_order.json"), X_Lantern_Signature=told).status_code == 401
    assert stored(gateway) == []


def test_standard_webhooks_come_in_as_their_own_library_signs_them(gateway: Gateway) -> None:
    body = json.dumps(payload("mapped_order.json"))
    at = datetime.now(UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(KEY).sign("msg_1", at, body),
    }
    assert gateway.client.post("/webhooks/market", content=body, headers=headers).json() == {"outcome": "accepted"}
    # The same message, sent again later, has another time and signature, and is the same.
    later = headers | {"webhook-timestamp": str(int(at.timestamp()) + 5)}
    assert gateway.client.post("/webhooks/market", content=body, headers=later).status_code == 401
    assert gateway.client.post("/webhooks/market", content=body, headers=headers).json() == {"outcome": "duplicate"}
