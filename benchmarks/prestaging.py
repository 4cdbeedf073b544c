"""What to take to a market, beside the plan most people make: what sold the last time. Same demand, same stock.

    uv run python -m benchmarks.prestaging [--seeds 200]

Each seed is a shop with a past (`market_demand`), whose next market is then held. Every plan brings the same number of
pieces, which is what the last market sold. Printed are the sales that each plan loses, as a share of what was asked
for, with the spread over the seeds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Mapping
from pathlib import Path

from backroom.domain.forecast import Thing, forecast
from backroom.domain.prestaging import Candidate, Kind, plan
from benchmarks.market_demand import KINDS, ONLINE_WEEKS, Season, season

Brought = Mapping[str, int]
# Of the pieces that may come, so many may be blanks: the booth prints no more in its hours.
BLANKS = 0.3


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


def expected(one: Season) -> dict[str, tuple[float, ...]]:
    """The chances of so many pieces, by SKU."""
    found = forecast(one.things, one.past, one.online, ONLINE_WEEKS, one.hours)
    return {sku: each.chances for sku, each in found.items()}


def by_forecast(one: Season, stock: int) -> dict[str, int]:
    """Ours: the forecast, and piece by piece what avoids the most."""
    chances = expected(one)
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
        "forecast": by_forecast(one, stock),
        "forecast with blanks": with_blanks(one, stock),
    }
    return {name: lost(one, brought) / asked for name, brought in plans.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    given = parser.parse_args()
    report: dict[str, dict[str, dict[str, float]]] = {}
    for kind in KINDS:
        began = time.process_time()
        judged = [found for seed in range(given.seeds) if (found := judge(kind, seed)) is not None]
        print(f"{kind}: {len(judged)} markets, {time.process_time() - began:.1f} s of processor")
        print(f"  {'plan':22}{'lost':>8}{'spread':>9}{'less than last sales':>24}{'at':>14}")
        report[kind] = {}
        for name in judged[0]:
            shares = [found[name] for found in judged]
            saved = 1 - sum(shares) / sum(found["last sales"] for found in judged)
            better = sum(found[name] < found["last sales"] for found in judged) / len(judged)
            mean, spread = statistics.mean(shares), statistics.stdev(shares)
            print(f"  {name:22}{mean:8.1%}{spread:9.1%}{saved:24.1%}{better:9.0%} of them")
            report[kind][name] = {"lost": mean, "spread": spread, "fewer": saved, "better_at": better}
    if given.json:
        given.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
