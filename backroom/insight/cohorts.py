"""Who comes back: customers by the month of their first order, and how many placed another one soon after it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from sqlalchemy import Connection

from backroom.domain.kpi import ALL, COMES_BACK_WITHIN_DAYS, WAYS
from backroom.domain.opening import instant
from backroom.store import order_facts
from backroom.store.kpi_figures import Figure

NAME = "returning_60d"
SCHEMA: dict[str, Any] = {
    "person_id": pl.Int64,
    "order_id": pl.Int64,
    "placed_at": pl.Datetime("us", "UTC"),
    "way": pl.String,
}


def read_orders(connection: Connection) -> pl.DataFrame:
    """Of every order whose it was, by number, when it was placed and which way it went."""
    batches = order_facts.stream_placed(connection, tuple(SCHEMA))
    return pl.concat([pl.DataFrame(rows, schema=SCHEMA, orient="row") for rows in ([], *batches)])


def returning(orders: pl.DataFrame, now: datetime, local: ZoneInfo) -> list[Figure]:
    """A figure for each month and way of a first order, on the month's first day; `orders` have the columns of SCHEMA.

    It is provisional while somebody of the month may still come back in time.
    """
    soon = timedelta(days=COMES_BACK_WITHIN_DAYS)
    person, placed = pl.col("person_id"), pl.col("placed_at")
    following = pl.when(person.shift(-1) == person).then(placed.shift(-1))
    firsts = (
        orders.sort("person_id", "placed_at", "order_id")
        .with_columns((following - placed <= soon).fill_null(value=False).alias("back"))
        .filter((person != person.shift(1)).fill_null(value=True))
        .with_columns(placed.dt.convert_time_zone(local.key).dt.strftime("%Y-%m-01").alias("month"))
    )
    found = []
    for way in WAYS:
        mine = firsts if way == ALL else firsts.filter(pl.col("way") == way)
        for month, count, back in mine.group_by("month").agg(pl.len(), pl.col("back").sum().alias("n")).iter_rows():
            over = instant(next_month(date.fromisoformat(month)), time(), local)
            found.append(Figure(month, way, NAME, back / count, count, provisional=now < over + soon))
    return found


def next_month(first: date) -> date:
    """The first day of the month after."""
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1)
