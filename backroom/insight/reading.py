"""Reading a report out of the shop: a day's, a week's or any span's figures, and what was corrected lately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection

from backroom.domain.kpi import ALL, BY_DAY, BY_MONTH
from backroom.domain.shop import Shop
from backroom.insight.behind import behind, read_orders_of
from backroom.insight.figures import figures_of_span, read_facts
from backroom.insight.refresh import today_of
from backroom.insight.report import Report, Values
from backroom.insight.returned import Compared, compared
from backroom.quality.suites import said_of
from backroom.shop.room import Room
from backroom.store import kpi_figures, order_facts, sku_returns
from backroom.store.database import now

CHART_DAYS = 28
CORRECTED_WITHIN = timedelta(days=7)
# Figures told by month: those of so many days back.
MONTHS_BACK = timedelta(days=183)
BEHIND_MOST = 20
SKUS_MOST = 20
# What was shipped on so many days is looked at for what comes back of events, and online.
RETURNS_BACK = 183
WEEK_DAYS = 7


@dataclass(frozen=True, slots=True)
class Span:
    """The days from `first` to `last`, both included, and how they are called."""

    first: date
    last: date
    title: str

    @property
    def days(self) -> list[str]:
        """Each day as ISO 8601."""
        return [(self.first + timedelta(days=n)).isoformat() for n in range((self.last - self.first).days + 1)]

    @property
    def before(self) -> Span:
        """As many days, up to the one before."""
        length = self.last - self.first + timedelta(days=1)
        return Span(self.first - length, self.last - length, "")


def day_span(day: date) -> Span:
    return Span(day, day, day.isoformat())


def week_span(day: date) -> Span:
    """The ISO week that a day lies in, called as `2026-W48`."""
    year, week, _ = day.isocalendar()
    monday = date.fromisocalendar(year, week, 1)
    return Span(monday, monday + timedelta(days=WEEK_DAYS - 1), f"{year}-W{week:02}")


def last_day(room: Room, *, over: bool = False) -> date:
    """The last day that orders were shipped on, today where there is none; `over`: one that is over, if there is."""
    with room.database.read() as connection:
        today = today_of(room, now(connection))
        day = kpi_figures.last_day(connection, today if over else "") or kpi_figures.last_day(connection, "") or today
    return date.fromisoformat(day)


def read_report(room: Room, span: Span, *, with_orders: bool = False) -> Report:
    """The report of a span; `with_orders` names the orders behind each of its figures, and what comes back."""
    days, owner = span.days, room.shop.owner
    charted = min(span.first, span.last - timedelta(days=CHART_DAYS - 1)).isoformat()
    months = (span.last - MONTHS_BACK).replace(day=1).isoformat()
    with room.database.read() as connection:
        at = now(connection)
        today = today_of(room, at)
        orders = read_orders_of(connection, days) if with_orders else None
        return Report(
            shop=owner.name,
            currency=owner.currency,
            title=span.title,
            first=days[0],
            last=days[-1],
            values=_values(connection, span, room.shop, today),
            before=_values(connection, span.before, room.shop, today),
            figures=[dict(row) for row in kpi_figures.between(connection, charted, days[-1], BY_DAY)],
            months=[dict(row) for row in kpi_figures.between(connection, months, days[-1], BY_MONTH)],
            corrected=[dict(row) for row in kpi_figures.changed_since(connection, at - CORRECTED_WITHIN)],
            behind={name: behind(orders, name, ALL, room.shop, BEHIND_MOST) for name in BY_DAY} if orders else {},
            returns=_returns(connection, span.last, RETURNS_BACK) if with_orders else (),
            provisional=days[-1] >= today,
            left_out=[
                (row["number"], said_of(row["left_out"])) for row in order_facts.left_out_of_days(connection, days)
            ],
        )


def read_returns(room: Room, last: date, days: int) -> Sequence[Compared]:
    """Event against online, of what was shipped on so many days up to `last`."""
    with room.database.read() as connection:
        return _returns(connection, last, days)


def _returns(connection: Connection, last: date, days: int) -> Sequence[Compared]:
    first = last - timedelta(days=days - 1)
    return compared(sku_returns.by_sku(connection, first.isoformat(), last.isoformat()), SKUS_MOST)


def _values(connection: Connection, span: Span, shop: Shop, today: str) -> Values:
    """A day's figures are those that were kept; those of more days are computed from their orders.

    Days that have not come yet are left out: nobody was paid for them.
    """
    days = [day for day in span.days if day <= today] or span.days[:1]
    if len(span.days) == 1:
        rows = kpi_figures.between(connection, days[0], days[0], BY_DAY)
        return {(row["name"], row["way"]): row["value"] for row in rows}
    figures = figures_of_span(read_facts(connection, days), days, shop)
    return {(figure.name, figure.way): figure.value for figure in figures}
