"""The rows of key figures: writing what was computed, noting what changed afterwards, reading spans of days."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, insert, select

from backroom.store.tables import kpi_figures

RECOMPUTED = "its rates or its promises changed"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of one day (ISO 8601) and one way, over so many `orders` (or customers)."""

    day: str
    way: str
    name: str
    value: float
    orders: int
    provisional: bool = False


def save(
    connection: Connection,
    days: Collection[str],
    names: Collection[str],
    figures: Sequence[Figure],
    why: Mapping[str, str],
    at: datetime,
) -> list[Figure]:
    """Put figures in the place of those of the same days and names; returns those that were corrected.

    Corrected is what was final and has another value now: it keeps what it was, and `why` by its day.
    """
    here = kpi_figures.c.day.in_(days) & kpi_figures.c.name.in_(names)
    known = {(row.day, row.way, row.name): row for row in connection.execute(select(kpi_figures).where(here))}
    connection.execute(delete(kpi_figures).where(here))
    rows, corrected = [], []
    for figure in figures:
        before = known.get((figure.day, figure.way, figure.name))
        row: dict[str, Any] = {
            "day": figure.day,
            "way": figure.way,
            "name": figure.name,
            "value": figure.value,
            "orders": figure.orders,
            "provisional": int(figure.provisional),
            "computed_at": at,
            "was": before.was if before else None,
            "changed_at": before.changed_at if before else None,
            "why": before.why if before else "",
        }
        if before and not before.provisional and before.value != figure.value:
            row |= {"was": before.value, "changed_at": at, "why": why.get(figure.day) or RECOMPUTED}
            corrected.append(figure)
        rows.append(row)
    if rows:
        connection.execute(insert(kpi_figures), rows)
    return corrected


def unfinished_days(connection: Connection, before: str, names: Collection[str]) -> list[str]:
    """Days earlier than `before` whose figures of these names were computed while they were not over."""
    query = select(kpi_figures.c.day).where(
        kpi_figures.c.provisional == 1, kpi_figures.c.day < before, kpi_figures.c.name.in_(names)
    )
    return sorted(set(connection.execute(query).scalars()))


def between(connection: Connection, first: str, last: str, names: Collection[str]) -> list[RowMapping]:
    """The figures of these names of the days from `first` to `last`, both included."""
    query = select(kpi_figures).where(kpi_figures.c.day.between(first, last), kpi_figures.c.name.in_(names))
    return list(connection.execute(query.order_by(kpi_figures.c.day, kpi_figures.c.way, kpi_figures.c.name)).mappings())


def changed_since(connection: Connection, since: datetime) -> list[RowMapping]:
    """Figures of past days that were corrected since then, newest correction first."""
    query = select(kpi_figures).where(kpi_figures.c.changed_at >= since)
    return list(connection.execute(query.order_by(kpi_figures.c.changed_at.desc(), kpi_figures.c.day)).mappings())


def last_day(connection: Connection, before: str) -> str:
    """The last day with orders, earlier than `before` where that is not empty; empty where there is none."""
    query = select(func.max(kpi_figures.c.day)).where(kpi_figures.c.name == "orders")
    found: str | None = connection.execute(query.where(kpi_figures.c.day < before) if before else query).scalar_one()
    return found or ""


def last_full_day(connection: Connection, names: Collection[str]) -> list[RowMapping]:
    """The figures of these names of the last day that is over and had orders."""
    day = (
        select(func.max(kpi_figures.c.day))
        .where(kpi_figures.c.name == "orders", kpi_figures.c.provisional == 0)
        .scalar_subquery()
    )
    query = select(kpi_figures).where(kpi_figures.c.day == day, kpi_figures.c.name.in_(names))
    return list(connection.execute(query).mappings())


def last_sure_months(connection: Connection, names: Collection[str]) -> list[RowMapping]:
    """The figures of these names, told by month, each of the last month of which it is not provisional any more."""
    sure = kpi_figures.c.name.in_(names) & (kpi_figures.c.provisional == 0)
    last = select(kpi_figures.c.name, func.max(kpi_figures.c.day).label("day")).where(sure)
    last_of = last.group_by(kpi_figures.c.name).subquery()
    same = (kpi_figures.c.name == last_of.c.name) & (kpi_figures.c.day == last_of.c.day)
    return list(connection.execute(select(kpi_figures).join(last_of, same)).mappings())
