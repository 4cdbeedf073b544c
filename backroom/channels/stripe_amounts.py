"""Stripe's amounts: minor units, with a few currencies that it counts otherwise than ISO 4217.

What belongs here: the way between the two. What does not: which amount is what (`stripe_checkout`).
Source: docs.stripe.com "Supported currencies": zero-decimal and three-decimal currencies, and the special cases ISK and
UGX, which have no minor unit and are given in hundredths all the same.
"""

from __future__ import annotations

from typing import Any

from backroom.channels.reading import Reading
from backroom.domain.money import exponent

_WHOLE = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD JOD KWD OMR TND"


def decimals(currency: str) -> int:
    """How many decimals Stripe counts for a currency."""
    if currency in _WHOLE:
        return 0
    return 3 if currency in _THOUSANDTHS else 2


def read_minor(reading: Reading, holder: dict[str, Any], name: str, path: str, currency: str, *, needed: bool) -> int:
    """An amount of Stripe's as minor units of ISO 4217; a Problem where they cannot hold it exactly."""
    told = reading.minor(holder.get(name), f"{path}{name}", needed=needed)
    steps = exponent(currency) - decimals(currency)
    if steps >= 0:
        return told * _power(steps)
    whole, left = divmod(told, _power(-steps))
    if left:
        reading.wrong("amount", f"{path}{name}", f"is not an amount that {currency} can hold exactly")
    return whole


def to_stripe(minor: int, currency: str) -> int:
    """Minor units of ISO 4217 as Stripe counts them; ValueError where it cannot hold them exactly."""
    steps = decimals(currency) - exponent(currency)
    if steps >= 0:
        return minor * _power(steps)
    whole, left = divmod(minor, _power(-steps))
    if left:
        raise ValueError(f"Stripe cannot hold {minor} minor units of {currency}")
    return whole


def _power(steps: int) -> int:
    return int(10**steps)
