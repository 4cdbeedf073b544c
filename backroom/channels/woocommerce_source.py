"""Asking WooCommerce for its orders: which changed since a moment, and some of them whole.

What belongs here: calls and paging of its REST API. What does not: what an order means; the answer is what its webhook
sends, and `woocommerce` reads both.
Sources: woocommerce-rest-api-docs v3 "List all orders", "Authentication over HTTPS"; WC_REST_CRUD_Controller.

Login is HTTP Basic with a consumer key of read permission, `ck_…:cs_…`. Dates in questions are written without a zone:
WordPress turns one that has a zone into its own local time, and then compares that with the UTC column.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from backroom.channels.reading import Reading, first_text, items, text
from backroom.channels.remote import Fetched, Listed
from backroom.channels.strict_json import BrokenJson, parse_json
from backroom.channels.woocommerce import PAYMENT, status_of
from backroom.domain.channels import ChannelSpec
from backroom.domain.model import PaymentStatus
from backroom.domain.money import EXPONENTS, to_minor
from backroom.outgoing.client import Account, Client
from backroom.outgoing.errors import AnswerUnreadable

SERVICE = "WooCommerce"
TOPIC = "order.updated"
# The most that it gives at once.
PAGE = 100
_FIELDS = "id,number,status,currency,total,date_created_gmt,date_modified_gmt,date_paid_gmt"
_SECOND = timedelta(seconds=1)


class WooSource:
    """One WooCommerce shop's orders. `login` is `ck_…:cs_…`."""

    def __init__(self, spec: ChannelSpec, login: str) -> None:
        assert spec.api is not None
        self._channel = spec.id
        user, _, password = login.partition(":")
        base = f"{spec.api.url.rstrip('/')}/wp-json/wc/v3"
        self._client = Client(Account(SERVICE, base, login=(user, password)))

    def changed_since(self, since: datetime) -> Iterator[Listed]:
        # By time, and by page only within one second: an order that is changed while we read leaves its page, and the
        # pages behind it would move up by one, past us.
        after, page = since - _SECOND, 1
        seen: set[tuple[str, datetime]] = set()
        while True:
            found = [self._listed(one) for one in self._ask(_since(after, page), self._channel)]
            for one in found:
                if (one.external_id, one.updated_at) not in seen:
                    seen.add((one.external_id, one.updated_at))
                    yield one
            if len(found) < PAGE:
                return
            last = found[-1].updated_at - _SECOND
            after, page = (last, 1) if last > after else (after, page + 1)

    def fetch(self, external_ids: Sequence[str]) -> Iterator[Fetched]:
        ids = [one for one in external_ids if one.isascii() and one.isdecimal() and len(one) < 20]
        for first in range(0, len(ids), PAGE):
            some = ids[first : first + PAGE]
            about = f"{self._channel} {some[0]}" + (f" and {len(some) - 1} more" if len(some) > 1 else "")
            for order in self._ask({"include": ",".join(some), "per_page": PAGE}, about):
                body = json.dumps(order, ensure_ascii=False).encode()
                yield Fetched(text(order.get("id")), TOPIC, body)

    def _ask(self, params: dict[str, Any], about: str) -> list[dict[str, Any]]:
        answer = self._client.call("GET", "orders", about=about, params=params)
        try:
            found = parse_json(answer.body)
        except BrokenJson:
            found = None
        if not isinstance(found, list):
            raise AnswerUnreadable(
                SERVICE,
                f"{SERVICE} answers something else than orders ({about}).",
                remedy="Open the url of the channel's api in a browser: is it the shop, and is nothing before it?",
            )
        return items(found)

    def _listed(self, order: dict[str, Any]) -> Listed:
        reading = Reading()
        external_id = text(order.get("id"))
        updated_at = reading.time(order.get("date_modified_gmt"), "date_modified_gmt", utc=True)
        placed_at = reading.time(order.get("date_created_gmt"), "date_created_gmt", utc=True)
        if reading.problems or not external_id:
            raise AnswerUnreadable(
                SERVICE, f"{SERVICE} lists an order without id or time ({self._channel}).", remedy="Report it to us."
            )
        status, currency = status_of(order), text(order.get("currency")).upper()
        # A status of a plug-in's own is nothing that we know; that it was paid is told beside it.
        paid = PAYMENT[status] is PaymentStatus.PAID if status in PAYMENT else bool(text(order.get("date_paid_gmt")))
        return Listed(
            external_id=external_id,
            updated_at=updated_at,
            paid=paid,
            name=first_text(order.get("number"), external_id)[:60],
            placed_at=placed_at,
            fulfilled=status == "completed",
            total_minor=_minor(order.get("total"), currency),
            currency=currency if currency in EXPONENTS else "",
        )


def _since(after: datetime, page: int) -> dict[str, Any]:
    return {
        "modified_after": f"{after:%Y-%m-%dT%H:%M:%S}",
        "dates_are_gmt": "true",
        "orderby": "modified",
        "order": "asc",
        "per_page": PAGE,
        "page": page,
        "_fields": _FIELDS,
    }


def _minor(amount: object, currency: str) -> int:
    try:
        return to_minor(text(amount) or "0", currency)
    except ValueError:
        return 0
