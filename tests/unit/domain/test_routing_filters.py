"""A rule that says what no rule can is refused when it is compiled, in words that help."""

from __future__ import annotations

import pytest

from backroom.domain.routing import compile_rules
from backroom.domain.routing_filters import BadRule, kilometres
from tests.unit.domain.routing_cases import rule


@pytest.mark.parametrize(
    ("where", "says"),
    [
        (("distance", "<=", 10), "distance_km"),
        (("distance_km", "in", [10]), "Use ==, !=, <, <=, >, >="),
        (("distance_km", "<=", "10"), "Put a number from 0"),
        (("distance_km", "<=", True), "Put a number from 0"),
        (("distance_km", "<=", -1), "Put a number from 0"),
        (("distance_km", "<=", float("nan")), "Put a number from 0"),
        (("capacity_left", ">", "many"), "Put a number from 0"),
        (("in_stock", "==", "yes"), "Put true or false"),
        (("can_print", "<", True), "Use ==, !="),
        (("open_now", "==", 1), "Put true or false"),
        (("kind", "<", "hub"), "Use ==, !=, in, not in"),
        (("kind", "in", "hub"), "Put a list of texts"),
        (("kind", "in", []), "Put a list of texts"),
        (("kind", "==", ["hub"]), "Put a text"),
        (("channel", "==", "web"), "A place has location"),
    ],
)
def test_a_condition_on_places_that_cannot_be(where: tuple[str, str, object], says: str) -> None:
    with pytest.raises(BadRule) as refused:
        compile_rules([rule("mine", where=(where,))])
    assert "rule 'mine'" in str(refused.value)
    assert says in str(refused.value)


def test_a_condition_on_the_order_must_be_one_an_order_has() -> None:
    with pytest.raises(BadRule, match="An order has channel"):
        compile_rules([rule("mine", when=(("distance_km", "<=", 10),))])


def test_sorts_and_shorts_are_checked_too() -> None:
    with pytest.raises(BadRule, match=r"'closest'.*nearest"):
        compile_rules([rule(sort=("closest",))])
    with pytest.raises(BadRule, match=r"'wait'.*backorder"):
        compile_rules([rule(short="wait")])


@pytest.mark.parametrize(
    ("metres", "limit", "text"),
    [(12_400, None, "12.4"), (12_400, 10_000, "12.4"), (10_001, 10_000, "10.001"), (10_000, 10_000, "10.0")],
)
def test_a_distance_is_said_as_finely_as_it_matters(metres: int, limit: int | None, text: str) -> None:
    assert kilometres(metres, limit) == text
