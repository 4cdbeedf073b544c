"""Labels as ZPL: what a printer is told, and that nobody's name can tell it anything else."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backroom.carriers.typeface import clean
from backroom.carriers.zpl import field, zpl
from tests.unit.carriers.people import ANH, ANNA, EVERYBODY, LUKASZ, TARO, bought, label_to

COMMANDS = {"XA", "CI", "PW", "LL", "LH", "FO", "FT", "FR", "A0", "FH", "FD", "FS", "GB", "GF", "BY", "BC", "BQ"}
COMMANDS |= {"PQ", "XZ"}
HOSTILE = ["^XZ^XA^FDowned^FS", "~JA", "~DGR:X.GRF", "a_5E_b", "\\&line", "^", "~", "_", "\x1b^XZ", ",::^FS"]


def commands(text: str) -> set[str]:
    return set(re.findall(r"\^(..)", text))


def shown(text: str) -> list[str]:
    """The field data as the printer understands it: ^FH undone."""
    fields = re.findall(r"\^FH\^FD(.*?)\^FS", text)
    return [
        re.sub(rb"_([0-9A-F]{2})", lambda m: bytes.fromhex(m[1].decode()), data.encode()).decode() for data in fields
    ]


@pytest.mark.parametrize("recipient", EVERYBODY, ids=lambda a: a.country)
def test_a_label_is_one_ascii_format_of_800_by_1200_dots(recipient):
    text = zpl(bought(recipient).shipping)
    assert text.isascii()
    assert (text.count("^XA"), text.count("^XZ")) == (1, 1)
    assert text.startswith("^XA^CI28\n^PW800^LL1200")
    assert commands(text) <= COMMANDS


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_cannot_inject_a_command(name):
    plain, hostile = zpl(label_to(ANNA)), zpl(label_to(replace(ANNA, name=name, lines=(name,))))
    assert clean(name) in shown(hostile)
    assert hostile.count("^") == plain.count("^")
    assert "~" not in hostile
    assert "\\" not in hostile


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_no_text_at_all_can_inject_a_command(name):
    text = zpl(label_to(replace(ANNA, name=name, company=name)))
    assert commands(text) <= COMMANDS
    assert (text.count("^XA"), text.count("^XZ"), text.count("~")) == (1, 1, 0)
    assert text.count("^FH") == text.count("^FD")


@given(st.text())
def test_field_data_comes_back(text):
    assert shown(field(text)) == [text]


def test_the_codes_carry_the_tracking_number():
    purchase = bought()
    text = zpl(purchase.shipping)
    assert f"^BCN,192,N,N,N,A^FH^FD{purchase.tracking}^FS" in text
    assert f"^BQN,2,7^FH^FDMA,{purchase.tracking}^FS" in text
    assert "^BY4,3,192" in text


def test_european_names_are_written_by_the_printers_own_font():
    text = zpl(label_to(LUKASZ))
    assert "Łukasz Żółć" in shown(text)
    assert "^GFA" not in text


@pytest.mark.parametrize("recipient", [ANH, TARO])
def test_other_names_are_drawn_as_bitmaps(recipient):
    text = zpl(label_to(recipient))
    assert recipient.name not in shown(text)
    for total, again, row, data in re.findall(r"\^GFA,(\d+),(\d+),(\d+),([0-9A-F]+)\^FS", text):
        assert int(total) == int(again) == len(data) // 2
        assert int(total) % int(row) == 0
        assert set(data) != {"0"}
    assert "^GFA" in text


def test_a_return_label_differs():
    purchase = bought()
    assert "RETURN / RETOURE" in shown(zpl(purchase.return_))
    assert purchase.return_.return_code in shown(zpl(purchase.return_))
    assert "RETURN / RETOURE" not in shown(zpl(purchase.shipping))
