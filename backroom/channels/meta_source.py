"""Asking Meta for orders, whole: each with its items and what was cancelled of them.

What belongs here: the calls' words. What does not: what an order means (`meta`).
Source: developers.facebook.com "Order API Reference": without `state` only new orders are listed; `updated_after` is
of changes of an order's state, so a change within it, such as one cancelled item, shows when its state moves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from backroom.channels.meta import COMPLETED, FETCHED, OURS, PROCESSING, is_cancelled, state_of
from backroom.channels.meta_calls import SERVICE, MetaApi, at, is_id, is_not_there
from backroom.channels.meta_levels import MetaLevels
from backroom.channels.reading import Reading, mapping, text
from backroom.channels.remote import Fetched, Listed
from backroom.domain.channels import ChannelSpec
from backroom.domain.money import EXPONENTS
from backroom.outgoing.errors import AnswerUnreadable, ServiceRefused

_LISTED = "id,order_status,created,last_updated,estimated_payment_details,is_test_order"
_ORDER = f"{_LISTED},channel,merchant_order_id,ship_by_date,selected_shipping_option,shipping_address,buyer_details"
_ITEMS = "id,product_id,retailer_id,product_name,quantity,price_per_unit,tax_details,customization"
_CANCELLATIONS = "id,items,cancel_reason"


class MetaSource:
    """One seller's orders, by the number of its settings: `[channels.ID.api] account`."""

    def __init__(self, spec: ChannelSpec, secret: str) -> None:
        assert spec.api is not None
        self._channel, self._account = spec.id, spec.api.account
        self._api = MetaApi(spec.api.url, secret)
        self._levels = MetaLevels(self._api, spec) if "stock" in spec.api.tell else None

    def close(self) -> None:
        self._api.close()

    def check(self) -> None:
        self._api.get(at(self._account, "commerce_orders"), "try", {"fields": "id", "limit": 1})
        if self._levels is not None:
            self._levels.check()

    def changed_since(self, since: datetime) -> Iterator[Listed]:
        asked = {"state": ",".join(OURS), "updated_after": int(since.timestamp()), "fields": _LISTED}
        # In what order they come is not documented.
        found = [self._listed(one) for one in self._api.pages(at(self._account, "commerce_orders"), "list", asked)]
        yield from sorted(found, key=lambda one: (one.updated_at, one.external_id))

    def fetch(self, external_ids: Sequence[str]) -> Iterator[Fetched]:
        for id_ in filter(is_id, external_ids):
            try:
                order = self._api.get(at(id_), id_, {"fields": _ORDER})
            except ServiceRefused as refused:
                if is_not_there(refused):
                    continue
                raise
            if state_of(order) == PROCESSING:
                yield Fetched(id_, FETCHED, b"", ours=False)
                continue
            yield Fetched(id_, FETCHED, json.dumps(whole(self._api, id_, order), ensure_ascii=False).encode())

    def _listed(self, order: dict[str, Any]) -> Listed:
        reading = Reading()
        external_id = text(order.get("id"))
        updated_at, placed_at = (reading.time(order.get(name), name) for name in ("last_updated", "created"))
        if reading.problems or not external_id:
            raise AnswerUnreadable(
                SERVICE, f"{SERVICE} lists an order without id or time ({self._channel}).", remedy="Report it to us."
            )
        total = mapping(mapping(order.get("estimated_payment_details")).get("total_amount"))
        currency = text(total.get("currency")).upper()
        known = currency in EXPONENTS
        completed = state_of(order) == COMPLETED
        # A list does not say whether what is complete was sent or cancelled: only the order does.
        off = completed and is_cancelled(whole(self._api, external_id, {"id": external_id}))
        return Listed(
            external_id=external_id,
            updated_at=updated_at,
            paid=order.get("is_test_order") is not True and not off,
            name=external_id,
            placed_at=placed_at,
            fulfilled=completed and not off,
            total_minor=reading.money(total.get("amount"), "", currency, needed=False) if known else 0,
            currency=currency if known else "",
        )


def whole(api: MetaApi, external_id: str, order: dict[str, Any]) -> dict[str, Any]:
    """An order with all of its items and cancellations, however many pages they are."""
    edges = {
        name: {"data": list(api.pages(at(external_id, name), external_id, {"fields": fields}))}
        for name, fields in (("items", _ITEMS), ("cancellations", _CANCELLATIONS))
    }
    return order | edges
