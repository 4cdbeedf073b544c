"""The numbers of the wall, day by day: as they last stood."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, select

from backroom.domain.audit import Number
from backroom.store.batches import upsert
from backroom.store.tables import audit_days


def save(connection: Connection, day: str, numbers: Iterable[Number], at: datetime) -> None:
    """Put the numbers of a day (ISO 8601) in the place of those it had."""
    rows = [
        {
            "day": day,
            "failure": one.failure,
            "count": one.count,
            "out_of": one.of,
            "minor": one.minor,
            "computed_at": at,
        }
        for one in numbers
    ]
    upsert(connection, audit_days, rows, ["day", "failure"])


def last(connection: Connection) -> list[RowMapping]:
    """The numbers as they last stood; none before the first audit."""
    day = select(func.max(audit_days.c.day)).scalar_subquery()
    return list(connection.execute(select(audit_days).where(audit_days.c.day == day)).mappings())


def between(connection: Connection, first: str, last_day: str) -> list[RowMapping]:
    """The numbers of the days from `first` to `last_day`, both included."""
    query = select(audit_days).where(audit_days.c.day.between(first, last_day))
    return list(connection.execute(query.order_by(audit_days.c.day, audit_days.c.failure)).mappings())
