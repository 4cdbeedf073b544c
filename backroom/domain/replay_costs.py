"""What a routing decision costs: its parcels, its pieces, its prints, at the places that it names.

What belongs here: the same sum for what was decided and for what would have been, so that both can be compared. What
does not: what a day cost (`backroom.insight.figures`), which also shares out booths, hosting and messages: they cost
the same whichever place makes an order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from backroom.domain.cost_rates import CostRates
from backroom.domain.model import Assignment, Delivery, OrderToRoute
from backroom.domain.shop import Shop


@dataclass(frozen=True, slots=True)
class OrderCost:
    """Minor units of the shop's currency. `goods` is what the picked pieces were bought for, where that is known."""

    label: float = 0.0
    packaging: float = 0.0
    picking: float = 0.0
    print: float = 0.0
    goods: float = 0.0

    @property
    def total(self) -> float:
        return self.label + self.packaging + self.picking + self.print + self.goods

    def __add__(self, other: OrderCost) -> OrderCost:
        return OrderCost(*(getattr(self, part.name) + getattr(other, part.name) for part in fields(self)))


def cost_of(
    assignments: Sequence[Assignment], order: OrderToRoute, shop: Shop, goods: Mapping[str, float] | None = None
) -> OrderCost:
    """What making these shares of an order costs by the rates of the shop file; `goods` prices picked pieces by SKU.

    Each place that makes a share of a shipped order sends a parcel. A place that the shop file has no more has the
    shop's own rates, and its first carrier.
    """
    total = OrderCost()
    known = {location.id: location.costs for location in shop.locations}
    for place in dict.fromkeys(one.location for one in assignments):
        mine = [one for one in assignments if one.location == place]
        rates: CostRates = known.get(place, shop.costs)
        label = packaging = 0.0
        if order.delivery is Delivery.SHIP:
            carrier = shop.carrier_for(place, order.channel) if place in known else shop.carriers[0]
            label, packaging = carrier.price_minor, rates.packaging
        total += OrderCost(
            label=label,
            packaging=packaging,
            picking=sum(one.quantity for one in mine) * rates.handled_piece,
            print=sum(one.to_print for one in mine) * rates.printed_piece,
            goods=sum(one.from_stock * (goods or {}).get(one.sku, 0.0) for one in mine),
        )
    return total
