"""Refunds at Meta: of a whole order, once.

What belongs here: the call, and finding what was paid back before. What does not: when something is owed.
Source: developers.facebook.com "Cancellation and Refund API". What was sent and captured is paid back; without items it
is all of it. A part is named by items and amounts before tax, to which Meta adds a tax of its own reckoning: a part
that must be exact is paid back by a person. Meta keeps no reference of ours, so a refund is known by its amount.
"""

from __future__ import annotations

import uuid
from typing import Any

from backroom.channels.meta_calls import SERVICE, MetaApi, at, code_of
from backroom.channels.reading import Reading, mapping, text
from backroom.channels.refunding import Refunded, RefundRefused, RefundRequest
from backroom.outgoing.errors import ServiceRefused

_BY_HAND = "Pay it back in Commerce Manager, then say so on the page of returns."


class MetaRefunds:
    """One seller at Meta. `token` may manage orders."""

    def __init__(self, url: str, token: str) -> None:
        self._api = MetaApi(url, token)

    def refund(self, request: RefundRequest) -> Refunded:
        if found := self.find(request):
            return found
        if self._made(request):
            raise RefundRefused(f"{SERVICE} has paid back some of {request.external_id} before.", remedy=_BY_HAND)
        if self._total(request) != request.amount_minor:
            raise RefundRefused(
                f"{SERVICE} adds a tax of its own to a part of an order ({request.key}).", remedy=_BY_HAND
            )
        body = {"idempotency_key": str(uuid.uuid4()), "reason_code": "REFUND_REASON_OTHER"}
        try:
            self._api.post(at(request.external_id, "refunds"), request.key, body)
        except ServiceRefused as refused:
            raise RefundRefused(
                f"{SERVICE} does not pay {request.key} back ({code_of(refused)}).", remedy=_BY_HAND
            ) from None
        # Its answer has no id of what it made.
        return self.find(request) or Refunded(request.external_id, request.amount_minor)

    def find(self, request: RefundRequest) -> Refunded | None:
        for made in self._made(request):
            if _minor(made.get("refund_amount"), request.currency) == request.amount_minor:
                return Refunded(text(made.get("id")), request.amount_minor)
        return None

    def check(self) -> None:
        """Ask whose the token is. Whether it may pay is only known by paying: Meta tells that of no order we name."""
        self._api.get("me", "check", {"fields": "id"})

    def _made(self, request: RefundRequest) -> list[dict[str, Any]]:
        asked = {"fields": "id,refund_amount"}
        return list(self._api.pages(at(request.external_id, "refunds"), request.key, asked))

    def _total(self, request: RefundRequest) -> int | None:
        order = self._api.get(at(request.external_id), request.key, {"fields": "id,estimated_payment_details"})
        return _minor(mapping(order.get("estimated_payment_details")).get("total_amount"), request.currency)


def _minor(value: object, currency: str) -> int | None:
    told, reading = mapping(value), Reading()
    if isinstance(told.get("total"), dict):
        told = mapping(told.get("total"))
    if text(told.get("currency")).upper() != currency:
        return None
    found = reading.money(told.get("amount"), "", currency)
    return None if reading.problems else found
