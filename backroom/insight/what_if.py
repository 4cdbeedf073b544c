"""What if: the orders of a span as they were decided beside what other rules or other stock would have come to.

What belongs here: comparing order by order, and the sums. What does not: routing once more (`backroom.domain.replay`),
how it is shown (`what_if_report`).

Both sides are costed by the same formula, so that the difference is the rules' and nothing else's. An order that would
have gone the same way keeps its own time. One that would have gone another way gets its time from what was measured
there: the sums draw it again and again from those times, as if they had been measured anew each time, and say between
which figures eight in ten draws lie.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from backroom.domain.geo import postcode_table
from backroom.domain.replay import Past, Replay, Replayed, replay, share_of
from backroom.domain.replay_costs import OrderCost, cost_of
from backroom.domain.shop import Shop
from backroom.insight.work_times import Times, nearest_rank
from backroom.shop.room import Room
from backroom.store.database import now
from backroom.store.past import PastRead, read_past, work_times

# So many draws; fewer where there are so many orders that they would not fit into memory.
DRAWS, FEWEST_DRAWS, MOST_DRAWN = 200, 20, 4_000_000
SEED = 1
# Times are learnt from so long, where the span itself is shorter.
LEARN = timedelta(days=90)
# A place that would get so many times its orders would not keep the times that were measured there.
CROWDED = 1.5


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds from the customer's order until it would have left; `own` is what it really took, without a spread."""

    median: float
    low: float
    high: float
    own: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """One order as it went and as it would have gone. Times are None where nobody knows them."""

    one: Replayed
    was_cost: OrderCost
    would_cost: OrderCost
    was_seconds: float | None
    would: Estimate | None

    @property
    def moved(self) -> bool:
        """Whether anything about where or how it is made would have been different."""
        was, would = self.one.past.decision, self.one.decision
        return (was.outcome, was.assignments) != (would.outcome, would.assignments)

    @property
    def counts(self) -> bool:
        """Whether both sides are made somewhere: only then can they be compared."""
        made = self.one.past.decision.outcome == self.one.decision.outcome == "assigned"
        return made and self.one.past.cancelled_at is None


@dataclass(frozen=True, slots=True)
class Sums:
    """Over the orders that count. Times are (median, p90) in seconds of those whose time both sides know; `would` has
    each as (low, middle, high).
    """

    orders: int
    moved: int
    was: OrderCost
    would: OrderCost
    timed: int
    was_times: tuple[float, float] | None
    would_times: tuple[tuple[float, float, float], tuple[float, float, float]] | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer. `outcomes` counts (was, would) of orders that were not cancelled; `warnings` are sentences
    on how far it holds.
    """

    shop: str
    currency: str
    since: datetime
    until: datetime
    rows: tuple[Compared, ...]
    sums: Sums
    outcomes: Mapping[tuple[str, str], int]
    times: Times
    left_out: tuple[str, ...]
    warnings: tuple[str, ...]


def read(room: Room, since: datetime) -> tuple[PastRead, Times]:
    """The past of a shop since then, and the measured times to go by."""
    with room.database.read() as connection:
        until = now(connection)
        found = read_past(connection, room.seals, postcode_table(room.shop.postcodes), since, until)
        times = Times.of(work_times(connection, min(since, until - LEARN)))
    return found, times


def what_if(room: Room, changed: Shop, since: datetime) -> Answer:
    """What the orders since then would have come to under the rules, places and rates of another shop file."""
    found, times = read(room, since)
    replayed = replay(found.past, changed, found.variants, times.usual)
    return answer(found, room.shop, changed, replayed, times)


def answer(
    found: PastRead,
    shop: Shop,
    changed: Shop,
    replayed: Replay,
    times: Times,
    goods: Mapping[str, float] | None = None,
) -> Answer:
    """Both sides beside each other; `goods` prices pieces from the shelf, by SKU, where they are to count."""
    rows = tuple(_compare(one, shop, changed, times, goods) for one in replayed.orders)
    outcomes = Counter(
        (row.one.past.decision.outcome, row.one.decision.outcome) for row in rows if row.one.past.cancelled_at is None
    )
    return Answer(
        shop=shop.owner.name,
        currency=shop.owner.currency,
        since=found.past.since,
        until=found.past.until,
        rows=rows,
        sums=_sums([row for row in rows if row.counts], times),
        outcomes=outcomes,
        times=times,
        left_out=found.left_out,
        warnings=tuple(_warnings(found.past, rows, changed)),
    )


def _compare(one: Replayed, shop: Shop, changed: Shop, times: Times, goods: Mapping[str, float] | None) -> Compared:
    past = one.past
    took = (past.ended_at - past.order.placed_at).total_seconds() if past.ended_at else None
    return Compared(
        one,
        cost_of(past.decision.assignments, past.order, shop, goods),
        cost_of(one.decision.assignments, past.order, changed, goods),
        took,
        _estimate(one, took, times),
    )


def _estimate(one: Replayed, took: float | None, times: Times) -> Estimate | None:
    """Of a split order the slowest part counts; its spread is that of its parts side by side."""
    if one.decision.outcome != "assigned":
        return None
    if took is not None and one.decision.assignments == one.past.decision.assignments:
        seconds = max(0.0, took + (one.routed_at - one.past.decided_at).total_seconds())
        return Estimate(seconds, seconds, seconds, own=True)
    parts = [times.totals(*part) for part in _parts(one)]
    if not all(parts):
        return None
    before = _before(one)
    low, middle, high = (before + max(nearest_rank(part, share) for part in parts) for share in (0.1, 0.5, 0.9))
    return Estimate(middle, low, high)


def _parts(one: Replayed) -> list[tuple[str, bool]]:
    places = dict.fromkeys(assignment.location for assignment in one.decision.assignments)
    return [(place, any(x.to_print for x in share_of(one.decision, place))) for place in places]


def _before(one: Replayed) -> float:
    """Seconds from the customer's order until it would have been decided."""
    return max(0.0, (one.routed_at - one.past.order.placed_at).total_seconds())


