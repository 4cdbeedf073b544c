"""What `backroom init` leaves to do is said, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from backroom.domain.sample_rules import SampleRules
from backroom.shop.load import load_shop
from backroom.shop.next_steps import first_samples, missing_postcodes, next_steps
from backroom.shop.questions import interview, write_shop_file


def made(folder: Path, *, channels: str, local_hub: str = "yes", postcodes: bool = False) -> Path:
    """A home folder with the shop file of such answers."""
    told = {"channels": channels, "local_hub": local_hub, "local_place": "52.5, 13.4"}
    text = write_shop_file(interview(lambda one, default: one.settle(told.get(one.name) or default or one.example)))
    if postcodes:
        (folder / "postcodes.csv").write_text("country,postcode,latitude,longitude\nDE,10115,52.53,13.38\n")
        text = text.replace("# postcodes =", "postcodes =")
    (folder / "shop.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(("channels", "named"), [("woocommerce", "woo"), ("csv", "files"), ("shopify, pos", "till")])
def test_a_local_hub_with_a_channel_without_coordinates_asks_for_postcodes(
    tmp_path: Path, channels: str, named: str
) -> None:
    said = missing_postcodes(load_shop(made(tmp_path, channels=channels) / "shop.toml"))
    assert f"Orders of {named} come without coordinates" in said
    assert "no_coordinates" in said
    assert 'postcodes = "postcodes.csv"' in said


@pytest.mark.parametrize(
    ("channels", "local_hub", "postcodes"),
    [("shopify", "yes", False), ("woocommerce", "no", False), ("woocommerce", "yes", True)],
)
def test_nobody_is_asked_for_postcodes_that_no_order_needs(
    tmp_path: Path, channels: str, local_hub: str, postcodes: bool
) -> None:
    home = made(tmp_path, channels=channels, local_hub=local_hub, postcodes=postcodes)
    assert missing_postcodes(load_shop(home / "shop.toml")) == ""


def test_who_asks_for_samples_is_told_to_print_and_approve_them(tmp_path: Path) -> None:
    shop = load_shop(made(tmp_path, channels="csv") / "shop.toml")
    said = first_samples(shop)
    assert all(words in said for words in ("backroom sample new", "backroom sample approve", "docs/guide/samples.md"))
    assert first_samples(replace(shop, samples=SampleRules())) == ""
    assert first_samples(replace(shop, locations=())) == ""


def test_the_next_steps_are_what_is_not_there_yet(tmp_path: Path) -> None:
    home = made(tmp_path, channels="csv")
    shop = load_shop(home / "shop.toml")
    told = "\n".join(next_steps(shop, home))
    assert [word for word in ("postcodes.csv", "catalogue.csv", "stock.csv", "artwork") if word not in told] == []
    for name in ("catalogue.csv", "stock.csv"):
        (home / name).touch()
    (home / "artwork").mkdir()
    assert list(next_steps(shop, home)) == [missing_postcodes(shop)]
