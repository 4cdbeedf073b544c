"""Would a robot pay? The shop's own demand and picking beside the assumptions of a file.

What belongs here: counting with polars, and the verdict. What does not: the sums (`backroom.domain.automation`), how it
is shown (`robotics_report`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from zoneinfo import ZoneInfo

import polars as pl

from backroom.domain.assumptions import Assumptions
from backroom.domain.automation import Picking, Year, year_of
from backroom.domain.demand import Concentration, Demand, Pattern, Season, classify, concentration, season
from backroom.domain.money import exponent
from backroom.domain.opening import WEEKDAYS, zone
from backroom.insight.words import count_of
from backroom.insight.work_times import nearest_rank
from backroom.shop.room import Room
from backroom.store import demand
from backroom.store.database import now

# So many weeks, and the rhythm of weeks is looked at; else that of days.
WEEKS_FROM = timedelta(weeks=8)
# Below these nobody can say anything of a year.
FEWEST_DAYS, FEWEST_PICKS = 28, 200
# A pause between two scans that is longer was no picking.
PAUSE = timedelta(minutes=5)
FEWEST_SCANS = 30
REGULAR = (Pattern.SMOOTH, Pattern.ERRATIC)
# Where less than this is of SKUs that sell often, robots would store what does not move.
FEWEST_REGULAR = 0.5


@dataclass(frozen=True, slots=True)
class Pace:
    """How many pieces one person picks an hour, and how that is known."""

    per_hour: float
    known_by: str


@dataclass(frozen=True, slots=True)
class RobotCheck:
    """The whole answer. `period` is week or day; `busy` are the picks of (a median, the 95th of 100, the busiest) clock
    hours in which anything was picked; `verdict` is the first thing to read, `because` its reasons.
    """

    shop: str
    since: datetime
    days: float
    period: str
    demand: dict[str, Demand]
    concentration: Concentration
    weekday: Season | None
    month: Season | None
    pace: Pace
    busy: tuple[float, float, float]
    picked: int
    picking: Picking
    assumptions: Assumptions
    year: Year
    swings: tuple[tuple[str, float, float], ...]
    verdict: str
    because: tuple[str, ...]

    def share_of(self, patterns: Sequence[Pattern]) -> float:
        """The share of pieces that SKUs of these patterns make."""
        every = sum(one.pieces for one in self.demand.values())
        return sum(one.pieces for one in self.demand.values() if one.pattern in patterns) / every if every else 0.0


def check_robotics(room: Room, assumptions: Assumptions, since: datetime) -> RobotCheck:
    """The check over the time since then, or since the first order where that was later."""
    with room.database.read() as connection:
        until = now(connection)
        wanted = demand.wanted(connection, since)
        picked = demand.picked(connection, since)
        scans = demand.scanned(connection, since)
    local = zone(room.shop.owner.timezone)
    first = max(since, min((at for at, _, _ in wanted), default=until))
    days = max((until - first) / timedelta(days=1), 1.0)
    period = "week" if until - first >= WEEKS_FROM else "day"
    by_sku = _by_period(wanted, first, until, timedelta(weeks=1) if period == "week" else timedelta(days=1))
    pieces = {sku: sum(counts) for sku, counts in by_sku.items()}
    pace = _pace(scans, room)
    shelf: dict[str, int] = {}
    for _, _, sku, count in picked:
        shelf[sku] = shelf.get(sku, 0) + count
    total = sum(shelf.values())
    concentrated = concentration(shelf)
    digits = 10 ** exponent(room.shop.owner.currency)
    picking = Picking(
        picks_a_year=total * 365 / days,
        picks_per_hour=pace.per_hour,
        wage_per_hour=room.shop.costs.wage_per_hour / digits,
        fits=_fits(shelf),
        top_fifth=concentrated.top_fifth,
    )
    year = year_of(picking, assumptions.values())
    swings = assumptions.swings(lambda values: year_of(picking, values).best_saving)
    daily = _by_day(wanted, first, until, local)
    found = RobotCheck(
        shop=room.shop.owner.name,
        since=first,
        days=days,
        period=period,
        demand={sku: classify(by_sku[sku]) for sku in sorted(by_sku, key=lambda one: (-pieces[one], one))},
        concentration=concentrated,
        weekday=season([(WEEKDAYS[day.weekday()], count) for day, count in daily], fewest=4),
        month=season([(f"{day:%m}", count) for day, count in daily], fewest=28) if days >= 365 else None,
        pace=pace,
        busy=_busy([(at, count) for at, _, _, count in picked]),
        picked=total,
        picking=picking,
        assumptions=assumptions,
        year=year,
        swings=tuple(swings),
        verdict="",
        because=(),
    )
    return _judged(found)


def _judged(found: RobotCheck) -> RobotCheck:
    year, currency = found.year, found.assumptions.currency
    because: list[str] = []
    if found.days < FEWEST_DAYS or found.picked < FEWEST_PICKS:
        because.append(
            f"{found.picked} picks in {count_of(round(found.days), 'day')} say little of a year: it takes "
            f"{FEWEST_DAYS} days and {FEWEST_PICKS} picks at least."
        )
    because += _too_dear(found)
    told = 1 - found.share_of([Pattern.TOO_SHORT])
    if found.demand and told and found.share_of(REGULAR) < FEWEST_REGULAR * told:
        because.append(
            f"Only {found.share_of(REGULAR) * 100:.0f} % of the pieces are of SKUs that sell in most {found.period}s: "
            "a robot's store would fill with what does not move."
        )
    if because:
        return replace(found, verdict="Not for you yet.", because=tuple(because))
    turning = [name for name, low, high in found.swings if min(low, high) <= 0]
    saving = (
        f"The better robot would save {year.best_saving:,.0f} {currency} a year, even against people with the best "
        "sellers close by."
    )
    if turning:
        said = f"It would not where one of these turns out badly: {', '.join(turning)}."
        return replace(found, verdict="Perhaps: look at what it hangs on.", because=(saving, said))
    return replace(found, verdict="Ask for offers.", because=(saving, "No single assumption turns that round."))


def _too_dear(found: RobotCheck) -> list[str]:
    """Why the sums speak against robots; nothing where they speak for them."""
    year, currency = found.year, found.assumptions.currency
    if not found.picking.wage_per_hour:
        return ["The shop file has no wage_per_hour, so people seem to cost nothing: put it into [costs]."]
    said = []
    if year.best_saving <= 0:
        said.append(
            f"The cheaper robot would cost {-year.best_saving:,.0f} {currency} a year more than people with the best "
            f"sellers close by ({min(year.cell, year.integrator):,.0f} instead of {year.slotting:,.0f})."
        )
    if year.break_even is None:
        said.append("A cell would save no time that sorting the shelves does not: no number of picks pays.")
    elif year.break_even > found.picking.picks_a_year:
        said.append(
            f"A cell pays from {year.break_even:,.0f} picks a year; you have {found.picking.picks_a_year:,.0f}."
        )
    return said


def _by_period(
    wanted: Sequence[tuple[datetime, str, int]], first: datetime, until: datetime, period: timedelta
) -> dict[str, list[int]]:
    """Pieces of each SKU in each whole period, and in what has begun of the last one only where there is no other."""
    periods = max(1, (until - first) // period)
    found: dict[str, list[int]] = {}
    for at, sku, count in wanted:
        number = (at - first) // period
        if 0 <= number < periods:
            found.setdefault(sku, [0] * periods)[number] += count
    return found


def _by_day(
    wanted: Sequence[tuple[datetime, str, int]], first: datetime, until: datetime, local: ZoneInfo
) -> list[tuple[datetime, int]]:
    """Pieces of every whole day of the shop's calendar, those without any included."""
    counts: dict[object, int] = {}
    for at, _, count in wanted:
        day = at.astimezone(local).date()
        counts[day] = counts.get(day, 0) + count
    found, day = [], first.astimezone(local) + timedelta(days=1)
    while day.date() < until.astimezone(local).date():
        found.append((day, counts.get(day.date(), 0)))
        day += timedelta(days=1)
    return found


