"""QR symbols: put together from parts, they are those that segno draws."""

from __future__ import annotations

import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from backroom.carriers.qrcode import symbol
from backroom.domain.labels import tracking_number

ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def drawn(text: str) -> list[list[int]]:
    return [list(row) for row in segno.make_qr(text, error="m", boost_error=False, mask=3).matrix]


def read(text: str) -> list[list[int]]:
    """The modules of our symbol; what fills its rows up to whole bytes is white."""
    count, data = symbol(text)
    wide = (count + 7) // 8
    rows = [[data[wide * y + x // 8] >> 7 - x % 8 & 1 for x in range(8 * wide)] for y in range(count)]
    assert not any(any(row[count:]) for row in rows)
    return [row[:count] for row in rows]


@given(st.text(ALPHANUMERIC, min_size=1, max_size=24))
@settings(max_examples=60, deadline=None)
def test_a_symbol_of_any_length_is_the_one_that_segno_draws(text: str) -> None:
    assert read(text) == drawn(text)


@given(st.text(min_size=1, max_size=6), st.sampled_from(["shipping", "return"]))
@settings(deadline=None)
def test_a_tracking_number_is_the_one_that_segno_draws(key: str, kind: str) -> None:
    number = tracking_number("return" if kind == "return" else "shipping", key)
    assert read(number) == drawn(number)


@pytest.mark.parametrize("text", ["00340434161094042557", "jjd 0390", "BS 1234-ä"])
def test_texts_of_another_mode_are_drawn_as_segno_does(text: str) -> None:
    assert read(text) == drawn(text)
