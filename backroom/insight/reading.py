"""Reading a report out of the shop: the figures of a span that ends on a day, and what was corrected lately."""

from __future__ import annotations

from datetime import date, timedelta

from backroom.insight.refresh import today_of
from backroom.insight.report import Report
from backroom.shop.room import Room
from backroom.store import kpi_figures
from backroom.store.database import now

CORRECTED_WITHIN = timedelta(days=7)


def read_report(room: Room, days: int, last: str = "") -> Report:
    """The figures of so many days up to `last` (ISO 8601; today where it is empty)."""
    with room.database.read() as connection:
        at = now(connection)
        last = last or today_of(room, at)
        first = (date.fromisoformat(last) - timedelta(days=days - 1)).isoformat()
        figures = [dict(row) for row in kpi_figures.between(connection, first, last)]
        corrected = [dict(row) for row in kpi_figures.changed_since(connection, at - CORRECTED_WITHIN)]
    return Report(room.shop.owner.name, room.shop.owner.currency, first, last, figures, corrected)
