"""The demo's orders in the shapes of their channels: Shopify, WooCommerce, our till, and rows of a CSV file.

What belongs here: putting one sale into a channel's documented words. What does not: which sales there are
(`demo_orders`), reading them back (`backroom.channels`).
Sources: shopify.dev "Order" (REST Admin API), woocommerce-rest-api-docs v3 "Orders".

All prices include 19 % VAT. Amounts are minor units here and text in major units in a payload.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from backroom.shop.demo_people import Person, Place

CURRENCY = "EUR"
_VAT_PERCENT = 19
_PRICES = {"TEE": 3400, "HOOD": 6900, "JACK": 12900, "TOTE": 2400, "PATCH": 950}
_PRICE_OF_BLACK_TOTE = 2600


@dataclass(frozen=True, slots=True)
class Item:
    """Pieces of one variant."""

    sku: str
    quantity: int = 1

    @property
    def price(self) -> int:
        """The price of one piece, as data/catalogue.csv has it."""
        kind, _, rest = self.sku.partition("-")
        return _PRICE_OF_BLACK_TOTE if kind == "TOTE" and rest.endswith("BLACK") else _PRICES[kind]


@dataclass(frozen=True, slots=True)
class Sale:
    """One sale. `mail` and `sms` say whether the customer wants to hear of the order that way, and gave the address.

    `discount` is taken off the first line; `updated_at` is when the source last changed it.
    """

    id: int
    placed_at: datetime
    updated_at: datetime
    person: Person
    items: tuple[Item, ...]
    place: Place | None = None
    mail: bool = True
    phone: str = ""
    shipping: int = 0
    discount: int = 0
    note: str = ""
    paid: bool = True
    cancelled: bool = False

    @property
    def goods(self) -> int:
        return sum(item.price * item.quantity for item in self.items) - self.discount

    @property
    def total(self) -> int:
        return self.goods + self.shipping


def amount(minor: int) -> str:
    """12.50 for 1250."""
    return f"{minor // 100}.{minor % 100:02d}"


def shopify_order(sale: Sale, source: str, *, coordinates: bool = True) -> dict[str, Any]:
    """An order of the REST Admin API. A phone at the order is one for SMS; silence means no."""
    assert sale.place is not None
    first, _, last = sale.person.name.partition(" ")
    address = {
        "first_name": first,
        "last_name": last,
        "name": sale.person.name,
        "company": None,
        "address1": sale.place.line1,
        "address2": None,
        "zip": sale.place.postcode,
        "city": sale.place.city,
        "province": sale.place.region or None,
        "province_code": None,
        "country_code": sale.place.country,
        "phone": None,
        "latitude": sale.place.latitude if coordinates else None,
        "longitude": sale.place.longitude if coordinates else None,
    }
    return {
        "id": sale.id,
        "admin_graphql_api_id": f"gid://shopify/Order/{sale.id}",
        "name": f"#{sale.id % 1_000_000}",
        "order_number": sale.id % 1_000_000,
        "test": False,
        "created_at": _iso(sale.placed_at),
        "processed_at": _iso(sale.placed_at),
        "updated_at": _iso(sale.updated_at),
        "cancelled_at": _iso(sale.updated_at) if sale.cancelled else None,
        "cancel_reason": "customer" if sale.cancelled else None,
        "financial_status": "paid" if sale.paid else "pending",
        "fulfillment_status": None,
        "source_name": source,
        "checkout_token": f"c{sale.id:031x}",
        "currency": CURRENCY,
        "presentment_currency": CURRENCY,
        "taxes_included": True,
        "total_line_items_price": amount(sale.goods + sale.discount),
        "total_discounts": amount(sale.discount),
        "subtotal_price": amount(sale.goods),
        "total_tax": amount(sale.total - _net(sale.total)),
        "total_price": amount(sale.total),
        "total_shipping_price_set": {"shop_money": {"amount": amount(sale.shipping), "currency_code": CURRENCY}},
        "email": sale.person.email if sale.mail else "",
        "phone": sale.phone or None,
        "buyer_accepts_marketing": False,
        "customer_locale": sale.person.language,
        "customer": {
            "id": sale.id + 7,
            "email": sale.person.email,
            "first_name": first,
            "last_name": last,
            "email_marketing_consent": {"state": "not_subscribed", "opt_in_level": None, "consent_updated_at": None},
        },
        "note": sale.note or None,
        "note_attributes": [],
        "tags": "",
        "line_items": [_shopify_line(sale, number, item) for number, item in enumerate(sale.items)],
        "shipping_lines": [
            {"id": sale.id + 5, "code": "standard", "title": "Nachtbote", "price": amount(sale.shipping)}
        ],
        "shipping_address": address,
        "billing_address": address,
    }


def _shopify_line(sale: Sale, number: int, item: Item) -> dict[str, Any]:
    discount = sale.discount if number == 0 else 0
    return {
        "id": sale.id * 10 + number,
        "sku": item.sku,
        "title": item.sku.replace("-", " ").title(),
        "name": item.sku.replace("-", " ").title(),
        "quantity": item.quantity,
        "current_quantity": item.quantity,
        "price": amount(item.price),
        "total_discount": "0.00",
        "discount_allocations": [{"amount": amount(discount), "discount_application_index": 0}] if discount else [],
        "gift_card": False,
        "requires_shipping": True,
        "properties": [],
    }


def woocommerce_order(sale: Sale) -> dict[str, Any]:
    """An order of the REST API v3: amounts and taxes apart, no coordinates; the tick for SMS is a plug-in's."""
    assert sale.place is not None
    first, _, last = sale.person.name.partition(" ")
    shipping = {
        "first_name": first,
        "last_name": last,
        "company": "",
        "address_1": sale.place.line1,
        "address_2": "",
        "postcode": sale.place.postcode,
        "city": sale.place.city,
        "state": sale.place.region,
        "country": sale.place.country,
    }
    lines = []
    for number, item in enumerate(sale.items):
        net, tax = _parted(item.price * item.quantity)
        lines.append(
            {
                "id": sale.id * 10 + number,
                "name": item.sku.replace("-", " ").title(),
                "sku": item.sku,
                "quantity": item.quantity,
                "subtotal": net,
                "subtotal_tax": tax,
                "total": net,
                "total_tax": tax,
                "meta_data": [],
            }
        )
    net_of_all = sum(_net(item.price * item.quantity) for item in sale.items) + _net(sale.shipping)
    shipping_net, shipping_tax = _parted(sale.shipping)
    status = "cancelled" if sale.cancelled else "processing" if sale.paid else "pending"
    return {
        "id": sale.id,
        "number": str(sale.id),
        "status": status,
        "created_via": "checkout",
        "date_created_gmt": _naive(sale.placed_at),
        "date_modified_gmt": _naive(sale.updated_at),
        "currency": CURRENCY,
        "prices_include_tax": True,
        "discount_total": "0.00",
        "shipping_total": shipping_net,
        "shipping_tax": shipping_tax,
        "total_tax": amount(sale.total - net_of_all),
        "total": amount(sale.total),
        "customer_note": sale.note,
        "transaction_id": f"tr_{sale.id}" if sale.paid else "",
        "billing": shipping | {"email": sale.person.email if sale.mail else "", "phone": sale.phone},
        "shipping": shipping,
        "line_items": lines,
        "shipping_lines": [
            {"method_id": "flat_rate", "total": shipping_net, "total_tax": shipping_tax, "meta_data": []}
        ],
        "fee_lines": [],
        "meta_data": [
            {"key": "_wc_twilio_sms_optin", "value": "1" if sale.phone else "0"},
            {"key": "wpml_language", "value": sale.person.language},
        ],
    }


