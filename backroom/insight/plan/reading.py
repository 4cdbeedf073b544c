"""Reading what the plan needs: from the shop's rows, its file, the audit of its past, and what its people told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from backroom.domain.audit import Failure
from backroom.domain.cost_rates import CostRates
from backroom.domain.plan import LEAST_AT_AN_EVENT, EventDay, Known, Rates, week_of_a_sku
from backroom.domain.shop import Shop
from backroom.insight.past.page import kept
from backroom.insight.refresh import today_of
from backroom.shop.room import REPORTS, Room
from backroom.store import audit_days, audit_wrong, plan_answers, plan_facts
from backroom.store.database import now

# Channels whose own list of orders can be exported and compared.
WITH_A_LIST = ("shopify", "woocommerce")
SPAN, SOLD_SPAN = timedelta(days=30), timedelta(weeks=8)


def known_without_shop(home: Path, today: str) -> Known:
    """What is known before there is a shop, or before it was ever started."""
    past = kept(home / REPORTS)
    return Known(
        today=today,
        started=past["read_at"][:10] if past else "",
        has_shop=(home / "shop.toml").exists(),
        week_of_a_sku=past["week_of_a_sku"] if past else None,
        before=_before(past),
    )


def read_plan(room: Room) -> Known:
    """What is known of a shop that was started."""
    shop, past = room.shop, kept(room.folder(REPORTS))
    with room.database.read() as connection:
        at = now(connection)
        today = today_of(room, at)
        told = plan_answers.answers(connection)
        count, first = plan_facts.first_order(connection)
        events = _events(connection)
        held = [day.day for day in events if day.orders >= LEAST_AT_AN_EVENT]
        lost = {row["failure"]: row["count"] for row in audit_days.last(connection)}.get(Failure.LOST)
        began = [past["read_at"][:10]] if past else []
        began += [today_of(room, first)] if first else []
        return Known(
            today=today,
            started=min(began, default=""),
            has_shop=True,
            orders=count,
            channels=tuple(channel.id for channel in shop.channels if channel.kind in WITH_A_LIST),
            compared=frozenset(
                name.removeprefix(plan_answers.COMPARED)
                for name, answer in told.items()
                if name.startswith(plan_answers.COMPARED) and answer.at >= at - SPAN
            ),
            lost_now=lost,
            costs=shop.costs != CostRates(),
            rules=tuple(rule.name for rule in shop.rules),
            routed=plan_facts.routed(connection, at - SPAN),
            locations=tuple(place.id for place in shop.locations),
            used=plan_facts.used(connection, at - SPAN),
            no_rule=plan_facts.without_rule(connection),
            low_stock=shop.thresholds.low_stock,
            week_of_a_sku=_week_of_a_sku(connection, at, first, past),
            booths=_booths(shop),
            event_days=events,
            days_since=plan_facts.days_with_figures(connection, min(held), today) if held else 0,
            answers={name: answer.value for name, answer in told.items()},
            before=_before(past),
            after=_after(connection, at, today, lost),
        )


def _booths(shop: Shop) -> tuple[str, ...]:
    events = {channel.event for channel in shop.channels} | {place.event for place in shop.locations}
    booths = [place for place in shop.locations if place.kind == "booth" and place.printers]
    return tuple(place.id for place in booths if place.event or events - {""})


def _events(connection: Connection) -> list[EventDay]:
    return [
        EventDay(day, len(one.seconds), _median(one.seconds), one.rejects / one.tries if one.tries else 0.0)
        for day, one in sorted(plan_facts.served_at_events(connection).items())
    ]


def _median(seconds: list[int]) -> float:
    """By nearest rank, so that it is somebody's own."""
    return float(sorted(seconds)[math.ceil(len(seconds) / 2) - 1])


def _week_of_a_sku(
    connection: Connection, at: datetime, first: datetime | None, past: Mapping[str, Any] | None
) -> int | None:
    """What nine in ten SKUs sell a week at the most: of the shop's own weeks once there are two, else of its past."""
    sold = plan_facts.sold(connection, at - SOLD_SPAN)
    weeks = min((at - first) / timedelta(weeks=1), SOLD_SPAN / timedelta(weeks=1)) if first else 0.0
    if sold and weeks >= 2:
        return week_of_a_sku(sold, weeks)
    return past["week_of_a_sku"] if past else None


def _before(past: Mapping[str, Any] | None) -> Rates | None:
    if past is None:
        return None

    def share(name: str) -> float | None:
        number = past[name]
        return number["count"] / number["of"] if number and number["of"] else None

    lost, wrong = share("lost"), share("wrong")
    return Rates(
        None if lost is None else lost * 1000,
        None if wrong is None else wrong * 1000,
        share("slow"),
        past["median_days"],
    )


def _after(connection: Connection, at: datetime, today: str, lost: int | None) -> Rates:
    """The shop's own rates over the last 30 days; of orders that came back wrong, each once."""
    first = (date.fromisoformat(today) - SPAN).isoformat()
    wrong = {one.number for one in audit_wrong.wrong_returns(connection, at - SPAN)}
    seconds, promised, late = plan_facts.shipped_since(connection, first)
    return Rates(
        lost_in_1000=None if lost is None or not seconds else lost * 1000 / (len(seconds) + lost),
        wrong_in_1000=len(wrong) * 1000 / len(seconds) if seconds else None,
        late_share=late / promised if promised else None,
        median_days=_median(seconds) / 86_400 if seconds else None,
    )
