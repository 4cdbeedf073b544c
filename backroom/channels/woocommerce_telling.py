"""Telling WooCommerce what became of an order, and what it may sell.

What belongs here: calls of its REST API, and what each answer means. What does not: asking it for orders
(`woocommerce_source`), and paying back (`woocommerce_refunds`).
Sources: woocommerce-rest-api-docs v3 "Update an order" (status, meta_data), "Order notes", "List all products" (`sku`,
several with commas; finds variations too), "Batch update products" and "... product variations" (100 at once);
woocommerce.com "Shipment Tracking", REST API (its meta field `_wc_shipment_tracking_items`).

A part that left is a note to the order, which ends in our key, by which it is found again. The tracking number stands
in the note, and in the shape of Shipment Tracking for whoever has that plug-in: it reads a meta field. The order is
`completed` with its last part; then WooCommerce writes to the customer, where that e-mail is not turned off there.
Login is HTTP Basic with a consumer key of read/write permission, `ck_…:cs_…`.
"""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from backroom.channels.reading import items, mapping, text
from backroom.channels.remote import (
    LEVEL_REFUSED,
    NOT_COUNTED,
    SKU_TWICE,
    UNKNOWN_SKU,
    Cancelled,
    NewsRefused,
    Shipped,
    StockSet,
    StockTold,
)
from backroom.channels.woocommerce_source import SERVICE
from backroom.domain.channels import ChannelSpec
from backroom.domain.selling import level_to_set
from backroom.outgoing.answer import Answer
from backroom.outgoing.client import Account, Client
from backroom.outgoing.errors import AnswerUnreadable, ServiceRefused, ServiceSetup

TRACKING = "_wc_shipment_tracking_items"
COMPLETED, CANCELLED_STATUS = "completed", "cancelled"
# The order has ended there without us.
ENDED = frozenset({CANCELLED_STATUS, "refunded", "failed", "trash"})
AT_ONCE = 100
SKUS_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class _Product:
    id: int
    parent: int
    counted: bool
    there: int


