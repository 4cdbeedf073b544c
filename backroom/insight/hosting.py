"""Where should it run? The shop's own arrivals served three ways, with the bill and how long an order waits.

What belongs here: reading the arrivals, their curve and their peak, and the verdict. What does not: the queues
(`backroom.domain.hosting`), how it is shown (`hosting_report`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from backroom.domain.assumptions import Assumptions, Values
from backroom.domain.hosting import Served, always_on, mixed, month_cost, serverless
from backroom.domain.money import exponent
from backroom.domain.opening import zone
from backroom.insight.words import count_of
from backroom.insight.work_times import nearest_rank
from backroom.shop.room import Room
from backroom.store import demand
from backroom.store.database import now

HOUR, DAY = 3600.0, 86_400.0
# Fewer days say little of a month.
FEWEST_DAYS = 14
SEED = 1
# How the answer swings is computed over the last so many arrivals: the queues are gone through for each end anew.
SWUNG = 20_000
TIMES_AS_MANY = (1, 2, 5, 10, 20, 50, 100)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to run it. Seconds until done: of 100 orders 50, 95 and 99 are as fast or faster; `peak` is the 95th of
    the busiest hour with so many times the orders. `bills` are those for more and more orders.
    """

    name: str
    bill: float
    p50: float
    p95: float
    p99: float
    cold_share: float
    most_at_once: int
    peak_p95: float
    bills: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class HostingCheck:
    """The whole answer. `curve` is (hour of the shop's day, mean, most) arrivals; `busiest` the most in any hour."""

    shop: str
    since: datetime
    days: float
    arrivals: int
    curve: tuple[tuple[int, float, int], ...]
    busiest: int
    peak: int
    ways: tuple[Way, ...]
    assumptions: Assumptions
    own_machine_price: bool
    swings: tuple[tuple[str, float, float], ...]
    usual_difference: float
    verdict: str
    because: tuple[str, ...]


_WAYS: tuple[tuple[str, Callable[[Sequence[float], Values], Served], bool, bool], ...] = (
    ("always on", always_on, True, False),
    ("serverless", serverless, False, True),
    ("mixed", mixed, True, True),
)


def check_hosting(room: Room, assumptions: Assumptions, since: datetime, peak: int) -> HostingCheck:
    """The check over the messages since then; `peak` is how many times the busiest hour's orders a peak would bring."""
    with room.database.read() as connection:
        until, came = now(connection), demand.arrived(connection, since)
    values = assumptions.values()
    price = room.shop.costs.hosting_per_month / 10 ** exponent(room.shop.owner.currency)
    if price:
        values["machine_month"] = price
    first = came[0] if came else until
    # A shop that was opened a minute ago does not take a minute's orders every minute.
    span = max((until - first).total_seconds(), DAY)
    arrivals = [(at - first).total_seconds() for at in came]
    hour = _busiest(arrivals)
    rush = _rush(hour, peak)
    last = arrivals[-SWUNG:]
    spanned = span * len(last) / len(arrivals) if arrivals else span
    ways = tuple(_way(*one, arrivals, rush, span, values) for one in _WAYS)
    difference = _difference(last, spanned, values)
    own: set[str] = {"machine_month"} if price else set()
    swings = [
        swing
        for swing in assumptions.swings(lambda swung: _difference(last, spanned, values | _without(swung, own)))
        if swing[0] not in own
    ]
    verdict, because = _judged(ways, values["goal_seconds"], span / DAY, assumptions.currency)
    return HostingCheck(
        shop=room.shop.owner.name,
        since=first,
        days=span / DAY,
        arrivals=len(came),
        curve=tuple(_curve(came, room.shop.owner.timezone, span)),
        busiest=len(hour),
        peak=peak,
        ways=ways,
        assumptions=assumptions,
        own_machine_price=bool(price),
        swings=tuple(swings),
        usual_difference=difference,
        verdict=verdict,
        because=because,
    )


