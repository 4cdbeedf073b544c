"""Telling Shopify what became of an order.

What belongs here: the documents, and what each of its answers means. What does not: the calls (`shopify_graphql`), how
an order stands there (`shopify_standing`), what it may sell (`shopify_levels`), and paying back (`shopify_refunds`).
Sources: shopify.dev "fulfillmentCreate", "FulfillmentOrder", "orderCancel", "API access scopes".

A fulfilment is made of Shopify's own fulfilment orders: what is left of them to fulfil, line by line. It knows no key
of ours, so it is found again by its tracking number; one without is the same as another, and is counted by what is
left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backroom.channels.reading import items, mapping, text
from backroom.channels.remote import Cancelled, NewsRefused, Shipped, StockSet, StockTold
from backroom.channels.shopify_graphql import ALLOWED, LESS, SERVICE, ShopifyGraphql, gid, scopes_in, with_reading
from backroom.channels.shopify_levels import ShopifyLevels
from backroom.channels.shopify_standing import ShopifyStanding
from backroom.domain.channels import ChannelSpec
from backroom.outgoing.errors import ServiceSetup
from backroom.outgoing.probe import Wide, beyond

# What the key must be allowed to do, each for what is told.
SCOPES = {
    "shipped": ("read_orders", "read_merchant_managed_fulfillment_orders", "write_merchant_managed_fulfillment_orders"),
    "cancelled": ("read_orders", "write_orders"),
    "stock": ("read_inventory", "write_inventory", "read_locations"),
}
REFUND_SCOPES = ("read_orders", "write_orders")
# Older orders than those of the last 60 days: a shop may have asked for them.
MAY_HAVE = ("read_all_orders",)
# Shopify's words for why an order is cancelled, by ours; anything else is OTHER.
REASONS = {"cancelled_by_staff": "STAFF", "out_of_stock": "INVENTORY", "forgotten": "CUSTOMER"}

FULFIL = """
mutation Fulfil($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) { fulfillment { id } userErrors { field } }
}
"""
CANCELLED_AT = "query CancelledAt($id: ID!) { order(id: $id) { id cancelledAt } }"
CANCEL = """
mutation Cancel(
  $id: ID!, $reason: OrderCancelReason!, $restock: Boolean!, $refundMethod: OrderCancelRefundMethodInput, $note: String
) {
  orderCancel(
    orderId: $id, reason: $reason, restock: $restock, refundMethod: $refundMethod, notifyCustomer: false,
    staffNote: $note
  ) { job { id } orderCancelUserErrors { code } }
}
"""


class ShopifyTelling:
    """One Shopify shop that takes news. `token` is its app's access token."""

    idempotent = False

    def __init__(self, spec: ChannelSpec, token: str) -> None:
        assert spec.api is not None
        self._channel = spec.id
        self._told = spec.api.tell
        self._asked = {"read_orders"} if spec.api.ask else set()
        # One token may be for both.
        shared = spec.refunds is not None and spec.refunds.secret == spec.api.secret
        self._also = {*MAY_HAVE, *(REFUND_SCOPES if shared else ())}
        self._shop = ShopifyGraphql(spec.api.url, token)
        self._standing = ShopifyStanding(self._shop)
        self._levels = ShopifyLevels(self._shop, spec)

    def close(self) -> None:
        self._shop.close()

    def check(self) -> None:
        """Whether the token lets us in and has the scopes for what is told, and the location is there."""
        has, needs = self._has(), self._needs()
        # Who may write may read, and Shopify lists only the one.
        lacks = sorted(one for one in needs if one not in has and one.replace("read_", "write_", 1) not in has)
        if lacks:
            raise ServiceSetup(
                SERVICE,
                f"{SERVICE} does not let {self._channel} do all that it is told.",
                remedy=f"Give the app in Shopify's admin {', '.join(lacks)}, and install it anew.",
            )
        if "stock" in self._told:
            self._levels.place()

    def wide(self) -> Wide | None:
        """The scopes that nothing of what this channel is asked and told needs."""
        return beyond(f"our token of {self._channel}", self._has(), with_reading(self._needs() | self._also), LESS)

    def _has(self) -> set[str]:
        return scopes_in(self._shop.ask(ALLOWED, {}, f"{self._channel} check"))

    def _needs(self) -> set[str]:
        return {scope for kind in self._told for scope in SCOPES.get(kind, ())} | self._asked

    def shipped(self, news: Shipped) -> str:
        order = self._order(news.external_id, news.key)
        found = self._already(order, news)
        if found.id and not found.lacks:
            return found.id
        if order.get("cancelledAt"):
            raise NewsRefused(
                f"{SERVICE} has cancelled the order of {news.key}, and it was shipped.",
                remedy="Look at the order there and pay back or get it back; then say that nothing is left to tell.",
            )
        if not found.lacks:
            return ""
        calls, over = _by_location(order, found.lacks)
        if over:
            raise NewsRefused(
                f"{SERVICE} has less left to fulfil than left the house with {news.key}.",
                remedy="Look at the order there: if somebody fulfilled it by hand, add the tracking number there, then "
                "say that nothing is left to tell.",
            )
        return [self._fulfil(parts, news) for parts in calls][-1]

    def was_told(self, news: Shipped) -> str | None:
        found = self._already(self._order(news.external_id, news.key), news)
        return None if found.lacks else found.id

    def cancelled(self, news: Cancelled) -> None:
        id_ = gid("Order", news.external_id)
        order = mapping(self._shop.ask(CANCELLED_AT, {"id": id_}, news.key).get("order"))
        if not order:
            raise _unknown_order(news.key)
        if order.get("cancelledAt"):
            return
        said = self._shop.ask(
            CANCEL,
            {
                "id": id_,
                "reason": REASONS.get(news.reason, "OTHER"),
                # The pieces are free here as well; where Shopify is told of stock, its level is set right after.
                "restock": True,
                # What is paid back is decided by people, and done as a refund.
                "refundMethod": {"originalPaymentMethodsRefund": False},
                "note": f"Backroom {news.key}",
            },
            news.key,
            again=False,
        )
        if errors := items(mapping(said.get("orderCancel")).get("orderCancelUserErrors")):
            raise NewsRefused(
                f"{SERVICE} does not cancel the order of {news.key} ({_codes(errors)}).",
                remedy="Cancel it there, then say that nothing is left to tell.",
            )

    def stock(self, news: Sequence[StockTold]) -> Iterator[StockSet]:
        return self._levels.tell(news)

    def _order(self, external_id: str, key: str) -> dict[str, Any]:
        order = self._standing.order(external_id, key)
        if not order:
            raise _unknown_order(key)
        return order

    def _already(self, order: dict[str, Any], news: Shipped) -> _Found:
        wanted: dict[str, int] = defaultdict(int)
        for line in news.lines:
            wanted[gid("LineItem", line.external_id)] += line.quantity
        mine = [one for one in items(order.get("fulfillments")) if _is_ours(one, news.tracking)]
        id_ = text(mine[-1].get("id")) if mine else ""
        if not news.tracking:
            left = _left(order)
            return _Found(id_, {line: count for line, pieces in wanted.items() if (count := min(pieces, left[line]))})
        for one in mine:
            for sent in self._standing.sent(one, news.key):
                wanted[text(mapping(sent.get("lineItem")).get("id"))] -= _count(sent.get("quantity"))
        return _Found(id_, {line: pieces for line, pieces in wanted.items() if pieces > 0})

    def _fulfil(self, parts: Sequence[dict[str, Any]], news: Shipped) -> str:
        fulfilment: dict[str, Any] = {"lineItemsByFulfillmentOrder": list(parts), "notifyCustomer": False}
        if news.tracking:
            tracking = {"company": news.carrier, "number": news.tracking}
            fulfilment["trackingInfo"] = tracking | ({"url": news.tracking_url} if news.tracking_url else {})
        said = self._shop.ask(FULFIL, {"fulfillment": fulfilment}, news.key, again=False)
        answer = mapping(said.get("fulfillmentCreate"))
        made = text(mapping(answer.get("fulfillment")).get("id"))
        if items(answer.get("userErrors")) or not made:
            raise NewsRefused(
                f"{SERVICE} does not take the fulfilment {news.key}.",
                remedy="Look at the order there: it may have been edited or be on hold; mend it, then retry.",
            )
        return made


