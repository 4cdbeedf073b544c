"""The table `[costs]` of the shop file: what work and things cost, for the figure "cost per order"."""

from __future__ import annotations

from backroom.domain.money import exponent
from backroom.domain.shop import CostRates
from backroom.shop.section import Section


def read_costs(root: Section, currency: str) -> CostRates:
    """Amounts in the shop's currency; what is not named costs nothing."""
    if not root.has("costs"):
        return CostRates()
    section, digits = root.section("costs"), exponent(currency)
    rates = CostRates(
        packaging=section.money("packaging", digits, 0),
        print=section.money("print", digits, 0),
        blank=section.money("blank", digits, 0),
        picking_minutes=section.number("picking_minutes", 0.0, low=0, high=600),
        wage_per_hour=section.money("wage_per_hour", digits, 0),
        email_per_1000=section.money("email_per_1000", digits, 0),
        sms_per_1000=section.money("sms_per_1000", digits, 0),
        booth_per_hour=section.money("booth_per_hour", digits, 0),
        hosting_per_month=section.money("hosting_per_month", digits, 0),
    )
    section.done()
    return rates
