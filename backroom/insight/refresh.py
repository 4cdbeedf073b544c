"""Bringing facts and figures up to date: what changed since the last time, in steps that each commit.

Whoever stops in between loses nothing: the mark moves with the facts of its step, and a day stays due until its figures
are written. Doing it twice at once, or again, comes to the same rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from backroom.domain.kpi import BY_DAY, BY_MONTH
from backroom.domain.opening import zone
from backroom.insight import cohorts, returned
from backroom.insight.facts import day_of, facts_of
from backroom.insight.figures import figures_of_days, read_facts
from backroom.shop.room import Room
from backroom.store import kpi_figures, order_facts, raw_orders, sku_returns
from backroom.store.database import now
from backroom.store.kpi_figures import Figure

DAYS_AT_ONCE = 31
LATER = "something came back or changed after it was held to be sure"


def refresh_facts(room: Room) -> Iterator[int]:
    """Read again every order that something was written about; yields how many so far, after each commit."""
    done, more = 0, True
    while more:
        count, more = _next_facts(room)
        done += count
        yield done


def refresh_figures(room: Room) -> Iterator[list[Figure]]:
    """Compute the figures of every day that is due; yields those that were corrected, after each commit."""
    while (corrected := _next_figures(room)) is not None:
        yield corrected


def refresh_months(room: Room) -> list[Figure]:
    """Compute what comes back and who comes back, for all months; returns those figures that were corrected."""
    local = zone(room.shop.owner.timezone)
    with room.database.read() as connection:
        at = now(connection)
        figures = returned.rates(sku_returns.by_month(connection), at, local)
        figures += cohorts.returning(cohorts.read_orders(connection), at, local)
    why = {figure.day: LATER for figure in figures}
    return room.database.write(lambda c: kpi_figures.save(c, why, BY_MONTH, figures, why, at))


def today_of(room: Room, at: datetime) -> str:
    """The shop's own day at this instant, as ISO 8601."""
    return day_of(at, zone(room.shop.owner.timezone))


def _next_facts(room: Room) -> tuple[int, bool]:
    with room.database.read() as connection:
        changed = raw_orders.changes(connection, now(connection))
        raw = raw_orders.read_orders(connection, changed.order_ids)
        known = order_facts.kept(connection, changed.order_ids)
    facts = [facts_of(one, room.shop) for one in raw.values()]
    fresh = [
        fact for fact in facts if fact["order_id"] not in known or known[fact["order_id"]].digest != fact["digest"]
    ]
    short = [(fact["order_id"], *place) for fact in fresh for place in raw[fact["order_id"]].short]
    due = _days_of(fresh, known)

    def commit(connection: Connection) -> None:
        order_facts.save_facts(connection, fresh, short)
        order_facts.mark_due(connection, due)
        raw_orders.set_mark(connection, changed.upto)

    room.database.write(commit)
    return len(facts), changed.more


def _days_of(fresh: list[dict[str, Any]], known: Mapping[int, order_facts.Kept]) -> dict[str, list[str]]:
    """The days that these facts change, each with the orders that were in its figures already and are corrected."""
    due: dict[str, list[str]] = defaultdict(list)
    for fact in fresh:
        before = known.get(fact["order_id"])
        days = {
            fact["accepted_day"],
            fact["shipped_day"],
            *((before.accepted_day, before.shipped_day) if before else ()),
        }
        for day in days - {""}:
            due[day] += [fact["number"]] if before and before.shipped_day else []
    return due


def _next_figures(room: Room) -> list[Figure] | None:
    with room.database.read() as connection:
        at = now(connection)
        today = today_of(room, at)
        why = order_facts.days_due(connection, DAYS_AT_ONCE)
        # What was computed while its day was not over is computed once more when it is.
        unfinished = kpi_figures.unfinished_days(connection, today, BY_DAY)
        days = sorted({*why, *unfinished[:DAYS_AT_ONCE]})
        facts = read_facts(connection, days)
    if not days:
        return None
    figures = figures_of_days(facts, days, room.shop, today)

    def commit(connection: Connection) -> list[Figure]:
        order_facts.settle_days(connection, days)
        return kpi_figures.save(connection, days, BY_DAY, figures, why, at)

    return room.database.write(commit)
