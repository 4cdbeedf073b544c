"""Buying finished pieces: by which rule, at which price.

What belongs here: the assumptions of a stock what-if, and what holding and ordering cost by them. What does not: going
through the past with them (`replay`), reading them from a file (`backroom.shop.what_if`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from backroom.domain.replay import Replay, Restocking, StockPlace


@dataclass(frozen=True, slots=True)
class Supply:
    """A rule for buying and what it costs: `piece` and `order` (each order with the supplier) in minor units, and
    `holding_percent` of a piece's price a year on the shelf: rent, money, what goes out of fashion.

    `own` rules and `prices` are those of single SKUs.
    """

    rule: Restocking
    piece: int
    order: int = 0
    holding_percent: float = 0.0
    own: Mapping[str, Restocking] = field(default_factory=dict)
    prices: Mapping[str, int] = field(default_factory=dict)

    def rules_for(self, skus: Collection[str]) -> dict[str, Restocking]:
        return {sku: self.own.get(sku, self.rule) for sku in skus}

    def price(self, sku: str) -> int:
        return self.prices.get(sku, self.piece)

    def holding(self, sku: str, shelf_days: float) -> float:
        """What so many pieces × days on the shelf cost, in minor units."""
        return shelf_days * self.price(sku) * self.holding_percent / 100 / 365

    def holding_of(self, replayed: Replay) -> float:
        return sum(self.holding(sku, days) for sku, days in replayed.shelf_days.items())

    def ordering(self, purchases: Mapping[StockPlace, int], sku: str | None = None) -> float:
        """What the orders with the supplier cost; those of one SKU where it is named."""
        return self.order * sum(count for (_, bought), count in purchases.items() if sku in (None, bought))
