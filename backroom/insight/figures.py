"""From facts to the figures of days, or of several days together, way by way.

Medians and p90 are by nearest rank: the value at place ⌈p·n⌉ of the n sorted ones, so they are always somebody's.
Everything else is a sum divided once, so that SQL comes to the very same number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl
from sqlalchemy import Connection

from backroom.domain.kpi import ALL, STAGES, WAYS, Way
from backroom.domain.shop import Shop
from backroom.insight.costs import costs_of
from backroom.insight.facts import COUNTED
from backroom.store import order_facts
from backroom.store.kpi_figures import Figure

_WHOLE = (*(f"{stage}_s" for stage in STAGES), "ship_s", "on_time", *COUNTED)
SCHEMA: dict[str, Any] = dict.fromkeys(("way", "accepted_day", "shipped_day"), pl.String) | dict.fromkeys(
    _WHOLE, pl.Int64
)
SHORT: dict[str, Any] = dict.fromkeys(("accepted_day", "way", "location", "sku"), pl.String)
LEFT_OUT: dict[str, Any] = dict.fromkeys(("way", "accepted_day", "shipped_day"), pl.String)
_MEDIANS = {f"{stage}_median": f"{stage}_s" for stage in STAGES} | {"ship_median": "ship_s"}


@dataclass(frozen=True, slots=True)
class Facts:
    """The orders that were accepted or shipped on some days, a row each, what they found out of stock, and those in
    quarantine, which no other figure counts."""

    orders: pl.DataFrame
    short: pl.DataFrame
    left_out: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LEFT_OUT))


def read_facts(connection: Connection, days: Sequence[str]) -> Facts:
    """All that figures of these days are made of."""
    orders = [frame(batch) for batch in order_facts.stream_of_days(connection, days, tuple(SCHEMA))]
    short = pl.DataFrame(order_facts.stock_outs_of_days(connection, days), schema=SHORT, orient="row")
    rows = [tuple(row[name] for name in LEFT_OUT) for row in order_facts.left_out_of_days(connection, days)]
    return Facts(pl.concat([frame([]), *orders]), short, pl.DataFrame(rows, schema=LEFT_OUT, orient="row"))


def frame(rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    """Orders as a frame, from rows in the order of SCHEMA."""
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def figures_of_days(facts: Facts, days: Sequence[str], shop: Shop, today: str) -> list[Figure]:
    """All figures of each of these days that has orders; those of `today` and later are provisional."""
    found = _figures(facts, {day: [day] for day in days}, shop)
    return [replace(figure, provisional=figure.day >= today) for figure in found]


def figures_of_span(facts: Facts, days: Sequence[str], shop: Shop) -> list[Figure]:
    """The figures of all these days together, as if they were the first of them."""
    first = days[0]

    def together(column: str) -> pl.Expr:
        return pl.when(pl.col(column).is_in(days)).then(pl.lit(first)).otherwise(pl.lit("")).alias(column)

    as_one = Facts(
        facts.orders.with_columns(together("accepted_day"), together("shipped_day")),
        facts.short.with_columns(together("accepted_day")),
        facts.left_out.with_columns(together("accepted_day"), together("shipped_day")),
    )
    return _figures(as_one, {first: days}, shop)


def _figures(facts: Facts, spans: Mapping[str, Sequence[str]], shop: Shop) -> list[Figure]:
    """The figures of each span, by the day that stands for it in the facts."""
    found: list[Figure] = []
    all_of_span: dict[str, int] = {}
    for way in WAYS:
        of_way = pl.lit(value=True) if way == ALL else pl.col("way") == way
        mine = facts.orders.filter(of_way)
        shipped = mine.filter(pl.col("shipped_day").is_in(list(spans))).group_by("shipped_day").agg(*_SHIPPED)
        for row in shipped.iter_rows(named=True):
            day = row["shipped_day"]
            found += _of_shipped(row, way, spans[day], all_of_span.setdefault(day, row["orders"]), shop)
        places = facts.short.filter(of_way).unique(("accepted_day", "location", "sku"))
        short = dict(places.group_by("accepted_day").len().iter_rows())
        accepted = mine.filter(pl.col("accepted_day").is_in(list(spans))).group_by("accepted_day")
        for day, orders, oversold in accepted.agg(pl.len(), pl.col("oversold").sum()).iter_rows():
            found.append(Figure(day, way, "oversold", oversold / orders, orders))
            found.append(Figure(day, way, "stock_outs", float(short.get(day, 0)), orders))
        found += _left_out(facts.left_out.filter(of_way), way, spans)
    return found


def _left_out(orders: pl.DataFrame, way: str, days: Collection[str]) -> Iterator[Figure]:
    """How many orders each of these days is without, of those that have any."""
    either = orders.select(pl.concat_list("accepted_day", "shipped_day").list.unique().alias("day")).explode("day")
    for day, count in either.group_by("day").len().iter_rows():
        if day in days:
            yield Figure(day, way, "left_out", float(count), count)


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


def _of_shipped(row: Mapping[str, Any], way: str, days: Sequence[str], in_all: int, shop: Shop) -> list[Figure]:
    """The figures of one span and way, from its sums; `in_all` orders of all ways were shipped in it."""
    day, orders = row["shipped_day"], row["orders"]
    values = {name: row[name] for name in ("orders", "messages_failed", *_MEDIANS, "ship_p90")}
    over = dict.fromkeys(values, orders)
    if row["promised"]:
        values["on_time"], over["on_time"] = row["on_time"] / row["promised"], row["promised"]
    if row["print_tries"]:
        values["print_rejects"], over["print_rejects"] = row["print_rejects"] / row["print_tries"], row["print_tries"]
    values["refunds"] = row["refunded_minor"] / orders
    values |= costs_of(row, days, in_all, shop)
    return [Figure(day, way, name, float(value), over.get(name, orders)) for name, value in values.items()]