def _fits(shelf: dict[str, int]) -> tuple[float, ...]:
    """The share of picks that the best 1, 2, 3 … SKUs make."""
    total = sum(shelf.values())
    if not total:
        return ()
    best = pl.Series(sorted(shelf.values(), reverse=True))
    return tuple((best.cum_sum() / total).to_list())


def _pace(scans: Sequence[tuple[str, str, datetime]], room: Room) -> Pace:
    """From the time between one person's scans; where too few are scanned, from what the shop file says of a pick."""
    gaps = [
        (after[2] - before[2]).total_seconds()
        for before, after in pairwise(scans)
        if before[:2] == after[:2] and timedelta() < after[2] - before[2] <= PAUSE
    ]
    if len(gaps) >= FEWEST_SCANS:
        return Pace(3600 / median(gaps), f"the median time between {len(gaps)} pairs of scans")
    minutes = room.shop.costs.picking_minutes
    if minutes:
        return Pace(60 / minutes, f"picking_minutes = {minutes:g} of the shop file, which stands for too few scans")
    return Pace(100.0, "an assumption: nothing is scanned, and the shop file has no picking_minutes")


def _busy(picked: Sequence[tuple[datetime, int]]) -> tuple[float, float, float]:
    if not picked:
        return 0.0, 0.0, 0.0
    hours = (
        pl.DataFrame(picked, schema={"at": pl.Datetime("us", "UTC"), "pieces": pl.Int64}, orient="row")
        .group_by(pl.col("at").dt.truncate("1h"))
        .agg(pl.col("pieces").sum())["pieces"]
        .to_list()
    )
    return nearest_rank(hours, 0.5), nearest_rank(hours, 0.95), float(max(hours))
