"""Code 128: what is encoded is read back."""

from __future__ import annotations

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from backroom.carriers.code128 import NotEncodable, bars, modules, segments, symbol_values

printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40)
mixed = st.lists(st.sampled_from(["A", "z", "7", "12", "3456", "00000", "-"]), min_size=1, max_size=12).map("".join)


def decoded(values: list[int]) -> str:
    """The standard read backwards, independently of how the encoder chose."""
    *data, check, stop = values
    assert stop == 106
    assert check == (data[0] + sum(i * value for i, value in enumerate(data))) % 103
    code_set = {104: "B", 105: "C"}[data[0]]
    text = ""
    for value in data[1:]:
        if code_set == "B" and value == 99:
            code_set = "C"
        elif code_set == "C" and value == 100:
            code_set = "B"
        else:
            text += f"{value:02d}" if code_set == "C" else chr(value + 32)
    return text


@given(printable | mixed)
def test_every_printable_text_comes_back(text):
    assert decoded(symbol_values(text)) == text


@given(printable | mixed)
def test_changing_sets_never_makes_a_symbol_longer_than_set_b_alone(text):
    assert modules(text) <= 11 * (len(text) + 2) + 13


ALL_OF_B = [chr(first) + "".join(map(chr, range(first, min(first + 19, 127)))) for first in range(32, 127, 19)]
ALL_OF_C = ["".join(f"{pair:02d}" for pair in range(first, first + 20)) for first in range(0, 100, 20)]


@pytest.mark.parametrize("text", ALL_OF_B + ALL_OF_C)
def test_a_reader_reads_every_character_of_both_sets(text):
    assert read(text) == text


@given(mixed)
@settings(max_examples=30, deadline=None)
def test_a_reader_reads_the_bars(text):
    assert read(text) == text


def read(text: str) -> str:
    image = Image.new("L", (2 * (modules(text) + 20), 60), 255)
    pen = ImageDraw.Draw(image)
    for left, width in bars(text):
        pen.rectangle((20 + 2 * left, 5, 20 + 2 * (left + width) - 1, 55), fill=0)
    (found,) = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.Code128)
    return found.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", [("C", "12")]),
        ("123", [("B", "123")]),
        ("1234", [("C", "1234")]),
        ("12345", [("C", "1234"), ("B", "5")]),
        ("A1234", [("B", "A"), ("C", "1234")]),
        ("A12345", [("B", "A1"), ("C", "2345")]),
        ("A1234B", [("B", "A1234B")]),
        ("A123456B", [("B", "A"), ("C", "123456"), ("B", "B")]),
        ("12345B", [("C", "1234"), ("B", "5B")]),
    ],
)
def test_digits_are_paired_where_it_pays(text, expected):
    assert segments(text) == expected


def test_the_check_character_is_the_weighted_sum_modulo_103():
    # 104 + 1×48 + 2×42 + 3×42 + 4×17 + 5×18 + 6×19 + 7×35 = 879 = 8 × 103 + 55
    assert symbol_values("PJJ123C")[-2] == 55


@pytest.mark.parametrize("text", ["", "Ł", "a\nb", "\x7f"])
def test_what_set_b_does_not_know_is_refused(text):
    with pytest.raises(NotEncodable):
        symbol_values(text)