@dataclass(frozen=True, slots=True)
class _Found:
    """What Shopify knows already of what left: the id of its fulfilment, and the pieces that are still to be told."""

    id: str
    lacks: dict[str, int]


def _is_ours(fulfilment: dict[str, Any], tracking: str) -> bool:
    if text(fulfilment.get("status")) in ("CANCELLED", "ERROR", "FAILURE"):
        return False
    numbers = {text(one.get("number")) for one in items(fulfilment.get("trackingInfo"))} - {""}
    return tracking in numbers if tracking else not numbers


def _open(order: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for one in items(order.get("open")):
        if "CREATE_FULFILLMENT" in {text(action.get("action")) for action in items(one.get("supportedActions"))}:
            yield one


def _left(order: dict[str, Any]) -> dict[str, int]:
    """Pieces of each line that are still to be fulfilled."""
    left: dict[str, int] = defaultdict(int)
    for one in _open(order):
        for line in items(one.get("lines")):
            left[text(mapping(line.get("lineItem")).get("id"))] += _count(line.get("remainingQuantity"))
    return left


def _by_location(order: dict[str, Any], lacks: Mapping[str, int]) -> tuple[list[list[dict[str, Any]]], bool]:
    """What is asked of each of its locations, for one call takes one of them; and whether that is not all."""
    wanted = dict(lacks)
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in _open(order):
        lines = []
        for line in items(one.get("lines")):
            of = text(mapping(line.get("lineItem")).get("id"))
            count = min(wanted.get(of, 0), _count(line.get("remainingQuantity")))
            if count > 0:
                wanted[of] -= count
                lines.append({"id": text(line.get("id")), "quantity": count})
        if lines:
            place = text(mapping(mapping(one.get("assignedLocation")).get("location")).get("id"))
            found[place].append({"fulfillmentOrderId": text(one.get("id")), "fulfillmentOrderLineItems": lines})
    return list(found.values()), any(wanted.values())


def _unknown_order(key: str) -> NewsRefused:
    return NewsRefused(
        f"{SERVICE} does not know the order of {key}.",
        remedy="It was deleted there, or our key sees only the last 60 days: say that nothing is left to tell.",
    )


def _codes(errors: Sequence[dict[str, Any]]) -> str:
    return ", ".join(sorted({text(one.get("code")) or "without a code" for one in errors}))


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
