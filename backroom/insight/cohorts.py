"""Who comes back: customers by the month of their first order, and how many placed another one soon after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from backroom.domain.kpi import ALL, COMES_BACK_WITHIN_DAYS, WAYS
from backroom.store.kpi_figures import Figure

NAME = "returning_60d"


def returning(
    customers: Sequence[tuple[datetime, str, datetime | None]], now: datetime, local: ZoneInfo
) -> list[Figure]:
    """A figure for each month and way of a first order, on the month's first day.

    `customers` are (first order placed, its way, next order placed or None). It is provisional while somebody of the
    month may still come back in time.
    """
    soon = timedelta(days=COMES_BACK_WITHIN_DAYS)
    seen = pl.DataFrame(
        [
            (first.astimezone(local).strftime("%Y-%m-01"), way, following is not None and following - first <= soon)
            for first, way, following in customers
        ],
        schema={"month": pl.String, "way": pl.String, "back": pl.Boolean},
        orient="row",
    )
    found = []
    for way in WAYS:
        mine = seen if way == ALL else seen.filter(pl.col("way") == way)
        for month, count, back in mine.group_by("month").agg(pl.len(), pl.col("back").sum().alias("n")).iter_rows():
            last = _next_month(datetime.fromisoformat(month).replace(tzinfo=local))
            found.append(Figure(month, way, NAME, back / count, count, provisional=now < last + soon))
    return found


def _next_month(first: datetime) -> datetime:
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1)