class WooTelling:
    """One WooCommerce shop that takes news. `login` is `ck_…:cs_…`."""

    idempotent = False

    def __init__(self, spec: ChannelSpec, login: str) -> None:
        assert spec.api is not None
        self._channel = spec.id
        user, _, password = login.partition(":")
        base = f"{spec.api.url.rstrip('/')}/wp-json/wc/v3"
        self._client = Client(Account(SERVICE, base, login=(user, password)))

    def close(self) -> None:
        self._client.close()

    def check(self) -> None:
        """Whether the login lets us read. What it may write is only known by writing: WooCommerce does not tell."""
        answer = self._client.call("GET", "orders", about=f"{self._channel} check", params={"per_page": 1})
        if not isinstance(answer.json(), list):
            raise AnswerUnreadable(
                SERVICE,
                f"{SERVICE} answers something else than orders ({self._channel}).",
                remedy="Open the url of the channel's api in a browser: is it the shop, and is nothing before it?",
            )

    def shipped(self, news: Shipped) -> str:
        order = self._order(news.external_id, news.key)
        noted = self._note_of(news)
        if not noted and text(order.get("status")) in ENDED:
            raise NewsRefused(
                f"{SERVICE} has ended the order of {news.key} ({text(order.get('status'), 20)}), and it was shipped.",
                remedy="Look at the order there and pay back or get it back; then say that nothing is left to tell.",
            )
        if not noted:
            # Before the note, by which all of it counts as told: the same number twice is one, as it is read first.
            self._add_tracking(order, news)
            answer = self._client.call(
                "POST",
                f"{_path(news.external_id)}/notes",
                about=news.key,
                json={"note": _words(news), "customer_note": False},
            )
            noted = text(answer.mapping().get("id"))
        if news.last and text(order.get("status")) not in {COMPLETED, *ENDED}:
            self._put(news.external_id, {"status": COMPLETED}, news.key)
        return noted

    def was_told(self, news: Shipped) -> str | None:
        noted = self._note_of(news)
        if not noted or not news.last:
            return noted or None
        status = text(self._order(news.external_id, news.key).get("status"))
        return noted if status in {COMPLETED, *ENDED} else None

    def cancelled(self, news: Cancelled) -> None:
        status = text(self._order(news.external_id, news.key).get("status"))
        if status in ENDED:
            return
        if status == COMPLETED:
            raise NewsRefused(
                f"{SERVICE} has completed the order of {news.key}, which was cancelled here.",
                remedy="Look at the order there and pay it back; then say that nothing is left to tell.",
            )
        # WooCommerce puts the pieces back into its own stock by this; where it is told of stock, that is set after it.
        self._put(news.external_id, {"status": CANCELLED_STATUS}, news.key)

    def stock(self, news: Sequence[StockTold]) -> Iterator[StockSet]:
        # By SKU, with the codes of WooCommerce.
        refused: dict[str, str] = {}
        took = False
        for first in range(0, len(news), SKUS_AT_ONCE):
            some = {one.sku: one for one in news[first : first + SKUS_AT_ONCE]}
            found = self._products(sorted(some))
            changes: dict[int, list[tuple[_Product, StockSet]]] = defaultdict(list)
            for sku, one in some.items():
                there = found.get(sku, [])
                if trouble := _trouble(there):
                    yield StockSet(sku, None, trouble=trouble)
                    continue
                level, unheard = level_to_set(one.available, one.before, there[0].there, one.unheard, one.arrived)
                answer = StockSet(sku, level, unheard)
                if level == there[0].there:
                    yield answer
                else:
                    changes[there[0].parent].append((there[0], answer))
            for parent, answers in sorted(changes.items()):
                told = [{"id": product.id, "stock_quantity": one.level} for product, one in answers]
                codes = self._set(parent, told)
                for product, answer in answers:
                    if product.id in codes:
                        refused[answer.sku] = codes[product.id]
                    else:
                        took = True
                        yield answer
        if refused and not took:
            raise ServiceSetup(
                SERVICE,
                f"{SERVICE} does not take levels of {self._channel} ({', '.join(sorted(set(refused.values())))}).",
                remedy="Give its key read/write permission, and look at the products there.",
            )
        yield from (StockSet(sku, None, trouble=LEVEL_REFUSED) for sku in refused)

    def _order(self, external_id: str, key: str) -> dict[str, Any]:
        try:
            answer = self._client.call("GET", _path(external_id), about=key)
        except ServiceRefused as error:
            raise _unknown_order(key) if error.answer.status in (404, 410) else error from None
        order = answer.mapping()
        if not order:
            raise AnswerUnreadable(SERVICE, f"{SERVICE} answers no order ({key}).", remedy="Look at its address.")
        return order

    def _note_of(self, news: Shipped) -> str:
        answer = self._client.call("GET", f"{_path(news.external_id)}/notes", about=news.key)
        for note in items(answer.json()):
            if _mark(news.key) in str(note.get("note", "")):
                return text(note.get("id"))
        return ""

    def _add_tracking(self, order: dict[str, Any], news: Shipped) -> None:
        if not news.tracking:
            return
        metas = [one for one in items(order.get("meta_data")) if text(one.get("key")) == TRACKING]
        known = items(metas[0].get("value")) if metas else []
        if any(text(one.get("tracking_number")) == news.tracking for one in known):
            return
        mine = {
            "tracking_provider": "",
            "custom_tracking_provider": news.carrier,
            "custom_tracking_link": news.tracking_url,
            "tracking_number": news.tracking,
            "date_shipped": str(int(time.time())),
            # As the plug-in makes it: 32 hexadecimal digits of one's own.
            "tracking_id": hashlib.sha256(news.key.encode()).hexdigest()[:32],
        }
        meta: dict[str, Any] = {"key": TRACKING, "value": [*known, mine]}
        if metas and metas[0].get("id") is not None:
            meta["id"] = metas[0]["id"]
        self._put(news.external_id, {"meta_data": [meta]}, news.key)

    def _put(self, external_id: str, change: dict[str, Any], key: str) -> Answer:
        # The same change twice is one.
        return self._client.call("PUT", _path(external_id), about=key, again=True, json=change)

    def _products(self, skus: Sequence[str]) -> dict[str, list[_Product]]:
        wanted, found, page = set(skus), defaultdict(list), 1
        while True:
            params = {"sku": ",".join(skus), "per_page": AT_ONCE, "page": page, "_fields": _FIELDS}
            listed = items(self._client.call("GET", "products", about=f"{self._channel} stock", params=params).json())
            for one in listed:
                if (sku := text(one.get("sku"))) in wanted:
                    found[sku].append(_product(one))
            if len(listed) < AT_ONCE:
                return found
            page += 1

    def _set(self, parent: int, levels: Sequence[dict[str, Any]]) -> dict[int, str]:
        """Set levels of one product's variations, or of products; returns the ids that it refuses, with its codes: the
        others are set."""
        path = f"products/{parent}/variations/batch" if parent else "products/batch"
        # No more than SKUS_AT_ONCE, of the 100 that one call takes.
        body = {"update": list(levels)}
        answer = self._client.call("POST", path, about=f"{self._channel} stock", again=True, json=body)
        listed = items(answer.mapping().get("update"))
        return {
            _whole(one.get("id")): text(mapping(one["error"]).get("code"), 60)
            for one in listed
            if mapping(one.get("error"))
        }


_FIELDS = "id,type,parent_id,sku,manage_stock,stock_quantity"


def _product(one: dict[str, Any]) -> _Product:
    count = one.get("stock_quantity")
    # A variation may leave the counting to its product ("parent"): one level for several SKUs is none of ours.
    counted = one.get("manage_stock") is True and isinstance(count, int | float)
    parent = _whole(one.get("parent_id")) if text(one.get("type")) == "variation" else 0
    return _Product(_whole(one.get("id")), parent, counted, _whole(count))


def _trouble(there: Sequence[_Product]) -> str:
    if not there:
        return UNKNOWN_SKU
    if len(there) > 1:
        return SKU_TWICE
    return "" if there[0].counted else NOT_COUNTED


def _words(news: Shipped) -> str:
    pieces = ", ".join(f"{line.quantity} × {line.sku}" for line in news.lines)
    way = f"with {news.carrier}, tracking number {news.tracking}" if news.tracking else "handed over"
    link = f" ({news.tracking_url})" if news.tracking_url else ""
    return f"Left the house: {pieces}; {way}{link}. {_mark(news.key)}"


def _mark(key: str) -> str:
    return f"[Backroom {key}]"


def _unknown_order(key: str) -> NewsRefused:
    return NewsRefused(
        f"{SERVICE} does not know the order of {key}.",
        remedy="It was deleted there: say that nothing is left to tell.",
    )


def _path(external_id: str) -> str:
    return f"orders/{quote(external_id, safe='')}"


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0
