"""The orders behind a figure, and what each of them is to it.

What belongs here: which orders of a span count, and in which order they are told. What does not: what figures mean
(`backroom.domain.kpi`), and how they are laid out (`page`, `backroom.cli.kpi`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection, RowMapping

from backroom.domain.kpi import ALL, BY_NAME, COMES_BACK_WITHIN_DAYS, STAGES, Of, Way
from backroom.domain.opening import instant, zone
from backroom.domain.shop import Shop
from backroom.insight.cohorts import next_month
from backroom.insight.costs import own_costs
from backroom.insight.words import say, say_seconds
from backroom.quality.suites import said_of
from backroom.store import order_facts

# What one order is to a figure: a weight to sort by, the heaviest first, and words. None: it is not among them.
Part = tuple[float, str] | None


@dataclass(frozen=True, slots=True)
class Behind:
    """One order behind a figure: `said` is what it is to it, `ship` how long it took where it was shipped."""

    number: str
    way: str
    channel: str
    said: str
    ship: str


@dataclass(frozen=True, slots=True)
class Orders:
    """The facts of all orders that were accepted or shipped on some days, and what each found out of stock."""

    days: Sequence[str]
    facts: Sequence[RowMapping]
    short: Mapping[int, Sequence[str]]


def read_orders_of(connection: Connection, days: Sequence[str]) -> Orders:
    """What `behind` needs of these days."""
    facts = order_facts.facts_of_days(connection, days)
    short: dict[int, list[str]] = defaultdict(list)
    for order_id, location, sku in order_facts.stock_outs_of_orders(connection, [fact["order_id"] for fact in facts]):
        short[order_id].append(f"{sku} at {location}")
    return Orders(days, facts, short)


def behind(orders: Orders, name: str, way: str, shop: Shop, most: int) -> list[Behind]:
    """The orders of one day's figure, or of several days', those first that are most of it."""
    days = {Of.ACCEPTED: ("accepted_day",), Of.EITHER: ("accepted_day", "shipped_day")}.get(
        BY_NAME[name].of, ("shipped_day",)
    )
    found = []
    for fact in orders.facts:
        counted = bool(fact["left_out"]) == (name == "left_out")
        if counted and way in (ALL, fact["way"]) and any(fact[day] in orders.days for day in days):
            part = _part(name, fact, orders, shop)
            if part is not None:
                found.append((part, fact))
    found.sort(key=lambda one: (-one[0][0], one[1]["order_id"]))
    return [
        Behind(
            fact["number"],
            fact["way"],
            fact["channel"],
            said,
            "" if fact["ship_s"] is None else say_seconds(fact["ship_s"]),
        )
        for (_, said), fact in found[:most]
    ]


def behind_month(connection: Connection, name: str, month: date, way: str, shop: Shop, most: int) -> list[Behind]:
    """The orders behind a figure that is told by month, for the month that begins so."""
    if BY_NAME[name].of is Of.FIRST:
        return _firsts(connection, month, way, shop, most)
    last = next_month(month) - timedelta(days=1)
    found = order_facts.returned_between(
        connection, month.isoformat(), last.isoformat(), "" if way == ALL else way, most
    )
    return [
        Behind(
            fact["number"],
            fact["way"],
            fact["channel"],
            f"{fact['returned']} of {fact['pieces']}",
            say_seconds(fact["ship_s"]),
        )
        for fact in found
    ]


def _firsts(connection: Connection, month: date, way: str, shop: Shop, most: int) -> list[Behind]:
    """Customers' first orders, and whether another came."""
    local = zone(shop.owner.timezone)
    begins, ends = (instant(day, time(), local) for day in (month, next_month(month)))
    found = order_facts.firsts_between(connection, begins, ends, "" if way == ALL else way, most)
    soon = timedelta(days=COMES_BACK_WITHIN_DAYS)

    def said(placed: datetime, number: str | None, again: datetime | None) -> str:
        if number is None or again is None:
            return "not again yet"
        after = say_seconds((again - placed).total_seconds())
        return f"{number} after {after}" if again - placed <= soon else f"too late: {number} after {after}"

    return [Behind(one[0], one[1], one[2], said(one[3], one[4], one[5]), "") for one in found]


def _part(name: str, fact: RowMapping, orders: Orders, shop: Shop) -> Part:
    if name == "stock_outs":
        short = orders.short.get(fact["order_id"], ())
        return (len(short), ", ".join(short)) if short else None
    if name == "refunds":
        paid = fact["refunded_minor"]
        return (paid, say(name, paid, shop.owner.currency)) if paid else None
    if name in _OTHERS:
        return _OTHERS[name](fact)
    if name in ("cost_booth", "cost_hosting"):
        # Paid by the day: every order has the same share.
        return (0, "its share") if name == "cost_hosting" or fact["way"] == Way.EVENT else None
    costs = own_costs(fact, shop.costs)
    cost = sum(costs.values()) if name == "cost_per_order" else costs[name]
    return (cost, say(name, cost, shop.owner.currency)) if cost else None


def _lasted(column: str) -> Callable[[RowMapping], Part]:
    return lambda fact: (fact[column], say_seconds(fact[column]))


def _on_time(fact: RowMapping) -> Part:
    if fact["on_time"] is None:
        return None
    return (0, "in time") if fact["on_time"] else (1, "late")


def _rejects(fact: RowMapping) -> Part:
    failed = fact["print_rejects"]
    return (failed, f"{failed} of {fact['print_tries']} tries failed") if failed else None


def _oversold(fact: RowMapping) -> Part:
    return (1, "backorder") if fact["oversold"] else None


def _unsent(fact: RowMapping) -> Part:
    return (fact["messages_failed"], f"{fact['messages_failed']} not sent") if fact["messages_failed"] else None


def _left_out(fact: RowMapping) -> Part:
    return (0, said_of(fact["left_out"]))


_OTHERS: Mapping[str, Callable[[RowMapping], Part]] = {
    **{f"{stage}_median": _lasted(f"{stage}_s") for stage in STAGES},
    **dict.fromkeys(("orders", "ship_median", "ship_p90"), _lasted("ship_s")),
    "on_time": _on_time,
    "print_rejects": _rejects,
    "oversold": _oversold,
    "messages_failed": _unsent,
    "left_out": _left_out,
}
