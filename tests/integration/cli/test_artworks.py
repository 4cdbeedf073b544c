"""Artwork at the terminal: what does not print is named before anybody orders it, and nothing comes from inside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from backroom.cli import artworks
from backroom.cli.app import app
from backroom.cli.artworks import doubts_in, faults_in
from backroom.domain.partners import PartnerProduct
from backroom.outgoing.fetching import AddressRefused, Fetched, Fetcher
from tests.shops import CATALOGUE, GTIN_TEE, PLAIN, Floor, a_shop
from tests.workshops import a_partner, a_place


def test_every_artwork_that_somebody_makes_is_looked_at_with_its_cure(tmp_path: Path) -> None:
    shop, variants = a_shop(), list(CATALOGUE)
    assert [PLAIN in fault for fault in faults_in(shop, tmp_path, variants)] == [True, False]
    Image.new("RGB", (200, 200), "black").save(tmp_path / "owl.png")
    assert faults_in(shop, tmp_path, variants) == []
    Image.new("RGB", (20, 20), "black").save(tmp_path / "owl.png")
    fault = faults_in(shop, tmp_path, variants)[0]
    assert "dots an inch" in fault
    assert "Export it at least" in fault
    # Nobody here prints it: nobody has to look at it.
    nobody = replace(shop, locations=tuple(replace(place, printers=()) for place in shop.locations))
    assert faults_in(nobody, tmp_path, variants) == []


def test_a_doubt_is_said_once_a_design_and_is_no_fault(tmp_path: Path) -> None:
    shop, variants = a_shop(), list(CATALOGUE)
    assert doubts_in(shop, tmp_path, variants) == [], "what is missing is a fault"
    Image.new("RGB", (200, 200), "white").save(tmp_path / "owl.png")
    assert faults_in(shop, tmp_path, variants) == []
    [doubt] = doubts_in(shop, tmp_path, variants)
    assert doubt.startswith("owl.png (dtg) has no transparency and a white background")
    assert "Cut the design out" in doubt


def test_what_a_partner_is_to_make_and_the_catalogue_lacks_is_named(tmp_path: Path) -> None:
    Image.new("RGB", (200, 200), "black").save(tmp_path / "owl.png")
    products = (PartnerProduct("MUG-WHT-1", "mug"), PartnerProduct(GTIN_TEE, "white"), PartnerProduct(PLAIN, "black"))
    place = a_place(a_partner("https://workshop.example.com", products=products))
    shop = a_shop()
    found = faults_in(replace(shop, locations=(*shop.locations, place)), tmp_path, list(CATALOGUE))
    assert [("MUG-WHT-1" in fault, GTIN_TEE in fault) for fault in found] == [(True, False), (False, True)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_fetched_artwork_is_kept_only_if_it_prints(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    runner = CliRunner()
    monkeypatch.setattr(artworks, "open_room", lambda: floor.room)
    words = ["artwork", "fetch", "https://pictures.example/x", "gift.png", "--width", "20"]
    with pytest.raises(AddressRefused):
        runner.invoke(app, ["artwork", "fetch", "https://127.0.0.1/x", *words[3:]], catch_exceptions=False)
    Image.new("RGB", (200, 200), "red").save(tmp_path / "good.png")
    Image.new("RGB", (20, 20), "red").save(tmp_path / "coarse.png")
    # The open internet cannot be reached from here; what it would send is handed over as it is.
    for name, code in (("coarse", 1), ("good", 0), ("good", 1)):
        content = (tmp_path / f"{name}.png").read_bytes()
        monkeypatch.setattr(Fetcher, "fetch", lambda self, url, about, content=content: Fetched(content, "image/png"))
        assert runner.invoke(app, words).exit_code == code
    assert (floor.room.artwork() / "gift.png").read_bytes() == (tmp_path / "good.png").read_bytes()
    assert [path.name for path in floor.room.artwork().glob(".*")] == []
    assert runner.invoke(app, [*words[:3], "../gift.png", *words[4:]]).exit_code == 1
    assert runner.invoke(app, [*words[:3], "more.png", *words[4:], "--process", "stiker"]).exit_code == 1
