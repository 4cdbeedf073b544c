"""What to take to a market, beside the plan most people make: what sold the last time. Same demand, same stock.

    uv run python -m benchmarks.prestaging [--seeds 200] [--first 0]

Each seed is a shop with a past (`market_demand`), whose next market is then held. Every plan brings the same number of
pieces, which is what the last market sold. Printed are the sales that each plan loses, as a share of what was asked
for, with the spread over the seeds; and by how many points each plan loses more than ours does at the same markets,
with the standard error of that difference. `SBA alone` forecasts each SKU by its own past; `in ours` a method takes the
place of ours in our forecast, which learns from designs and sizes too.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Mapping
from pathlib import Path

from backroom.domain.forecast import POOL, Method, Thing, forecast
from backroom.domain.intermittent import croston, sba, sba_with_open_wait, with_open_wait
from backroom.domain.prestaging import Candidate, Kind, plan
from benchmarks.market_demand import KINDS, ONLINE_WEEKS, Season, season

Brought = Mapping[str, int]
# Of the pieces that may come, so many may be blanks: the booth prints no more in its hours.
BLANKS = 0.3
OURS = "forecast"


def last_sales(one: Season) -> dict[str, int]:
    """The naive plan: what the last market sold."""
    return {thing.sku: one.past[-1].asked[thing.sku] for thing in one.things}


def by_mean(one: Season, stock: int) -> dict[str, int]:
    """What all markets sold on average, scaled to the stock: the next best that is done by hand."""
    sold = {thing.sku: sum(outing.asked[thing.sku] for outing in one.past) for thing in one.things}
    whole = sum(sold.values()) or 1
    exact = {sku: count * stock / whole for sku, count in sold.items()}
    brought = {sku: int(count) for sku, count in exact.items()}
    by_rest = sorted(exact, key=lambda sku: (brought[sku] - exact[sku], sku))
    for sku in by_rest[: stock - sum(brought.values())]:
        brought[sku] += 1
    return brought


def expected(one: Season, by: Method = sba_with_open_wait, pool: float = POOL) -> dict[str, tuple[float, ...]]:
    """The chances of so many pieces, by SKU."""
    found = forecast(one.things, one.past, one.online, ONLINE_WEEKS, one.hours, by=by, pool=pool)
    return {sku: each.chances for sku, each in found.items()}


def by_forecast(one: Season, stock: int, by: Method = sba_with_open_wait, pool: float = POOL) -> dict[str, int]:
    """Ours, unless another method is given: the forecast, and piece by piece what avoids the most."""
    chances = expected(one, by, pool)
    candidates = [Candidate(sku, Kind.FINISHED, (sku,), {"van": 1}) for sku in chances]
    chosen = plan(chances, candidates, {"van": stock}, space=["van"], least_chance=0.0)
    return {line.item: line.pieces for line in chosen.lines}


def with_blanks(one: Season, stock: int) -> dict[str, int]:
    """Ours, where the booth prints: blanks of a size, on which any design is printed, take the place of pieces."""
    chances = expected(one)
    sizes: dict[str, list[Thing]] = {}
    for thing in one.things:
        sizes.setdefault(blank_of(thing), []).append(thing)
    candidates = [Candidate(sku, Kind.FINISHED, (sku,), {"van": 1}) for sku in chances]
    candidates += [
        Candidate(size, Kind.BLANK, tuple(thing.sku for thing in things), {"van": 1, "prints": 1})
        for size, things in sizes.items()
    ]
    limits = {"van": stock, "prints": round(stock * BLANKS)}
    chosen = plan(chances, candidates, limits, space=["van"], least_chance=0.0)
    return {line.item: line.pieces for line in chosen.lines}


def blank_of(thing: Thing) -> str:
    """What a thing is printed on: a garment of its size; where things have none, one of eight kinds."""
    return f"blank {thing.size or int(thing.sku[1:]) % 8}"


def lost(one: Season, brought: Brought) -> int:
    """Pieces that somebody asked for and did not get; blanks become whatever of their size is short."""
    short: dict[str, int] = {}
    for thing in one.things:
        size = blank_of(thing)
        short[size] = short.get(size, 0) + max(0, one.asked[thing.sku] - brought.get(thing.sku, 0))
    return sum(max(0, count - brought.get(size, 0)) for size, count in short.items())


def judge(kind: str, seed: int) -> dict[str, float] | None:
    """The share of sales that each plan loses at one market; None where the last one, or this one, asks for nothing."""
    one = season(kind, seed)
    naive = last_sales(one)
    stock, asked = sum(naive.values()), sum(one.asked.values())
    if not stock or not asked:
        return None
    plans = {
        "last sales": naive,
        "mean of all": by_mean(one, stock),
        "SBA alone": by_forecast(one, stock, sba, 0.0),
        "SBA in ours": by_forecast(one, stock, sba),
        "Croston in ours": by_forecast(one, stock, croston),
        "open wait without SBA": by_forecast(one, stock, with_open_wait),
        OURS: by_forecast(one, stock),
        "forecast with blanks": with_blanks(one, stock),
    }
    return {name: lost(one, brought) / asked for name, brought in plans.items()}


def inside(kind: str, seed: int) -> float:
    """The share of SKUs of which the market asked for a number within our range of four markets in five."""
    one = season(kind, seed)
    found = forecast(one.things, one.past, one.online, ONLINE_WEEKS, one.hours)
    within = 0
    for sku, each in found.items():
        low, high = each.interval()
        within += low <= one.asked[sku] <= high
    return within / len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    given = parser.parse_args()
    report: dict[str, dict[str, dict[str, float]]] = {}
    for kind in KINDS:
        began = time.process_time()
        seeds = range(given.first, given.first + given.seeds)
        judged = [found for seed in seeds if (found := judge(kind, seed)) is not None]
        print(f"{kind}: {len(judged)} markets, {time.process_time() - began:.1f} s of processor")
        print(f"  {'plan':22}{'lost':>8}{'spread':>9}{'less than last sales':>24}{'at':>14}{'points above ours':>22}")
        report[kind] = {}
        for name in judged[0]:
            shares = [found[name] for found in judged]
            saved = 1 - sum(shares) / sum(found["last sales"] for found in judged)
            better = sum(found[name] < found["last sales"] for found in judged) / len(judged)
            mean, spread = statistics.mean(shares), statistics.stdev(shares)
            above = [100 * (found[name] - found[OURS]) for found in judged]
            more, error = statistics.mean(above), statistics.stdev(above) / len(above) ** 0.5
            beside = f"{more:+14.2f} ± {error:.2f}"
            print(f"  {name:22}{mean:8.1%}{spread:9.1%}{saved:24.1%}{better:9.0%} of them{beside:>22}")
            report[kind][name] = {"lost": mean, "spread": spread, "fewer": saved, "better_at": better}
            report[kind][name] |= {"above_ours": more / 100, "error": error / 100}
        held = statistics.mean(inside(kind, seed) for seed in seeds)
        print(f"  our range of four markets in five held for {held:.1%} of the SKUs")
        report[kind]["range"] = {"held": held}
    if given.json:
        given.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