def pos_sale(sale: Sale, device: str, delivery: str) -> dict[str, Any]:
    """One sale of a till, with the till's name in it; a batch is `{"device": …, "sales": [sale, …]}`."""
    asked = "May we tell you when it is ready?"
    consents = [
        {"medium": medium, "purpose": "order_updates", "granted": True, "wording": asked}
        for medium, given in (("sms", bool(sale.phone)), ("email", sale.mail))
        if given
    ]
    payload: dict[str, Any] = {
        "device": device,
        "seq": sale.id,
        "sold_at": _iso(sale.placed_at),
        "currency": CURRENCY,
        "lines": [
            {"sku": item.sku, "quantity": item.quantity, "unit_price": amount(item.price)} for item in sale.items
        ],
        "shipping": amount(sale.shipping),
        "total": amount(sale.total),
        "delivery": delivery,
        "payment_token": f"tap_{sale.id}",
        "language": sale.person.language,
        "consents": consents,
    }
    if sale.mail:
        payload["email"] = sale.person.email
    if sale.phone:
        payload["phone"] = sale.phone
    if sale.place is not None:
        payload["address"] = {
            "name": sale.person.name,
            "line1": sale.place.line1,
            "postcode": sale.place.postcode,
            "city": sale.place.city,
            "country": sale.place.country,
        }
    return payload


def csv_rows(sale: Sale, order_id: str) -> list[dict[str, str]]:
    """One row for each line of an order; what is said of the whole order stands on each of them."""
    assert sale.place is not None
    return [
        {
            "order_id": order_id,
            "placed_at": _iso(sale.placed_at),
            "email": sale.person.email,
            "phone": sale.phone,
            "name": sale.person.name,
            "line1": sale.place.line1,
            "postcode": sale.place.postcode,
            "city": sale.place.city,
            "country": sale.place.country,
            "sku": item.sku,
            "quantity": str(item.quantity),
            "unit_price": amount(item.price),
            "shipping": amount(sale.shipping),
            "total": amount(sale.total),
            "currency": CURRENCY,
            "delivery": "ship",
            "note": sale.note,
            "language": sale.person.language,
            "consent_sms": "yes" if sale.phone else "no",
            "consent_email": "yes" if sale.mail else "no",
        }
        for item in sale.items
    ]


def product(id_: int, updated_at: datetime) -> dict[str, Any]:
    """What a webhook set up for the wrong topic sends: a product, no order."""
    return {
        "id": id_,
        "title": "Night Moth Tee",
        "vendor": "Motte & Mond",
        "product_type": "Tee",
        "updated_at": _iso(updated_at),
        "variants": [{"id": id_ + 1, "sku": "TEE-MOTH-INK-M", "price": "34.00"}],
    }


def _parted(gross: int) -> tuple[str, str]:
    """What is without VAT, and the VAT."""
    net = _net(gross)
    return amount(net), amount(gross - net)


def _net(gross: int) -> int:
    """Without VAT, rounded to the cent."""
    return (gross * 200 + 100 + _VAT_PERCENT) // (2 * (100 + _VAT_PERCENT))


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _naive(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
