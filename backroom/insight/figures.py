"""From facts to the figures of days, way by way.

Medians and p90 are by nearest rank: the value at place ⌈p·n⌉ of the n sorted ones, so they are always somebody's.
Everything else is a sum over the day divided once, so that SQL comes to the very same number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import polars as pl
from sqlalchemy import RowMapping

from backroom.domain.kpi import ALL, COSTS, STAGES, WAYS, Way
from backroom.domain.opening import OpeningHours, instant, zone
from backroom.domain.shop import Shop
from backroom.insight.facts import COUNTED
from backroom.store.kpi_figures import Figure

_WHOLE = (*(f"{stage}_s" for stage in STAGES), "ship_s", "on_time", *COUNTED)
SCHEMA: dict[str, Any] = dict.fromkeys(("way", "accepted_day", "shipped_day"), pl.String) | dict.fromkeys(
    _WHOLE, pl.Int64
)
_MEDIANS = {f"{stage}_median": f"{stage}_s" for stage in STAGES} | {"ship_median": "ship_s"}


def frame(facts: Sequence[RowMapping]) -> pl.DataFrame:
    """Facts as a frame, with the columns that the figures need."""
    return pl.DataFrame([tuple(fact[name] for name in SCHEMA) for fact in facts], schema=SCHEMA, orient="row")


def figures_of_days(facts: pl.DataFrame, days: Sequence[str], shop: Shop, today: str) -> list[Figure]:
    """All figures of these days that have orders; `facts` holds every order that was accepted or shipped on them.

    Those of `today` and later are provisional.
    """
    found: list[Figure] = []
    all_of_day: dict[str, int] = {}
    for way in WAYS:
        mine = facts if way == ALL else facts.filter(pl.col("way") == way)
        shipped = mine.filter(pl.col("shipped_day").is_in(days)).group_by("shipped_day").agg(*_SHIPPED)
        for row in shipped.iter_rows(named=True):
            found += _of_shipped(row, way, all_of_day.setdefault(row["shipped_day"], row["orders"]), shop)
        accepted = mine.filter(pl.col("accepted_day").is_in(days)).group_by("accepted_day")
        for row in accepted.agg(pl.len().alias("orders"), pl.col("oversold").sum()).iter_rows(named=True):
            share = row["oversold"] / row["orders"]
            found.append(Figure(row["accepted_day"], way, "oversold", share, row["orders"]))
    return [replace(figure, provisional=figure.day >= today) for figure in found]


def _nearest_rank(column: str, share: float) -> pl.Expr:
    rank = (pl.col(column).count() * share).ceil().cast(pl.Int64).clip(lower_bound=1) - 1
    return pl.col(column).drop_nulls().sort().get(rank, null_on_oob=True)


# Who was oversold counts on the day of acceptance, all else on the day of shipping.
_SUMMED = tuple(name for name in COUNTED if name != "oversold")
_SHIPPED = (
    pl.len().alias("orders"),
    *(_nearest_rank(column, 0.5).alias(name) for name, column in _MEDIANS.items()),
    _nearest_rank("ship_s", 0.9).alias("ship_p90"),
    pl.col("on_time").sum(),
    pl.col("on_time").count().alias("promised"),
    *(pl.col(column).sum() for column in _SUMMED),
    (pl.col("way") == Way.EVENT).sum().alias("of_events"),
)


def _of_shipped(row: Mapping[str, Any], way: str, all_of_day: int, shop: Shop) -> list[Figure]:
    """The figures of one day and way, from its sums."""
    day, orders = row["shipped_day"], row["orders"]
    values = {name: row[name] for name in ("orders", "messages_failed", *_MEDIANS, "ship_p90")}
    over = dict.fromkeys(values, orders)
    if row["promised"]:
        values["on_time"], over["on_time"] = row["on_time"] / row["promised"], row["promised"]
    if row["print_tries"]:
        values["print_rejects"], over["print_rejects"] = row["print_rejects"] / row["print_tries"], row["print_tries"]
    costs = _costs(row, all_of_day, shop)
    values |= costs | {"cost_per_order": math.fsum(costs.values())}
    return [Figure(day, way, name, float(value), over.get(name, orders)) for name, value in values.items()]


def _costs(row: Mapping[str, Any], all_of_day: int, shop: Shop) -> dict[str, float]:
    """Minor units an order, by kind of cost. The day's hosting is shared by all its orders, its booths by events'."""
    rates, orders = shop.costs, row["orders"]
    booths = sum(open_hours(place.hours, row["shipped_day"]) for place in shop.locations if place.kind == "booth")
    totals = {
        "cost_label": row["label_minor"],
        "cost_packaging": row["parcels"] * rates.packaging,
        "cost_print": (row["printed"] + row["print_rejects"]) * rates.printed_piece,
        "cost_picking": row["pieces"] * rates.handled_piece,
        "cost_messages": (row["emails"] * rates.email_per_1000 + row["texts"] * rates.sms_per_1000) / 1000,
        "cost_booth": booths * rates.booth_per_hour if row["of_events"] else 0,
        "cost_hosting": rates.hosting_per_month * 12 / 365 / all_of_day * orders,
    }
    return {name: totals[name] / orders for name in COSTS}


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
