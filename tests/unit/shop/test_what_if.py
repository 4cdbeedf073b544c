"""Files of what-ifs and of assumptions: what is read, and how every mistake is named."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from backroom.domain import automation, hosting
from backroom.domain.replay import Restocking
from backroom.shop.assumptions import read_assumptions
from backroom.shop.check import ShopFileInvalid
from backroom.shop.load import load_shop
from backroom.shop.what_if import read_changed_shop, read_supply

DATA = Path(__file__).parents[3] / "data"
SHOP = load_shop(DATA / "shop.toml")


def a_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "file.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_demo_shops_examples_are_read() -> None:
    changed = read_changed_shop(DATA / "what-if" / "rules.toml", SHOP)
    assert [rule.name for rule in changed.rules] == [
        "night market",
        "local, twice as far",
        "on a shelf",
        "the cheapest",
    ]
    assert changed.locations == SHOP.locations
    supply = read_supply(DATA / "what-if" / "restock.toml", SHOP)
    assert (supply.piece, supply.order, supply.holding_percent) == (540, 1200, 25)
    assert supply.rules_for(["TEE", "TOTE-MOTH-NAT"]) == {
        "TEE": Restocking(5, 20, timedelta(days=10)),
        "TOTE-MOTH-NAT": Restocking(20, 100, timedelta(days=10)),
    }
    assert (supply.price("TEE"), supply.price("TOTE-MOTH-NAT")) == (540, 310)


def test_a_whole_changed_shop_file_is_taken_with_all_that_is_in_it() -> None:
    assert read_changed_shop(DATA / "shop.toml", SHOP) == SHOP


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[rules]]\nname = "x"\nwhere = [["location", "==", "moon"]]', "there is no location 'moon'"),
        ('[[rules]]\nname = "x"\n[stock]\nlow_stock = 3', "stock: is not known here"),
        ("", "there is no routing rule"),
    ],
)
def test_rules_that_this_shop_could_not_follow_are_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ShopFileInvalid, match=said):
        read_changed_shop(a_file(tmp_path, text), SHOP)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[restock]\nfill_to = 5\nlead_days = 3\npiece = 4.00", "5 is not more than 5"),
        ("[restock]\nat = 1\nfill_to = 5\npiece = 4.00", "lead_days: is missing"),
        ("[restock]\nat = 1\nfill_to = 5\nlead_days = 3\npiece = 4.00\nprice = 3.00", "price: is not known"),
        (
            "[restock]\nat = 1\nfill_to = 5\nlead_days = 3\npiece = 4.00\n[[restock.own]]\nat = 2",
            "own.1.sku: is missing",
        ),
    ],
)
def test_a_way_of_buying_that_makes_no_sense_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ShopFileInvalid, match=said):
        read_supply(a_file(tmp_path, text), SHOP)


def test_what_a_sku_of_its_own_does_not_say_is_as_for_all(tmp_path: Path) -> None:
    text = '[restock]\nat = 1\nfill_to = 5\nlead_days = 3\npiece = 4.00\n[[restock.own]]\nsku = "TEE"\nfill_to = 9'
    supply = read_supply(a_file(tmp_path, text), SHOP)
    assert supply.own["TEE"] == Restocking(1, 9, timedelta(days=3))
    assert supply.price("TEE") == 400


def test_our_own_assumptions_are_read_and_each_says_where_it_is_from() -> None:
    for name, names in (("robotics.toml", automation.ASSUMPTIONS), ("hosting.toml", hosting.ASSUMPTIONS)):
        found = read_assumptions(DATA / name, names, "EUR")
        assert tuple(one.name for one in found.each) == names
        assert all(one.source and one.unit and one.low <= one.value <= one.high for one in found.each)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('currency = "EUR"', 'currency = "USD"', "USD is not the shop's"),
        ("as_of = 2026-11-25", 'as_of = "lately"', "is not a day"),
        ("value = 180000", "value = 8", "is not between its ends"),
        ("[assumptions.cell_years]", "[assumptions.cell_jears]", "assumptions.cell_years: is missing"),
    ],
)
def test_assumptions_that_are_wrong_are_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = (DATA / "robotics.toml").read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(ShopFileInvalid, match=said):
        read_assumptions(a_file(tmp_path, text.replace(old, new)), automation.ASSUMPTIONS, "EUR")
