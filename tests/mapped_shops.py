"""Mapped shops for tests: a mapping as an owner would write it, read by the shop file's own readers."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from typing import Any

from backroom.domain.channels import ChannelSpec
from backroom.shop.channels import read_channel
from backroom.shop.check import Report
from backroom.shop.section import Section

# An invented shop that writes orders as many do: amounts as decimal texts, an envelope, codes for states.
LANTERN = """
kind = "mapped"
priority = 3
sla = "standard"
secret = "webhook.lantern"

[mapping]
order = "data.order"
id = "id"
number = "reference"
placed_at = "created"
updated_at = ["changed", "created"]
currency = "money.currency"
total = "money.total"
shipping = "money.shipping"
discount = "money.vouchers[*].value"
fees = "money.fees[*].value"
payment_reference = "payments[0].reference"
email = "buyer.email"
phone = ["shipTo.phone", "buyer.phone"]
language = "buyer.locale"
note = "remarks"
source = "origin"
location = "pickup.shop"
lines = "items[*]"

[mapping.line]
id = "itemId"
sku = "article.code"
quantity = "count"
unit_price = "price"
discount = "off"
title = "article.name"
personalisation = "extras[key=engraving].value"

[mapping.payment]
field = "state.payment"
paid = ["paid", "captured"]
pending = ["open", "authorised"]
refunded = ["refunded"]

[mapping.cancelled]
field = "state.cancelledAt"

[mapping.address]
at = ["shipTo", "buyer.home"]
name = "first + last"
company = "company"
line1 = "street + house"
line2 = "extra"
postcode = "zip"
city = "town"
country = "country"
latitude = "geo.lat"
longitude = "geo.lon"

[mapping.delivery]
field = "pickup.kind"
collect = ["pickup"]

[[mapping.consents]]
medium = "sms"
granted = "ticks.sms"
wording = "Text me when my parcel is on its way"

[mapping.message]
topic = "event"
takes = ["order.placed", "order.changed"]
pings = ["hello"]
id_header = "X-Lantern-Delivery"

[mapping.signature]
scheme = "hmac-sha256"
header = "X-Lantern-Signature"
encoding = "hex"
prefix = "sha256="
"""

# How it lists its orders, and shows one.
LIST = """
[mapping.poll]
orders = "orders[*]"
order = "order"
[mapping.poll.list]
path = "/orders"
params = { since = "{since}" }
[mapping.poll.one]
path = "/orders/{id}"
"""
API = """
[api]
url = "http://127.0.0.1:{port}"
secret = "channel.lantern"
"""


def read_spec(text: str, id_: str = "lantern") -> tuple[ChannelSpec, list[str]]:
    """The channel that a table of the shop file makes, and what is wrong with it."""
    report = Report("shop.toml")
    table: dict[str, Any] = tomllib.loads(text, parse_float=Decimal)
    spec = read_channel(id_, Section(table, f"channels.{id_}", report))
    return spec, [str(problem) for problem in report.problems]


def a_spec(text: str = LANTERN) -> ChannelSpec:
    """The channel of a table that is right."""
    spec, problems = read_spec(text)
    assert problems == []
    return spec
