"""Refunds through WooCommerce's REST API: the shop pays back by the order's own payment gateway.

Requests and answers are those of its documentation, "Order refunds" (REST API v3). The reason of a refund ends in our
key, by which it is found again: WooCommerce knows no idempotency key. Its own stock is left alone (`api_restock`), for
the pieces are in ours. Login is HTTP Basic with a consumer key of write permission, `ck_…:cs_…`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from backroom.channels.refunding import ChannelAway, Refunded, RefundRefused, RefundRequest, RefundSetupBroken
from backroom.domain.errors import BackroomError, OutcomeUnknown
from backroom.domain.money import exponent, to_minor
from backroom.outgoing.answer import Answer
from backroom.outgoing.client import Account, Client
from backroom.outgoing.errors import AnswerUnreadable, ServiceAway, ServiceRefused, ServiceSetup, ServiceSilent

CONNECT_TIMEOUT = 5.0
# The payment gateway is asked meanwhile.
READ_TIMEOUT = 60.0
PAGE = 100


@dataclass(frozen=True, slots=True)
class WooRefunds:
    """One WooCommerce shop. `url` is its address, such as `https://shop.example.com`; `login` is `ck_…:cs_…`."""

    url: str
    login: str = field(repr=False)
    connect_timeout: float = CONNECT_TIMEOUT
    read_timeout: float = READ_TIMEOUT

    def refund(self, request: RefundRequest) -> Refunded:
        """Pay back by the order's payment gateway; what was paid before under this key is not paid again."""
        body = {
            "amount": _amount(request),
            "reason": f"Backroom {request.key}",
            "api_refund": True,
            "api_restock": False,
        }
        answer: Answer | None = None
        try:
            answer = self._call("POST", request, json=body)
        except ServiceSilent as silent:
            if silent.answer is not None and _is_its_own_word(silent.answer):
                answer = silent.answer
        except AnswerUnreadable:
            pass
        made = answer.mapping() if answer is not None else {}
        if answer is None or (answer.status == 201 and not made):
            return self._asked_for(request)
        if answer.status != 201:
            raise _refused(answer.status, request.key)
        if made.get("refunded_payment") is not True:
            raise RefundRefused(
                f"WooCommerce wrote down {request.key}, and its payment gateway paid nothing back.",
                remedy="Pay it back at the payment provider, then say so on the page of returns.",
            )
        return _refunded(made, request)

    def find(self, request: RefundRequest) -> Refunded | None:
        """Look among the order's refunds for ours."""
        answer = self._call("GET", request, params={"per_page": PAGE})
        if answer.status != 200:
            raise _refused(answer.status, request.key)
        for made in _read_all(answer):
            ours = str(made.get("reason", "")).endswith(request.key)
            if ours and made.get("refunded_payment") is True:
                return _refunded(made, request)
        return None

    def check(self) -> None:
        """Whether the login lets us read. What it may write is only known by writing: WooCommerce does not tell."""
        answer = self._ask("GET", "orders", "check", params={"per_page": 1})
        if not isinstance(answer.json(), list):
            raise AnswerUnreadable(
                "WooCommerce",
                "WooCommerce answers something else than orders.",
                remedy="Open the url of the channel's refunds in a browser: is it the shop, and is nothing before it?",
            )

    def _asked_for(self, request: RefundRequest) -> Refunded:
        """After an answer that was lost, or a failure half-way: it may have been paid all the same."""
        try:
            found = self.find(request)
        except BackroomError:
            found = None
        if found is None:
            # Even a "no" may come too early: the payment gateway may still be at it.
            raise OutcomeUnknown(
                f"nobody can tell whether {request.key} was paid back", remedy="Look at the order in WooCommerce."
            )
        return found

    def _call(self, method: str, request: RefundRequest, **more: Any) -> Answer:
        """The answer. ServiceSilent where that to a POST is lost, and it may have been paid."""
        path = f"orders/{quote(request.external_id, safe='')}/refunds"
        return self._ask(method, path, request.key, **more)

    def _ask(self, method: str, path: str, about: str, **more: Any) -> Answer:
        user, _, password = self.login.partition(":")
        account = Account(
            "WooCommerce",
            self.url.rstrip("/"),
            login=(user, password),
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
        )
        error: BackroomError
        try:
            with Client(account) as client:
                return client.call(method, f"wp-json/wc/v3/{path}", about=about, **more)
        except ServiceAway as away:
            error = ChannelAway(away.message, retry_after=away.retry_after)
        except ServiceSetup as setup:
            error = RefundSetupBroken(
                setup.message,
                remedy="Give its key write permission, and check url and secret of the channel's refunds.",
            )
        except ServiceRefused as refused:
            error = _refused(refused.answer.status, about)
        # Outside the handlers, so that no traceback leads to the call.
        raise error


def _is_its_own_word(answer: Answer) -> bool:
    """An error of WooCommerce itself, which undoes a refund whose payment gateway failed; not of a proxy before it."""
    return str(answer.mapping().get("code", "")).startswith("woocommerce_")


def _amount(request: RefundRequest) -> str:
    return str(Decimal(request.amount_minor).scaleb(-exponent(request.currency)))


def _refunded(made: Mapping[str, Any], request: RefundRequest) -> Refunded:
    paid = to_minor(str(made.get("amount", "")).lstrip("-"), request.currency)
    return Refunded(str(made.get("id", "")), paid)


def _refused(status: int, key: str) -> BackroomError:
    return RefundRefused(
        f"WooCommerce does not pay {key} back ({status}).",
        remedy="Look at the order there; pay it back by hand, then say so on the page of returns.",
    )


def _read_all(answer: Answer) -> list[Mapping[str, Any]]:
    made = answer.json()
    return [one for one in made if isinstance(one, dict)] if isinstance(made, list) else []
