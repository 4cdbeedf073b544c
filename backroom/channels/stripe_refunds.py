"""Refunds at Stripe: back to the payment of the checkout session.

What belongs here: the call, and finding what was paid back before. What does not: when something is owed.
Source: docs.stripe.com API reference "Create a refund", "List all refunds"; status pending, requires_action and
succeeded for what is under way or done, failed and canceled for what was not paid.

Needs a restricted key that may write Refunds and read Checkout Sessions. Our key stands in the refund's metadata, by
which it is found again long after Stripe has forgotten its idempotency keys.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from backroom.channels.reading import Reading, mapping, text
from backroom.channels.refunding import Refunded, RefundRefused, RefundRequest
from backroom.channels.stripe_amounts import read_minor, to_stripe
from backroom.channels.stripe_calls import SERVICE, StripeApi
from backroom.channels.stripe_checkout import payment_intent_of
from backroom.outgoing.errors import ServiceRefused
from backroom.outgoing.probe import Wide

_PAID = frozenset({"pending", "requires_action", "succeeded"})
_BY_HAND = "Pay it back there by hand, then say so on the page of returns."


class StripeRefunds:
    """One account at Stripe. `key` is a restricted key."""

    def __init__(self, url: str, key: str) -> None:
        self._api = StripeApi(url, key)

    def refund(self, request: RefundRequest) -> Refunded:
        """Pay it back once: what was paid under this key before, and is found, is not paid again."""
        intent = self._intent(request)
        if found := self._found(request, intent):
            return found
        asked = {
            "payment_intent": intent,
            "amount": str(to_stripe(request.amount_minor, request.currency)),
            "reason": "requested_by_customer",
            "metadata[backroom]": request.key,
        }
        try:
            return _refunded(self._api.post("v1/refunds", request.key, asked, request.key), request)
        except ServiceRefused as refused:
            code = text(mapping(refused.answer.mapping().get("error")).get("code"))
            raise RefundRefused(
                f"{SERVICE} does not pay {request.key} back ({code or refused.answer.status}).", remedy=_BY_HAND
            ) from None

    def find(self, request: RefundRequest) -> Refunded | None:
        return self._found(request, self._intent(request))

    def wide(self) -> Wide | None:
        """By how the key begins."""
        return self._api.wide()

    def check(self) -> None:
        """Look for one refund and one session. Whether the key may write refunds is only known by paying."""
        self._api.get("v1/refunds", "check", [("limit", "1")])
        self._api.get("v1/checkout/sessions", "check", [("limit", "1")])

    def _intent(self, request: RefundRequest) -> str:
        session = self._api.get(f"v1/checkout/sessions/{quote(request.external_id, safe='')}", request.key, [])
        intent = payment_intent_of(session)
        if not intent:
            raise RefundRefused(f"nothing was paid for {request.external_id} at {SERVICE}.", remedy=_BY_HAND)
        return intent

    def _found(self, request: RefundRequest, intent: str) -> Refunded | None:
        for made in self._api.pages("v1/refunds", request.key, [("payment_intent", intent)]):
            ours = text(mapping(made.get("metadata")).get("backroom")) == request.key
            if ours and text(made.get("status")) in _PAID:
                return _refunded(made, request)
        return None


def _refunded(made: dict[str, Any], request: RefundRequest) -> Refunded:
    if text(made.get("status")) not in _PAID:
        raise RefundRefused(
            f"{SERVICE} has not paid {request.key} back ({text(made.get('status')) or 'no status'}).", remedy=_BY_HAND
        )
    quiet = Reading()
    paid = read_minor(quiet, made, "amount", "", request.currency, needed=True)
    return Refunded(text(made.get("id")), request.amount_minor if quiet.problems else paid)
