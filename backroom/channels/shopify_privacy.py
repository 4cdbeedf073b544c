"""Shopify's three mandatory privacy webhooks: what is asked, and of whom.

What belongs here: their topics and fields. What does not: answering them (`backroom.privacy.requests`). Source:
shopify.dev "Privacy law compliance": `customers/data_request`, `customers/redact` and `shop/redact`, signed like every
other webhook; a customer comes with id, e-mail and phone, some of them empty, and with ids of orders.
"""

from __future__ import annotations

from dataclasses import dataclass

from backroom.channels.contact import normalise_email, normalise_phone
from backroom.channels.reading import mapping, text

DATA_REQUEST, REDACT, SHOP_REDACT = "customers/data_request", "customers/redact", "shop/redact"
TOPICS = frozenset({DATA_REQUEST, REDACT, SHOP_REDACT})
_ORDERS = {DATA_REQUEST: "orders_requested", REDACT: "orders_to_redact"}
_MOST_ORDERS = 10_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What Shopify asks: the topic, whom by normalised e-mail and phone (None if unusable), and their orders' ids."""

    topic: str
    email: str | None = None
    phone: str | None = None
    orders: tuple[str, ...] = ()


def read(topic: str, body_json: object) -> Asked:
    """Take any JSON value; what is not there is not asked about."""
    told = mapping(body_json)
    customer = mapping(told.get("customer"))
    listed = told.get(_ORDERS.get(topic, ""))
    ids = [text(one) for one in listed[:_MOST_ORDERS]] if isinstance(listed, list) else []
    return Asked(
        topic=topic,
        email=normalise_email(customer.get("email")),
        phone=normalise_phone(customer.get("phone"), ""),
        orders=tuple(filter(None, ids)),
    )