def _way(
    name: str,
    serve: Callable[[Sequence[float], Values], Served],
    machine: bool,
    functions: bool,
    arrivals: Sequence[float],
    rush: Sequence[float],
    span: float,
    values: Values,
) -> Way:
    served, rushed = serve(arrivals, values), serve(rush, values)

    def bill(times: float) -> float:
        return month_cost(served, span / times, values, machine=machine, functions=functions)

    p50, p95, p99 = (nearest_rank(served.latencies, share) if arrivals else 0.0 for share in (0.5, 0.95, 0.99))
    month = len(arrivals) * 365 / 12 * DAY / span
    return Way(
        name=name,
        bill=bill(1),
        p50=p50,
        p95=p95,
        p99=p99,
        cold_share=served.cold / len(arrivals) if arrivals else 0.0,
        most_at_once=served.most_at_once,
        peak_p95=nearest_rank(rushed.latencies, 0.95) if rush else 0.0,
        bills=tuple((month * times, bill(times)) for times in TIMES_AS_MANY),
    )


def _difference(arrivals: Sequence[float], span: float, values: Values) -> float:
    """What serverless costs more a month than always on; below zero it is cheaper."""
    bills = {
        name: month_cost(serve(arrivals, values), span, values, machine=machine, functions=functions)
        for name, serve, machine, functions in _WAYS[:2]
    }
    return bills["serverless"] - bills["always on"]


def _without(values: Values, names: set[str]) -> dict[str, float]:
    return {name: value for name, value in values.items() if name not in names}


def _busiest(arrivals: Sequence[float]) -> list[float]:
    """The arrivals of the hour that had the most, wherever it begins."""
    best: tuple[int, int] = (0, 0)
    first = 0
    for number, at in enumerate(arrivals):
        while arrivals[first] <= at - HOUR:
            first += 1
        if number + 1 - first > best[1] - best[0]:
            best = (first, number + 1)
    return list(arrivals[best[0] : best[1]])


def _rush(hour: Sequence[float], peak: int) -> list[float]:
    """That hour with so many times the orders: its own, and others spread over the hour by chance, always the same."""
    if not hour:
        return []
    chance = random.Random(SEED)  # noqa: S311 - a simulation
    more = [hour[0] + chance.random() * HOUR for _ in range(len(hour) * (peak - 1))]
    return sorted([*hour, *more])


def _curve(came: Sequence[datetime], timezone: str, span: float) -> list[tuple[int, float, int]]:
    local, days = zone(timezone), max(1.0, span / DAY)
    counts: dict[tuple[object, int], int] = {}
    for at in came:
        there = at.astimezone(local)
        counts[there.date(), there.hour] = counts.get((there.date(), there.hour), 0) + 1
    return [
        (
            hour,
            sum(count for (_, at), count in counts.items() if at == hour) / days,
            max((count for (_, at), count in counts.items() if at == hour), default=0),
        )
        for hour in range(24)
    ]


def _judged(ways: Sequence[Way], goal: float, days: float, currency: str) -> tuple[str, tuple[str, ...]]:
    """The verdict, and its reasons."""
    because = []
    if days < FEWEST_DAYS:
        because.append(
            f"{count_of(round(days), 'day')} of orders say little of a month: look again after {FEWEST_DAYS}."
        )
    for way in ways:
        kept = "keeps" if way.p95 <= goal else "misses"
        because.append(
            f"{way.name}: {way.bill:,.2f} {currency} a month; 95 of 100 orders are done in {way.p95:.1f} s, which "
            f"{kept} the goal of {goal:g} s; at the peak in {way.peak_p95:.1f} s."
        )
    fast = [way for way in ways if way.p95 <= goal]
    if fast:
        best = min(fast, key=lambda way: (round(way.bill, 2), way.p95))
        verdict = f"{best.name.capitalize()}: the cheapest that keeps the goal."
    else:
        best = min(ways, key=lambda way: way.p95)
        verdict = f"None keeps the goal; {best.name} comes nearest."
    if best.peak_p95 > goal:
        remedy = "a second worker, or mixed, for those hours" if best.name == "always on" else "more instances at once"
        because.append(f"At the peak it would take {best.peak_p95:.0f} s: {remedy}.")
    return verdict, tuple(because)
