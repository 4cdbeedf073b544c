"""Minor units are exact, or the amount is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.money import EXPONENTS, exponent, format_money, to_minor


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12.50", "EUR", 1250),
        ("12.5", "EUR", 1250),
        (12, "EUR", 1200),
        ("-0.01", "EUR", -1),
        ("1000", "JPY", 1000),
        ("1000.00", "JPY", 1000),
        ("1.234", "KWD", 1234),
        (Decimal("0.0001"), "CLF", 1),
        (Decimal("1E+2"), "USD", 10000),
        ("999999999999999.99", "EUR", 99999999999999999),
    ],
)
def test_amounts_become_minor_units(amount: str | int | Decimal, currency: str, minor: int) -> None:
    assert to_minor(amount, currency) == minor


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("1.005", "EUR"),
        ("0.5", "JPY"),
        (Decimal("NaN"), "EUR"),
        (Decimal("sNaN"), "EUR"),
        (Decimal("-Infinity"), "EUR"),
        (Decimal("1E+999999"), "EUR"),
        (Decimal("1E-999999"), "EUR"),
        ("1" + "0" * 15, "EUR"),
        ("NaN", "EUR"),
        ("1e3", "EUR"),
        ("1,50", "EUR"),
        ("1_000", "EUR"),
        (" 1", "EUR"),
        ("", "EUR"),
        ("１", "EUR"),
        (0.1, "EUR"),
        (True, "EUR"),
        ("1", "EURO"),
        ("1", "XXX"),
        ("1", "eur"),
    ],
)
def test_what_is_not_exact_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(ValueError):
        to_minor(amount, currency)


def test_a_refusal_does_not_repeat_the_amount() -> None:
    with pytest.raises(ValueError) as refused:
        to_minor("4111111111111111", "EUR")
    assert "4111" not in str(refused.value)


def test_the_exponents_are_those_of_iso_4217() -> None:
    assert [exponent(code) for code in ("JPY", "EUR", "KWD", "UYW")] == [0, 2, 3, 4]
    assert all(len(code) == 3 and code.isupper() for code in EXPONENTS)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(1250, "EUR", "12.50 EUR"), (-5, "EUR", "-0.05 EUR"), (5, "JPY", "5 JPY"), (5, "KWD", "0.005 KWD")],
)
def test_minor_units_are_written_with_the_decimals_of_the_currency(minor: int, currency: str, text: str) -> None:
    assert format_money(minor, currency) == text


@given(st.integers(-(10**14), 10**14), st.sampled_from(sorted(EXPONENTS)))
def test_what_is_written_reads_back_the_same(minor: int, currency: str) -> None:
    amount, code = format_money(minor, currency).split(" ")
    assert code == currency
    assert to_minor(amount, currency) == minor


@given(st.decimals(-(10**14), 10**14, places=6), st.sampled_from(sorted(EXPONENTS)))
def test_an_amount_is_exact_or_refused(amount: Decimal, currency: str) -> None:
    try:
        minor = to_minor(amount, currency)
    except ValueError:
        assert amount.scaleb(exponent(currency)) % 1 != 0
    else:
        assert Decimal(minor).scaleb(-exponent(currency)) == amount
