"""What the three failures cost: from the rates of the shop file, and from assumptions where it has none.

What belongs here: the sums and the assumptions, each with its sentence. What does not: counting (`backroom.insight`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from backroom.domain.cost_rates import CostRates
from backroom.domain.money import exponent, format_money

MINUTES_LATE = 10
MINUTES_WRONG = 15
MINUTES_CAUGHT = 2
# In major units, where the shop file says nothing; in a currency without minor units a hundred times as much.
_WAGE, _PARCEL = 20, 5
_LARGE_UNITS = 100


@dataclass(frozen=True, slots=True)
class FailureCosts:
    """Minor units of `currency`: a late order, a wrong piece that went out, one that a scan caught."""

    currency: str
    wage_per_hour: int
    parcel: int
    packaging: int
    handled_piece: float
    assumed: tuple[str, ...]

    @property
    def late(self) -> int:
        """Answering the customer who asks where it is."""
        return round(MINUTES_LATE / 60 * self.wage_per_hour)

    @property
    def sent_wrong(self) -> int:
        """A parcel back, another one out, and somebody's time; the piece itself is restocked."""
        return round(2 * (self.parcel + self.handled_piece) + self.packaging + MINUTES_WRONG / 60 * self.wage_per_hour)

    @property
    def caught(self) -> int:
        """Putting a wrong piece back and fetching the right one."""
        return round(MINUTES_CAUGHT / 60 * self.wage_per_hour)

    def sentences(self) -> Iterator[str]:
        """What a failure costs and why, for people; then what was assumed."""

        def said(minor: int) -> str:
            return format_money(minor, self.currency)

        yield f"A late order costs {said(self.late)}: {MINUTES_LATE} minutes with the customer."
        yield (
            f"A wrong piece sent costs {said(self.sent_wrong)}: two parcels of {said(self.parcel)}, packaging, picking "
            f"twice, and {MINUTES_WRONG} minutes."
        )
        yield f"A wrong piece caught by a scan costs {said(self.caught)}: {MINUTES_CAUGHT} minutes."
        yield "A lost order costs what was paid for it."
        yield from self.assumed


def failure_costs(rates: CostRates, parcel: int | None, currency: str) -> FailureCosts:
    """From the shop's rates and its carrier's price (minor units); None or 0 where they are not known."""
    digits = exponent(currency)
    unit = 10**digits if digits else _LARGE_UNITS
    assumed = []
    wage, price = rates.wage_per_hour, parcel
    if not wage:
        wage = _WAGE * unit
        assumed.append(f"Assumed: an hour of work costs {format_money(wage, currency)} ([costs] wage_per_hour).")
    if not price:
        price = _PARCEL * unit
        assumed.append(f"Assumed: a parcel costs {format_money(price, currency)} (a carrier's price).")
    handled = rates.picking_minutes / 60 * wage
    return FailureCosts(currency, wage, price, rates.packaging, handled, tuple(assumed))
