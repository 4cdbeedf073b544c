"""What work and things cost: the table `[costs]` of the shop file, and what a location has in its stead."""

from __future__ import annotations

from dataclasses import replace

from backroom.domain.cost_rates import CostRates
from backroom.domain.money import exponent
from backroom.shop.section import Section


def read_costs(root: Section, currency: str) -> CostRates:
    """Amounts in the shop's currency; what is not named costs nothing."""
    if not root.has("costs"):
        return CostRates()
    section, digits = root.section("costs"), exponent(currency)
    rates = replace(
        _making(section, digits, CostRates()),
        email_per_1000=section.money("email_per_1000", digits, 0),
        sms_per_1000=section.money("sms_per_1000", digits, 0),
        booth_per_hour=section.money("booth_per_hour", digits, 0),
        hosting_per_month=section.money("hosting_per_month", digits, 0),
        compute_per_1000=section.money("compute_per_1000", digits, 0),
        return_label=section.money("return_label", digits, 0),
    )
    section.done()
    return rates


def read_own_costs(location: Section, currency: str, shops: CostRates) -> CostRates:
    """What making and packing costs at one location; what it does not name is as in the rest of the shop."""
    if not location.has("costs"):
        return shops
    section = location.section("costs")
    rates = _making(section, exponent(currency), shops)
    section.done()
    return rates


def _making(section: Section, digits: int, otherwise: CostRates) -> CostRates:
    return replace(
        otherwise,
        packaging=section.money("packaging", digits, otherwise.packaging),
        print=section.money("print", digits, otherwise.print),
        blank=section.money("blank", digits, otherwise.blank),
        picking_minutes=section.number("picking_minutes", otherwise.picking_minutes, low=0, high=600),
        wage_per_hour=section.money("wage_per_hour", digits, otherwise.wage_per_hour),
    )
