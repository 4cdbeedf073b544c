"""Figures of days: nearest rank, shares, costs and days, against what is counted by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.cost_rates import CostRates
from backroom.domain.kpi import COSTS
from backroom.domain.shop import Shop
from backroom.insight import cohorts
from backroom.insight.costs import open_hours
from backroom.insight.facts import COUNTED
from backroom.insight.figures import SCHEMA, SHORT, Facts, figures_of_days, figures_of_span
from backroom.insight.words import say, say_seconds
from tests.shops import ALWAYS, a_shop

DAY, NEXT = "2026-11-06", "2026-11-07"
RATES = CostRates(60, 200, 400, 3.0, 2000, 90, 6900, 3800, 3650, 1800, 420)


def a_fact(**changes: Any) -> dict[str, Any]:
    """An order of one picked piece that was shipped on DAY; every stage took a minute."""
    stages = dict.fromkeys(("waiting_s", "intake_s", "making_s", "packing_s", "announcing_s"), 60)
    usual: dict[str, Any] = {"way": "online", "accepted_day": DAY, "shipped_day": DAY, **stages, "ship_s": 300}
    return usual | {"on_time": 1} | dict.fromkeys(COUNTED, 0) | {"parcels": 1, "pieces": 1} | changes


def frames(*facts: dict[str, Any], short: Sequence[tuple[str, str, str, str]] = ()) -> Facts:
    rows = [tuple(fact[name] for name in SCHEMA) for fact in facts]
    return Facts(pl.DataFrame(rows, schema=SCHEMA, orient="row"), pl.DataFrame(short, schema=SHORT, orient="row"))


def figures(*facts: dict[str, Any], shop: Shop | None = None, today: str = NEXT) -> Mapping[tuple[str, str], float]:
    found = figures_of_days(frames(*facts), [DAY], shop or a_shop(), today)
    return {(figure.name, figure.way): figure.value for figure in found}


def test_the_median_and_p90_are_somebodys_times_by_nearest_rank() -> None:
    found = figures(*(a_fact(ship_s=seconds) for seconds in (10, 20, 30, 40)))
    assert found["ship_median", "all"] == 20
    assert found["ship_p90", "all"] == 40


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=40))
def test_half_of_the_orders_were_as_fast_as_the_median_and_nine_in_ten_as_p90(times: list[int]) -> None:
    found = figures(*(a_fact(ship_s=seconds) for seconds in times))
    for name, share in (("ship_median", 0.5), ("ship_p90", 0.9)):
        value = found[name, "all"]
        assert value in times
        assert sum(seconds <= value for seconds in times) >= share * len(times)
        assert sum(seconds < value for seconds in times) < share * len(times)


def test_each_way_has_figures_of_its_own_orders_and_all_has_them_together() -> None:
    found = figures(a_fact(way="event", ship_s=100), a_fact(way="local", ship_s=900), a_fact(ship_s=500))
    assert [found["orders", way] for way in ("all", "event", "local", "online")] == [3, 1, 1, 1]
    assert [found["ship_median", way] for way in ("all", "event", "local", "online")] == [500, 100, 900, 500]


def test_orders_without_a_promise_are_left_out_of_on_time() -> None:
    found = figures(a_fact(on_time=1), a_fact(on_time=0), a_fact(on_time=None))
    assert found["on_time", "all"] == 0.5
    assert ("on_time", "all") not in figures(a_fact(on_time=None))


def test_costs_are_counted_by_the_rates_of_the_shop_file() -> None:
    shop = replace(a_shop(), costs=RATES)
    found = figures(
        a_fact(label_minor=490, emails=1, texts=1, returned=1, return_parcels=1, refunded_minor=2900),
        a_fact(label_minor=490, printed=1, print_tries=2, print_rejects=1, pieces=3),
        shop=shop,
    )
    # 3.0 minutes at 20.00 an hour are 1.00 a piece, and there were four; 36.50 a month are 1.20 a day.
    by_hand = {
        "cost_label": 490,
        "cost_packaging": 60,
        "cost_print": 2 * 200 / 2,
        "cost_blank": 2 * 400 / 2,
        "cost_picking": 4 * 100 / 2,
        "cost_partner": 0,
        "cost_messages": 6.99 / 2,
        "cost_returns": (420 + 100) / 2,
        "cost_booth": 0,
        "cost_hosting": 120 / 2,
        "cost_compute": 1.8,
    }
    assert set(by_hand) == set(COSTS)
    assert {name: found[name, "all"] for name in by_hand} == pytest.approx(by_hand)
    assert found["cost_per_order", "all"] == pytest.approx(sum(by_hand.values()))
    assert found["print_rejects", "all"] == 0.5
    assert found["refunds", "all"] == 1450


def test_a_booth_is_paid_for_by_the_orders_of_its_event_and_hosting_by_all() -> None:
    shop = replace(a_shop(), costs=CostRates(booth_per_hour=100, hosting_per_month=3650))
    found = figures(a_fact(way="event"), a_fact(way="event"), a_fact(), shop=shop)
    assert found["cost_booth", "event"] == pytest.approx(24 * 100 / 2)
    assert found["cost_booth", "all"] == pytest.approx(24 * 100 / 3)
    assert found["cost_booth", "online"] == 0
    for way in ("all", "event", "online"):
        assert found["cost_hosting", way] == pytest.approx(40)


def test_an_order_counts_as_oversold_on_the_day_it_was_accepted() -> None:
    found = figures(a_fact(oversold=1, shipped_day=""), a_fact(shipped_day=NEXT), a_fact())
    assert found["oversold", "all"] == pytest.approx(1 / 3)
    assert found["orders", "all"] == 1


def test_a_stock_out_is_a_sku_at_a_location_however_many_orders_asked_for_it() -> None:
    short = [
        (DAY, "online", "hub", "TEE-M"),
        (DAY, "online", "hub", "TEE-M"),
        (DAY, "event", "hub", "TEE-M"),
        (DAY, "event", "booth", "TEE-M"),
        (NEXT, "event", "booth", "TEE-L"),
    ]
    facts = frames(a_fact(), a_fact(way="event"), a_fact(way="local"), short=short)
    found = {(one.name, one.way): one.value for one in figures_of_days(facts, [DAY], a_shop(), NEXT)}
    assert [found["stock_outs", way] for way in ("all", "online", "event", "local")] == [2, 1, 2, 0]


def test_days_together_have_the_figures_of_all_their_orders_and_not_the_mean_of_their_days() -> None:
    shop = replace(a_shop(), costs=CostRates(booth_per_hour=100, hosting_per_month=3650))
    facts = frames(
        a_fact(ship_s=10, way="event"),
        a_fact(ship_s=20),
        a_fact(ship_s=90, accepted_day=NEXT, shipped_day=NEXT, oversold=1),
        a_fact(ship_s=5, accepted_day=DAY, shipped_day="2026-11-20"),
        short=[(DAY, "online", "hub", "TEE-M"), (NEXT, "online", "hub", "TEE-M")],
    )
    span = {(one.name, one.way): one for one in figures_of_span(facts, [DAY, NEXT], shop)}
    assert {one.day for one in span.values()} == {DAY}
    found = {key: one.value for key, one in span.items()}
    assert found["orders", "all"] == 3
    assert found["ship_median", "all"] == 20
    assert found["oversold", "all"] == 1 / 4
    assert found["stock_outs", "all"] == 1
    assert found["cost_booth", "event"] == pytest.approx(2 * 24 * 100)
    assert found["cost_hosting", "all"] == pytest.approx(2 * 120 / 3)


def test_figures_of_a_day_that_is_not_over_are_provisional() -> None:
    assert all(figure.provisional for figure in figures_of_days(frames(a_fact()), [DAY], a_shop(), DAY))
    assert not any(figure.provisional for figure in figures_of_days(frames(a_fact()), [DAY], a_shop(), NEXT))


def test_a_booth_is_open_for_the_ranges_that_begin_on_the_day() -> None:
    assert open_hours(ALWAYS, DAY) == 24
    into_saturday = replace(ALWAYS, week=ALWAYS.week).parse({"fri": ["17:00-01:00"], "sat": ["15:00-01:00"]}, "UTC")
    assert open_hours(into_saturday, DAY) == 8
    assert open_hours(into_saturday, NEXT) == 10
    assert open_hours(into_saturday, "2026-11-09") == 0


def test_whoever_orders_again_within_sixty_days_came_back() -> None:
    first = datetime(2026, 6, 3, 12, tzinfo=UTC)
    orders = [
        (1, 10, first, "online"),
        (1, 14, first + timedelta(days=60), "event"),
        (1, 15, first + timedelta(days=61), "event"),
        (2, 11, first, "online"),
        (2, 16, first + timedelta(days=60, seconds=1), "online"),
        (3, 12, first, "event"),
        (4, 13, first + timedelta(days=40), "event"),
    ]
    frame = pl.DataFrame(orders, schema=cohorts.SCHEMA, orient="row")
    now = datetime(2026, 8, 31, tzinfo=UTC)
    found = {(one.day, one.way): one for one in cohorts.returning(frame, now, ZoneInfo("UTC"))}
    assert found["2026-06-01", "all"].value == pytest.approx(1 / 3)
    assert found["2026-06-01", "online"].value == 0.5
    assert found["2026-06-01", "event"].value == 0
    assert not found["2026-06-01", "all"].provisional
    assert found["2026-07-01", "all"].provisional


def test_a_first_order_counts_in_the_month_of_the_shops_own_calendar() -> None:
    frame = pl.DataFrame([(1, 1, datetime(2026, 6, 30, 23, tzinfo=UTC), "online")], cohorts.SCHEMA, orient="row")
    now = datetime(2026, 8, 31, tzinfo=UTC)
    assert {one.day for one in cohorts.returning(frame, now, ZoneInfo("Europe/Berlin"))} == {"2026-07-01"}
    assert {one.day for one in cohorts.returning(frame, now, ZoneInfo("UTC"))} == {"2026-06-01"}


def test_figures_are_said_with_their_units() -> None:
    assert say("ship_median", 12_000, "EUR") == "3 h 20 min"
    assert say("cost_per_order", 731.4, "EUR") == "7.31 EUR"
    assert say("cost_per_order", 731.4, "JPY") == "731 JPY"
    assert say("on_time", 0.9421, "EUR") == "94.2 %"
    assert say("orders", 12.0, "EUR") == "12"
    assert [say_seconds(s) for s in (0, 59, 60, 250, 3600, 187_200)] == [
        "0 s",
        "59 s",
        "1 min",
        "4 min 10 s",
        "1 h",
        "2 d 4 h",
    ]
