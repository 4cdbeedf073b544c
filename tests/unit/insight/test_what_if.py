"""Comparing by hand: costs of both sides, times and how far they spread, what the answer warns of."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.cost_rates import CostRates
from backroom.domain.demand import Pattern
from backroom.domain.model import Assignment, RoutingDecision
from backroom.domain.replay import PastOrder, Replay, Replayed
from backroom.domain.shop import Shop
from backroom.insight.stock_report import print_or_buy_summary
from backroom.insight.stock_what_if import PrintOrBuy
from backroom.insight.what_if import Answer, answer
from backroom.insight.what_if_report import html_page, order_rows, places, summary
from backroom.insight.work_times import FEW, Times, nearest_rank
from backroom.store.past import PastRead, WorkTime
from tests.unit.domain.routing_cases import rule
from tests.unit.domain.test_replay import a_place, a_shop_with, came, hours, past

RATES = CostRates(packaging=50, print=100, blank=300)
WORLDS = 100
SHOP = a_shop_with([rule()], replace(a_place("hub"), costs=RATES), replace(a_place("booth"), costs=RATES))


def made_at(*places: tuple[str, int, int]) -> RoutingDecision:
    """A decision that gives each place so many pieces from stock and so many to print."""
    shares = tuple(Assignment(place, 1, "TEE", picked, printed) for place, picked, printed in places)
    return RoutingDecision("assigned" if shares else "backorder", "any", shares, ("because",))


def an_order_of(
    id_: int, was: RoutingDecision, would: RoutingDecision, took: float | None = 2.0, later: float = 0.0
) -> Replayed:
    """One that took so many hours from the customer's order, which was its routing as well, and would be `later`."""
    order = came(id_, id_, ("TEE", 1))
    ended = None if took is None else hours(id_ + took)
    known: PastOrder = replace(
        order, decision=was, ended_at=ended, order=replace(order.order, placed_at=order.routed_at)
    )
    return Replayed(known, would, order.routed_at + timedelta(hours=later))


def work(place: str, *took: float, prints: bool = False) -> list[WorkTime]:
    return [WorkTime(place, prints, one * 3600, 0.0, 0.0) for one in took]


def compared(*orders: Replayed, times: list[WorkTime] | None = None, shop: Shop = SHOP) -> Answer:
    read = PastRead(past(*(one.past for one in orders), stock={}), {}, ())
    return answer(read, SHOP, shop, Replay(orders), Times.of(times or []))


HUB, BOOTH, SPLIT = made_at(("hub", 1, 0)), made_at(("booth", 0, 1)), made_at(("hub", 1, 0), ("booth", 0, 1))


def test_both_sides_cost_what_they_do_by_the_same_formula() -> None:
    found = compared(an_order_of(1, HUB, SPLIT), an_order_of(2, HUB, HUB))
    assert (found.sums.was.total, found.sums.would.total) == (1100, 550 + 1100 + 400)
    assert (found.sums.orders, found.sums.moved) == (2, 1)
    assert "They would have cost 20.50 EUR instead of 11.00 EUR: 9.50 EUR (86.4 %) more" in summary(found)[1]


def test_an_order_that_goes_the_same_way_keeps_its_own_time_and_its_wait() -> None:
    found = compared(an_order_of(1, HUB, HUB, took=3), an_order_of(2, HUB, HUB, took=3, later=1))
    estimates = [row.would for row in found.rows]
    assert [one and (one.median, one.own) for one in estimates] == [(3 * 3600, True), (4 * 3600, True)]


def test_one_that_goes_elsewhere_takes_what_such_work_takes_there() -> None:
    times = work("booth", 1, 2, 3, 4, 5, prints=True) + work("booth", 9, 9, 9, 9, 9)
    (row,) = compared(an_order_of(1, HUB, BOOTH), times=times).rows
    assert row.would is not None
    assert (row.would.low, row.would.median, row.would.high) == (3600, 3 * 3600, 5 * 3600)


def test_of_a_split_order_the_slowest_part_counts() -> None:
    times = work("hub", *[1] * FEW) + work("booth", *[7] * FEW, prints=True)
    (row,) = compared(an_order_of(1, HUB, SPLIT), times=times).rows
    assert row.would is not None
    assert row.would.median == 7 * 3600


def test_a_place_with_few_measured_works_of_a_kind_is_known_by_all_its_works_or_not_at_all() -> None:
    few = Times.of(work("booth", 1, 2, prints=True) + work("booth", 3, 4, 5))
    assert sorted(few.totals("booth", True)) == [hour * 3600 for hour in (1, 2, 3, 4, 5)]
    assert Times.of(work("booth", *[1] * (FEW - 1))).totals("booth", False) == []
    assert few.usual("hub", False) is None


def test_where_nobody_knows_the_time_it_is_left_out_and_said() -> None:
    found = compared(an_order_of(1, HUB, BOOTH), an_order_of(2, HUB, HUB))
    assert found.sums.timed == 1
    assert "Nobody can say how fast 1 of them" in " ".join(found.warnings)


