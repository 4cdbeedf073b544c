"""Telling Meta what became of an order: that we took it, what left, and that we do not make it; and of levels.

What belongs here: Meta's words for that. What does not: the catalogue's (`meta_levels`), and when it is told
(`flows.tell_channel`).
Source: developers.facebook.com "Order Acknowledgement API", "Fulfillment API", "Cancellation and Refund API". An order
is paid out when its parcels have numbers. A key that met an error gives the same error again, so each call has a new
key, and what was told before is looked up first: a shipment by our id of it, the rest by the order's state.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from backroom.channels.meta import COMPLETED, IN_PROGRESS, PROCESSING, is_cancelled, state_of
from backroom.channels.meta_calls import SERVICE, MetaApi, at, code_of
from backroom.channels.meta_levels import MetaLevels
from backroom.channels.meta_source import whole
from backroom.channels.reading import items, text
from backroom.channels.remote import Cancelled, NewsRefused, Shipped, StockSet, StockTold, Taken
from backroom.domain.channels import ChannelSpec
from backroom.outgoing.errors import ServiceAway, ServiceRefused

# Meta's codes of carriers that we know by name; any other is OTHER.
_CARRIERS = frozenset({"dhl", "ups", "usps", "fedex", "dpd", "gls"})
_OTHER = "OTHER"
_REASONS = {"out_of_stock": "OUT_OF_STOCK", "forgotten": "CUSTOMER_REQUESTED"}
_OTHER_REASON = "CANCEL_REASON_OTHER"


class MetaNews:
    """One seller at Meta."""

    idempotent = False

    def __init__(self, spec: ChannelSpec, secret: str) -> None:
        assert spec.api is not None
        self._account = spec.api.account
        self._api = MetaApi(spec.api.url, secret)
        self._levels = MetaLevels(self._api, spec)

    def close(self) -> None:
        self._api.close()

    def taken(self, news: Taken) -> None:
        """Acknowledge it, by which the buyer can no more cancel; harmless to repeat."""
        body = {
            "idempotency_key": str(uuid.uuid4()),
            "orders": [{"id": news.external_id, "merchant_order_reference": news.number}],
        }
        answer = self._api.post(at(self._account, "acknowledge_orders"), news.key, body)
        mine = [one for one in items(answer.get("orders")) if text(one.get("id")) == news.external_id]
        if mine and "error" not in mine[0]:
            return
        state = self._state(news)
        if state == PROCESSING:
            raise ServiceAway(SERVICE, f"{SERVICE} still works on {news.external_id} ({news.key}).")
        if state not in (IN_PROGRESS, COMPLETED):
            raise NewsRefused(
                f"{SERVICE} does not let us take {news.external_id} ({news.key}).", remedy="Look at the order there."
            )

    def shipped(self, news: Shipped) -> str:
        if (known := self.was_told(news)) is not None:
            return known
        named = news.carrier.strip().lower()
        code = named if named in _CARRIERS else _OTHER
        try:
            self._ship(news, code)
        except ServiceRefused as refused:
            if code == _OTHER or not news.tracking:
                raise self._refused(news, refused) from None
            # It may be the carrier that it does not take: the buyer has the number all the same.
            try:
                self._ship(news, _OTHER)
            except ServiceRefused as again:
                raise self._refused(news, again) from None
        return shipment_id(news.key)

    def was_told(self, news: Shipped) -> str | None:
        asked = {"fields": "id,external_shipment_id,tracking_info"}
        for one in self._api.pages(at(news.external_id, "shipments"), news.key, asked):
            if text(one.get("external_shipment_id")) == shipment_id(news.key):
                return shipment_id(news.key)
        return None

    def cancelled(self, news: Cancelled) -> None:
        if is_cancelled(whole(self._api, news.external_id, {"id": news.external_id})):
            return
        code = _REASONS.get(news.reason, _OTHER_REASON)
        # Without items it is all that was not sent. Nothing goes back to the catalogue's count: that is not ours.
        body = {"idempotency_key": str(uuid.uuid4()), "cancel_reason": {"reason_code": code}, "restock_items": False}
        try:
            self._api.post(at(news.external_id, "cancellations"), news.key, body)
        except ServiceRefused as refused:
            raise self._refused(news, refused) from None

    def stock(self, news: Sequence[StockTold]) -> Iterator[StockSet]:
        return self._levels.tell(news)

    def _ship(self, news: Shipped, carrier: str) -> None:
        body: dict[str, Any] = {
            "idempotency_key": str(uuid.uuid4()),
            "external_shipment_id": shipment_id(news.key),
            "items": [_item(line.external_id, line.sku, line.quantity) for line in news.lines],
        }
        if news.tracking:
            body["tracking_info"] = {
                "carrier": carrier,
                "tracking_number": news.tracking,
                "shipping_method_name": news.carrier or "Parcel",
            }
        self._api.post(at(news.external_id, "shipments"), news.key, body)

    def _state(self, news: Taken) -> str:
        return state_of(self._api.get(at(news.external_id), news.key, {"fields": "id,order_status"}))

    def _refused(self, news: Shipped | Cancelled, refused: ServiceRefused) -> NewsRefused:
        return NewsRefused(
            f"{SERVICE} does not take {news.key} ({code_of(refused)}).",
            remedy="Look at the order there: was it cancelled, or sent by hand?",
        )


def shipment_id(key: str) -> str:
    """Our id of a shipment, of letters and digits only, as Meta takes it."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _item(external_id: str, sku: str, quantity: int) -> dict[str, Any]:
    return ({"item_id": external_id} if external_id else {"retailer_id": sku}) | {"quantity": quantity}
