"""Catalogue, stock and postcodes: rows that are read, and rows that are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from backroom.domain.gtin import valid_gtin
from backroom.shop.catalogue import read_catalogue, read_postcodes, read_stock
from backroom.shop.check import ShopFileInvalid

DATA = Path(__file__).parents[3] / "data"
HEADER = "sku,product,title,colourway,size,price,currency,weight_g,gtin,artwork,print_process,printed_width_mm"
ROW = "TEE-1,tee,Tee,Ink,M,34.00,EUR,190,2900420000018,moth.png,dtg,200"


def said(tmp_path: Path, *rows: str, header: str = HEADER) -> str:
    path = tmp_path / "catalogue.csv"
    path.write_text("\n".join((header, *rows)), encoding="utf-8")
    with pytest.raises(ShopFileInvalid) as caught:
        read_catalogue(path)
    return "\n".join(map(str, caught.value.problems))


def test_a_row_becomes_a_variant_with_its_price_in_minor_units(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.csv"
    path.write_text(f"\ufeff{HEADER},printed_height_mm,tags\n{ROW},250,tee new\n\n", encoding="utf-8")
    (variant,) = read_catalogue(path)
    assert (variant.sku, variant.price_minor, variant.tags) == ("TEE-1", 3400, ("tee", "new"))
    assert (variant.printed_width_mm, variant.printed_height_mm) == (200, 250)


def test_a_spreadsheet_that_writes_semicolons_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "stock.csv"
    path.write_text("location;sku;on_hand\nmain-hub;TEE-1;5\n", encoding="utf-8")
    assert read_stock(path) == [("main-hub", "TEE-1", 5)]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("2900420000018", "2900420000019", "row 2, gtin: '2900420000019' is not a GTIN"),
        ("34.00", "34,00 €", "cells"),
        ("34.00", "cheap", "row 2, price: 'cheap' is not a price"),
        ("34.00", "-1", "below zero"),
        ("34.00", "34.001", "EUR has 2 decimals"),
        ("EUR", "EUO", "Did you mean EUR?"),
        ("190", "heavy", "row 2, weight_g"),
        ("dtg", "dgt", "Did you mean dtg?"),
        (",dtg,", ",,", "row 2, print_process: is empty"),
        ("moth.png", "../moth.png", "row 2, artwork"),
        (",200", ",", "row 2, printed_width_mm"),
        ("TEE-1", "", "row 2, sku: is empty"),
    ],
)
def test_a_wrong_cell_is_named_by_file_row_and_field(tmp_path: Path, old: str, new: str, says: str) -> None:
    told = said(tmp_path, ROW.replace(old, new), header=HEADER)
    assert told.startswith("catalogue.csv: row 2")
    assert says in told


def test_every_wrong_row_is_told(tmp_path: Path) -> None:
    told = said(tmp_path, ROW, ROW, ROW.replace("TEE-1", "TEE-2").replace("34.00", "?"))
    assert "row 3, sku: 'TEE-1' stands there twice" in told
    assert "row 4, price" in told
    assert "row 4, gtin: is the GTIN of TEE-1 too" in told


def test_wrong_columns_are_told_with_the_nearest_spelling(tmp_path: Path) -> None:
    told = said(tmp_path, ROW, header=HEADER.replace("weight_g", "weight"))
    assert "row 1, weight: is not a known column. Did you mean weight_g?" in told
    assert "row 1, weight_g: is missing" in told


@pytest.mark.parametrize("count", ["-1", "many", "1.5", ""])
def test_stock_is_counted_in_whole_pieces(tmp_path: Path, count: str) -> None:
    path = tmp_path / "stock.csv"
    path.write_text(f"location,sku,on_hand\nmain-hub,TEE-1,{count}\n", encoding="utf-8")
    with pytest.raises(ShopFileInvalid, match="row 2, on_hand"):
        read_stock(path)


@pytest.mark.parametrize("latitude", ["91", "north", "nan", ""])
def test_a_postcode_lies_on_earth(tmp_path: Path, latitude: str) -> None:
    path = tmp_path / "postcodes.csv"
    path.write_text(f"country,postcode,latitude,longitude\nDE,10997,{latitude},13.4\n", encoding="utf-8")
    with pytest.raises(ShopFileInvalid, match="row 2, latitude"):
        read_postcodes(path)


def test_the_demo_catalogue_has_gtins_of_the_range_for_use_in_a_shop() -> None:
    variants = read_catalogue(DATA / "catalogue.csv")
    assert len(variants) == 78
    assert all(valid_gtin(variant.gtin) and 20 <= int(variant.gtin[:2]) <= 29 for variant in variants)


def test_the_demo_stock_names_what_the_catalogue_has() -> None:
    skus = {variant.sku for variant in read_catalogue(DATA / "catalogue.csv")}
    assert {sku for _, sku, _ in read_stock(DATA / "stock.csv")} <= skus


def test_the_demo_designs_are_worth_printing_at_their_size() -> None:
    variants = [
        v for v in read_catalogue(DATA / "catalogue.csv") if v.artwork and (DATA / "artwork" / v.artwork).exists()
    ]
    for artwork in {v.artwork for v in variants}:
        path = DATA / "artwork" / artwork
        widest = max(v.printed_width_mm for v in variants if v.artwork == artwork)
        with Image.open(path) as image:
            assert image.width / (widest / 25.4) >= 150
            assert image.mode == "P"
        assert path.stat().st_size < 100_000


def test_only_the_sick_design_is_missing() -> None:
    variants = read_catalogue(DATA / "catalogue.csv")
    missing = {v.artwork for v in variants if not (DATA / "artwork" / v.artwork).exists()}
    assert missing == {"eclipse.png"}