def test_sums_of_drawn_times_say_how_far_they_spread_and_are_the_same_each_time() -> None:
    times = work("booth", *range(1, 21), prints=True)
    orders = [an_order_of(number, HUB, BOOTH) for number in range(30)]
    one, other = compared(*orders, times=times).sums, compared(*orders, times=times).sums
    assert one == other
    assert one.would_times is not None
    (low, middle, high), p90 = one.would_times
    assert low <= middle <= high <= p90[2]
    assert low < 10.5 * 3600 < high


@pytest.mark.parametrize(("measured", "moved", "kept"), [(20, 40, 20), (30, 30, 0), (100, 30, 30)])
def test_what_happens_lies_within_the_stated_spread_about_eight_times_in_ten(
    measured: int, moved: int, kept: int
) -> None:
    inside = [0, 0]
    for world in range(WORLDS):
        chance = Random(world)
        times = work("booth", *(chance.lognormvariate(1, 0.6) for _ in range(measured)), prints=True)
        own = [chance.lognormvariate(1.2, 0.4) for _ in range(kept)]
        there = [an_order_of(number, HUB, BOOTH) for number in range(moved)]
        stays = [an_order_of(moved + number, HUB, HUB, took=hours) for number, hours in enumerate(own)]
        stated = compared(*there, *stays, times=times).sums.would_times
        real = [3600 * hour for hour in (*own, *(chance.lognormvariate(1, 0.6) for _ in range(moved)))]
        assert stated is not None
        for at, share in enumerate((0.5, 0.9)):
            inside[at] += stated[at][0] <= nearest_rank(real, share) <= stated[at][2]
    assert all(0.65 <= count / WORLDS <= 0.95 for count in inside), inside


def test_sums_without_a_moved_order_have_no_spread() -> None:
    found = compared(*(an_order_of(number, HUB, HUB, took=number) for number in (1, 2, 3, 4)))
    assert found.sums.was_times == (2 * 3600, 4 * 3600)
    assert found.sums.would_times == ((2 * 3600,) * 3, (4 * 3600,) * 3)


def test_what_waits_on_one_side_is_counted_and_not_compared() -> None:
    found = compared(an_order_of(1, HUB, made_at()), an_order_of(2, made_at(), HUB, took=None))
    assert found.sums.orders == 0
    said = " ".join(summary(found))
    assert "Orders that were made and would still wait for stock: 1." in said
    assert "Orders that waited for stock and would have been made: 1." in said


def test_a_place_that_would_get_many_more_orders_is_warned_of() -> None:
    orders = [an_order_of(1, BOOTH, BOOTH), an_order_of(2, HUB, BOOTH), an_order_of(3, HUB, BOOTH)]
    assert "Booth would get 3 orders and had 1" in " ".join(compared(*orders).warnings)


def test_a_place_that_the_shop_file_has_no_more_is_named() -> None:
    smaller = replace(SHOP, locations=SHOP.locations[:1])
    found = compared(an_order_of(1, BOOTH, HUB), shop=smaller)
    assert "has no booth any more" in " ".join(found.warnings)


def test_orders_that_change_most_come_first_and_say_why() -> None:
    found = compared(an_order_of(1, HUB, HUB), an_order_of(2, HUB, BOOTH), an_order_of(3, HUB, SPLIT))
    rows = order_rows(found)
    assert [row["order"] for row in rows] == ["A-3", "A-2"]
    assert rows[0]["would_be"] == "hub, booth (1 printed)"
    assert rows[0]["why"] == "any: because"
    assert len(order_rows(found, every=True)) == 3
    assert places(made_at()) == "waits for stock"


def test_the_page_loads_nothing_and_escapes_what_it_tells() -> None:
    named = replace(SHOP, owner=replace(SHOP.owner, name="<Motte & Mond>"))
    read = PastRead(past(stock={}), {}, ())
    page = html_page(answer(read, named, named, Replay(()), Times.of([])), "what if")
    assert "<Motte" not in page
    assert "No order was routed" in page
    assert "<img" not in page


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.sampled_from([0.1, 0.5, 0.9, 0.95, 0.99]))
def test_a_nearest_rank_is_somebodys_own(values: list[float], share: float) -> None:
    found = nearest_rank(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-6


@pytest.mark.parametrize(("pattern", "warned"), [(Pattern.LUMPY, True), (Pattern.SMOOTH, False)])
def test_what_is_cheaper_bought_but_sells_unevenly_is_named(pattern: Pattern, warned: bool) -> None:
    said = " ".join(print_or_buy_summary([PrintOrBuy("TEE", 9, pattern, 900.0, 400.0, 0, 11, "buy")], "EUR"))
    assert "1 would have been cheaper bought in" in said
    assert ("Buy with care" in said) == warned
