"""The forecast of a market: whose past counts how much, and whether its intervals say the truth."""

from __future__ import annotations

import random

import pytest

from backroom.domain.forecast import Forecast, Outing, Thing, forecast
from backroom.domain.intermittent import sba
from benchmarks.market_demand import KINDS, ONLINE_WEEKS, season

THINGS = [Thing(f"{style}-{size}", style, size) for style in ("owl", "fox") for size in ("S", "M")]


def of(past: list[Outing], online: dict[str, int] | None = None, hours: float = 5.0) -> dict[str, Forecast]:
    return forecast(THINGS, past, online or {}, 8.0, hours)


def test_a_longer_market_asks_for_more_in_proportion() -> None:
    past = [Outing(5.0, {"owl-S": 10, "owl-M": 20, "fox-S": 4, "fox-M": 8})] * 4
    short, long = of(past, hours=5.0), of(past, hours=10.0)
    assert {sku: one.mean for sku, one in long.items()} == pytest.approx(
        {sku: 2 * one.mean for sku, one in short.items()}, rel=1e-3
    )


def test_a_new_design_sells_its_sizes_as_the_others_do() -> None:
    past = [Outing(5.0, {"owl-S": 5, "owl-M": 15}, had={"fox-S": 0, "fox-M": 0})] * 3
    found = of(past, {"owl-S": 10, "owl-M": 30, "fox-S": 20, "fox-M": 20})
    assert found["fox-S"].seen == 0
    assert found["fox-S"].method == "pooled"
    # Online it sold both sizes alike, which is part of what is counted.
    assert found["fox-M"].mean > 1.5 * found["fox-S"].mean > 0


def test_what_sold_often_stands_on_its_own_past() -> None:
    past = [Outing(5.0, {"owl-S": 30, "owl-M": 10, "fox-S": 5, "fox-M": 15})] * 6
    found = of(past)
    assert found["owl-S"].method == "own"
    assert found["owl-S"].mean == pytest.approx(30, rel=0.1)


def test_a_plan_goes_by_sba_with_the_open_wait_and_shows_the_books_own_beside_it() -> None:
    past = [Outing(5.0, {"owl-S": pieces, "owl-M": 9, "fox-S": 9, "fox-M": 9}) for pieces in (0, 6, 0, 0)]
    one = of(past)["owl-S"]
    # One demand of 6 after 2 markets, and 2 markets without one since: SBA knows 3 a market, less 7.5 %.
    assert one.sba == pytest.approx(0.925 * 3)
    assert one.own == pytest.approx(0.925 * 6 / 4)
    assert min(one.own, one.pooled) < one.mean < max(one.own, one.pooled)


def test_without_a_pool_each_sku_stands_on_its_own_past_alone() -> None:
    past = [Outing(5.0, {"owl-S": 1, "owl-M": 9, "fox-S": 9, "fox-M": 9})] * 3
    found = forecast(THINGS, past, {}, 8.0, 5.0, by=sba, pool=0.0)
    assert {sku: one.mean for sku, one in found.items()} == pytest.approx({sku: one.sba for sku, one in found.items()})


def test_what_sold_out_early_would_have_sold_more() -> None:
    sold = {"owl-S": 10, "owl-M": 10, "fox-S": 10, "fox-M": 10}
    even, early = of([Outing(5.0, sold)] * 3), of([Outing(5.0, sold, had={"owl-S": 0.5})] * 3)
    assert early["owl-S"].own == pytest.approx(2 * even["owl-S"].own)


def test_a_first_market_is_guessed_from_a_week_online_and_says_that_it_is_unsure() -> None:
    found = of([], {"owl-S": 40, "owl-M": 40})
    assert sum(one.mean for one in found.values()) == pytest.approx(10)
    assert {one.method for one in found.values()} == {"online"}
    low, high = found["owl-S"].interval()
    assert low == 0
    assert high > 2 * found["owl-S"].mean


def test_a_shop_without_any_past_expects_nothing() -> None:
    assert {one.mean for one in of([]).values()} == {0.0}


def test_markets_that_differ_more_have_wider_intervals() -> None:
    even = of([Outing(5.0, {"owl-S": 10, "owl-M": 10, "fox-S": 10, "fox-M": 10})] * 4)
    uneven = of([Outing(5.0, dict.fromkeys(even, pieces)) for pieces in (2, 18, 2, 18)])
    assert uneven["owl-S"].variance > 2 * even["owl-S"].variance


def test_what_sells_better_than_expected_is_expected_to_go_on_so() -> None:
    past = [Outing(5.0, {"owl-S": 10, "owl-M": 10, "fox-S": 10, "fox-M": 4})] * 4
    one = of(past)["owl-S"]
    as_expected, better, worse = one.after(5, 0.5), one.after(12, 0.5), one.after(0, 0.5)
    assert as_expected.mean == pytest.approx(5, rel=0.1)
    assert worse.mean < as_expected.mean < better.mean < 12
    assert one.after(0, 0.0).mean == pytest.approx(one.mean)
    assert one.after(10, 1.0).mean == 0
    assert better.chances != one.chances


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_about_the_stated_share_of_outcomes_falls_inside(share: float, kind: str) -> None:
    """Pieces are whole, so that an interval of whole pieces holds at least its share; that it holds no more than by
    this is seen where each outcome is spread over its own chance (the randomised probability integral transform).
    The retail kind comes in lumps, nothing or several, which no negative binomial is: there the first is all that
    holds."""
    chance = random.Random(7)
    inside = spread = seen = 0.0
    for seed in range(30):
        one = season(kind, seed)
        found = forecast(one.things, one.past, one.online, ONLINE_WEEKS, one.hours)
        for thing in one.things:
            asked, chances = one.asked[thing.sku], found[thing.sku].chances
            low, high = found[thing.sku].interval(share)
            at = sum(chances[:asked]) + chance.random() * (chances[asked] if asked < len(chances) else 0.0)
            inside += low <= asked <= high
            spread += (1 - share) / 2 <= at <= (1 + share) / 2
            seen += 1
    assert inside / seen >= share - 0.01
    if kind == "generated":
        assert spread / seen == pytest.approx(share, abs=0.05)
