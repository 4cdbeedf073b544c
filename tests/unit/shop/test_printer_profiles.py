"""Profiles of printers: ours are whole, the shop's own go before them, and a printer has from its own what it lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from backroom.cli.event_words import BUSY, with_printers
from backroom.domain.power import Load
from backroom.domain.print_pace import GUESS, Pace, Paces
from backroom.domain.printer_profile import Consumable
from backroom.shop.check import ShopFileInvalid
from backroom.shop.load import load_shop
from backroom.shop.printer_profiles import OURS, NoSuchProfile, profile_names, read_profile
from tests.running import ROOT


@pytest.mark.parametrize("name", [path.stem for path in OURS.glob("*.toml")])
def test_each_of_ours_is_whole_and_says_where_its_figures_come_from(name: str, tmp_path: Path) -> None:
    profile = read_profile(tmp_path, name)
    assert profile.watts_idle < profile.watts_printing
    assert profile.usual < profile.slow
    assert profile.formats
    assert profile.media
    assert profile.consumables
    assert len(profile.source) > 20


def test_there_is_one_for_each_kind_that_shops_take_to_markets(tmp_path: Path) -> None:
    assert {"pocketprint-2", "pocket-zen-note", "dtg", "heat-transfer", "label"} <= set(profile_names(tmp_path))


def shop_with(tmp_path: Path, printer: str) -> Path:
    text = (ROOT / "data" / "shop.toml").read_text(encoding="utf-8")
    at = "[locations.booth-a.printers."
    begin = text.index(at)
    path = tmp_path / "shop.toml"
    path.write_text(
        text[:begin] + f"[locations.booth-a.printers.small]\n{printer}\n\n" + text[begin:], encoding="utf-8"
    )
    (tmp_path / "postcodes.csv").write_text((ROOT / "data" / "postcodes.csv").read_text())
    return path


def test_a_printer_has_from_its_profile_what_it_does_not_say(tmp_path: Path) -> None:
    path = shop_with(tmp_path, 'uri = "folder:printers/small"\nprofile = "pocketprint-2"')
    small = load_shop(path).location("booth-a").printers[0]
    assert small.prints == ("sticker", "patch", "poster")
    assert small.media == "iso_a6_105x148mm"
    own = shop_with(tmp_path, 'uri = "folder:printers/small"\nprofile = "pocketprint-2"\nprints = ["patch"]')
    assert load_shop(own).location("booth-a").printers[0].prints == ("patch",)


def test_the_shops_own_goes_before_ours_and_what_is_wrong_with_it_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "printer-profiles"
    folder.mkdir()
    text = (OURS / "pocketprint-2.toml").read_text()
    (folder / "pocketprint-2.toml").write_text(text.replace("usual = 75", "usual = 44"))
    path = shop_with(tmp_path, 'uri = "folder:printers/small"\nprofile = "pocketprint-2"')
    small = load_shop(path).location("booth-a").printers[0]
    assert small.profile is not None
    assert small.profile.usual == 44
    (folder / "pocketprint-2.toml").write_text(text.replace("usual = 75", "usual = 200"))
    with pytest.raises(ShopFileInvalid, match="slow"):
        load_shop(path)


def test_a_profile_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(NoSuchProfile, match="pocketprint-2"):
        read_profile(tmp_path, "../secrets")
    path = shop_with(tmp_path, 'uri = "folder:printers/small"\nprofile = "pocketprint-9"')
    with pytest.raises(ShopFileInvalid, match="pocketprint-9"):
        load_shop(path)


def test_before_a_printer_was_measured_its_profile_says_how_fast_it_is() -> None:
    paces = Paces((), {"small": Pace(75, 110, basis="profile")})
    assert paces.ask("small", "sticker", "sheet", "moth").usual == 75
    assert paces.ask("other", "sticker", "sheet", "moth") == GUESS


def test_a_printer_that_nobody_named_draws_what_its_profile_says(tmp_path: Path) -> None:
    path = shop_with(tmp_path, 'uri = "folder:printers/small"\nprofile = "pocketprint-2"')
    booth = load_shop(path).location("booth-a")
    light = Load("light", "lamp", 40)
    assert with_printers([light], booth, ["small"]) == [light, Load("printer", "small", 120, BUSY)]
    named = Load("printer", "small", 90)
    assert with_printers([named], booth, ["small"]) == [named]
    assert with_printers([], booth, ["small"]) == []


def test_what_is_used_up_is_counted_in_whole_packs() -> None:
    assert [Consumable("pack", 54).needed(pieces) for pieces in (0, 1, 54, 55)] == [0, 1, 1, 2]
