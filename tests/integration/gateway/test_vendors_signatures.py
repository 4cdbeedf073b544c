"""What vendors' own libraries sign is taken at the gateway's door, and every kind of wrong one is refused there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
import time_machine
from sqlalchemy import Table, func, select

from backroom.domain.channels import ChannelSpec
from backroom.shop.room import Room
from backroom.shop.secrets import Secrets
from backroom.store.database import Database
from backroom.store.seals import Seals
from backroom.store.tables import inbox, message_replies, people
from tests import fake_twilio
from tests.integration.gateway.conftest import Gateway, a_shop
from tests.signed_calls import NOW, OTHER_URL, SECRET, STANDARD_SECRET, TIMED, WRONG, Call, signed, theirs

PUBLIC = "https://shop.example.com"
SQUARE_URL = f"{PUBLIC}/webhooks/market?x=1"
# To each door a secret of its own: what another vendor signs is none of this one's.
SECRETS = {"webhook.web": "hush", "webhook.vendor": SECRET, "webhook.stall": STANDARD_SECRET}
SECRETS |= {"sms.kind": "twilio", "sms.auth_token": SECRET}


@dataclass(frozen=True)
class Door:
    """Where a vendor delivers, what, the header that its signature stands in, and the table in which it is kept."""

    path: str
    header: str
    call: Call
    kept: Table


def _json(told: object, url: str = "") -> Call:
    return Call("", body=json.dumps(told, ensure_ascii=False).encode(), url=url)


_ORDER = {"type": "order", "object": {"order_updated": {"order_id": "square1", "state": "OPEN"}}}
_SESSION = {"id": "cs_live_1", "object": "checkout.session", "payment_status": "paid"}
_RECEIPT = "https://api.etsy.com/v3/application/shops/456789/receipts/1"
_STOP = tuple(fake_twilio.reply("+4915799999999", "+4915112345678", "STOP é", "SM1").items())

DOORS = {
    "square": Door(
        "/webhooks/market",
        "x-square-hmacsha256-signature",
        _json({"type": "order.updated", "event_id": "e-1", "note": "café", "data": _ORDER}, SQUARE_URL),
        inbox,
    ),
    "stripe": Door(
        "/webhooks/pay",
        "Stripe-Signature",
        _json({"id": "evt_1", "type": "checkout.session.completed", "note": "café", "data": {"object": _SESSION}}),
        inbox,
    ),
    "standard": Door(
        "/webhooks/stall",
        "webhook-signature",
        _json({"event_type": "order.paid", "shop_id": "456789", "note": "café", "resource_url": _RECEIPT}),
        inbox,
    ),
    "twilio": Door(
        "/messages/twilio?shop=market",
        "X-Twilio-Signature",
        Call("", form=_STOP, url=f"{PUBLIC}/messages/twilio?shop=market"),
        message_replies,
    ),
}


def _signed_for(make: Callable[[str, Call], Call]) -> Callable[[str, Call], Call]:
    """The signature is right for another address than the one that the shop has told the vendor."""
    return lambda name, call: replace(call, told=signed(name, make(name, call)).told)


# Of several signatures in Stripe's header and in that of standard webhooks one right one is enough, by their documents.
_SEVERAL = "two signatures in one header"
CASES = [
    (name, label, make) for name in DOORS for label, make in WRONG.items() if (name, label) != ("stripe", _SEVERAL)
]
CASES += [(name, label, make) for name in ("stripe", "standard") for label, make in TIMED.items()]
CASES += [(name, label, _signed_for(make)) for name in ("square", "twilio") for label, make in OTHER_URL.items()]


@pytest.fixture(autouse=True)
def at_that_time() -> Iterator[None]:
    """The moment of the signatures; time goes on from there."""
    with time_machine.travel(NOW):
        yield


@pytest.fixture
def room(tmp_path: Path, database_url: str) -> Iterator[Room]:
    """A shop to which all four deliver."""
    database, shop = Database(database_url), a_shop()
    channels = (
        *shop.channels,
        ChannelSpec("market", "square", 2, "standard", secret="webhook.vendor", notification_url=SQUARE_URL),
        ChannelSpec("pay", "stripe", 2, "standard", secret="webhook.vendor"),
        ChannelSpec("stall", "etsy", 2, "standard", secret="webhook.stall"),
    )
    messaging = replace(shop.messaging, sms="gateway", public_url=PUBLIC)
    shop = replace(shop, channels=channels, messaging=messaging)
    yield Room(tmp_path, shop, database, Seals(bytes(range(32))), Secrets(tmp_path / "secrets.toml", SECRETS))
    database.close()


def deliver(gateway: Gateway, name: str, call: Call, *, unsigned: bool = False) -> httpx.Response:
    door = DOORS[name]
    headers, body = {}, call.body
    if not unsigned:
        headers[door.header] = call.told
    if name == "standard" and not unsigned:
        headers |= {"webhook-id": call.id, "webhook-timestamp": call.time}
    if name == "twilio":
        headers["Content-Type"], body = "application/x-www-form-urlencoded", urlencode(call.form).encode()
    return gateway.client.post(door.path, content=body, headers=headers)


def kept(gateway: Gateway, name: str) -> tuple[int, int]:
    """How many messages are kept, and how many people are known by them."""
    with gateway.room.database.read() as connection:
        messages, known = (
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (DOORS[name].kept, people)
        )
    return messages, known


@pytest.mark.parametrize("name", DOORS)
def test_what_a_vendor_signs_is_kept_before_it_is_acknowledged_and_once(gateway: Gateway, name: str) -> None:
    right = signed(name, DOORS[name].call)
    assert theirs(name, right)
    assert deliver(gateway, name, right).status_code == 200
    assert kept(gateway, name)[0] == 1
    assert deliver(gateway, name, right).status_code == 200
    assert kept(gateway, name)[0] == 1


@pytest.mark.parametrize(("name", "label", "make"), CASES, ids=[f"{name}: {label}" for name, label, _ in CASES])
def test_every_wrong_kind_is_refused_at_the_door_and_nothing_is_kept(
    gateway: Gateway, name: str, label: str, make: Callable[[str, Call], Call]
) -> None:
    wrong = make(name, signed(name, DOORS[name].call))
    assert not theirs(name, wrong)
    assert deliver(gateway, name, wrong, unsigned=label == "a missing header").status_code == 401
    assert kept(gateway, name) == (0, 0)
    assert gateway.waker.told == []
