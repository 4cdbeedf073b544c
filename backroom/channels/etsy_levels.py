"""Setting what Etsy may sell: quantities in the inventories of its listings, each of which is read and put back whole.

What belongs here: which listing a SKU is in, the rounds of reading and putting back, and taking a listing off sale.
What does not: the inventory's shapes (`etsy_inventory`), and the sum (`domain.selling`).
Sources: Etsy's API description 3.0.0, "getListingsByShop" (`skus` of each listing), "getListingInventory",
"updateListingInventory", "updateListing" (`state`; one that sold out is renewed by it, for a fee), "getShopReceipts";
etsy/open-api issues 395 and 560: an inventory in which no piece is left is refused, so that its listing is deactivated.

An inventory has no version that could be compared: what is sold between reading and putting back is looked for among
the receipts afterwards, and taken off. What is sold in the same second is taken off as well, which is too few for a
while and never too many.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backroom.channels.etsy_calls import PAGE, EtsyApi
from backroom.channels.etsy_inventory import MOST, Pool, plain, pools_of, put_back, variations_of
from backroom.channels.reading import items, text
from backroom.channels.remote import (
    LEVEL_REFUSED,
    LISTING_OFF,
    NOT_COUNTED,
    SKU_TWICE,
    UNKNOWN_SKU,
    OffSale,
    StockSet,
    StockTold,
)
from backroom.domain.channels import ChannelSpec
from backroom.domain.selling import level_to_set
from backroom.outgoing.errors import ServiceRefused

ACTIVE, INACTIVE, SOLD_OUT = "active", "inactive", "sold_out"
# More may be sold while what was sold before is taken off, this often before the next telling does it.
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class _Listing:
    id: str
    state: str
    # When it has to be paid for again, in seconds of Unix time; 0 where it does not say.
    ends: int


class EtsyLevels:
    """The levels of one shop. `off_sale` keeps which of its listings we took off sale."""

    def __init__(self, api: EtsyApi, spec: ChannelSpec, off_sale: OffSale) -> None:
        assert spec.api is not None
        self._api, self._channel, self._off_sale = api, spec.id, off_sale
        self._shop = f"v3/application/shops/{spec.api.account}"

    def tell(self, news: Sequence[StockTold]) -> Iterator[StockSet]:
        """Set these levels; one answer for each, listing by listing."""
        found = self._listings({one.sku for one in news})
        ours = self._off_sale.kept()
        together: dict[_Listing, list[StockTold]] = defaultdict(list)
        for one in news:
            there = found.get(one.sku, [])
            open_ = [x for x in there if x.state == ACTIVE] or [x for x in there if self._may_open(x, ours)]
            if len(open_) == 1:
                together[open_[0]].append(one)
            elif open_:
                yield StockSet(one.sku, None, trouble=SKU_TWICE)
            else:
                yield _closed(one, there)
        for listing, told in sorted(together.items(), key=lambda pair: pair[0].id):
            try:
                yield from self._set(listing, told, ours.get(listing.id))
            except ServiceRefused as refused:
                # Gone since it was listed; or Etsy wants it changed by a person first, and takes the others.
                trouble = UNKNOWN_SKU if refused.answer.status == 404 else LEVEL_REFUSED
                yield from (StockSet(one.sku, None, trouble=trouble) for one in told)

    def _may_open(self, listing: _Listing, ours: dict[str, str]) -> bool:
        """Only what we took off is put on sale again; and not where that would cost a new fee."""
        return listing.state == INACTIVE and listing.id in ours and not 0 < listing.ends <= self._api.said_at

    def _listings(self, wanted: set[str]) -> dict[str, list[_Listing]]:
        """The listings of each SKU, a hundred a call: there is no search by SKU."""
        found: dict[str, dict[str, _Listing]] = defaultdict(dict)
        for state in (ACTIVE, INACTIVE, SOLD_OUT):
            offset = 0
            while True:
                asked = {"state": state, "limit": PAGE, "offset": offset}
                page = items(self._api.get(f"{self._shop}/listings", f"{self._channel} stock", asked).get("results"))
                for one in page:
                    ends = one.get("ending_timestamp")
                    listing = _Listing(text(one.get("listing_id")), state, ends if isinstance(ends, int) else 0)
                    for sku in wanted.intersection(map(plain, one.get("skus") or ())):
                        found[sku].setdefault(listing.id, listing)
                if len(page) < PAGE:
                    break
                offset += PAGE
        return {sku: list(listings.values()) for sku, listings in found.items()}

    def _set(self, listing: _Listing, told: Sequence[StockTold], spare: str | None) -> list[StockSet]:
        """The levels of one listing. `spare` is the SKU that keeps the piece which Etsy wants while it is off sale."""
        news = {one.sku: one for one in told}
        answers: dict[str, StockSet] = {}
        missed: Counter[str] = Counter()
        heard: set[str] = set()
        path = f"v3/application/listings/{listing.id}/inventory"
        for _ in range(ROUNDS):
            inventory = self._api.get(path, f"listing {listing.id}")
            read_at, pools = self._api.said_at, pools_of(inventory, missed)
            shown = {pool.products: pool.pieces for pool in pools_of(inventory, Counter())}
            pieces = {pool.products: pool.pieces for pool in pools}
            for sku, one in list(news.items()):
                mine = [pool for pool in pools if sku in pool.skus]
                if trouble := _trouble(mine):
                    answers[sku] = StockSet(sku, None, trouble=trouble)
                    del news[sku]
                    continue
                there = mine[0].pieces if listing.state == ACTIVE else 0
                level, unheard = level_to_set(one.available, one.before, there, one.unheard, one.arrived)
                pieces[mine[0].products] = level = min(level, MOST)
                answers[sku] = StockSet(sku, level, unheard)
                news[sku] = replace(one, before=level, unheard=unheard, arrived=0)
            if not news:
                break
            if not any(pool.on_show and pieces[pool.products] for pool in pools):
                last = next((spare for pool in pools if spare in pool.skus), None) or min(news)
                self._take_off(listing, last)
                pieces |= {pool.products: 1 for pool in pools if last in pool.skus}
                if pieces != shown:
                    self._put(listing, inventory, pieces)
                break
            if spare is not None and spare not in news:
                pieces |= {pool.products: 0 for pool in pools if spare in pool.skus}
            if pieces != shown:
                self._put(listing, inventory, pieces)
            if spare is not None:
                self._put_on_sale(listing)
            missed = self._sold(listing, read_at, heard) if pieces != shown and listing.state == ACTIVE else Counter()
            if not missed:
                break
        return list(answers.values())

    def _take_off(self, listing: _Listing, spare: str) -> None:
        # Written before it is done: what a person deactivates is theirs to put on sale again, and not ours.
        self._off_sale.keep(listing.id, spare)
        if listing.state == ACTIVE:
            try:
                self._state(listing, INACTIVE)
            except ServiceRefused:
                self._off_sale.forget(listing.id)
                raise

    def _put_on_sale(self, listing: _Listing) -> None:
        if listing.state == INACTIVE:
            self._state(listing, ACTIVE)
        self._off_sale.forget(listing.id)

    def _state(self, listing: _Listing, state: str) -> None:
        self._api.patch(f"{self._shop}/listings/{listing.id}", f"listing {listing.id}", {"state": state})

    def _put(self, listing: _Listing, inventory: dict[str, Any], pieces: dict[frozenset[str], int]) -> None:
        body = put_back(inventory, pieces)
        # Two are taken without saying so.
        many = {"max_variations_supported": "3"} if variations_of(body) > 2 else {}
        self._api.put(f"v3/application/listings/{listing.id}/inventory", f"listing {listing.id}", body, many)

    def _sold(self, listing: _Listing, since: int, heard: set[str]) -> Counter[str]:
        """Pieces by product that were sold from the reading until now: putting back brought them back to life. Of
        receipts that were `heard` of before they are off again."""
        until, sold = self._api.said_at, Counter[str]()
        asked = {"min_created": since, "limit": PAGE}
        for receipt in items(self._api.get(f"{self._shop}/receipts", f"listing {listing.id}", asked).get("results")):
            id_ = text(receipt.get("receipt_id"))
            if id_ in heard:
                continue
            heard.add(id_)
            for one in items(receipt.get("transactions")):
                at, quantity = one.get("created_timestamp") or one.get("create_timestamp"), one.get("quantity")
                if text(one.get("listing_id")) != listing.id or not isinstance(at, int) or not since <= at <= until:
                    continue
                sold[text(one.get("product_id"))] += quantity if isinstance(quantity, int) else 0
        return sold


def _trouble(pools: Sequence[Pool]) -> str:
    if not pools:
        return UNKNOWN_SKU
    if len(pools) > 1:
        return SKU_TWICE
    # One quantity for several SKUs, such as all sizes.
    return NOT_COUNTED if len(pools[0].skus) > 1 else ""


def _closed(one: StockTold, there: Sequence[_Listing]) -> StockSet:
    """What comes of a SKU that is in no listing which is on sale, or which we may put on sale."""
    if not there:
        return StockSet(one.sku, None, trouble=UNKNOWN_SKU)
    # What sold out sold its last piece there; what a person took off sold nothing by that.
    sold_out = any(listing.state == SOLD_OUT for listing in there)
    shown = 0 if sold_out else one.before or 0
    level, unheard = level_to_set(one.available, one.before, shown, one.unheard, one.arrived)
    return StockSet(one.sku, None, trouble=LISTING_OFF) if level else StockSet(one.sku, 0, unheard)
