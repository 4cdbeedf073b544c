"""Setting what Shopify may sell: the level of each SKU at one of its locations, compared and swapped.

What belongs here: the documents, and the rounds of reading and setting. What does not: the sum (`domain.selling`).
Sources: shopify.dev "inventoryItems", "inventorySetQuantities" (`changeFromQuantity`, which is no longer taken as read
where it is stale), "Idempotent requests"; at most 250 quantities a call.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backroom.channels.reading import items, mapping, text
from backroom.channels.remote import NOT_COUNTED, SKU_TWICE, UNKNOWN_SKU, NewsRefused, StockSet, StockTold
from backroom.channels.shopify_graphql import SERVICE, ShopifyGraphql, gid
from backroom.domain.channels import ChannelSpec
from backroom.domain.selling import level_to_set
from backroom.outgoing.errors import ServiceAway, ServiceSetup

SKUS_AT_ONCE = 50
# The level may change between reading and setting it, this often before we come back later.
ROUNDS = 4
STALE = "CHANGE_FROM_QUANTITY_STALE"

LOCATIONS = "query Locations { locations(first: 50) { nodes { id name } } }"
LEVELS = """
query Levels($first: Int!, $query: String!, $location: ID!, $after: String) {
  inventoryItems(first: $first, query: $query, after: $after) {
    nodes { id sku tracked inventoryLevel(locationId: $location) { quantities(names: ["available"]) { quantity } } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
SET = """
mutation SetLevels($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) { userErrors { code field } }
}
"""


@dataclass(frozen=True, slots=True)
class _Item:
    id: str
    tracked: bool
    available: int | None


class ShopifyLevels:
    """The levels of one shop, at the location that its table names, or at its only one."""

    def __init__(self, shop: ShopifyGraphql, spec: ChannelSpec) -> None:
        self._shop = shop
        self._channel = spec.id
        named = spec.api.stock_location if spec.api else ""
        self._location = gid("Location", named) if named else ""

    def tell(self, news: Sequence[StockTold]) -> Iterator[StockSet]:
        """Set these levels; one answer for each, as soon as it is set."""
        place = self.place()
        for first in range(0, len(news), SKUS_AT_ONCE):
            yield from self._set(place, news[first : first + SKUS_AT_ONCE])

    def place(self) -> str:
        """The location whose level is set; ServiceSetup where there are several and none is named."""
        if self._location:
            return self._location
        found = items(mapping(self._shop.ask(LOCATIONS, {}, f"{self._channel} stock").get("locations")).get("nodes"))
        if len(found) != 1:
            known = ", ".join(
                f"{text(one.get('id')).rpartition('/')[2]} ({text(one.get('name'), 60)})" for one in found
            )
            raise ServiceSetup(
                SERVICE,
                f"{SERVICE} has more than one location, and {self._channel} does not say which one's level is set.",
                remedy=f"Write stock_location under [channels.{self._channel}.api], one of: {known}.",
            )
        self._location = text(found[0].get("id"))
        return self._location

    def _set(self, place: str, news: Sequence[StockTold]) -> Iterator[StockSet]:
        """Levels of one call: read, reckoned, and set where they are still as read; else all are read again. One that
        had been set all the same would be taken for a sale, which is too few for a while and never too many."""
        pending = {one.sku: one for one in news}
        tried: dict[str, StockSet] = {}
        for _ in range(ROUNDS):
            found = self._levels(place, sorted(pending))
            changes = []
            for sku, one in sorted(pending.items()):
                there = found.get(sku, [])
                if trouble := _trouble(there):
                    del pending[sku]
                    yield StockSet(sku, None, trouble=trouble)
                    continue
                available = there[0].available
                assert available is not None
                level, unheard = level_to_set(one.available, one.before, available, one.unheard, one.arrived)
                tried[sku] = StockSet(sku, level, unheard)
                if level == available:
                    del pending[sku]
                    yield tried[sku]
                else:
                    changes.append((sku, there[0].id, level, available))
            if not changes:
                return
            if self._carry_out(place, changes):
                for sku, *_rest in changes:
                    del pending[sku]
                    yield tried[sku]
                return
        message = f"{SERVICE} sells faster than its level can be set ({self._channel})."
        raise ServiceAway(SERVICE, message, nothing_happened=True)

    def _carry_out(self, place: str, changes: Sequence[tuple[str, str, int, int]]) -> bool:
        """Whether all were set; else one had changed since it was read, and none was."""
        key = uuid.uuid4()
        quantities = [
            {"inventoryItemId": item, "locationId": place, "quantity": level, "changeFromQuantity": there}
            for _, item, level, there in changes
        ]
        about = {"name": "available", "reason": "correction", "referenceDocumentUri": f"backroom://levels/{key}"}
        said = self._shop.ask(
            SET, {"input": about | {"quantities": quantities}, "key": str(key)}, f"{self._channel} stock", again=True
        )
        errors = items(mapping(said.get("inventorySetQuantities")).get("userErrors"))
        codes = {text(one.get("code")) for one in errors}
        if codes - {STALE}:
            raise NewsRefused(
                f"{SERVICE} does not take levels of {self._channel} ({', '.join(sorted(codes))}).",
                remedy="Check stock_location and what the key may do: run `backroom doctor`.",
            )
        return not codes

    def _levels(self, place: str, skus: Sequence[str]) -> dict[str, list[_Item]]:
        wanted, found, after = set(skus), defaultdict(list), None
        query = " OR ".join(f"sku:{_quoted(sku)}" for sku in skus)
        while True:
            variables = {"first": SKUS_AT_ONCE, "query": query, "location": place, "after": after}
            page = mapping(self._shop.ask(LEVELS, variables, f"{self._channel} stock").get("inventoryItems"))
            for one in items(page.get("nodes")):
                # The search finds words; only the whole SKU is the piece.
                if (sku := text(one.get("sku"))) in wanted:
                    quantities = items(mapping(one.get("inventoryLevel")).get("quantities"))
                    count = quantities[0].get("quantity") if quantities else None
                    item = _Item(
                        text(one.get("id")), bool(one.get("tracked")), count if isinstance(count, int) else None
                    )
                    found[sku].append(item)
            info = mapping(page.get("pageInfo"))
            if not info.get("hasNextPage"):
                return found
            after = text(info.get("endCursor"))


def _trouble(there: Sequence[_Item]) -> str:
    if not there:
        return UNKNOWN_SKU
    if len(there) > 1:
        return SKU_TWICE
    return "" if there[0].tracked and there[0].available is not None else NOT_COUNTED


def _quoted(sku: str) -> str:
    escaped = sku.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
