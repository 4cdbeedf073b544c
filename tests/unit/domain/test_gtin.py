"""The check digit of GS1, against published examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.gtin import check_digit, valid_gtin

BODIES = st.sampled_from([7, 11, 12, 13]).flatmap(lambda n: st.text("0123456789", min_size=n, max_size=n))


@pytest.mark.parametrize("gtin", ["96385074", "036000291452", "4006381333931", "6291041500213", "10614141000415"])
def test_published_gtins_are_valid(gtin: str) -> None:
    assert valid_gtin(gtin)


@pytest.mark.parametrize(
    "text", ["", "4006381333932", "400638133393", " 4006381333931", "40063813339３1", "123456789", "400638133393X"]
)
def test_what_is_not_a_gtin_is_not_valid(text: str) -> None:
    assert not valid_gtin(text)


def test_a_body_of_a_wrong_length_has_no_check_digit() -> None:
    with pytest.raises(ValueError, match="7, 11, 12 or 13"):
        check_digit("123456")


@given(BODIES)
def test_a_body_with_its_check_digit_is_valid_and_with_any_other_it_is_not(body: str) -> None:
    right = check_digit(body)
    assert [digit for digit in "0123456789" if valid_gtin(body + digit)] == [right]


@given(BODIES, st.data())
def test_one_wrong_digit_is_always_noticed(body: str, data: st.DataObject) -> None:
    gtin = body + check_digit(body)
    at = data.draw(st.integers(0, len(gtin) - 1))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != gtin[at]]))
    assert not valid_gtin(gtin[:at] + other + gtin[at + 1 :])


@given(BODIES)
def test_a_leading_zero_does_not_change_the_check_digit(body: str) -> None:
    if len(body) in (11, 12):
        assert check_digit("0" + body) == check_digit(body)
