"""Asking Etsy for receipts, and telling it of parcels and levels.

What belongs here: the two calls' words. What does not: what a receipt means (`etsy`), and the login (`etsy_calls`).
Source: developers.etsy.com Open API v3 reference "getShopReceipts" (`min_last_modified`, sorted by `updated`),
"getShopReceipt", "createReceiptShipment" (each call is one more shipment and one more mail to the buyer; without a
number it only marks the receipt as shipped; a carrier that Etsy does not know is `other`).

Etsy has no call that cancels a receipt or pays it back. Levels are `etsy_levels`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from backroom.channels.etsy import FETCHED, is_cancelled, minor, payment_of
from backroom.channels.etsy_calls import PAGE, SERVICE, EtsyApi
from backroom.channels.etsy_levels import EtsyLevels
from backroom.channels.reading import Reading, items, mapping, text
from backroom.channels.remote import Cancelled, Drawer, Fetched, Listed, OffSale, Shipped, StockSet, StockTold
from backroom.domain.channels import ChannelSpec
from backroom.domain.errors import AskPerson
from backroom.domain.model import PaymentStatus
from backroom.domain.money import EXPONENTS
from backroom.outgoing.errors import AnswerUnreadable, ServiceRefused, ServiceSetup
from backroom.outgoing.probe import Wide, beyond

# What telling it of stock needs beside what asking does.
_LISTINGS = ("listings_r", "listings_w")


class NotOffered(AskPerson):
    """Etsy has no call for this."""

    cause = "etsy-not-offered"


class _EtsyShop:
    """One Etsy shop by its number, `[channels.ID.api] account`."""

    def __init__(self, spec: ChannelSpec, secret: str) -> None:
        assert spec.api is not None
        self._spec, self._channel = spec, spec.id
        self._told_of_stock = "stock" in spec.api.tell
        self._receipts = f"v3/application/shops/{spec.api.account}/receipts"
        self._api = EtsyApi(spec.api.url, secret)

    def keep_in(self, drawer: Drawer) -> None:
        self._api.keep_in(drawer)

    def close(self) -> None:
        self._api.close()

    def check(self) -> None:
        """Whether Etsy knows the app, and its login opens the shop: the drawer keeps one that is renewed for it."""
        self._api.ping()
        self._api.get(self._receipts, self._channel, {"limit": 1})
        if self._told_of_stock:
            self._api.need(_LISTINGS)

    def wide(self) -> Wide | None:
        """The scopes that nothing of what this shop is asked and told needs."""
        assert self._spec.api is not None
        needs = {"transactions_r", *(_LISTINGS if self._told_of_stock else ())}
        needs |= {"transactions_w"} if "shipped" in self._spec.api.tell else set()
        remedy = (
            "Connect the app to the shop again without these scopes, and put the new refresh token into the secrets."
        )
        return beyond(f"our login of {self._channel}", self._api.scopes(), needs, remedy)


class EtsySource(_EtsyShop):
    """Asked for its receipts."""

    def changed_since(self, since: datetime) -> Iterator[Listed]:
        # By time, and by offset only within one second: a receipt that changes while we read leaves its page.
        after, offset = int(since.timestamp()), 0
        seen: set[tuple[str, datetime]] = set()
        while True:
            asked = {
                "min_last_modified": after,
                "sort_on": "updated",
                "sort_order": "asc",
                "limit": PAGE,
                "offset": offset,
            }
            found = [
                self._listed(one) for one in items(self._api.get(self._receipts, self._channel, asked).get("results"))
            ]
            for one in found:
                if (one.external_id, one.updated_at) not in seen:
                    seen.add((one.external_id, one.updated_at))
                    yield one
            if len(found) < PAGE:
                return
            last = int(found[-1].updated_at.timestamp())
            after, offset = (last, 0) if last > after else (after, offset + PAGE)

    def fetch(self, external_ids: Sequence[str]) -> Iterator[Fetched]:
        for id_ in external_ids:
            if not (id_.isascii() and id_.isdecimal() and len(id_) < 20):
                continue
            try:
                receipt = self._api.get(f"{self._receipts}/{id_}", id_)
            except ServiceRefused as refused:
                if refused.answer.status == 404:
                    continue
                raise
            yield Fetched(id_, FETCHED, json.dumps(receipt, ensure_ascii=False).encode())

    def _listed(self, receipt: dict[str, Any]) -> Listed:
        reading = Reading()
        external_id = text(receipt.get("receipt_id"))
        updated_at = reading.epoch(receipt.get("updated_timestamp") or receipt.get("update_timestamp"), "")
        placed_at = reading.epoch(receipt.get("created_timestamp") or receipt.get("create_timestamp"), "")
        if reading.problems or not external_id:
            raise AnswerUnreadable(
                SERVICE, f"{SERVICE} lists a receipt without id or time ({self._channel}).", remedy="Report it to us."
            )
        total = mapping(receipt.get("grandtotal"))
        currency = text(total.get("currency_code")).upper()
        known = currency in EXPONENTS
        return Listed(
            external_id=external_id,
            updated_at=updated_at,
            paid=payment_of(receipt) is PaymentStatus.PAID and not is_cancelled(receipt),
            name=external_id,
            placed_at=placed_at,
            fulfilled=receipt.get("is_shipped") is True,
            total_minor=minor(reading, receipt.get("grandtotal"), "", currency) if known else 0,
            currency=currency if known else "",
        )


class EtsyNews(_EtsyShop):
    """Told of parcels and levels. It knows no keys: what was told is looked up in the receipt's shipments."""

    idempotent = False
    _off_sale: OffSale | None = None

    def keep_off_sale_in(self, off_sale: OffSale) -> None:
        self._off_sale = off_sale

    def shipped(self, news: Shipped) -> str:
        if (known := self.was_told(news)) is not None:
            return known
        told = {"carrier_name": news.carrier, "tracking_code": news.tracking} if news.tracking else {}
        path = f"{self._receipts}/{news.external_id}/tracking"
        try:
            receipt = self._api.post(path, news.key, told)
        except ServiceRefused as refused:
            if refused.answer.status != 400 or not told:
                raise
            # It may be the carrier that it does not know.
            receipt = self._api.post(path, news.key, told | {"carrier_name": "other"})
        return _shipment(receipt, news) or ""

    def was_told(self, news: Shipped) -> str | None:
        return _shipment(self._api.get(f"{self._receipts}/{news.external_id}", news.key), news)

    def cancelled(self, news: Cancelled) -> None:
        raise NotOffered(
            f"{SERVICE} takes no cancellations ({news.key}).", remedy="Cancel it on Etsy's own page, then say so here."
        )

    def stock(self, news: Sequence[StockTold]) -> Iterator[StockSet]:
        assert self._off_sale is not None
        try:
            yield from EtsyLevels(self._api, self._spec, self._off_sale).tell(news)
        except ServiceSetup:
            # It says no more than "not allowed": an older login has not all scopes.
            self._api.need(_LISTINGS)
            raise


def _shipment(receipt: dict[str, Any], news: Shipped) -> str | None:
    """The shipment that says what we would tell; for a parcel without a number, that it was shipped at all."""
    for one in items(receipt.get("shipments")):
        if news.tracking and text(one.get("tracking_code")) == news.tracking:
            return text(one.get("receipt_shipping_id")) or news.tracking
    return "shipped" if not news.tracking and receipt.get("is_shipped") is True else None
