"""Refunds through Shopify's Admin API: back to the payments that the order was paid with.

What belongs here: which payment is paid back, and finding what was. What does not: when something is owed.
Sources: shopify.dev "refundCreate" (idempotency is mandatory since 2026-04), "RefundInput", "OrderTransaction".

The note of a refund ends in our key, by which it is found again long after Shopify has forgotten the idempotency key.
A refund is a sum, and no lines: what becomes of the pieces is ours to say. The token needs `read_orders`,
`write_orders`.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from decimal import Decimal, InvalidOperation
from typing import Any

from backroom.channels.reading import items, mapping, text
from backroom.channels.refunding import Refunded, RefundRefused, RefundRequest
from backroom.channels.shopify_graphql import ALLOWED, LESS, SERVICE, ShopifyGraphql, gid, scopes_in, with_reading
from backroom.channels.shopify_telling import MAY_HAVE, REFUND_SCOPES, SCOPES
from backroom.domain.money import exponent, to_minor
from backroom.outgoing.errors import ServiceSetup
from backroom.outgoing.probe import Wide, beyond

PAID = "SUCCESS"
# A refund that its provider has not carried out yet will be.
GIVEN = frozenset({PAID, "PENDING"})
BY_HAND = "Look at the order there; pay it back by hand, then say so on the page of returns."

_REFUND = """{
  id note totalRefundedSet { presentmentMoney { amount currencyCode } } transactions(first: 20) { nodes { status } }
}"""
PAYMENTS = """
query Payments($id: ID!) {
  order(id: $id) {
    id
    transactions(first: 100) {
      id kind status gateway parentTransaction { id } amountSet { presentmentMoney { amount currencyCode } }
    }
    refunds(first: 100) { id note }
  }
}
"""
# What came of a refund, one at a time: of all at once, Shopify would find the query too large.
ONE_REFUND = f"query OneRefund($id: ID!) {{ refund(id: $id) {_REFUND} }}"
REFUND = f"""
mutation Refund($input: RefundInput!, $key: String!) {{
  refundCreate(input: $input) @idempotent(key: $key) {{ refund {_REFUND} userErrors {{ field }} }}
}}
"""


class ShopifyRefunds:
    """One Shopify shop. `url` is its address, such as `https://my-shop.myshopify.com`; `token` its app's."""

    def __init__(self, url: str, token: str) -> None:
        self._shop = ShopifyGraphql(url, token)

    def refund(self, request: RefundRequest) -> Refunded:
        """Pay it back once: what was paid under this key before, and is found, is not paid again."""
        order = self._order(request)
        if found := self._found(order, request):
            return found
        shares, rest = _shares(order, request)
        if rest:
            raise RefundRefused(
                f"the payments of {request.external_id} at {SERVICE} have not so much left ({request.key}).",
                remedy=BY_HAND,
            )
        asked = {
            "orderId": text(order.get("id")),
            "note": f"Backroom {request.key}",
            "notify": False,
            "currency": request.currency,
            "transactions": shares,
        }
        # The same key for the same refund, however often it is asked: Shopify then answers as it did at first.
        key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"backroom:{request.key}"))
        said = mapping(
            self._shop.ask(REFUND, {"input": asked, "key": key}, request.key, again=True).get("refundCreate")
        )
        if items(said.get("userErrors")):
            raise RefundRefused(f"{SERVICE} does not pay {request.key} back.", remedy=BY_HAND)
        return _refunded(mapping(said.get("refund")), request)

    def find(self, request: RefundRequest) -> Refunded | None:
        """Look among the order's refunds for ours."""
        return self._found(self._order(request), request)

    def check(self) -> None:
        """Whether the token lets us in, and may read orders and pay them back."""
        # Who may write may read, and Shopify lists only the one.
        if "write_orders" not in scopes_in(self._shop.ask(ALLOWED, {}, "check")):
            raise ServiceSetup(
                SERVICE,
                f"{SERVICE} does not let us pay orders back.",
                remedy="Give the app in Shopify's admin write_orders, and install it anew.",
            )

    def wide(self) -> Wide | None:
        """The scopes beyond what anything of ours at Shopify needs: the token may be that of the channel as well."""
        needs = {scope for scopes in SCOPES.values() for scope in scopes}.union(REFUND_SCOPES, MAY_HAVE)
        return beyond(
            "the token for refunds", scopes_in(self._shop.ask(ALLOWED, {}, "check")), with_reading(needs), LESS
        )

    def close(self) -> None:
        self._shop.close()

    def _order(self, request: RefundRequest) -> dict[str, Any]:
        asked = {"id": gid("Order", request.external_id)}
        order = mapping(self._shop.ask(PAYMENTS, asked, request.key).get("order"))
        if not order:
            raise RefundRefused(f"{SERVICE} does not know the order of {request.key}.", remedy=BY_HAND)
        return order

    def _found(self, order: dict[str, Any], request: RefundRequest) -> Refunded | None:
        for one in items(order.get("refunds")):
            if text(one.get("note"), 300).endswith(f" {request.key}"):
                said = self._shop.ask(ONE_REFUND, {"id": text(one.get("id"))}, request.key)
                if _is_given(refund := mapping(said.get("refund"))):
                    return _refunded(refund, request)
        return None


def _is_given(refund: dict[str, Any]) -> bool:
    made = items(mapping(refund.get("transactions")).get("nodes"))
    return bool(made) and all(text(one.get("status")) in GIVEN for one in made)


def _refunded(refund: dict[str, Any], request: RefundRequest) -> Refunded:
    if not _is_given(refund):
        raise RefundRefused(
            f"{SERVICE} wrote down {request.key}, and its payment provider paid nothing back.",
            remedy="Pay it back at the payment provider, then say so on the page of returns.",
        )
    amount = text(mapping(mapping(refund.get("totalRefundedSet")).get("presentmentMoney")).get("amount"))
    try:
        paid = to_minor(amount, request.currency)
    except ValueError:
        paid = request.amount_minor
    return Refunded(text(refund.get("id")).rpartition("/")[2], paid)


def _shares(order: dict[str, Any], request: RefundRequest) -> tuple[list[dict[str, Any]], Decimal]:
    """What is paid back to which payment, the first ones first, and what is left over that none of them has."""
    given: dict[str, Decimal] = defaultdict(Decimal)
    transactions = items(order.get("transactions"))
    for one in transactions:
        if text(one.get("kind")) == "REFUND" and text(one.get("status")) in GIVEN:
            given[text(mapping(one.get("parentTransaction")).get("id"))] += _amount(one, request.currency)
    rest = Decimal(request.amount_minor).scaleb(-exponent(request.currency))
    shares = []
    for one in transactions:
        if text(one.get("kind")) not in ("SALE", "CAPTURE") or text(one.get("status")) != PAID:
            continue
        id_ = text(one.get("id"))
        share = min(rest, _amount(one, request.currency) - given[id_])
        if share > 0:
            rest -= share
            shares.append(
                {
                    "orderId": text(order.get("id")),
                    "parentId": id_,
                    "kind": "REFUND",
                    "gateway": text(one.get("gateway"), 100),
                    "amount": str(share),
                }
            )
    return shares, rest


def _amount(transaction: dict[str, Any], currency: str) -> Decimal:
    """What it moved, in the currency in which the customer paid; nothing where that is another than we owe."""
    money = mapping(mapping(transaction.get("amountSet")).get("presentmentMoney"))
    if text(money.get("currencyCode")) != currency:
        return Decimal(0)
    try:
        return Decimal(text(money.get("amount")) or "0")
    except InvalidOperation:
        return Decimal(0)
