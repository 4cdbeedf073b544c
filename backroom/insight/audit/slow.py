"""Slow: which stage, which place and which printer carry the delay of late orders, and which are late now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from backroom.domain.audit import Failure, Finding
from backroom.domain.audit_money import FailureCosts
from backroom.domain.delay import act_on_delay, shares_of_delay
from backroom.domain.kpi import STAGES
from backroom.domain.next_action import Standing, next_action, why
from backroom.insight.words import say_seconds
from backroom.store.audit_late import LateOrder

LATE_NOW = "late_now"
# Causes beyond these are named in the sum only.
CAUSES_TOLD = 5


@dataclass(frozen=True, slots=True)
class Carrier:
    """One stage at one place, with the printer where one was last: seconds of the delay it carries, of which share,
    over how many late orders."""

    stage: str
    place: str
    printer: str
    seconds: float
    share: float
    orders: int


def stage_medians(times: Sequence[tuple[Any, ...]]) -> dict[str, dict[str, float]]:
    """The median of each stage over orders in time, by way; `times` are (way, seconds of each stage)."""
    schema: dict[str, Any] = {"way": pl.String} | dict.fromkeys(STAGES, pl.Float64)
    medians = pl.DataFrame(times, schema=schema, orient="row").group_by("way").median()
    return {row["way"]: {stage: row[stage] or 0.0 for stage in STAGES} for row in medians.iter_rows(named=True)}


def carriers(late: Iterable[LateOrder], medians: Mapping[str, Mapping[str, float]]) -> list[Carrier]:
    """Who carries the delay of late orders, most first; the shares add up to 1."""
    seconds: dict[tuple[str, str, str], float] = defaultdict(float)
    orders: dict[tuple[str, str, str], int] = defaultdict(int)
    for one in late:
        for stage, carried in shares_of_delay(one.stages, medians.get(one.way, {}), one.late_s).items():
            key = (stage, one.places[stage], one.printer if stage == "making" else "")
            seconds[key] += carried
            orders[key] += carried > 0
    total = sum(seconds.values())
    found = [Carrier(*key, carried, carried / total, orders[key]) for key, carried in seconds.items() if carried]
    return sorted(found, key=lambda one: -one.seconds)


def added_up(found: Sequence[Carrier], by: str) -> list[tuple[str, float]]:
    """(stage, place or printer, its share of the delay), most first; what has none of that name is left out."""
    shares: dict[str, float] = defaultdict(float)
    for one in found:
        if name := getattr(one, by):
            shares[name] += one.share
    return sorted(shares.items(), key=lambda pair: -pair[1])


def causes(found: Sequence[Carrier], late: int, costs: FailureCosts, names: Mapping[str, str]) -> list[Finding]:
    """The stages and places that carry most, each with what to do; the money of all late orders by share."""
    return [
        Finding(
            Failure.SLOW,
            f"slow_{one.stage}",
            one.stage,
            one.place,
            f"{one.share * 100:.0f} % of the delay of {late} late {'order' if late == 1 else 'orders'} arose in "
            f"{one.stage} at {names.get(one.place, one.place)}{f' ({one.printer})' if one.printer else ''}: "
            f"{say_seconds(one.seconds / one.orders)} an order over {one.orders}.",
            act_on_delay(one.stage, one.place, one.printer),
            one.stage,
            waited_s=one.seconds,
            minor=round(costs.late * late * one.share),
            times=one.orders,
        )
        for one in found[:CAUSES_TOLD]
    ]


def late_now(standings: Iterable[Standing], at: datetime, costs: FailureCosts) -> list[Finding]:
    """Orders past their promise that nobody has shipped, the latest first; one with several parts once."""
    found: dict[str, Finding] = {}
    for one in standings:
        if one.ship_by is None or one.ship_by >= at or one.subject in found:
            continue
        late = (at - one.ship_by).total_seconds()
        found[one.subject] = Finding(
            Failure.SLOW,
            LATE_NOW,
            one.subject,
            one.place,
            f"It was promised for {say_seconds(late)} ago. {why(one)}",
            next_action(one),
            one.stage,
            one.since,
            late,
            None,
            costs.late,
        )
    return sorted(found.values(), key=lambda finding: -(finding.waited_s or 0.0))
