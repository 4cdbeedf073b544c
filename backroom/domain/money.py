"""Money: integers of minor units beside an ISO 4217 code, exact or refused.

What belongs here: the exponents of the currencies and the way in and out of minor units. What does not: taxes and
totals (`validation`), the words of a language (`backroom.messaging`). Floats are refused: they cannot hold 0.10.

Source: ISO 4217 list one (active codes and minor units, SIX, 2026); metals, test codes and withdrawn currencies left
out.
"""

from __future__ import annotations

import re
from decimal import Decimal

_WITHOUT_MINOR = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_HUNDREDTHS = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY "
    "COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS "
    "INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR "
    "MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP "
    "STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
)
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
_TEN_THOUSANDTHS = "CLF UYW"

EXPONENTS: dict[str, int] = {
    code: exponent
    for exponent, codes in ((0, _WITHOUT_MINOR), (2, _HUNDREDTHS), (3, _THOUSANDTHS), (4, _TEN_THOUSANDTHS))
    for code in codes.split()
}

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
# No price has more digits before its point; a Decimal of 1E+999999 would otherwise fill the memory.
_MOST_DIGITS = 15


def exponent(currency: str) -> int:
    """How many decimals a currency has: EUR 2, JPY 0, KWD 3; ValueError for a code that is not in ISO 4217."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise ValueError(f"{currency!r} is not an ISO 4217 currency") from None


def to_minor(amount: str | int | Decimal, currency: str) -> int:
    """An amount in major units ("12.50", 12, Decimal("12.5")) as minor units, exactly: 1250 for EUR.

    Zeros behind the currency's decimals are no decimals ("1000.00" JPY is 1000). Raises ValueError for NaN and
    infinities, for more decimals than the currency has, for text that is not a plain number (no exponent, no
    thousands separator, no spaces), for more than 15 digits before the point, and for an unknown currency.
    """
    places = exponent(currency)
    if isinstance(amount, str) and not _NUMBER.fullmatch(amount):
        raise ValueError("an amount must be a plain number such as 12.50")
    if isinstance(amount, bool | float):
        raise ValueError(f"an amount must be text, an int or a Decimal, not {type(amount).__name__}")  # noqa: TRY004 - one error for a bad amount
    number = Decimal(amount)
    if not number.is_finite():
        raise ValueError("an amount must be finite")
    if number.adjusted() >= _MOST_DIGITS:
        raise ValueError(f"an amount has at most {_MOST_DIGITS} digits before its point")
    sign, digits, shift = number.as_tuple()
    assert isinstance(shift, int)
    whole = int("".join(map(str, digits)))
    shift += places
    # By digits, not by Decimal arithmetic: the context would round what is longer than its precision.
    minor: int
    if shift >= 0:
        minor, rest = whole * 10**shift, 0
    else:
        minor, rest = (0, whole) if -shift > len(digits) else divmod(whole, 10**-shift)
    if rest:
        raise ValueError(f"{currency} has {places} decimals, the amount has more")
    return -minor if sign else minor


def format_money(minor: int, currency: str) -> str:
    """Minor units as text that any reader knows: 1250 EUR cents are "12.50 EUR", -5 JPY is "-5 JPY"."""
    places = exponent(currency)
    sign = "-" if minor < 0 else ""
    digits = str(abs(minor)).rjust(places + 1, "0")
    if places == 0:
        return f"{sign}{digits} {currency}"
    return f"{sign}{digits[:-places]}.{digits[-places:]} {currency}"
