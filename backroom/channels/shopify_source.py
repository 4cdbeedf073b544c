"""Asking Shopify for its orders: which changed since a moment, and some of them whole.

What belongs here: the documents and the paging. What does not: the calls themselves (`shopify_graphql`), and what an
order means (`shopify_translate`, `shopify`).
Sources: shopify.dev "orders" (query filters, sort keys), "nodes", "Pagination", "API limits", "Order" (scopes).

The key needs `read_orders` and nothing else; it shows orders of the last 60 days, older ones need `read_all_orders`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from backroom.channels.reading import Reading, items, mapping, text
from backroom.channels.remote import Fetched, Listed
from backroom.channels.shopify_graphql import SERVICE, ShopifyGraphql, TooDear
from backroom.channels.shopify_translate import as_webhook, number, shop_amount
from backroom.domain.channels import ChannelSpec
from backroom.domain.money import EXPONENTS, to_minor
from backroom.outgoing.errors import AnswerUnreadable

TOPIC = "orders/updated"
# The most of a page, and what is asked for whole at once: by the plain reckoning less than the 1,000 points that one
# query may cost (tests), and halved where Shopify finds it too dear all the same.
PAGE, ORDERS, LINES = 250, 5, 10
_PAID = frozenset({"PAID", "PARTIALLY_REFUNDED", "AUTHORIZED"})

CHANGED = """
query Changed($first: Int!, $after: String, $query: String!) {
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    nodes {
      legacyResourceId name createdAt updatedAt cancelledAt test currencyCode
      displayFinancialStatus displayFulfillmentStatus
      currentTotalPriceSet { shopMoney { amount } }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""

_LINES = """
fragment Lines on LineItemConnection {
  nodes {
    id sku name title quantity currentQuantity isGiftCard requiresShipping
    originalUnitPriceSet { shopMoney { amount } }
    discountAllocations { allocatedAmountSet { shopMoney { amount } } }
    customAttributes { key value }
  }
  pageInfo { hasNextPage endCursor }
}
"""

_ADDRESS = """{
      firstName lastName name company address1 address2 zip city
      province provinceCode country countryCodeV2 latitude longitude phone
    }"""

WHOLE = (
    """
query Whole($ids: [ID!]!, $lines: Int!) {
  nodes(ids: $ids) { ... on Order {
    legacyResourceId name createdAt updatedAt cancelledAt test currencyCode
    email phone note customerLocale sourceName taxesIncluded customerAcceptsMarketing displayFinancialStatus
    customAttributes { key value }
    totalPriceSet { shopMoney { amount } }
    currentTotalPriceSet { shopMoney { amount } }
    subtotalPriceSet { shopMoney { amount } }
    currentSubtotalPriceSet { shopMoney { amount } }
    totalTaxSet { shopMoney { amount } }
    currentTotalTaxSet { shopMoney { amount } }
    currentShippingPriceSet { shopMoney { amount } }
    originalTotalDutiesSet { shopMoney { amount } }
    currentTotalDutiesSet { shopMoney { amount } }
    originalTotalAdditionalFeesSet { shopMoney { amount } }
    currentTotalAdditionalFeesSet { shopMoney { amount } }
    totalTipReceivedSet { shopMoney { amount } }
    shippingAddress """
    + _ADDRESS
    + """
    billingAddress """
    + _ADDRESS
    + """
    shippingLines(first: 10, includeRemovals: true) {
      nodes {
        id code title deliveryCategory isRemoved
        originalPriceSet { shopMoney { amount } }
        discountAllocations { allocatedAmountSet { shopMoney { amount } } }
      }
    }
    lineItems(first: $lines) { ...Lines }
  } }
}
"""
    + _LINES
)

MORE_LINES = (
    """
query MoreLines($id: ID!, $lines: Int!, $after: String!) {
  order(id: $id) { lineItems(first: $lines, after: $after) { ...Lines } }
}
"""
    + _LINES
)


class ShopifySource:
    """One Shopify shop's orders. `token` is an Admin API access token (`shpat_…`)."""

    def __init__(self, spec: ChannelSpec, token: str, shop: ShopifyGraphql | None = None) -> None:
        assert spec.api is not None
        self._channel = spec.id
        self._shop = shop or ShopifyGraphql(spec.api.url, token)
        self._page, self._orders, self._lines = PAGE, ORDERS, LINES

    def changed_since(self, since: datetime) -> Iterator[Listed]:
        after = None
        wanted = f"updated_at:>='{since:%Y-%m-%dT%H:%M:%SZ}'"
        while True:
            variables = {"first": self._page, "after": after, "query": wanted}
            try:
                found = self._shop.ask(CHANGED, variables, self._channel)
            except TooDear:
                if self._page == 1:
                    raise
                self._page //= 2
                continue
            page = mapping(found.get("orders"))
            yield from (self._listed(one) for one in items(page.get("nodes")))
            told = mapping(page.get("pageInfo"))
            if told.get("hasNextPage") is not True:
                return
            after = told.get("endCursor")

    def fetch(self, external_ids: Sequence[str]) -> Iterator[Fetched]:
        ids = [one for one in external_ids if one.isascii() and one.isdecimal() and len(one) < 20]
        while ids:
            some, ids = ids[: self._orders], ids[self._orders :]
            about = f"{self._channel} {some[0]}" + (f" and {len(some) - 1} more" if len(some) > 1 else "")
            try:
                found = self._shop.ask(WHOLE, {"ids": [_gid(one) for one in some], "lines": self._lines}, about)
            except TooDear:
                if self._orders == 1 and self._lines == 1:
                    raise
                ids = some + ids
                self._orders, self._lines = max(1, self._orders // 2), max(1, self._lines // 2)
                continue
            for order in items(found.get("nodes")):
                if order.get("legacyResourceId"):
                    yield self._fetched(order)

    def _fetched(self, order: dict[str, Any]) -> Fetched:
        external_id = text(order["legacyResourceId"])
        lines = mapping(order.get("lineItems"))
        nodes, told = items(lines.get("nodes")), mapping(lines.get("pageInfo"))
        while told.get("hasNextPage") is True:
            variables = {"id": _gid(external_id), "lines": self._lines, "after": told.get("endCursor")}
            found = self._shop.ask(MORE_LINES, variables, f"{self._channel} {external_id}")
            lines = mapping(mapping(found.get("order")).get("lineItems"))
            nodes, told = nodes + items(lines.get("nodes")), mapping(lines.get("pageInfo"))
        whole = as_webhook(order | {"lineItems": {"nodes": nodes}})
        return Fetched(external_id, TOPIC, json.dumps(whole, ensure_ascii=False).encode("utf-8", "surrogatepass"))

    def _listed(self, order: dict[str, Any]) -> Listed:
        reading = Reading()
        external_id = str(number(order.get("legacyResourceId")))
        updated_at = reading.time(order.get("updatedAt"), "updatedAt")
        placed_at = reading.time(order.get("createdAt"), "createdAt")
        if reading.problems or not external_id:
            raise AnswerUnreadable(
                SERVICE, f"{SERVICE} lists an order without id or time ({self._channel}).", remedy="Report it to us."
            )
        currency = text(order.get("currencyCode"))
        status = text(order.get("displayFinancialStatus"))
        return Listed(
            external_id=external_id,
            updated_at=updated_at,
            paid=status in _PAID and order.get("cancelledAt") is None and order.get("test") is not True,
            name=text(order.get("name"), 60),
            placed_at=placed_at,
            fulfilled=text(order.get("displayFulfillmentStatus")) == "FULFILLED",
            total_minor=_minor(shop_amount(order.get("currentTotalPriceSet")), currency),
            currency=currency if currency in EXPONENTS else "",
        )


def _gid(external_id: str) -> str:
    return f"gid://shopify/Order/{external_id}"


def _minor(amount: str | None, currency: str) -> int:
    try:
        return to_minor(amount or "0", currency)
    except ValueError:
        return 0
