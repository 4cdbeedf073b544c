"""An explanation reads like a sentence."""

from __future__ import annotations

from backroom.domain.explain import explain
from backroom.domain.routing import route
from tests.unit.domain.routing_cases import order, rule, view

NEAR_AND_OPEN = rule(
    "near-first", where=(("open_now", "==", True), ("distance_km", "<=", 10)), sort=("nearest",), split=True
)


def test_one_place_and_why_not_the_others() -> None:
    views = [view("booth", {"TEE": 3}, open_now=False), view("local-hub", {"TEE": 3}, km=3.2), view("far", km=12.4)]
    assert explain(route(order(("TEE", 3)), [NEAR_AND_OPEN], views), "A-1042") == (
        "A-1042 is made at the local hub, because it is open, it is 3.2 km away (the rule allows 10) and it has all "
        "3 pieces in stock; the booth was not taken: closed; the far was not taken: 12.4 km away, the rule allows 10. "
        "Rule: near-first."
    )


def test_names_of_places_are_used_where_they_are_known() -> None:
    views = [view("a", {"TEE": 1}), view("b", {"CAP": 2})]
    decision = route(order(("TEE", 1), ("CAP", 2)), [rule("any", split=True)], views)
    assert explain(decision, "A-7", {"a": "Booth Mitte", "b": "Hub Nord"}) == (
        "A-7 is made at Booth Mitte (1) and Hub Nord (2), because no single place has all of it, "
        "A has 1 piece in stock and B has 2 pieces in stock. Rule: any."
    )


def test_a_backorder_says_what_is_missing() -> None:
    decision = route(order(("TEE", 3)), [rule("any")], [view("hub", {"TEE": 1})])
    assert explain(decision, "A-7") == (
        "A-7 waits for stock, because 2 of 3 pieces of TEE are neither in stock nor printable; "
        "the hub was not taken: 2 of 3 pieces neither in stock nor printable there. Rule: any."
    )


def test_a_hold_says_what_a_person_has_to_mend() -> None:
    decision = route(order(located=False), [NEAR_AND_OPEN], [view("hub", {"TEE": 1})])
    assert explain(decision, "A-7") == (
        "A-7 waits for a person, because the rule needs a distance, and neither coordinates nor the postcode say "
        "where the order goes. Rule: near-first."
    )
    assert explain(route(order(), [], []), "A-7") == "A-7 waits for a person, because no routing rule fits the order."


def test_a_place_that_a_later_rule_took_is_not_listed_as_refused() -> None:
    decision = route(order(), [NEAR_AND_OPEN, rule("last")], [view("far", {"TEE": 1}, km=20)])
    assert explain(decision, "A-7") == "A-7 is made at the far, because it has 1 piece in stock. Rule: last."


def test_a_place_that_two_rules_refused_is_named_once_with_what_tells_most() -> None:
    rules = [
        rule("booths", where=(("kind", "==", "booth"),)),
        NEAR_AND_OPEN,
        rule("hubs", where=(("kind", "==", "hub"),)),
    ]
    views = [view("market", {"TEE": 1}, kind="local", km=40), view("main", {"TEE": 1}, kind="hub", km=50)]
    assert explain(route(order(), rules, views), "A-7") == (
        "A-7 is made at the main, because it has 1 piece in stock; "
        "the market was not taken: 40.0 km away, the rule allows 10. Rule: hubs."
    )
