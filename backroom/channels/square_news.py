"""Telling Square what became of an order, and how many pieces there are to sell.

What belongs here: fulfilments and counts in Square's words. What does not: when it is told (`flows.tell_channels`).
Source: developer.squareup.com "Manage order fulfillments" (a fulfilment ends as COMPLETED or CANCELED and is then
final; an update names the version that it read), "Search for catalog objects" (set query), "Inventory API Process Flow"
(counts and sales are put in order by when they happened), "Batch change inventory" (`ignore_unchanged_counts`),
BatchChangeInventoryRequest of Square's SDKs (100 changes a call at the most).

An order here has one fulfilment, which cannot be sent in parts: Square is told when the last part leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

from backroom.channels.reading import items, mapping, text
from backroom.channels.remote import (
    NOT_COUNTED,
    SKU_TWICE,
    UNKNOWN_SKU,
    Cancelled,
    Shipped,
    StockSet,
    StockTold,
)
from backroom.channels.square_calls import SERVICE, SquareApi, code_of, idempotency_key
from backroom.domain.channels import ChannelSpec
from backroom.domain.errors import AskPerson
from backroom.domain.selling import level_to_set
from backroom.outgoing.errors import ServiceRefused

_DETAILS = {"SHIPMENT": "shipment_details", "DELIVERY": "delivery_details", "PICKUP": "pickup_details"}
_OVER = frozenset({"COMPLETED", "CANCELED", "FAILED"})
# The most levels that one call sets; a search would take 250 SKUs.
SKUS_AT_ONCE = 100
BEFORE_ASKING = timedelta(hours=1)
_LONGEST_CARRIER, _LONGEST_TRACKING, _LONGEST_URL = 50, 100, 2000


T = TypeVar("T")


class NothingToTell(AskPerson):
    """Square has nothing in the order that could be marked so."""

    cause = "square-order-closed"


@dataclass(frozen=True, slots=True)
class _Variation:
    """What a SKU is in Square's catalogue, and whether pieces of it are counted at our location."""

    id: str
    counted: bool


@dataclass(frozen=True, slots=True)
class _Count:
    """What Square shows of a variation, and when it received the last change that is in it."""

    pieces: int
    received: datetime | None


class SquareNews:
    """One account at Square, told of what we did; levels are of `stock_location`, or of the first of `account`."""

    idempotent = False

    def __init__(self, spec: ChannelSpec, token: str) -> None:
        assert spec.api is not None
        self._api = SquareApi(spec.api.url, token)
        self._location = spec.api.stock_location or spec.api.account.split(",")[0].strip()

    def close(self) -> None:
        self._api.close()

    def shipped(self, news: Shipped) -> str:
        return self._once_more(lambda: self._shipped(news)) if news.last else ""

    def _shipped(self, news: Shipped) -> str:
        order = self._api.order(news.external_id)
        if found := _told(order, news):
            return found
        open_ = [one for one in items(order.get("fulfillments")) if text(one.get("state")) not in _OVER]
        if text(order.get("state")) == "CANCELED" or not open_:
            raise NothingToTell(
                f"{SERVICE} has no open fulfilment in {news.external_id} ({news.key}).",
                remedy="Look at the order there: was it cancelled, or marked as sent by hand?",
            )
        self._update(order, news.key, [_completed(one, news) for one in open_])
        return text(open_[0].get("uid"))

    def was_told(self, news: Shipped) -> str | None:
        return _told(self._api.order(news.external_id), news) if news.last else ""

    def cancelled(self, news: Cancelled) -> None:
        self._once_more(lambda: self._cancelled(news))

    def _once_more(self, tell: Callable[[], T]) -> T:
        """Tell again what somebody else's change of the order came before: it is read anew first."""
        try:
            return tell()
        except ServiceRefused as refused:
            if code_of(refused) != "VERSION_MISMATCH":
                raise
        return tell()

    def _cancelled(self, news: Cancelled) -> None:
        order = self._api.order(news.external_id)
        ways = items(order.get("fulfillments"))
        open_ = [one for one in ways if text(one.get("state")) not in _OVER]
        if not open_ and (
            text(order.get("state")) == "CANCELED" or any(one.get("state") == "CANCELED" for one in ways)
        ):
            return
        if not open_:
            raise NothingToTell(
                f"{SERVICE} has nothing left to cancel in {news.external_id} ({news.key}).",
                remedy="Pay it back there if it was paid, then say that this is done.",
            )
        self._update(order, news.key, [_way(one) | {"state": "CANCELED"} for one in open_])

    def stock(self, news: Sequence[StockTold]) -> Iterator[StockSet]:
        # Part by part: what one part set is answered before another may fail.
        for first in range(0, len(news), SKUS_AT_ONCE):
            yield from self._stock(news[first : first + SKUS_AT_ONCE])

    def _update(self, order: dict[str, Any], key: str, ways: list[dict[str, Any]]) -> None:
        id_, version = text(order.get("id")), order.get("version")
        change = {"location_id": order.get("location_id"), "version": version, "fulfillments": ways}
        # The version belongs to the key: read anew after somebody else's change, it is another request.
        asked = {"order": change, "idempotency_key": idempotency_key(f"{key}:{version}")}
        self._api.ask(f"v2/orders/{quote(id_, safe='')}", key, asked, method="PUT")

    def _stock(self, news: Sequence[StockTold]) -> list[StockSet]:
        about = f"{len(news)} levels"
        found = self._variations([one.sku for one in news], about)
        alone = {sku: those[0] for sku, those in found.items() if len(those) == 1 and those[0].counted}
        asked_at = datetime.now(UTC)
        there = self._counts([one.id for one in alone.values()], about)
        told, changes = [], []
        for level in news:
            those = found.get(level.sku.casefold(), [])
            ours = alone.get(level.sku.casefold())
            if ours is None:
                trouble = UNKNOWN_SKU if not those else SKU_TWICE if len(those) > 1 else NOT_COUNTED
                told.append(StockSet(level.sku, None, trouble=trouble))
                continue
            shown = there.get(ours.id)
            pieces, unheard = level_to_set(
                level.available, level.before, shown.pieces if shown else 0, level.unheard, level.arrived
            )
            told.append(StockSet(level.sku, pieces, unheard))
            if shown is None or pieces != shown.pieces:
                changes.append(_counted(ours.id, self._location, pieces, _as_of(shown, asked_at)))
        if changes:
            # Made of the counts and their moments: a part tried again is known there, and the same levels set later are
            # another change.
            key = idempotency_key("".join(f"{c['physical_count']}" for c in changes))
            # Else a count that is the same as the one before is left out, whatever was sold since then.
            asked = {"idempotency_key": key, "changes": changes, "ignore_unchanged_counts": False}
            self._api.ask("v2/inventory/changes/batch-create", about, asked)
        return told

    def _variations(self, skus: Sequence[str], about: str) -> dict[str, list[_Variation]]:
        """The variations of each SKU, by the SKU in small letters: Square's search knows no capitals."""
        found: dict[str, list[_Variation]] = {}
        asked: dict[str, Any] = {
            "object_types": ["ITEM_VARIATION"],
            "query": {"set_query": {"attribute_name": "sku", "attribute_values": list(skus)}},
        }
        while True:
            answer = self._api.ask("v2/catalog/search", about, asked)
            for one in items(answer.get("objects")):
                data = mapping(one.get("item_variation_data"))
                those = found.setdefault(text(data.get("sku")).casefold(), [])
                those.append(_Variation(text(one.get("id")), self._is_counted(data)))
            cursor = text(answer.get("cursor"), 4_000)
            if not cursor:
                return found
            asked = asked | {"cursor": cursor}

    def _is_counted(self, data: dict[str, Any]) -> bool:
        here = [one for one in items(data.get("location_overrides")) if text(one.get("location_id")) == self._location]
        told = [one.get("track_inventory") for one in here if one.get("track_inventory") is not None]
        return (told[0] if told else data.get("track_inventory")) is True

    def _counts(self, ids: Sequence[str], about: str) -> dict[str, _Count]:
        if not ids:
            return {}
        levels: dict[str, _Count] = {}
        asked: dict[str, Any] = {
            "catalog_object_ids": list(ids),
            "location_ids": [self._location],
            "states": ["IN_STOCK"],
        }
        while True:
            answer = self._api.ask("v2/inventory/counts/batch-retrieve", about, asked)
            for one in items(answer.get("counts")):
                count = _Count(_pieces(one.get("quantity")), _moment(one.get("calculated_at")))
                levels[text(one.get("catalog_object_id"))] = count
            cursor = text(answer.get("cursor"), 4_000)
            if not cursor:
                return levels
            asked = asked | {"cursor": cursor}


