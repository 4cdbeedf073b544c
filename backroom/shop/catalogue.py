"""The shop's tables beside the shop file: what it sells, what is in stock, where postcodes lie.

What belongs here: the columns of `catalogue.csv`, `stock.csv` and `postcodes.csv`. What does not: reading a cell
(`table`), storing them (`backroom.store`). Every reader raises `ShopFileInvalid` with all of its file's problems.
"""

from __future__ import annotations

from pathlib import Path

from backroom.domain.gtin import valid_gtin
from backroom.domain.locations import PRINT_PROCESSES
from backroom.domain.model import Variant
from backroom.domain.money import EXPONENTS, to_minor
from backroom.domain.shop import PostcodePlace
from backroom.shop.check import Report, suggest
from backroom.shop.table import Row, read_table

_VARIANT = ("sku", "product", "title", "colourway", "size", "price", "currency", "weight_g")
_VARIANT_OPTIONAL = ("gtin", "artwork", "print_process", "printed_width_mm", "printed_height_mm", "tags")


def read_catalogue(path: Path) -> list[Variant]:
    """The variants of a catalogue, in the file's order.

    Columns: sku, product, title, colourway, size, price (12.50), currency, weight_g; and where they apply gtin,
    artwork (a file name), print_process, printed_width_mm, printed_height_mm, tags (separated by blanks).
    """
    report = Report(path.name)
    variants: dict[str, Variant] = {}
    gtins: dict[str, str] = {}
    for row in read_table(path, report, _VARIANT, _VARIANT_OPTIONAL):
        variant = _variant(row)
        if variant.sku in variants:
            row.problem("sku", f"{variant.sku!r} stands there twice", "Give every variant a SKU of its own.")
        if variant.gtin and variant.gtin in gtins:
            row.problem("gtin", f"is the GTIN of {gtins[variant.gtin]} too", "Give every variant a GTIN of its own.")
        variants[variant.sku] = variant
        gtins[variant.gtin] = variant.sku
    report.done()
    return list(variants.values())


def read_stock(path: Path) -> list[tuple[str, str, int]]:
    """`(location, sku, on_hand)` of every row; columns location, sku, on_hand."""
    report = Report(path.name)
    counted: dict[tuple[str, str], int] = {}
    for row in read_table(path, report, ("location", "sku", "on_hand")):
        place = row.text("location"), row.text("sku")
        if place in counted:
            row.problem("sku", f"{place[1]!r} was counted at {place[0]} already", "Add the two rows up into one.")
        counted[place] = row.whole("on_hand", 0, 1_000_000)
    report.done()
    return [(location, sku, on_hand) for (location, sku), on_hand in counted.items()]


def read_postcodes(path: Path) -> tuple[PostcodePlace, ...]:
    """The postcode table; columns country, postcode (or the letters it begins with), latitude, longitude."""
    report = Report(path.name)
    places: dict[tuple[str, str], PostcodePlace] = {}
    for row in read_table(path, report, ("country", "postcode", "latitude", "longitude")):
        country, postcode = row.text("country").upper(), row.text("postcode")
        if (country, postcode) in places:
            row.problem("postcode", f"{country} {postcode} stands there twice", "Keep one of the rows.")
        latitude, longitude = _degrees(row, "latitude", 90), _degrees(row, "longitude", 180)
        places[country, postcode] = PostcodePlace(country, postcode, latitude, longitude)
    report.done()
    return tuple(places.values())


def _variant(row: Row) -> Variant:
    currency = row.text("currency")
    if currency and currency not in EXPONENTS:
        row.problem("currency", f"{currency!r} is not an ISO 4217 currency", suggest(currency, EXPONENTS))
    gtin = row.cells["gtin"]
    if gtin and not valid_gtin(gtin):
        row.problem("gtin", f"{gtin!r} is not a GTIN", "Copy all its digits; a digit or its check digit is wrong.")
    artwork, process = row.cells["artwork"], row.cells["print_process"]
    if "/" in artwork or "\\" in artwork or artwork.startswith("."):
        row.problem("artwork", f"{artwork!r} is not a file name", "Put the file into the artwork folder and name it.")
    if process and process not in PRINT_PROCESSES:
        row.problem("print_process", f"{process!r} is not known", suggest(process, PRINT_PROCESSES))
    if artwork and not process:
        row.problem("print_process", "is empty", f"Say how it is printed: {', '.join(PRINT_PROCESSES)}.")
    least = 1 if artwork else 0
    return Variant(
        sku=row.text("sku"),
        product=row.text("product"),
        title=row.text("title"),
        colourway=row.cells["colourway"],
        size=row.cells["size"],
        price_minor=_price(row, currency),
        currency=currency,
        weight_g=row.whole("weight_g", 1, 100_000),
        gtin=gtin,
        artwork=artwork,
        print_process=process,
        printed_width_mm=row.whole("printed_width_mm", least, 2000, default=None if artwork else 0),
        printed_height_mm=row.whole("printed_height_mm", least, 2000, default=None if artwork else 0),
        tags=tuple(row.cells["tags"].split()),
    )


def _price(row: Row, currency: str) -> int:
    text = row.text("price")
    if not text or currency not in EXPONENTS:
        return 0
    try:
        minor = to_minor(text, currency)
    except ValueError as error:
        row.problem("price", f"{text!r} is not a price: {error}", "Write it like 29.00.")
        return 0
    if minor < 0:
        row.problem("price", f"{text!r} is below zero", "Write it like 29.00.")
    return minor


def _degrees(row: Row, field: str, limit: int) -> float:
    text = row.text(field)
    try:
        degrees = float(text)
    except ValueError:
        degrees = float("nan")
    if text and not -limit <= degrees <= limit:
        row.problem(field, f"{text!r} is not a {field}", f"Write degrees from -{limit} to {limit}, such as 52.4990.")
        return 0.0
    return degrees
