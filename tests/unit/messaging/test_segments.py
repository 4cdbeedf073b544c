"""How many SMS a text becomes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.messaging.segments import GSM_BASIC, GSM_EXTENSION, Segments, segments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments("gsm", 0, 1)),
        ("a" * 160, Segments("gsm", 160, 1)),
        ("a" * 161, Segments("gsm", 161, 2)),
        ("a" * 306, Segments("gsm", 306, 2)),
        ("a" * 307, Segments("gsm", 307, 3)),
        ("€" * 80, Segments("gsm", 160, 1)),
        ("ł" * 70, Segments("ucs2", 70, 1)),
        ("ł" * 71, Segments("ucs2", 71, 2)),
        ("ł" * 134, Segments("ucs2", 134, 2)),
        ("ł" * 135, Segments("ucs2", 135, 3)),
        ("👗" * 35, Segments("ucs2", 70, 1)),
    ],
)
def test_the_limits_are_those_of_the_standard(text: str, expected: Segments) -> None:
    assert segments(text) == expected


def test_a_euro_sign_is_not_torn_apart_by_the_end_of_a_part() -> None:
    assert segments("a" * 152 + "€" + "a" * 152) == Segments("gsm", 306, 3)


def test_an_emoji_is_not_torn_apart_by_the_end_of_a_part() -> None:
    assert segments("ł" * 66 + "👗" + "ł" * 66) == Segments("ucs2", 134, 3)


def test_german_letters_are_cheap_and_a_cedilla_is_not() -> None:
    assert segments("Grüße aus Köln").encoding == "gsm"
    assert segments("façade").encoding == "ucs2"


def test_the_alphabet_has_every_letter_of_the_standard() -> None:
    assert (len(GSM_BASIC), len(GSM_EXTENSION)) == (127, 10)
    assert not GSM_BASIC & GSM_EXTENSION


@given(text=st.text(max_size=700), more=st.characters(exclude_categories=["Cs"]))
def test_a_longer_text_never_costs_less(text: str, more: str) -> None:
    assert segments(text + more).count >= segments(text).count
    assert segments(text).count >= 1
