"""Everybody who sends us signed messages, and how each of them signs: channels of every kind, carriers, partners, SMS
providers.

What belongs here: a shop that knows all of them, what each of them sends when nothing is wrong, and its signature over
whatever bytes. What does not: poison (`poison`), and what must come of it (`test_poisoned_webhooks`).

The signatures are made in the words of the vendors' own descriptions, not by the code that checks them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import strategies as st

from backroom.domain.carriers import CarrierApi, CarrierSpec
from backroom.domain.channels import ChannelSpec
from backroom.domain.partners import PartnerProduct
from backroom.domain.routing_rules import Filter, RoutingRule
from backroom.messaging.kannel_marks import mark
from backroom.shop import room as rooms
from backroom.shop.room import Room
from backroom.shop.secrets import Secrets
from blocks.partners import PartnerAccount
from tests import fake_easypost, fake_twilio
from tests.faults.asks import Ask, woo_order
from tests.faults.ends import open_every_channel
from tests.faults.poison import bodies, texts
from tests.mapped_shops import LANTERN, a_spec
from tests.shops import HUB, PLAIN, Floor, an_order
from tests.unit.channels.samples import payload
from tests.workshops import TOKEN, WEBHOOK_SECRET, WORKSHOP, a_partner, a_place

SECRET, HEX_SECRET = "hush", "6875736868757368"
STANDARD_SECRET = "whsec_" + base64.b64encode(b"a key of the market's own making").decode()
SQUARE_URL = "https://shop.example.com/webhooks/till2"
PUBLIC = "https://hooks.shop.example"
SMS_KEY = "message-A-1-x1-handed_over-sms"
FETCHED = ("square", "stripe", "etsy", "meta", "mapped", "shopify", "woocommerce")
_JSON = ("Content-Type", b"application/json")
_FORM = ("Content-Type", b"application/x-www-form-urlencoded")
_SECRETS = {
    "webhook.web": SECRET,
    "webhook.hex": HEX_SECRET,
    "webhook.standard": STANDARD_SECRET,
    "partner.sign": WEBHOOK_SECRET,
    "partner.workshop": TOKEN,
    "sms.auth_token": fake_twilio.TOKEN,
    "sms.token": SECRET,
}

Signer = Callable[[bytes], Mapping[str, str]]


@dataclass(frozen=True)
class Sender:
    """Who sends to which door: a good message of a given number, and the headers that sign a body."""

    name: str
    door: str
    good: Callable[[int], Any]
    sign: Signer


def know_everybody(floor: Floor, patch: pytest.MonkeyPatch, workshop_url: str) -> None:
    """The shop with every channel, carrier and partner that signs. Orders of the event `made` go to the workshop."""
    open_every_channel(floor, patch)
    shop = floor.room.shop
    market = replace(a_spec(LANTERN.split("[mapping.signature]")[0] + _STANDARD), id="market")
    channels = (
        *shop.channels,
        ChannelSpec("till2", "square", 2, "standard", secret="webhook.web", notification_url=SQUARE_URL),
        ChannelSpec("pay", "stripe", 2, "standard", secret="webhook.web"),
        ChannelSpec("stall", "etsy", 2, "standard", secret="webhook.standard"),
        ChannelSpec("insta", "meta", 2, "standard"),
        replace(a_spec(), secret="webhook.web"),
        replace(market, secret="webhook.standard"),
    )
    products = (PartnerProduct(PLAIN, "shirt-black-m", "front", price_minor=900),)
    partners = (
        a_place(a_partner(workshop_url, webhook_secret="partner.sign"), WORKSHOP),
        a_place(a_partner("https://c.example.com", adapter="integrator", webhook_secret="partner.sign"), "cell"),
        a_place(a_partner("", adapter="printful", webhook_secret="webhook.hex", products=products), "printful"),
        a_place(a_partner("", adapter="prodigi", products=products), "prodigi"),
    )
    api = CarrierApi(secret="carrier.world", webhook="webhook.web", url="https://e.example.com/v2", mode="test")
    world = CarrierSpec("world", "easypost", "EasyPost", ("FR",), 20_000, 0, None, (), api)
    # Nobody else's order goes to a partner.
    made = RoutingRule(
        "made", (Filter("event", "==", "made"),), (Filter("location", "==", WORKSHOP),), (), short="print"
    )
    shop = replace(
        shop,
        channels=channels,
        locations=(*shop.locations, *partners),
        carriers=(*shop.carriers, world),
        rules=(made, *shop.rules),
    )
    secrets = Secrets(floor.room.home / "secrets.toml", _SECRETS)
    floor.room = replace(floor.room, shop=shop, secrets=secrets)
    patch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
    accounts = {WORKSHOP: PartnerAccount(adapter="microfactory", secret=TOKEN)}
    # Prefect's store of blocks is left out: whoever asks for one gets it as it was made from the secrets.
    patch.setattr("tasks.connections.partner_account", accounts.__getitem__)


def with_sms_by(room: Room, kind: str) -> Room:
    """The room of a gateway that an SMS provider calls."""
    messaging = replace(room.shop.messaging, sms="gateway", public_url=PUBLIC)
    secrets = Secrets(room.home / "secrets.toml", _SECRETS | {"sms.kind": kind})
    return replace(room, shop=replace(room.shop, messaging=messaging), secrets=secrets)


def fetched(kind: str, number: int) -> Any:
    """An order as it is fetched from a channel of that kind, or comes whole, with an id of its own."""
    match kind:
        case "shopify":
            return an_order(number, [(PLAIN, 1)], at=HUB)
        case "woocommerce":
            return woo_order(number)
        case "etsy":
            return payload("etsy_receipt.json") | {"receipt_id": number}
        case "stripe":
            whole = payload("stripe_session.json")
            return whole | {"session": whole["session"] | {"id": f"cs_live_{number}"}}
        case "square":
            whole = payload("square_order.json")
            return whole | {"order": whole["order"] | {"id": f"square{number}"}}
        case "meta":
            return payload("meta_order.json") | {"id": str(number)}
    whole = payload("mapped_order.json")
    order = whole["data"]["order"] | {"id": f"ord_{number}"}
    return whole | {"data": whole["data"] | {"order": order}}


def _hint(kind: str, number: int) -> Any:
    match kind:
        case "square":
            about = {"order_updated": {"order_id": f"square{number}", "state": "OPEN"}}
            return {"type": "order.updated", "event_id": f"e-{number}", "data": {"type": "order", "object": about}}
        case "stripe":
            session = {"id": f"cs_live_{number}", "object": "checkout.session", "payment_status": "paid"}
            return {"id": f"evt_{number}", "type": "checkout.session.completed", "data": {"object": session}}
    where = f"https://api.etsy.com/v3/application/shops/456789/receipts/{number}"
    return {"event_type": "order.paid", "shop_id": "456789", "resource_url": where}


def _parcel(number: int) -> Any:
    scan = {"status": "in_transit", "status_detail": "arrived_at_facility", "datetime": "2026-11-24T03:00:00Z"}
    tracker = {"object": "Tracker", "id": f"trk_{number}", "shipment_id": f"shp_{number:032x}", "status": "in_transit"}
    tracker |= {"tracking_code": f"94{number}", "tracking_details": [scan | {"message": "Arrived", "source": "USPS"}]}
    event = {"description": "tracker.updated", "mode": "test", "id": f"evt_{number}", "object": "Event"}
    return event | {"result": tracker}


def _made(kind: str, reference: str, number: int) -> Any:
    line = {"line": 1, "code": "shirt-black-m", "quantity": 1, "done": 0}
    order = {"reference": reference or f"partner-{number}", "id": f"w-{number}", "revision": 2, "state": "in_progress"}
    order["kind"] = kind
    return {"type": "order.changed", "data": order | {"lines": [line], "parcels": [], "cost": None}}


def _on_demand(number: int) -> Any:
    order = {"id": number, "external_id": f"partner-{number}", "status": "shipped"}
    return {"type": "shipment_sent", "data": {"order": order, "shipment": {"order_id": number, "tracking_number": "9"}}}


def _mac(body: bytes, secret: str = SECRET) -> bytes:
    return hmac.new(secret.encode(), body, hashlib.sha256).digest()


def _base64(body: bytes) -> str:
    return base64.b64encode(_mac(body)).decode()


def _stripe(body: bytes) -> dict[str, str]:
    at = int(time.time())
    return {"Stripe-Signature": f"t={at},v1={_mac(b'%d.' % at + body).hex()}"}


def _standard(secret: str) -> Signer:
    def sign(body: bytes) -> dict[str, str]:
        at, id_ = int(time.time()), f"msg_{hashlib.sha256(body).hexdigest()[:20]}"
        key = base64.b64decode(secret.removeprefix("whsec_"))
        made = hmac.new(key, f"{id_}.{at}.".encode() + body, hashlib.sha256).digest()
        signed = "v1," + base64.b64encode(made).decode()
        return {"webhook-id": id_, "webhook-timestamp": str(at), "webhook-signature": signed}

    return sign


_STANDARD = '[mapping.signature]\nscheme = "standard-webhooks"\n'
_BY_SQUARE: Signer = lambda body: {"x-square-hmacsha256-signature": _base64(SQUARE_URL.encode() + body)}  # noqa: E731


def senders(reference: str) -> tuple[Sender, ...]:
    """All who sign; the workshop tells of the order that it has under this reference."""
    return (
        Sender(
            "shopify", "/webhooks/web", lambda n: fetched("shopify", n), lambda b: {"X-Shopify-Hmac-Sha256": _base64(b)}
        ),
        Sender(
            "woocommerce",
            "/webhooks/woo",
            lambda n: fetched("woocommerce", n),
            lambda b: {"X-WC-Webhook-Signature": _base64(b)},
        ),
        Sender("square", "/webhooks/till2", lambda n: _hint("square", n), _BY_SQUARE),
        Sender("square", "/webhooks/till2", lambda n: fetched("square", n), _BY_SQUARE),
        Sender("stripe", "/webhooks/pay", lambda n: _hint("stripe", n), _stripe),
        Sender("stripe", "/webhooks/pay", lambda n: fetched("stripe", n), _stripe),
        Sender("etsy", "/webhooks/stall", lambda n: _hint("etsy", n), _standard(STANDARD_SECRET)),
        Sender("etsy", "/webhooks/stall", lambda n: fetched("etsy", n), _standard(STANDARD_SECRET)),
        Sender(
            "mapped",
            "/webhooks/lantern",
            lambda n: fetched("mapped", n),
            lambda b: {"X-Lantern-Signature": f"sha256={_mac(b).hex()}", "X-Lantern-Delivery": f"d-{len(b)}"},
        ),
        Sender("mapped", "/webhooks/market", lambda n: fetched("mapped", n), _standard(STANDARD_SECRET)),
        Sender(
            "easypost",
            "/carriers/world/events",
            _parcel,
            lambda b: {"X-Hmac-Signature": fake_easypost.signature(b, SECRET)},
        ),
        Sender(
            "microfactory", "/partners/workshop/messages", partial(_made, "make", reference), _standard(WEBHOOK_SECRET)
        ),
        Sender("integrator", "/partners/cell/messages", partial(_made, "pick", ""), _standard(WEBHOOK_SECRET)),
        Sender(
            "printful",
            "/partners/printful/messages",
            _on_demand,
            lambda b: {
                "x-pf-webhook-signature": hmac.new(bytes.fromhex(HEX_SECRET), b, hashlib.sha256).hexdigest(),
            },
        ),
        Sender(
            "prodigi", "/partners/prodigi/messages", lambda n: {"data": {"order": {"id": f"ord_{n}"}}}, lambda _: {}
        ),
    )


@st.composite
def signed(draw: st.DrawFn, sender: Sender) -> Ask:
    """A message of theirs, poisoned and then signed."""
    body = draw(bodies(sender.good(draw(st.integers(10**7, 10**12)))))
    headers = tuple((name, value.encode()) for name, value in sender.sign(body).items())
    return Ask(sender.name, "POST", sender.door, (*headers, _JSON), body)


@st.composite
def by_twilio(draw: st.DrawFn) -> Ask:
    """A form signed by Twilio: a report on a message, or what somebody wrote back.

    The group of what nothing is wrong with but the words in its form ends in `told`: the door knows its signature.
    """
    key = draw(st.sampled_from((SMS_KEY, "", "a%2Fb", "%00", "x" * 3000)))
    path = f"/messages/twilio/{key}" if draw(st.booleans()) else "/messages/twilio"
    form = {"MessageStatus": "delivered", "To": "+4915112345678"}
    form |= fake_twilio.reply("+4915799999999", "+4915112345678", "STOP", "SM1")
    for name in draw(st.lists(st.sampled_from(sorted(form)), max_size=3)):
        form[name] = draw(texts).encode("utf-8", "replace").decode()
    body = urlencode(form, errors="replace").encode()
    told = fake_twilio.signature(fake_twilio.TOKEN, PUBLIC + path, form)
    forged = draw(st.integers(0, 4)) == 0
    if forged:
        body = draw(st.binary(max_size=200))
    known = path in ("/messages/twilio", f"/messages/twilio/{SMS_KEY}")
    group = "twilio told" if known and not forged else "twilio"
    return Ask(group, "POST", path, (("X-Twilio-Signature", told.encode()), _FORM), body)


@st.composite
def by_kannel(draw: st.DrawFn) -> Ask:
    """A report whose address carries its mark, or a text that came in."""
    if draw(st.booleans()):
        query = urlencode({"state": draw(texts), "receipt": draw(texts)}, errors="replace")
        return Ask("kannel", "GET", f"/messages/kannel/{SMS_KEY}/{mark(SECRET, SMS_KEY)}?{query}")
    sender = draw(texts).encode("utf-8", "replace").translate(None, b"\r\n\0")
    kinds = (b"text/plain", b"application/octet-stream; charset=UTF-16BE", b"\xff")
    headers = (
        ("X-Kannel-From", draw(st.sampled_from((sender, b"+4915112345678")))),
        ("Content-Type", draw(st.sampled_from(kinds))),
    )
    body = draw(texts.map(lambda text: text.encode("utf-16-be", "replace")) | st.binary(max_size=300))
    return Ask(
        "kannel", "POST", f"/messages/kannel/{SECRET}?{urlencode({'id': draw(texts)}, errors='replace')}", headers, body
    )


def good_sms(kind: str) -> Ask:
    """An SMS that came in, and that nothing is wrong with."""
    if kind == "twilio":
        form = fake_twilio.reply("+4915799999999", "+4915112345678", "STOP", "SM1")
        told = fake_twilio.signature(fake_twilio.TOKEN, f"{PUBLIC}/messages/twilio", form)
        headers = (("X-Twilio-Signature", told.encode()), _FORM)
        return Ask("good twilio", "POST", "/messages/twilio", headers, urlencode(form).encode())
    headers = (("X-Kannel-From", b"+4915112345678"), ("Content-Type", b"text/plain"))
    return Ask("good kannel", "POST", f"/messages/kannel/{SECRET}?id=1", headers, b"STOP")


def any_of(everybody: Sequence[Sender]) -> st.SearchStrategy[Ask]:
    """Poison of everybody who posts JSON."""
    return st.sampled_from(everybody).flatmap(signed)


def good_one(sender: Sender, number: int) -> Ask:
    """A message that nothing is wrong with."""
    body = json.dumps(sender.good(number)).encode()
    headers = tuple((name, value.encode()) for name, value in sender.sign(body).items())
    return Ask(f"good {sender.name}", "POST", sender.door, (*headers, _JSON), body)
