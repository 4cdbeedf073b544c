"""Routing by example: which rule wins, which place, and what is said about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backroom.domain.cost_rates import CostRates
from backroom.domain.model import Assignment, Delivery, RejectedAlternative
from backroom.domain.routing import compile_rules, route, route_all
from backroom.domain.routing_places import see
from tests.unit.domain.routing_cases import order, rule, view

NEAR = rule("near", where=(("distance_km", "<=", 10),), sort=("nearest",))


def test_the_first_rule_that_leaves_a_place_wins() -> None:
    rules = [
        rule("french", when=(("country", "==", "FR"),)),
        rule("hubs", where=(("kind", "==", "hub"),)),
        rule("last"),
    ]
    decision = route(order(), rules, [view("booth", {"TEE": 1})])
    assert decision.rule == "last"
    assert decision.rejected == (RejectedAlternative("hubs", "booth", "the rule asks for kind hub"),)


def test_a_place_at_exactly_ten_kilometres_is_within_ten() -> None:
    decision = route(order(), [NEAR], [view("hub", {"TEE": 1}, km=10.0)])
    assert decision.outcome == "assigned"
    assert decision.distance_km == 10.0


def test_an_order_that_those_refused_who_could_make_it_is_held_for_that_and_not_for_a_rule() -> None:
    rules, views = [NEAR], [view("hub", {"TEE": 1}, km=1.0), view("far", {"TEE": 1}, km=99.0)]
    decision = route(replace(order(), refused_at=frozenset({"hub"})), rules, views)
    assert (decision.outcome, decision.hold_reason) == ("hold", "no_taker")
    assert "it refused this order" in decision.rejected[0].reason
    late = route(
        replace(order(), late_at=frozenset({"far"})), [rule("never", where=(("kind", "==", "robot_cell"),))], views
    )
    assert late.hold_reason == "no_rule"


def test_a_place_one_metre_farther_is_not() -> None:
    decision = route(order(), [NEAR], [view("hub", {"TEE": 1}, km=10.001)])
    assert (decision.outcome, decision.hold_reason) == ("hold", "no_rule")
    assert decision.rejected[0].reason == "10.001 km away, the rule allows 10"


def test_a_rejected_place_says_how_far_it_is() -> None:
    decision = route(order(), [NEAR], [view("hub", {"TEE": 1}, km=12.4)])
    assert decision.rejected == (RejectedAlternative("near", "hub", "12.4 km away, the rule allows 10"),)


def test_without_coordinates_a_rule_that_needs_a_distance_holds_the_order() -> None:
    decision = route(order(located=False), [NEAR, rule("last")], [view("hub", {"TEE": 1})])
    assert (decision.outcome, decision.hold_reason, decision.rule) == ("hold", "no_coordinates", "near")
    assert decision.assignments == ()


def test_an_earlier_rule_that_needs_no_distance_still_wins_without_coordinates() -> None:
    rules = [rule("pos", when=(("channel", "==", "pos"),)), NEAR]
    assert route(order(located=False, channel="pos"), rules, [view("hub", {"TEE": 1})]).rule == "pos"


def test_a_distance_that_would_decide_nothing_holds_nothing() -> None:
    rules = [
        rule("near-hubs", where=(("distance_km", "<=", 10), ("kind", "==", "hub"))),
        rule("booths", where=(("kind", "==", "booth"),), sort=("nearest",)),
    ]
    decision = route(order(located=False), rules, [view("booth", {"TEE": 1})])
    assert (decision.outcome, decision.rule, decision.distance_km) == ("assigned", "booths", None)


def test_sorting_two_places_by_distance_needs_coordinates() -> None:
    views = [view("a", {"TEE": 1}), view("b", {"TEE": 1})]
    assert route(order(located=False), [rule(sort=("nearest",))], views).hold_reason == "no_coordinates"


@pytest.mark.parametrize(
    ("sort", "winner", "loser_says"),
    [
        ("nearest", "a", "farther away, 5.0 km"),
        ("most_complete", "b", "less in stock, 1 of 2 pieces"),
        ("fewest_splits", "a", "as good, but later in the shop file"),
        ("cheapest", "b", "dearer"),
        ("least_loaded", "b", "more to do, 7 open"),
    ],
)
def test_each_sort_takes_the_place_it_names(sort: str, winner: str, loser_says: str) -> None:
    views = [
        view("a", {"TEE": 1}, km=2, prints=("TEE",), load=7, print_cost=400),
        view("b", {"TEE": 2}, km=5, prints=("TEE",), load=3, print_cost=400, pick_cost=50),
    ]
    decision = route(order(("TEE", 2)), [rule(sort=(sort,))], views)
    assert [x.location for x in decision.assignments] == [winner]
    assert decision.rejected[-1].reason == loser_says


def test_the_cheapest_counts_handling_and_the_parcel_from_there() -> None:
    views = [
        view("near", {"TEE": 2}, pick_cost=50, parcel_cost=690),
        view("far", {"TEE": 2}, km=9, pick_cost=90, parcel_cost=490),
    ]
    decision = route(order(("TEE", 2)), [rule(sort=("cheapest",))], views)
    assert [x.location for x in decision.assignments] == ["far"]
    assert decision.reasons[-1] == "it is the cheapest of 2 that could"


def test_only_what_is_shipped_pays_for_a_parcel() -> None:
    there = view("booth", {"TEE": 2}, pick_cost=50, parcel_cost=690)
    costs = {
        delivery: see(order(("TEE", 2), delivery=delivery, location="booth"), [there])[0].cost_minor
        for delivery in Delivery
    }
    assert costs == {Delivery.SHIP: 100 + 690, Delivery.COLLECT: 100, Delivery.CARRY_OUT: 100}


def test_the_cheapest_counts_print_and_blank_of_what_is_not_in_stock() -> None:
    rates = CostRates(packaging=62, print=190, blank=420, picking_minutes=2.5, wage_per_hour=1950)
    stocked = view("a", {"TEE": 1}, prints=("TEE",), parcel_cost=490)
    (place,) = see(order(("TEE", 3)), [replace(stocked, location=replace(stocked.location, costs=rates))])
    # Three pieces handled at 0.8125 each, two of them printed, one parcel.
    assert place.cost_minor == round(3 * 81.25 + 2 * 610 + 62 + 490)


def test_a_tie_goes_by_the_second_sort_and_then_by_the_shop_file() -> None:
    views = [view("a", {"TEE": 1}, load=2), view("b", {"TEE": 1}, load=1), view("c", {"TEE": 1}, load=1)]
    decision = route(order(), [rule(sort=("nearest", "least_loaded"))], views)
    assert decision.assignments[0].location == "b"


def test_stock_is_picked_before_anything_is_printed() -> None:
    decision = route(order(("TEE", 3)), [rule()], [view("a", {"TEE": 2}, prints=("TEE",))])
    assert decision.assignments == (Assignment("a", 1, "TEE", from_stock=2, to_print=1),)
    assert decision.reasons == ("it has 2 pieces in stock and prints 1",)


def test_a_rule_that_does_not_print_skips_the_place_that_would_have_to() -> None:
    views = [view("a", {}, prints=("TEE",)), view("b", {"TEE": 1}, km=5)]
    decision = route(order(), [rule(sort=("nearest",), short="backorder")], views)
    assert decision.assignments == (Assignment("b", 1, "TEE", 1),)
    assert decision.rejected == (RejectedAlternative("any", "a", "1 of 1 piece not in stock there"),)


def test_a_decision_names_where_it_asked_in_vain_up_to_the_place_that_could() -> None:
    views = [view("a", {"TEE": 0}), view("b", {"TEE": 2}, km=2), view("c", {"TEE": 0}, km=3)]
    assert route(order(("TEE", 2)), [rule(sort=("nearest",))], views).short == (("a", "TEE"),)


def test_what_a_place_does_not_keep_is_not_short_there() -> None:
    views = [view("a", {}, prints=("TEE",)), view("b", {"TEE": 1}, km=2)]
    assert route(order(), [rule(sort=("nearest",), short="print")], views).short == ()


def test_a_piece_printed_for_want_of_stock_was_short_and_so_was_one_that_nobody_had() -> None:
    assert route(order(), [rule()], [view("a", {"TEE": 0}, prints=("TEE",))]).short == (("a", "TEE"),)
    rules = [rule("near", short="next"), rule("last", short="backorder")]
    decision = route(order(("TEE", 1), ("CAP", 1)), rules, [view("a", {"TEE": 0, "CAP": 1})])
    assert (decision.outcome, decision.short) == ("backorder", (("a", "TEE"),))


@pytest.mark.parametrize(
    ("short", "outcome", "hold_reason"),
    [("print", "backorder", ""), ("backorder", "backorder", ""), ("hold", "hold", "short_stock")],
)
def test_what_is_short_goes_as_the_rule_says(short: str, outcome: str, hold_reason: str) -> None:
    decision = route(order(("TEE", 3)), [rule(short=short), rule("last")], [view("a", {"TEE": 1}, prints=("CAP",))])
    assert (decision.outcome, decision.hold_reason, decision.assignments) == (outcome, hold_reason, ())
    nowhere = "neither in stock nor printable" if short == "print" else "not in stock"
    assert decision.reasons == (f"2 of 3 pieces of TEE are {nowhere}",)


def test_next_leaves_a_short_order_to_the_next_rule() -> None:
    rules = [rule("stock", short="next"), rule("make", where=(("can_print", "==", True),))]
    views = [view("a", {"TEE": 1}), view("b", prints=("TEE",))]
    decision = route(order(("TEE", 2)), rules, views)
    assert (decision.rule, decision.assignments) == ("make", (Assignment("b", 1, "TEE", 0, 2),))


def test_next_without_a_next_rule_is_a_hold_for_short_stock() -> None:
    decision = route(order(("TEE", 2)), [rule("stock", short="next")], [view("a", {"TEE": 1})])
    assert (decision.outcome, decision.hold_reason, decision.rule) == ("hold", "short_stock", "stock")


def test_an_order_is_split_only_where_the_rule_allows_it() -> None:
    views = [view("a", {"TEE": 1}), view("b", {"CAP": 1})]
    wanted = order(("TEE", 1), ("CAP", 1))
    whole = route(wanted, [rule(short="backorder")], views)
    assert whole.outcome == "backorder"
    assert whole.reasons == ("no single place has all of it, and the rule does not split",)
    split = route(wanted, [rule(split=True, short="backorder")], views)
    assert split.assignments == (Assignment("a", 1, "TEE", 1), Assignment("b", 2, "CAP", 1))
    assert split.reasons == ("no single place has all of it", "A has 1 piece in stock", "B has 1 piece in stock")


def test_an_order_that_one_place_can_make_is_not_split() -> None:
    views = [view("a", {"TEE": 1}, km=1), view("b", {"TEE": 2}, km=9)]
    decision = route(order(("TEE", 2)), [rule(sort=("nearest",), split=True)], views)
    assert decision.assignments == (Assignment("b", 1, "TEE", 2),)


def test_fewest_splits_finds_the_pair_that_taking_the_largest_would_miss() -> None:
    skus = ("A", "B", "C", "D", "E", "F")
    views = [
        view("greedy", dict.fromkeys("ABDE", 1)),
        view("left", dict.fromkeys("ABC", 1)),
        view("right", dict.fromkeys("DEF", 1)),
    ]
    wanted = order(*((sku, 1) for sku in skus))
    decision = route(wanted, [rule(sort=("fewest_splits",), split=True)], views)
    assert {x.location for x in decision.assignments} == {"left", "right"}


def test_what_is_left_is_printed_where_something_is_picked_already() -> None:
    views = [view("a", prints=("CAP",)), view("b", {"TEE": 1}, prints=("CAP",)), view("c", {"HOOD": 1})]
    wanted = order(("TEE", 1), ("HOOD", 1), ("CAP", 2))
    decision = route(wanted, [rule(split=True)], views)
    assert Assignment("b", 3, "CAP", 0, 2) in decision.assignments
    assert {x.location for x in decision.assignments} == {"b", "c"}


def test_two_lines_of_one_sku_share_the_same_pieces() -> None:
    decision = route(order(("TEE", 1), ("TEE", 2)), [rule(short="backorder")], [view("a", {"TEE": 2})])
    assert decision.outcome == "backorder"
    assert decision.reasons == ("1 of 2 pieces of TEE is not in stock",)


def test_in_stock_asks_for_all_of_it_or_where_the_rule_splits_for_some() -> None:
    views = [view("a", {"TEE": 1}, prints=("TEE",)), view("b", {}, prints=("TEE",))]
    whole = rule("whole", where=(("in_stock", "==", True),))
    some = rule("some", where=(("in_stock", "==", True),), split=True)
    decision = route(order(("TEE", 2)), [whole, some], views)
    assert decision.rule == "some"
    assert decision.assignments == (Assignment("a", 1, "TEE", 1, 1),)
    assert decision.rejected[0].reason == "1 of 2 pieces not in stock"


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        (("open_now", "==", True), "closed"),
        (("open_now", "!=", False), "closed"),
        (("capacity_left", ">", 0), "room for 0 more, the rule asks for more than 0"),
        (("can_print", "==", True), "cannot print TEE"),
        (("in_stock", "==", True), "1 of 1 piece not in stock"),
        (("kind", "not in", ["booth", "hub"]), "the rule excludes kind booth or hub"),
        (("location", "in", ("hub", "local")), "the rule asks for location hub or local"),
        (("country", "==", "FR"), "the rule asks for country FR"),
        (("event", "!=", "fair"), "the rule excludes event fair"),
        (("distance_km", ">", 5), "1.0 km away, the rule asks for more than 5"),
        (("distance_km", "<", 1), "1.0 km away, the rule allows less than 1"),
    ],
)
def test_every_condition_says_in_words_why_a_place_fails_it(where: tuple[str, str, object], reason: str) -> None:
    views = [view("a", open_now=False, capacity_left=0, event="fair")]
    assert route(order(), [rule(where=(where,))], views).rejected[0].reason == reason


def test_a_place_without_a_limit_has_room_for_any_number() -> None:
    decision = route(order(), [rule(where=(("capacity_left", ">=", 10**6),))], [view("a", {"TEE": 1})])
    assert decision.outcome == "assigned"


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        (("channel", "in", ["web", "pos"]), True),
        (("source", "==", "tiktok"), False),
        (("event", "==", "fair"), True),
        (("delivery", "==", "ship"), True),
        (("country", "not in", ["FR", "DE"]), False),
        (("product", "==", "cap"), True),
        (("product", "!=", "cap"), False),
        (("tag", "==", "gift"), True),
        (("tag", "not in", ["gift"]), False),
        (("location", "==", ""), True),
    ],
)
def test_conditions_on_the_order(when: tuple[str, str, object], fits: bool) -> None:
    wanted = order(("TEE", 1), ("CAP", 1), event="fair", tags=("gift",))
    decision = route(wanted, [rule(when=(when,))], [view("a", {"TEE": 1, "CAP": 1})])
    assert (decision.outcome == "assigned") is fits


@pytest.mark.parametrize("delivery", [Delivery.COLLECT, Delivery.CARRY_OUT])
def test_what_the_customer_takes_along_is_made_where_the_customer_is(delivery: Delivery) -> None:
    views = [view("hub", {"TEE": 5}), view("booth", prints=("TEE",), km=40)]
    decision = route(order(delivery=delivery, location="booth", located=False), [NEAR], views)
    assert decision.assignments == (Assignment("booth", 1, "TEE", 0, 1),)
    assert decision.distance_km is None
    assert decision.reasons == ("the customer is there", "it has no stock and prints 1 piece")


def test_a_customer_at_a_place_that_does_not_exist_is_a_hold() -> None:
    decision = route(order(delivery=Delivery.COLLECT, location="gone"), [NEAR], [view("hub", {"TEE": 5})])
    assert (decision.outcome, decision.hold_reason) == ("hold", "no_place")


def test_a_wave_does_not_give_the_last_piece_twice() -> None:
    rules = compile_rules([rule(sort=("nearest",), short="backorder")])
    views = [view("a", {"TEE": 1}, km=1), view("b", {"TEE": 1}, km=2)]
    decisions = route_all([order(), order(), order()], rules, views)
    assert [[x.location for x in decision.assignments] for decision in decisions] == [["a"], ["b"], []]
    assert views[0].available == {"TEE": 1}


def test_a_wave_fills_a_place_only_as_far_as_it_has_room() -> None:
    rules = [rule(where=(("capacity_left", ">", 0),), sort=("least_loaded",))]
    views = [view("a", prints=("TEE",), capacity_left=1), view("b", prints=("TEE",), capacity_left=2, load=1)]
    decisions = route_all([order() for _ in range(4)], rules, views)
    assert [[x.location for x in decision.assignments] for decision in decisions] == [["a"], ["b"], ["b"], []]
