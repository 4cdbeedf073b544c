"""What if stock had been bought otherwise: other thresholds, or each SKU printed on demand or bought in.

What belongs here: the same past with other shelves, and what each SKU comes to. What does not: other rules (`what_if`).

Pieces from the shelf cost what they were bought for, on both sides; what is left on the shelf at the end was not lost
and costs only its holding.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backroom.domain.demand import Pattern, classify
from backroom.domain.replay import Past, Replay, replay, without_stock
from backroom.domain.shop import Shop
from backroom.domain.supply import Supply
from backroom.insight.what_if import Answer, answer, read
from backroom.shop.room import Room

# Closer than this the two ways cost the same, as far as anybody can tell.
EVEN = 0.05


@dataclass(frozen=True, slots=True)
class StockSide:
    """What one way of stocking came to over the span, in minor units and pieces."""

    making: float
    ordering: float
    holding: float
    purchases: int
    picked: int
    printed: int
    left: int

    @property
    def total(self) -> float:
        return self.making + self.ordering + self.holding


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The orders beside each other, and what the stock came to as it was and as it would have been."""

    answer: Answer
    was: StockSide
    would: StockSide


@dataclass(frozen=True, slots=True)
class PrintOrBuy:
    """One SKU over the span: what it costs printed on demand, and bought in by the rule. Minor units.

    `left` is what would lie on shelves at the end. The verdict is print, buy or even.
    """

    sku: str
    pieces: int
    pattern: Pattern
    printed: float
    bought: float
    printed_anyway: int
    left: int
    verdict: str


def thresholds(room: Room, supply: Supply, since: datetime) -> Thresholds:
    """What the orders since then would have come to, had stock been bought by this rule."""
    found, times = read(room, since)
    skus = {sku for _, sku in found.past.available} | {change.sku for change in found.past.changes}
    was = replay(found.past, room.shop, found.variants, times.usual)
    would = replay(found.past, room.shop, found.variants, times.usual, supply.rules_for(skus))
    goods = {sku: float(supply.price(sku)) for sku in skus}
    compared = answer(found, room.shop, room.shop, would, times, goods)
    purchases: dict[tuple[str, str], int] = defaultdict(int)
    for change in found.past.changes:
        if change.bought:
            purchases[change.location, change.sku] += 1
    return Thresholds(
        compared,
        _side(compared, was, purchases, supply, would=False),
        _side(compared, would, would.purchases, supply, would=True),
    )


def _side(
    compared: Answer, replayed: Replay, purchases: Mapping[tuple[str, str], int], supply: Supply, *, would: bool
) -> StockSide:
    counted = [row for row in compared.rows if row.counts]
    shares = [share for row in counted for share in (row.one.decision if would else row.one.past.decision).assignments]
    return StockSide(
        making=(compared.sums.would if would else compared.sums.was).total,
        ordering=supply.ordering(purchases),
        holding=supply.holding_of(replayed),
        purchases=sum(purchases.values()),
        picked=sum(share.from_stock for share in shares),
        printed=sum(share.to_print for share in shares),
        left=sum(max(0, pieces) for pieces in replayed.left.values()),
    )


def print_or_buy(room: Room, supply: Supply, since: datetime) -> list[PrintOrBuy]:
    """Of each SKU that was sold and can be printed: which way would have been cheaper; most pieces first."""
    found, times = read(room, since)
    past, shop = found.past, room.shop
    printable = {
        sku
        for sku, one in found.variants.items()
        if one.artwork and any(location.can_print(one.print_process) for location in shop.locations)
    }
    made = replay(without_stock(past, printable), shop, found.variants, times.usual)
    bought = replay(_on_a_shelf(past, shop, printable), shop, found.variants, times.usual, supply.rules_for(printable))
    both = _made_in(made) & _made_in(bought)
    on_demand, from_shelf = _tally(made, both, shop), _tally(bought, both, shop)
    days = _by_day(past, both, printable)
    rows = []
    for sku in sorted(printable & set(days), key=lambda one: (-sum(days[one]), one)):
        shelf = from_shelf[sku]
        buying = (
            shelf.making
            + shelf.picked * supply.price(sku)
            + supply.ordering(bought.purchases, sku)
            + supply.holding(sku, bought.shelf_days.get(sku, 0.0))
        )
        rows.append(
            PrintOrBuy(
                sku=sku,
                pieces=sum(days[sku]),
                pattern=classify(days[sku]).pattern,
                printed=on_demand[sku].making,
                bought=buying,
                printed_anyway=shelf.printed,
                left=sum(max(0, pieces) for (_, one), pieces in bought.left.items() if one == sku),
                verdict=_verdict(on_demand[sku].making, buying),
            )
        )
    return rows


def _verdict(printed: float, bought: float) -> str:
    if abs(printed - bought) <= EVEN * max(printed, bought):
        return "even"
    return "print" if printed < bought else "buy"


def _made_in(replayed: Replay) -> set[int]:
    """Orders that are made somewhere; what waits, or was cancelled, costs nothing to compare."""
    return {
        one.past.id for one in replayed.orders if one.decision.outcome == "assigned" and one.past.cancelled_at is None
    }


def _by_day(past: Past, orders: set[int], skus: set[str]) -> dict[str, list[int]]:
    """Pieces of each SKU in these orders, day by day from the first order of all, those without any included."""
    since = min((one.routed_at for one in past.orders), default=past.since)
    length = max(1, -(-(past.until - since) // timedelta(days=1)))
    found: dict[str, list[int]] = {}
    for one in past.orders:
        for line in one.order.lines:
            if line.sku in skus and one.id in orders:
                day = min(length - 1, (one.routed_at - since) // timedelta(days=1))
                found.setdefault(line.sku, [0] * length)[day] += line.quantity
    return found


def _on_a_shelf(past: Past, shop: Shop, skus: set[str]) -> Past:
    """The same past in which each of these SKUs has a shelf: at the hub, empty, where it had none anywhere."""
    stocked = {sku for _, sku in past.available}
    return replace(past, available=dict(past.available) | {(shop.hub, sku): 0 for sku in skus - stocked})


@dataclass(slots=True)
class _Made:
    """Pieces of one SKU, and what handling and printing them cost."""

    picked: int = 0
    printed: int = 0
    making: float = 0.0


def _tally(replayed: Replay, orders: set[int], shop: Shop) -> dict[str, _Made]:
    """What these orders come to by SKU, at the rates of the places that make the pieces."""
    rates = {location.id: location.costs for location in shop.locations}
    found: dict[str, _Made] = defaultdict(_Made)
    for one in replayed.orders:
        for share in one.decision.assignments if one.past.id in orders else ():
            made, costs = found[share.sku], rates[share.location]
            made.picked += share.from_stock
            made.printed += share.to_print
            made.making += share.quantity * costs.handled_piece + share.to_print * costs.printed_piece
    return found
