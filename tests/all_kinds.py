"""A shop that has a connection of every kind that a shop file may name, as its owner would write it.

The tables are those of the docs' guide, read by the shop file's own readers; `EVERY` is written below the demo shop's.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from backroom.domain.carriers import CARRIER_ACCOUNT_KINDS
from backroom.domain.channels import ASKED_KINDS, REFUNDING_KINDS, TOLD_KINDS
from backroom.domain.partners import ADAPTERS
from backroom.domain.shop import Shop
from backroom.messaging.push_crypto import new_private_key
from tests.integration.channels.test_mapped_paying import WHOLE
from tests.mapped_shops import LANTERN, LIST

# An address that a shop file takes everywhere; tests put another one in its place.
FAR = "https://far.example.com"
# What one kind must have beside address and secret.
_OWN = {
    "shopify": 'shop_domain = "far.myshopify.com"\n',
    "square": f'notification_url = "{FAR}/webhooks/square"\n',
}
_ACCOUNT = {"square": 'account = "L1"\n', "etsy": 'account = "123456"\n', "meta": 'account = "1710505299100321"\n'}
_POLL = (
    """
[mapping.probe]
path = "/me"
"""
    + LIST
)
# A secret of the form that its kind has.
LOGINS = {"woocommerce": "ck_1:cs_1", "etsy": "keystring:shared first-renewal"}
PUSH_KEY = new_private_key()
CHANNELS = tuple(dict.fromkeys([*ASKED_KINDS, *TOLD_KINDS, *REFUNDING_KINDS]))
PARTNERS = {adapter: kind for kind, adapters in ADAPTERS.items() for adapter in adapters}
SMS: dict[str, dict[str, str]] = {
    "kannel": {"sms.url": f"{FAR}/cgi-bin/sendsms", "sms.username": "u", "sms.password": "p4ss", "sms.token": "t0k"},
    "json": {"sms.url": f"{FAR}/sms", "sms.password": "p4ss"},
    "twilio": {
        "sms.url": FAR,
        "sms.account": "AC1",
        "sms.username": "SK1",
        "sms.password": "p4ss",
        "sms.auth_token": "t0k",
    },
}


def _channel(kind: str) -> str:
    id_ = f"far-{kind}"
    if kind == "mapped":
        table = re.sub(r"(?m)^(\[\[?)mapping", rf"\1channels.{id_}.mapping", LANTERN + _POLL + WHOLE)
        table = f"[channels.{id_}]\n{table}".replace('"webhook.lantern"', f'"webhook.{kind}"')
    else:
        webhook = "" if kind in ("etsy", "meta") else f'secret = "webhook.{kind}"\n'
        table = f'[channels.{id_}]\nkind = "{kind}"\nsla = "standard"\n{webhook}{_OWN.get(kind, "")}'
    if kind in ASKED_KINDS or kind in TOLD_KINDS:
        table += f'\n[channels.{id_}.api]\nurl = "{FAR}"\nsecret = "channel.{kind}"\n{_ACCOUNT.get(kind, "")}'
    if kind in REFUNDING_KINDS:
        table += f'\n[channels.{id_}.refunds]\nurl = "{FAR}"\nsecret = "refunds.{kind}"\n'
    return table


def _carrier(kind: str) -> str:
    return f"""
[carriers.far-{kind}]
kind = "{kind}"
name = "Far"
countries = ["DE"]
url = "{FAR}"
secret = "carrier.{kind}"
webhook = "carrier.{kind}-events"
mode = "test"
"""


def _place(adapter: str, kind: str) -> str:
    products = f'\n[[locations.far-{adapter}.partner.products]]\nsku = "TEE-MOTH-BLK-M"\ncode = "4012"\n'
    signed = "" if adapter == "prodigi" else f'webhook_secret = "partner.{adapter}-events"\n'
    return f"""
[locations.far-{adapter}]
name = "Far"
kind = "{kind}"
pool = "hub"
latitude = 52.5
longitude = 13.4

[locations.far-{adapter}.partner]
adapter = "{adapter}"
url = "{FAR}"
secret = "partner.{adapter}"
{signed}{products if kind == "partner" else ""}"""


EVERY = "\n".join(
    [
        *(_channel(kind) for kind in CHANNELS),
        *(_carrier(kind) for kind in CARRIER_ACCOUNT_KINDS),
        *(_place(adapter, kind) for adapter, kind in PARTNERS.items()),
    ]
)


def write_every_kind(shop_file: Path) -> None:
    """Write a connection of every kind into the demo shop's file."""
    words = shop_file.read_text(encoding="utf-8")
    for old, new in (('mail = "folder"', 'mail = "smtp"'), ('sms = "folder"', 'sms = "gateway"\npush = "web"')):
        assert old in words
        words = words.replace(old, new, 1)
    shop_file.write_text(f"{words}\n{EVERY}\n", encoding="utf-8")


def every_secret(sms: str = "kannel") -> dict[str, str]:
    """A secret for each of them, of the right form; `sms` is who sends."""
    channels = {f"channel.{kind}": LOGINS.get(kind, f"t0ken-{kind}") for kind in CHANNELS}
    refunds = {f"refunds.{kind}": LOGINS.get(kind, f"t0ken-{kind}-2") for kind in REFUNDING_KINDS}
    webhooks = {f"webhook.{kind}": "hush" for kind in (*CHANNELS, "web", "friends")}
    carriers = {f"carrier.{kind}{end}": f"t0ken{end}" for kind in CARRIER_ACCOUNT_KINDS for end in ("", "-events")}
    partners = {f"partner.{adapter}{end}": f"t0ken{end}" for adapter in PARTNERS for end in ("", "-events")}
    mail = {"smtp.host": "far.example.com", "smtp.username": "shop", "smtp.password": "p4ss"}
    push = {"push.private_key": PUSH_KEY}
    return {**channels, **refunds, **webhooks, **carriers, **partners, **mail, **push, "sms.kind": sms, **SMS[sms]}


def moved(shop: Shop, url: str) -> Shop:
    """The same shop with every other side at `url`: a shop file takes no address without TLS for money."""
    return replace(
        shop,
        channels=tuple(_at(channel, url, "api", "refunds") for channel in shop.channels),
        carriers=tuple(_at(carrier, url, "api") for carrier in shop.carriers),
        locations=tuple(_at(place, url, "partner") for place in shop.locations),
    )


def _at(one: Any, url: str, *tables: str) -> Any:
    found = {name: getattr(one, name) for name in tables}
    return replace(one, **{name: replace(table, url=url) for name, table in found.items() if table is not None})