def _told(order: dict[str, Any], news: Shipped) -> str | None:
    """The fulfilment that ended with what we would tell."""
    for one in items(order.get("fulfillments")):
        if text(one.get("state")) == "COMPLETED":
            details = mapping(one.get(_DETAILS.get(text(one.get("type")), "")))
            if not news.tracking or text(details.get("tracking_number")) == news.tracking[:_LONGEST_TRACKING]:
                return text(one.get("uid"))
    return None


def _way(one: dict[str, Any]) -> dict[str, Any]:
    return {"uid": text(one.get("uid")), "type": text(one.get("type"))}


def _completed(one: dict[str, Any], news: Shipped) -> dict[str, Any]:
    way = _way(one) | {"state": "COMPLETED"}
    if way["type"] != "SHIPMENT":
        # Only a shipment has a carrier and a number.
        return way
    details = {
        "carrier": news.carrier[:_LONGEST_CARRIER],
        "tracking_number": news.tracking[:_LONGEST_TRACKING],
        "tracking_url": news.tracking_url[:_LONGEST_URL],
    }
    return way | {"shipment_details": {name: value for name, value in details.items() if value}}


def _as_of(shown: _Count | None, asked_at: datetime) -> datetime:
    """When a level was counted that follows from what Square showed.

    Square adds up all that happened since the last count, by when it happened. So ours is of the moment just behind
    the last change that Square showed: what is sold after that, also between our reading and our setting, is taken off
    it there, and nothing twice. Where that is long ago, an hour before we asked does as well, for nothing happened
    since; and our clock may be wrong by as much. Square takes no count that is older than a day.
    """
    if shown is None or shown.received is None:
        return asked_at
    return max(shown.received + timedelta(milliseconds=1), asked_at - BEFORE_ASKING)


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _counted(object_id: str, location: str, level: int, at: datetime) -> dict[str, Any]:
    return {
        "type": "PHYSICAL_COUNT",
        "physical_count": {
            "catalog_object_id": object_id,
            "state": "IN_STOCK",
            "location_id": location,
            "quantity": str(level),
            "occurred_at": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        },
    }


def _pieces(value: object) -> int:
    """A level as Square writes it, which may have decimals for what is sold by weight."""
    whole = text(value).partition(".")[0]
    return int(whole) if whole.lstrip("-").isdecimal() and len(whole) < 12 else 0
