"""How an order stands at Shopify: what was fulfilled of it, and what is left to fulfil, read page by page.

What belongs here: the documents that ask, and putting their pages together. What does not: what is told
(`shopify_telling`).
Sources: shopify.dev "Order", "Fulfillment", "FulfillmentOrder", "GraphQL Admin API rate limits". A query may cost 1,000
points at the most, by the sizes that it asks for and not by what is there: each of these stays far below (tests), so
that an order of one parcel is one query, and a larger one some more. The lines of a fulfilment are asked for only where
they matter. `fulfillments` has no pages: the first hundred of an order are seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backroom.channels.reading import items, mapping, text
from backroom.channels.shopify_graphql import ShopifyGraphql, gid

FULFILMENTS, MOST_FULFILMENTS = 10, 100

_FULFILMENT = "{ id status trackingInfo(first: 5) { number } }"
_LINES = "{ nodes { id remainingQuantity lineItem { id } } pageInfo { hasNextPage endCursor } }"
_OPEN = (
    """
fragment Open on FulfillmentOrderConnection {
  nodes {
    id status
    supportedActions { action }
    assignedLocation { location { id } }
    lineItems(first: 20) """
    + _LINES
    + """
  }
  pageInfo { hasNextPage endCursor }
}
"""
)

ORDER = (
    """
query Standing($id: ID!) {
  order(id: $id) {
    id cancelledAt
    """
    + f"fulfillments(first: {FULFILMENTS}) {_FULFILMENT}"
    + """
    fulfillmentOrders(first: 5) { ...Open }
  }
}
"""
    + _OPEN
)
ALL_FULFILMENTS = (
    "query AllFulfilments($id: ID!) { order(id: $id) { "
    + f"fulfillments(first: {MOST_FULFILMENTS}) {_FULFILMENT}"
    + " } }"
)
MORE_ORDERS = (
    """
query MoreOrders($id: ID!, $after: String!) {
  order(id: $id) { fulfillmentOrders(first: 5, after: $after) { ...Open } }
}
"""
    + _OPEN
)
MORE_LINES = (
    """
query MoreOfAnOrder($id: ID!, $after: String!) {
  fulfillmentOrder(id: $id) { lineItems(first: 100, after: $after) """
    + _LINES
    + """ }
}
"""
)
SENT = """
query Sent($id: ID!, $after: String) {
  fulfillment(id: $id) {
    fulfillmentLineItems(first: 100, after: $after) {
      nodes { quantity lineItem { id } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
_BEFORE_THE_FIRST = {"pageInfo": {"hasNextPage": True, "endCursor": None}}


class ShopifyStanding:
    """The orders of one shop, as they stand there."""

    def __init__(self, shop: ShopifyGraphql) -> None:
        self._shop = shop

    def order(self, external_id: str, about: str) -> dict[str, Any]:
        """An order with all its fulfilments and, under `open`, its fulfilment orders with all their lines; empty where
        there is none of that id."""
        id_ = {"id": gid("Order", external_id)}
        order = mapping(self._shop.ask(ORDER, id_, about).get("order"))
        if not order:
            return {}
        fulfilments = items(order.get("fulfillments"))
        if len(fulfilments) == FULFILMENTS:
            fulfilments = items(mapping(self._shop.ask(ALL_FULFILMENTS, id_, about).get("order")).get("fulfillments"))
        parts = list(self._parts(mapping(order.get("fulfillmentOrders")), id_, about))
        return order | {"fulfillments": fulfilments, "open": parts}

    def sent(self, fulfilment: dict[str, Any], about: str) -> Iterator[dict[str, Any]]:
        """What is in a fulfilment, line by line."""
        asked = {"id": text(fulfilment.get("id"))}
        return self._all(_BEFORE_THE_FIRST, SENT, asked, about, "fulfillment", "fulfillmentLineItems")

    def _parts(self, page: dict[str, Any], id_: dict[str, Any], about: str) -> Iterator[dict[str, Any]]:
        for part in self._all(page, MORE_ORDERS, id_, about, "order", "fulfillmentOrders"):
            lines = mapping(part.get("lineItems"))
            asked = {"id": text(part.get("id"))}
            yield part | {"lines": list(self._all(lines, MORE_LINES, asked, about, "fulfillmentOrder", "lineItems"))}

    def _all(
        self, page: dict[str, Any], more: str, asked: dict[str, Any], about: str, of: str, name: str
    ) -> Iterator[dict[str, Any]]:
        """The nodes of a page, and of those that follow it."""
        while True:
            yield from items(page.get("nodes"))
            told = mapping(page.get("pageInfo"))
            if told.get("hasNextPage") is not True:
                return
            said = self._shop.ask(more, asked | {"after": told.get("endCursor")}, about)
            page = mapping(mapping(said.get(of)).get(name))