def _sums(rows: Sequence[Compared], times: Times) -> Sums:
    timed = [row for row in rows if row.was_seconds is not None and row.would is not None]
    seconds = [row.was_seconds for row in timed if row.was_seconds is not None]
    return Sums(
        orders=len(rows),
        moved=sum(row.moved for row in rows),
        was=sum((row.was_cost for row in rows), OrderCost()),
        would=sum((row.would_cost for row in rows), OrderCost()),
        timed=len(timed),
        was_times=(nearest_rank(seconds, 0.5), nearest_rank(seconds, 0.9)) if timed else None,
        would_times=_drawn(timed, times) if timed else None,
    )


def _drawn(timed: Sequence[Compared], times: Times) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Median and p90 of what would have been, each as (low, middle, high) over draws of the moved orders' times."""
    own = [row.would.median for row in timed if row.would and row.would.own]
    parts: dict[tuple[str, bool], list[tuple[int, float]]] = {}
    for number, row in enumerate(timed):
        if row.would and not row.would.own:
            for part in _parts(row.one):
                parts.setdefault(part, []).append((number, _before(row.one)))
    if not parts:
        median, p90 = (nearest_rank(own, share) for share in (0.5, 0.9))
        return (median, median, median), (p90, p90, p90)
    draws = max(FEWEST_DRAWS, min(DRAWS, MOST_DRAWN // len(timed)))
    numbers = pl.DataFrame({"draw": range(draws)}, schema={"draw": pl.Int64})
    drawn = []
    for at, (part, wanted) in enumerate(sorted(parts.items())):
        taken = _taken(times.totals(*part), len(wanted), draws, SEED + 3 * at)
        schema = {"order": pl.Int64, "before": pl.Float64}
        drawn.append(
            pl.DataFrame(wanted, schema=schema, orient="row")
            .join(numbers, how="cross")
            .with_columns(seconds=pl.col("before") + taken)
        )
    # Of an order in several parts the slowest counts.
    moved = pl.concat(drawn).group_by("draw", "order").agg(pl.col("seconds").max())
    kept = numbers.join(pl.DataFrame({"seconds": own}, schema={"seconds": pl.Float64}), how="cross")
    ranks = (
        pl.concat([moved.select("draw", "seconds"), kept.select("draw", "seconds")])
        .group_by("draw")
        .agg(_ranked(0.5).alias("median"), _ranked(0.9).alias("p90"))
    )
    return _spread(ranks["median"].to_list()), _spread(ranks["p90"].to_list())


def _taken(measured: Sequence[float], wanted: int, draws: int, seed: int) -> pl.Series:
    """Times of `wanted` orders in each of the draws, order by order. What was measured is itself a handful of all that
    could have been: each draw takes a handful of its own out of it first, so that few measured times spread wider."""
    there = len(measured)
    handfuls = pl.Series(measured, dtype=pl.Float64).sample(there * draws, with_replacement=True, seed=seed)
    which = pl.int_range(there, eager=True).sample(wanted * draws, with_replacement=True, seed=seed + 1)
    draw = pl.int_range(wanted * draws, eager=True) % draws
    return handfuls.gather(draw * there + which)


def _ranked(share: float) -> pl.Expr:
    place = (pl.len() * share).round(9).ceil().cast(pl.Int64).clip(lower_bound=1) - 1
    return pl.col("seconds").sort().get(place)


def _spread(draws: Sequence[float]) -> tuple[float, float, float]:
    return nearest_rank(draws, 0.1), nearest_rank(draws, 0.5), nearest_rank(draws, 0.9)


def _warnings(past: Past, rows: Sequence[Compared], changed: Shop) -> list[str]:
    """How far the answer holds, in sentences."""
    said = []
    was, would = (_busy(rows, would=would) for would in (False, True))
    for place, count in sorted(would.items()):
        name = changed.location_names.get(place, place)
        if not was.get(place):
            said.append(f"{name} would get {count} orders and had none: how fast it would be, nobody measured.")
        elif count > was[place] * CROWDED:
            said.append(
                f"{name} would get {count} orders and had {was[place]}: with so many more its measured times hold no "
                "longer, it would be slower."
            )
    unknown = sum(row.counts and row.was_seconds is not None and row.would is None for row in rows)
    if unknown:
        said.append(f"Nobody can say how fast {unknown} of them would have been; the times leave them out.")
    missing = sorted(
        {x.location for row in rows for x in row.one.past.decision.assignments} - set(changed.location_names)
    )
    if missing:
        said.append(
            f"The shop file has no {', '.join(missing)} any more: what was made there has the shop's own rates."
        )
    if not past.orders:
        said.append("No order was routed in this time.")
    return said


def _busy(rows: Sequence[Compared], *, would: bool) -> Counter[str]:
    """Orders by the places that make a share of them."""
    return Counter(
        place
        for row in rows
        for place in {x.location for x in (row.one.decision if would else row.one.past.decision).assignments}
    )
