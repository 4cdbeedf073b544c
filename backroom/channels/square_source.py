"""Asking Square for its orders: which changed since a moment, and some of them whole.

What belongs here: paging, and putting together what `square` reads. What does not: what an order means.
Source: developer.squareup.com "Search for orders", "Retrieve orders", "Batch retrieve catalog objects".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from backroom.channels.reading import Reading, first_text, items, mapping, text
from backroom.channels.remote import Fetched, Listed
from backroom.channels.square import FETCHED, changed_at, is_cancelled, is_cart, payment_of, refunded_minor
from backroom.channels.square_calls import ASKING, ORDERS_AT_ONCE, PAYING, SERVICE, TELLING, SquareApi
from backroom.domain.channels import ChannelSpec
from backroom.domain.model import PaymentStatus
from backroom.outgoing.errors import AnswerUnreadable
from backroom.outgoing.probe import Wide, beyond

PAGE = 500


class SquareSource:
    """The orders of some Square locations; `[channels.ID.api] account` names them, with commas between."""

    def __init__(self, spec: ChannelSpec, token: str) -> None:
        assert spec.api is not None
        self._channel = spec.id
        self._locations = [one.strip() for one in spec.api.account.split(",") if one.strip()]
        self._api = SquareApi(spec.api.url, token)
        self._needs = set(ASKING) if spec.api.ask else set()
        self._needs |= set(TELLING) | set(ASKING) if spec.api.tell else set()
        if spec.refunds is not None and spec.refunds.secret == spec.api.secret:
            self._needs |= set(PAYING)

    def wide(self) -> Wide | None:
        """The permissions that nothing of what this channel is asked and told needs."""
        return beyond(
            f"our token of {self._channel}",
            self._api.scopes(),
            self._needs,
            "Let the app at Square have an OAuth token with the permissions that docs/connectors.md lists: "
            "the application's own personal token has all there are.",
        )

    def check(self) -> None:
        """Look for one order at the configured locations."""
        self._search({"location_ids": self._locations, "limit": 1})

    def changed_since(self, since: datetime) -> Iterator[Listed]:
        asked = {
            "location_ids": self._locations,
            "query": {
                "filter": {"date_time_filter": {"updated_at": {"start_at": _rfc3339(since)}}},
                "sort": {"sort_field": "UPDATED_AT", "sort_order": "ASC"},
            },
            "limit": PAGE,
            "return_entries": False,
        }
        cursor, paid_back = "", set[str]()
        while True:
            # The cursor's time range ends when it was first asked for: what changes meanwhile comes next time.
            found = self._search(asked | ({"cursor": cursor} if cursor else {}))
            for order in items(found.get("orders")):
                if _is_return(order):
                    paid_back.add(_sale_of(order))
                elif not is_cart(order):
                    yield self._listed(order, [])
            cursor = text(found.get("cursor"), 4_000)
            if not cursor:
                break
        # Of what was paid back the sale need not have changed: it is listed once more, with the time of its refund.
        for sale in self._api.orders(sorted(filter(None, paid_back)), self._channel):
            if text(sale.get("location_id")) in self._locations:
                yield self._listed(sale, self._api.payments(sale))

    def fetch(self, external_ids: Sequence[str]) -> Iterator[Fetched]:
        ids = [one for one in external_ids if one.isascii() and one.isprintable() and 0 < len(one) <= 192]
        for first in range(0, len(ids), ORDERS_AT_ONCE):
            yield from self._whole(ids[first : first + ORDERS_AT_ONCE])

    def _whole(self, ids: Sequence[str]) -> Iterator[Fetched]:
        about = f"{self._channel} {ids[0]}" + (f" and {len(ids) - 1} more" if len(ids) > 1 else "")
        orders = {text(one.get("id")): one for one in self._api.orders(ids, about)}
        # A refund makes an order of its own, which only says of which sale it took something back.
        sold = {id_: _sale_of(order) for id_, order in orders.items() if _is_return(order)}
        missing = sorted({sale for sale in sold.values() if sale and sale not in orders})
        orders |= {text(one.get("id")): one for one in self._api.orders(missing, about)}
        lines = [line for one in orders.values() for line in items(one.get("line_items"))]
        skus = self._api.skus(
            [text(line.get("catalog_object_id")) for line in lines if line.get("catalog_object_id")], about
        )
        for asked in ids:
            order = orders.get(sold.get(asked, asked))
            if order is None:
                continue
            id_ = text(order.get("id"))
            if is_cart(order):
                yield Fetched(id_, FETCHED, b"", asked=asked, ours=False)
                continue
            yield Fetched(id_, FETCHED, self._body(order, skus), asked=asked)

    def _body(self, order: dict[str, Any], skus: dict[str, str]) -> bytes:
        ids = {text(line.get("catalog_object_id")) for line in items(order.get("line_items"))}
        whole = {
            "order": order,
            "skus": {id_: sku for id_, sku in sorted(skus.items()) if id_ in ids},
            "payments": [_payment(one) for one in self._api.payments(order)],
        }
        return json.dumps(whole, ensure_ascii=False).encode()

    def _search(self, asked: dict[str, Any]) -> dict[str, Any]:
        return self._api.ask("v2/orders/search", self._channel, asked)

    def _listed(self, order: dict[str, Any], payments: list[dict[str, Any]]) -> Listed:
        reading = Reading()
        external_id = text(order.get("id"))
        reading.time(order.get("updated_at"), "updated_at")
        placed_at = reading.time(order.get("created_at"), "created_at")
        if reading.problems or not external_id:
            raise AnswerUnreadable(
                SERVICE, f"{SERVICE} lists an order without id or time ({self._channel}).", remedy="Report it to us."
            )
        total = mapping(order.get("total_money"))
        minor = reading.minor(total.get("amount"), "", needed=False)
        refunded = 0 < minor <= refunded_minor(order, payments)
        ways = items(order.get("fulfillments"))
        return Listed(
            external_id=external_id,
            updated_at=changed_at(order, payments),
            paid=payment_of(order, []) is PaymentStatus.PAID and not is_cancelled(order) and not refunded,
            name=first_text(order.get("reference_id"), order.get("ticket_name"), external_id)[:60],
            placed_at=placed_at,
            fulfilled=bool(ways) and all(text(one.get("state")) == "COMPLETED" for one in ways),
            total_minor=minor,
            currency=text(total.get("currency")).upper(),
        )


def _is_return(order: dict[str, Any]) -> bool:
    return bool(items(order.get("returns"))) and not items(order.get("line_items"))


def _sale_of(order: dict[str, Any]) -> str:
    return first_text(*(one.get("source_order_id") for one in items(order.get("returns"))))


def _payment(payment: dict[str, Any]) -> dict[str, Any]:
    """What is read of a payment, and nothing of its card."""
    return {
        key: payment[key] for key in ("id", "status", "total_money", "refunded_money", "updated_at") if key in payment
    }


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
