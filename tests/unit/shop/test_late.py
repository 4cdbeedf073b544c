"""Where a location's late parcels go, in the shop file: read, and every mistake named with what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from backroom.domain.locations import BY_ROUTING, PromiseSpec
from backroom.shop.load import load_shop
from tests.unit.shop.test_load import GOOD, problems

TABLE = "[locations.booth-a.promise]"


def promise(tmp_path: Path, *lines: str) -> PromiseSpec | None:
    path = tmp_path / "shop.toml"
    path.write_text("\n".join((GOOD, TABLE, *lines, "")), encoding="utf-8")
    return load_shop(path).location("booth-a").promise


def test_a_booth_that_says_nothing_lets_the_routing_rules_decide(tmp_path: Path) -> None:
    assert promise(tmp_path) == PromiseSpec()
    assert PromiseSpec().late == (BY_ROUTING,)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('late = "stay"', ()),
        ('late = "elsewhere"', (BY_ROUTING,)),
        ('late = "by routing"', (BY_ROUTING,)),
        ('late = "hub"', ("hub",)),
        ('late = ["main-hub", "by routing", "elsewhere"]', ("main-hub", BY_ROUTING)),
    ],
)
def test_where_late_parcels_go_is_a_word_a_place_or_several_in_their_order(
    tmp_path: Path, line: str, expected: tuple[str, ...]
) -> None:
    found = promise(tmp_path, line)
    assert found is not None
    assert found.late == expected


def test_limits_are_read_in_the_shops_money_and_in_hours(tmp_path: Path) -> None:
    found = promise(tmp_path, 'late = "hub"', "late_sooner = true", "late_extra_cost = 4.50", "late_hours = 24")
    assert found == PromiseSpec(late=("hub",), late_sooner=True, late_extra_minor=450, late_hours=24)
    free = promise(tmp_path, "late_extra_cost = 0")
    assert free == PromiseSpec(late_extra_minor=0)


@pytest.mark.parametrize(
    ("lines", "field", "says"),
    [
        (['late = "main-hob"'], "late", "Did you mean main-hub?"),
        (['late = "booth-a"'], "late", '"hub" or "by routing"'),
        (['late = ["stay", "hub"]'], "late", 'Write "stay" alone'),
        (["late = []"], "late", "Name at least one."),
        (["late = 4"], "late", "late = ["),
        (['late = "stay"', "late_sooner = true"], "late_sooner", "write where"),
        (["late_hours = 0"], "late_hours", ""),
        (['late_extra_cost = "4"'], "late_extra_cost", "without quotes"),
        (["late_extra = 4"], "late_extra", "late_extra_cost"),
    ],
)
def test_every_mistake_is_named_with_what_to_write_instead(
    tmp_path: Path, lines: list[str], field: str, says: str
) -> None:
    found = problems(tmp_path, "\n".join((GOOD, TABLE, *lines, "")))
    assert [problem.field for problem in found] == [f"locations.booth-a.promise.{field}"]
    assert says in found[0].remedy


def test_the_hub_cannot_send_to_the_hub(tmp_path: Path) -> None:
    text = "\n".join((GOOD, '[locations.main-hub.promise]\nlate = "hub"', ""))
    assert "is this place itself" in problems(tmp_path, text)[0].message
