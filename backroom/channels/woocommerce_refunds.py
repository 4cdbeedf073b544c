"""Refunds through WooCommerce's REST API: the shop pays back by the order's own payment gateway.

Requests and answers are those of its documentation, "Order refunds" (REST API v3). The reason of a refund ends in our
key, by which it is found again: WooCommerce knows no idempotency key. Its own stock is left alone (`api_restock`), for
the pieces are in ours. Login is HTTP Basic with a consumer key of write permission, `ck_…:cs_…`.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from backroom.channels.refunding import ChannelAway, Refunded, RefundRefused, RefundRequest, RefundSetupBroken
from backroom.domain.errors import BackroomError, OutcomeUnknown
from backroom.domain.money import exponent, to_minor

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
        answer = self._call("POST", request, json=body)
        if answer is None or (answer.status_code >= 500 and not _is_its_own_word(answer)):
            return self._asked_for(request)
        if answer.status_code != 201:
            raise _refused(answer.status_code, request)
        made = _read(answer)
        if made.get("refunded_payment") is not True:
            raise RefundRefused(
                f"WooCommerce wrote down {request.key}, and its payment gateway paid nothing back.",
                remedy="Pay it back at the payment provider, then say so on the page of returns.",
            )
        return _refunded(made, request)

    def find(self, request: RefundRequest) -> Refunded | None:
        """Look among the order's refunds for ours."""
        answer = self._call("GET", request, params={"per_page": PAGE})
        if answer is None or answer.status_code >= 500:
            raise ChannelAway(f"WooCommerce does not say now whether {request.key} was paid back.")
        if answer.status_code != 200:
            raise _refused(answer.status_code, request)
        for made in _read_all(answer):
            ours = str(made.get("reason", "")).endswith(request.key)
            if ours and made.get("refunded_payment") is True:
                return _refunded(made, request)
        return None

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

    def _call(self, method: str, request: RefundRequest, **more: Any) -> requests.Response | None:
        """The answer; None where it is lost, and the call may have arrived. ChannelAway where it never left us."""
        user, _, password = self.login.partition(":")
        path = f"/wp-json/wc/v3/orders/{quote(request.external_id, safe='')}/refunds"
        try:
            return requests.request(
                method,
                self.url.rstrip("/") + path,
                auth=(user, password),
                timeout=(self.connect_timeout, self.read_timeout),
                allow_redirects=False,
                **more,
            )
        except requests.exceptions.RequestException as failure:
            never_left = _never_left(failure)
        if never_left:
            # Outside the handler, so that no traceback leads to the library's error and the address in it.
            raise ChannelAway(f"WooCommerce cannot be reached for {request.key}.")
        return None


def _never_left(failure: requests.exceptions.RequestException) -> bool:
    """Whether no byte of the request was sent: no connection, or no trust in whom it leads to."""
    if isinstance(failure, requests.exceptions.ConnectTimeout):
        return True
    reason = failure.args[0] if failure.args else None
    cause = reason.reason if isinstance(reason, MaxRetryError) else None
    if isinstance(cause, NewConnectionError):
        return True
    inner = cause.args[0] if cause is not None and cause.args else None
    return isinstance(inner, ssl.SSLCertVerificationError)


def _is_its_own_word(answer: requests.Response) -> bool:
    """An error of WooCommerce itself, which undoes a refund whose payment gateway failed; not of a proxy before it."""
    return str(_read(answer).get("code", "")).startswith("woocommerce_")


def _amount(request: RefundRequest) -> str:
    return str(Decimal(request.amount_minor).scaleb(-exponent(request.currency)))


def _refunded(made: Mapping[str, Any], request: RefundRequest) -> Refunded:
    paid = to_minor(str(made.get("amount", "")).lstrip("-"), request.currency)
    return Refunded(str(made.get("id", "")), paid)


def _refused(status: int, request: RefundRequest) -> BackroomError:
    if status in (401, 403) or 300 <= status < 400:
        return RefundSetupBroken(
            f"WooCommerce refuses our login for {request.key} ({status}).",
            remedy="Give its key write permission, and check url and secret of the channel's refunds.",
        )
    if status in (408, 425, 429):
        return ChannelAway(f"WooCommerce takes {request.key} not now ({status}).")
    return RefundRefused(
        f"WooCommerce does not pay {request.key} back ({status}).",
        remedy="Look at the order there; pay it back by hand, then say so on the page of returns.",
    )


def _read(answer: requests.Response) -> Mapping[str, Any]:
    try:
        made = answer.json()
    except ValueError:
        return {}
    return made if isinstance(made, dict) else {}


def _read_all(answer: requests.Response) -> list[Mapping[str, Any]]:
    try:
        made = answer.json()
    except ValueError:
        return []
    return [one for one in made if isinstance(one, dict)] if isinstance(made, list) else []
