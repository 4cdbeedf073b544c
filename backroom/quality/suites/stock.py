"""Suites of stock, its movements and the catalogue."""

from __future__ import annotations

from backroom.quality.rules import CRITICAL, INFO, WARNING, Writer, suite
from backroom.quality.suites.orders import CLOCK_S
from backroom.store.quality import stock

COUNT = "Count the shelf; what it has more is booked with `backroom stock receive`."
CATALOGUE_FILE = "Correct it in the catalogue file, and load it again."


def _stock(rules: Writer) -> None:
    rules.there(
        "on_hand",
        "level",
        CRITICAL,
        "Pieces were moved or are held where there is no stock level.",
        COUNT,
        shown=("moved", "held"),
    )
    rules.equal(
        "on_hand",
        "moved",
        "on_hand",
        CRITICAL,
        "What is on hand is not the sum of its movements.",
        "`backroom quality repair` counts it again from its movements. Count the shelf as well.",
        repair="recount_on_hand",
    )
    rules.equal(
        "reserved",
        "held",
        "reserved",
        CRITICAL,
        "What is reserved is not the sum of its reservations.",
        "`backroom quality repair` counts it again from its reservations.",
        repair="recount_reserved",
    )
    rules.within(
        "reserved",
        0,
        None,
        "reserved_below_zero",
        CRITICAL,
        "Fewer than no pieces are reserved.",
        "`backroom quality repair` counts it again from its reservations.",
        repair="recount_reserved",
    )
    rules.at_least(
        "on_hand",
        "reserved",
        "promised",
        CRITICAL,
        "More pieces are promised than there are.",
        "Somebody will get none. " + COUNT,
    )
    rules.there(
        "variant_found",
        "sku",
        WARNING,
        "Pieces of something that the catalogue does not know.",
        "Put it back into the catalogue.",
        shown=("location", "sku", "on_hand"),
    )
    rules.true(
        "location_known",
        "location",
        INFO,
        "Pieces at a location that the shop file lacks.",
        "Put the location back into the shop file, or move the pieces.",
        shown=("location", "on_hand"),
    )


def _movements(rules: Writer) -> None:
    rules.true("moves_something", "pieces", INFO, "It moves no piece.", COUNT, shown=("location", "sku"))
    rules.true(
        "reservation_right",
        "reservation",
        CRITICAL,
        "Pieces left the stock for a parcel that never reserved them.",
        COUNT,
        shown=("location", "sku", "pieces"),
    )
    rules.within(
        "at_age_s",
        -CLOCK_S,
        None,
        "ahead",
        WARNING,
        "It happens in the future.",
        "Set this machine's clock right.",
        shown=("at",),
    )


def _catalogue(rules: Writer) -> None:
    rules.true(
        "gtin_right",
        "gtin",
        WARNING,
        "Its GTIN has a wrong check digit: no scanner takes it.",
        CATALOGUE_FILE,
        shown=("gtin",),
    )
    rules.unique(
        "gtin", "gtin_twice", WARNING, "Two pieces have the same GTIN: a scan cannot tell them apart.", CATALOGUE_FILE
    )
    rules.true(
        "currency_known",
        "currency",
        WARNING,
        "Its price is in no currency of ISO 4217.",
        CATALOGUE_FILE,
        shown=("currency",),
    )
    rules.within("price_minor", 0, None, "price", WARNING, "Its price is below zero.", CATALOGUE_FILE)
    rules.within(
        "weight_g", 1, None, "weight", WARNING, "It weighs nothing: carriers charge by weight.", CATALOGUE_FILE
    )
    rules.true(
        "print_complete",
        "print",
        WARNING,
        "It has an artwork, and nobody says how or how large to print it.",
        CATALOGUE_FILE,
    )


STOCK = suite("stock", "every piece at every location", stock.STOCK, _stock)
MOVEMENTS = suite("stock_movements", "every movement of stock", stock.MOVEMENTS, _movements)
CATALOGUE = suite("catalogue", "every piece that can be sold", stock.CATALOGUE, _catalogue)
