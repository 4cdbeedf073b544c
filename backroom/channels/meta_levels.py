"""Setting what Meta may sell: quantities of the items in a catalogue, all that changed in one batch.

What belongs here: the catalogue's calls, and what their answers mean. What does not: the sum (`domain.selling`).
Sources: developers.facebook.com "Quantity to Sell" (what is told counts, and a sale there takes off from it; an item of
which nothing is left is not sold), "Product Catalog Items Batch" (`allow_upsert`, at most 5,000, `handles` and
`validation_status`), "Check Batch Request Status" (what was not saved, by the item's id), "Product Catalog Products"
(`filter`). The token needs `catalog_management`, and its system user the catalogue.

What is sold between reading and the batch shows again until its order is here: a batch cannot be made to compare.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from backroom.channels.meta_calls import SERVICE, MetaApi, PermissionMissing, at, is_not_there
from backroom.channels.reading import items, text
from backroom.channels.remote import LEVEL_REFUSED, NOT_COUNTED, SKU_TWICE, UNKNOWN_SKU, StockSet, StockTold
from backroom.domain.channels import ChannelSpec
from backroom.domain.errors import AskPerson
from backroom.domain.selling import level_to_set
from backroom.outgoing.errors import AnswerUnreadable, ServiceAway, ServiceRefused

# So many ids stand in one address.
SKUS_AT_ONCE = 50
QUANTITY = "quantity_to_sell_on_facebook"
IN_STOCK, OUT_OF_STOCK = "in stock", "out of stock"
# How long a batch is waited for, in seconds before each look; it is a matter of seconds there.
PAUSES = (0.0, 0.5, 1.0, 2.0, 3.0)
_OVER = frozenset({"error", "canceled"})


class CatalogueClosed(AskPerson):
    """The token may not see or change the catalogue, or there is none of that number."""

    cause = "meta-catalogue"


@dataclass(frozen=True, slots=True)
class _Item:
    quantity: int | None
    availability: str


class MetaLevels:
    """The levels of one seller's catalogue, `[channels.ID.api] catalogue`."""

    def __init__(self, api: MetaApi, spec: ChannelSpec) -> None:
        assert spec.api is not None
        self._api, self._channel, self._catalogue = api, spec.id, spec.api.catalogue

    def check(self) -> None:
        """Whether the token opens the catalogue."""
        with self._open():
            self._api.get(at(self._catalogue), f"{self._channel} catalogue", {"fields": "id"})

    def tell(self, news: Sequence[StockTold]) -> Iterator[StockSet]:
        """Set these levels; one answer for each, and those that had to be set once Meta says that they are."""
        changes: list[dict[str, Any]] = []
        answers: dict[str, StockSet] = {}
        for first in range(0, len(news), SKUS_AT_ONCE):
            some = news[first : first + SKUS_AT_ONCE]
            found = self._items([one.sku for one in some])
            for one in some:
                there = found.get(one.sku, [])
                if trouble := _trouble(there):
                    yield StockSet(one.sku, None, trouble=trouble)
                    continue
                shown = there[0].quantity or 0
                level, unheard = level_to_set(one.available, one.before, shown, one.unheard, one.arrived)
                if level == shown:
                    yield StockSet(one.sku, level, unheard)
                else:
                    changes.append(_change(one.sku, there[0], level))
                    answers[one.sku] = StockSet(one.sku, level, unheard)
        refused = self._carry_out(changes) if changes else frozenset()
        for sku, answer in answers.items():
            yield StockSet(sku, None, trouble=LEVEL_REFUSED) if sku in refused else answer

    def _items(self, skus: Sequence[str]) -> dict[str, list[_Item]]:
        asked = {
            "filter": json.dumps({"retailer_id": {"is_any": list(skus)}}),
            "fields": f"retailer_id,{QUANTITY},inventory,availability",
            "limit": 2 * SKUS_AT_ONCE,
        }
        found: dict[str, list[_Item]] = {}
        with self._open():
            answer = self._api.get(at(self._catalogue, "products"), f"{self._channel} stock", asked)
        for one in items(answer.get("data")):
            # An item that was never told under its new name shows it under the old one.
            shown = [one.get(name) for name in (QUANTITY, "inventory")]
            quantity = next((count for count in shown if isinstance(count, int) and not isinstance(count, bool)), None)
            item = _Item(quantity, text(one.get("availability")))
            found.setdefault(text(one.get("retailer_id")), []).append(item)
        return found

    def _carry_out(self, changes: list[dict[str, Any]]) -> frozenset[str]:
        """The SKUs of these changes that Meta does not take; ServiceAway while it has not carried them out."""
        body = {
            # An item that is not there would be made anew, of nothing but a quantity.
            "allow_upsert": False,
            "item_type": "PRODUCT_ITEM",
            "requests": [{"method": "UPDATE", "data": change} for change in changes],
        }
        with self._open():
            answer = self._api.post(at(self._catalogue, "items_batch"), f"{self._channel} stock", body, sets=True)
        wrong = {text(one.get("retailer_id")) for one in items(answer.get("validation_status")) if one.get("errors")}
        handles = [text(one) for one in answer.get("handles") or () if text(one)]
        if not handles and len(wrong) < len(changes):
            raise AnswerUnreadable(
                SERVICE, f"{SERVICE} takes levels of {self._channel} and names no batch.", remedy="Report it to us."
            )
        return frozenset(wrong.union(*map(self._unsaved, handles)))

    def _unsaved(self, handle: str) -> frozenset[str]:
        """The ids in a batch that were not saved, as soon as it is carried out."""
        asked = {
            "handle": handle,
            "load_ids_of_invalid_requests": "true",
            "fields": "handle,status,errors_total_count,errors,ids_of_invalid_requests",
        }
        for pause in PAUSES:
            time.sleep(pause)
            with self._open():
                answer = self._api.get(
                    at(self._catalogue, "check_batch_request_status"), f"{self._channel} stock", asked
                )
            said = next(iter(items(answer.get("data"))), {})
            status = text(said.get("status")).lower()
            if status == "finished":
                ids = {text(one) for one in said.get("ids_of_invalid_requests") or ()}
                ids = (ids | {text(one.get("id")) for one in items(said.get("errors"))}) - {""}
                if said.get("errors_total_count") and not ids:
                    raise AnswerUnreadable(
                        SERVICE,
                        f"{SERVICE} saves not all levels of {self._channel}, and does not say which it does not.",
                        remedy="Look at the catalogue's diagnostics in Commerce Manager, then press Retry.",
                    )
                return frozenset(ids)
            if status in _OVER:
                break
        # Told again it is read first: what was carried out by then is not told twice.
        raise ServiceAway(SERVICE, f"{SERVICE} has not carried out the levels of {self._channel} yet.")

    @contextmanager
    def _open(self) -> Iterator[None]:
        try:
            yield
        except PermissionMissing as error:
            raise self._closed(error.message) from None
        except ServiceRefused as refused:
            if not is_not_there(refused):
                raise
            raise self._closed(f"{SERVICE} shows our token no catalogue {self._catalogue} ({self._channel}).") from None

    def _closed(self, message: str) -> CatalogueClosed:
        return CatalogueClosed(
            message,
            remedy=f"Check catalogue under [channels.{self._channel}.api]; assign it to the system user, and make its "
            'token anew with the permission catalog_management as well. Or take "stock" out of tell.',
        )


def _trouble(there: Sequence[_Item]) -> str:
    if not there:
        return UNKNOWN_SKU
    if len(there) > 1:
        return SKU_TWICE
    # Without a quantity it cannot be bought there.
    return NOT_COUNTED if there[0].quantity is None else ""


def _change(sku: str, item: _Item, level: int) -> dict[str, Any]:
    change: dict[str, Any] = {"id": sku, QUANTITY: level}
    wanted = IN_STOCK if level else OUT_OF_STOCK
    # What is sold before it is there, or no more, says so in this field: that is the seller's to say.
    if item.availability in (IN_STOCK, OUT_OF_STOCK) and item.availability != wanted and not (level and item.quantity):
        change["availability"] = wanted
    return change
