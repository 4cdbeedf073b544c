"""A Shopify order of the GraphQL Admin API in the words of its webhook, so that one parse reads both.

What belongs here: the names of one and the same thing in both. What does not: what they mean (`shopify`,
`shopify_amounts`), and asking for them (`shopify_source`).
Sources: shopify.dev "Order", "LineItem", "ShippingLine", "MailingAddress" (GraphQL Admin API 2026-07), "Order" (REST
Admin API).

What a webhook says and this interface does not, with `read_orders` only: the customer's own record (its consents to
marketing, an e-mail or phone that the order itself has not) and the checkout's token. A line is known as a tip by
having no SKU and the price of the order's tip, since only the webhook marks it.
"""

from __future__ import annotations

from typing import Any

from backroom.channels.reading import items, mapping, text

_PLAIN = {
    "name": "name",
    "created_at": "createdAt",
    "updated_at": "updatedAt",
    "cancelled_at": "cancelledAt",
    "test": "test",
    "currency": "currencyCode",
    "email": "email",
    "phone": "phone",
    "note": "note",
    "customer_locale": "customerLocale",
    "source_name": "sourceName",
    "taxes_included": "taxesIncluded",
    "buyer_accepts_marketing": "customerAcceptsMarketing",
}
_AMOUNTS = {
    "total_price": "totalPriceSet",
    "current_total_price": "currentTotalPriceSet",
    "subtotal_price": "subtotalPriceSet",
    "current_subtotal_price": "currentSubtotalPriceSet",
    "total_tax": "totalTaxSet",
    "current_total_tax": "currentTotalTaxSet",
}
_MONEY_BAGS = {
    "current_shipping_price_set": "currentShippingPriceSet",
    "original_total_duties_set": "originalTotalDutiesSet",
    "current_total_duties_set": "currentTotalDutiesSet",
    "original_total_additional_fees_set": "originalTotalAdditionalFeesSet",
    "current_total_additional_fees_set": "currentTotalAdditionalFeesSet",
}
_ADDRESS = {
    "first_name": "firstName",
    "last_name": "lastName",
    "name": "name",
    "company": "company",
    "address1": "address1",
    "address2": "address2",
    "zip": "zip",
    "city": "city",
    "province": "province",
    "province_code": "provinceCode",
    "country": "country",
    "country_code": "countryCodeV2",
    "latitude": "latitude",
    "longitude": "longitude",
    "phone": "phone",
}


def as_webhook(order: dict[str, Any]) -> dict[str, Any]:
    """The order as a webhook tells it; `order` is what `shopify_source.WHOLE` asks for, with all of its lines."""
    tip = shop_amount(order.get("totalTipReceivedSet"))
    return {
        "id": number(order.get("legacyResourceId")),
        **{ours: order.get(theirs) for ours, theirs in _PLAIN.items()},
        **{ours: shop_amount(order.get(theirs)) for ours, theirs in _AMOUNTS.items()},
        **{ours: _bag(order.get(theirs)) for ours, theirs in _MONEY_BAGS.items()},
        "financial_status": text(order.get("displayFinancialStatus")).lower() or None,
        "note_attributes": _attributes(order),
        "shipping_address": _address(order.get("shippingAddress")),
        "billing_address": _address(order.get("billingAddress")),
        "shipping_lines": [_shipping_line(one) for one in items(mapping(order.get("shippingLines")).get("nodes"))],
        "line_items": [_line(one, tip) for one in items(mapping(order.get("lineItems")).get("nodes"))],
    }


def number(value: object) -> int | str:
    """An id as REST gives it: the number at the end of a `gid://…`, or of what is one already."""
    tail = text(value).rpartition("/")[2].partition("?")[0]
    return int(tail) if tail.isascii() and tail.isdecimal() and len(tail) < 20 else tail


def shop_amount(money_bag: object) -> str | None:
    """A MoneyBag's amount in the shop's currency."""
    amount = mapping(mapping(money_bag).get("shopMoney")).get("amount")
    return None if amount is None else str(amount)


def _bag(money_bag: object) -> dict[str, Any] | None:
    amount = shop_amount(money_bag)
    return None if amount is None else {"shop_money": {"amount": amount}}


def _address(address: object) -> dict[str, Any] | None:
    told = mapping(address)
    return {ours: told.get(theirs) for ours, theirs in _ADDRESS.items()} if told else None


def _attributes(holder: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": one.get("key"), "value": one.get("value")} for one in items(holder.get("customAttributes"))]


def _discounts(holder: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"amount": shop_amount(one.get("allocatedAmountSet"))} for one in items(holder.get("discountAllocations"))]


def _shipping_line(line: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": number(line.get("id")),
        "code": line.get("code"),
        "title": line.get("title"),
        "price": shop_amount(line.get("originalPriceSet")),
        "delivery_category": line.get("deliveryCategory"),
        "discount_allocations": _discounts(line),
        "is_removed": line.get("isRemoved"),
    }


def _line(line: dict[str, Any], tip: str | None) -> dict[str, Any]:
    price = shop_amount(line.get("originalUnitPriceSet"))
    told = {
        "id": number(line.get("id")),
        "sku": line.get("sku"),
        "name": line.get("name"),
        "title": line.get("title"),
        "quantity": line.get("quantity"),
        "current_quantity": line.get("currentQuantity"),
        "price": price,
        "gift_card": line.get("isGiftCard"),
        "requires_shipping": line.get("requiresShipping"),
        "discount_allocations": _discounts(line),
        "properties": _attributes(line),
    }
    is_tip = not line.get("sku") and line.get("requiresShipping") is False and _same(price, tip)
    return told | ({"tip_payment_gateway": "unknown"} if is_tip else {})


def _same(amount: str | None, other: str | None) -> bool:
    try:
        return amount is not None and other is not None and float(amount) == float(other) > 0
    except ValueError:
        return False
