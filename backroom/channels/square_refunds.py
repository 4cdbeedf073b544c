"""Refunds at Square: back to the payment that the order was paid with.

What belongs here: which payment is paid back, and finding what was. What does not: when something is owed.
Source: developer.squareup.com "Refund payments": an idempotency key of 45 characters, the reason kept with the refund,
PENDING and COMPLETED for what is under way or done, REJECTED and FAILED for what was not paid.

Needs PAYMENTS_WRITE, PAYMENTS_READ and ORDERS_READ. The reason ends in our key, by which a refund is found again long
after Square has forgotten idempotency keys.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from backroom.channels.reading import mapping, text
from backroom.channels.refunding import Refunded, RefundRefused, RefundRequest
from backroom.channels.square_calls import SERVICE, SquareApi, code_of, idempotency_key
from backroom.outgoing.errors import ServiceRefused

_PAID = frozenset({"PENDING", "COMPLETED"})


class SquareRefunds:
    """One account at Square. `token` is an access token."""

    def __init__(self, url: str, token: str) -> None:
        self._api = SquareApi(url, token)

    def refund(self, request: RefundRequest) -> Refunded:
        """Pay it back once: what was paid under this key before, and is found, is not paid again."""
        payments = self._payments(request)
        if found := self._found(request, payments):
            return found
        payment = next((one for one in payments if _left(one, request.currency) >= request.amount_minor), None)
        if payment is None:
            raise RefundRefused(
                f"no payment of {request.external_id} at {SERVICE} has so much left ({request.key}).",
                remedy="Pay it back there by hand, then say so on the page of returns.",
            )
        asked = {
            "idempotency_key": idempotency_key(request.key),
            "payment_id": text(payment.get("id")),
            "amount_money": {"amount": request.amount_minor, "currency": request.currency},
            "reason": f"Backroom {request.key}",
        }
        try:
            answer = self._api.ask("v2/refunds", request.key, asked)
        except ServiceRefused as refused:
            raise RefundRefused(
                f"{SERVICE} does not pay {request.key} back ({code_of(refused) or refused.answer.status}).",
                remedy="Look at the payment there; pay it back by hand, then say so on the page of returns.",
            ) from None
        return _refunded(mapping(answer.get("refund")), request)

    def find(self, request: RefundRequest) -> Refunded | None:
        return self._found(request, self._payments(request))

    def check(self) -> None:
        """Look for one refund. Whether the token may pay is only known by paying: Square does not tell."""
        self._api.get("v2/refunds?limit=1", "check")

    def _payments(self, request: RefundRequest) -> list[dict[str, Any]]:
        return self._api.payments(self._api.order(request.external_id))

    def _found(self, request: RefundRequest, payments: list[dict[str, Any]]) -> Refunded | None:
        ids = [text(id_) for one in payments for id_ in one.get("refund_ids") or []]
        for id_ in ids:
            made = mapping(self._api.get(f"v2/refunds/{quote(id_, safe='')}", request.key).get("refund"))
            if text(made.get("reason"), 200).endswith(f" {request.key}") and text(made.get("status")) in _PAID:
                return _refunded(made, request)
        return None


def _refunded(made: dict[str, Any], request: RefundRequest) -> Refunded:
    if text(made.get("status")) not in _PAID:
        raise RefundRefused(
            f"{SERVICE} has not paid {request.key} back ({text(made.get('status')) or 'no status'}).",
            remedy="Pay it back there by hand, then say so on the page of returns.",
        )
    amount = mapping(made.get("amount_money")).get("amount")
    return Refunded(text(made.get("id")), amount if isinstance(amount, int) else request.amount_minor)


def _left(payment: dict[str, Any], currency: str) -> int:
    total, back = mapping(payment.get("total_money")), mapping(payment.get("refunded_money"))
    if text(total.get("currency")) != currency or text(payment.get("status")) != "COMPLETED":
        return 0
    return int(total.get("amount") or 0) - int(back.get("amount") or 0)
