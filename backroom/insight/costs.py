"""What orders cost: what hangs on each of them, and their share of what is paid by the day."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta
from typing import Any

from sqlalchemy import RowMapping

from backroom.domain.cost_rates import CostRates
from backroom.domain.kpi import COSTS
from backroom.domain.opening import OpeningHours, instant, zone
from backroom.domain.shop import Shop


def own_costs(row: Mapping[str, Any] | RowMapping, rates: CostRates) -> dict[str, float]:
    """Minor units, by kind of cost, of what hangs on the orders themselves; `row` is one order's facts, or sums."""
    made = row["printed"] + row["print_rejects"]
    return {
        "cost_label": row["label_minor"],
        "cost_packaging": row["parcels"] * rates.packaging,
        "cost_print": made * rates.print,
        "cost_blank": made * rates.blank,
        "cost_picking": row["pieces"] * rates.handled_piece,
        "cost_partner": row["partner_minor"],
        "cost_messages": (row["emails"] * rates.email_per_1000 + row["texts"] * rates.sms_per_1000) / 1000,
        "cost_returns": row["return_parcels"] * rates.return_label + row["returned"] * rates.handled_piece,
        "cost_compute": row.get("orders", 1) * rates.compute_per_1000 / 1000,
    }


def costs_of(row: Mapping[str, Any], days: Sequence[str], in_all: int, shop: Shop) -> dict[str, float]:
    """Minor units an order, by kind of cost and together, from the sums of one way's orders shipped on these days.

    Hosting is shared by all orders of the days (`in_all` of them), the booths by those of events.
    """
    rates, orders = shop.costs, row["orders"]
    booths = [place.hours for place in shop.locations if place.kind == "booth"]
    hours = math.fsum(open_hours(one, day) for one in booths for day in days) if row["of_events"] else 0.0
    totals = own_costs(row, rates) | {
        "cost_booth": hours * rates.booth_per_hour,
        "cost_hosting": len(days) * rates.hosting_per_month * 12 / 365 / in_all * orders,
    }
    costs = {name: totals[name] / orders for name in COSTS}
    return costs | {"cost_per_order": math.fsum(costs.values())}


def open_hours(hours: OpeningHours, day: str) -> float:
    """How many hours a place is open in ranges that begin on this day of its own calendar."""
    local, wanted = zone(hours.timezone), date.fromisoformat(day)
    total = timedelta()
    for opens, closes in hours.ranges_from(instant(wanted, time(), local)):
        begins = opens.astimezone(local).date()
        if begins > wanted:
            break
        if begins == wanted:
            total += closes - opens
    return total.total_seconds() / 3600
