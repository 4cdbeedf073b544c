"""What follows from a kind of printer: how its sizes and formats are called."""

from __future__ import annotations

import pytest

from backroom.domain.printer_profile import FORMATS, size_words


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
