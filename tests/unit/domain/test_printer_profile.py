"""What follows from a kind of printer: how its sizes and formats are called, and when one of it is warm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from backroom.domain.printer_profile import COLD_AFTER, FORMATS, PrinterProfile, size_words

OPENED = datetime(2026, 11, 28, 15, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def profile(first: float) -> PrinterProfile:
    return PrinterProfile("press", "Press", ("transfer",), (), (), 300, 90, 140, first, 1600, 150, (), "a test")


@pytest.mark.parametrize(
    ("media", "words"),
    [
        ("iso_a4_210x297mm", "A4"),
        ("na_5x7_5x7in", "5 × 7 in"),
        ("na_index-4x6_4x6in", "4 × 6 in"),
        ("oe_2x3-label_2x3in", "2 × 3 in"),
        ("custom_postcard_105x148.5mm", "105 × 148.5 mm"),
        ("whatever", "whatever"),
    ],
)
def test_a_size_is_called_as_people_call_it(media: str, words: str) -> None:
    assert size_words(media) == words


def test_each_format_has_a_name_that_people_know() -> None:
    assert FORMATS["image/pwg-raster"] == "PWG Raster"


def test_a_printer_that_nobody_has_used_since_the_doors_opened_is_warm_so_long_after_that() -> None:
    assert profile(900).warm_at(OPENED, None, OPENED + 4 * MINUTE) == OPENED + 15 * MINUTE
    assert profile(900).warm_at(OPENED, OPENED - timedelta(days=1), OPENED + 4 * MINUTE) == OPENED + 15 * MINUTE


def test_it_is_warm_once_its_time_is_over_or_something_has_come_out_of_it() -> None:
    assert profile(900).warm_at(OPENED, None, OPENED + 15 * MINUTE) is None
    assert profile(900).warm_at(OPENED, OPENED + 3 * MINUTE, OPENED + 4 * MINUTE) is None
    assert profile(900).warm_at(OPENED, OPENED + 2 * MINUTE - COLD_AFTER, OPENED + MINUTE) is None


def test_nobody_waits_for_a_printer_that_needs_no_time_or_while_the_doors_are_shut() -> None:
    assert profile(0).warm_at(OPENED, None, OPENED) is None
    assert profile(900).warm_at(None, None, OPENED) is None
