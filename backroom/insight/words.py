"""How figures are said: with their unit, for people."""

from __future__ import annotations

from backroom.domain.kpi import BY_NAME, Unit
from backroom.domain.money import exponent


def say(name: str, value: float, currency: str) -> str:
    """A figure as people read it: `3 h 20 min`, `94.2 %`, `7.31 EUR`, `12`."""
    unit = BY_NAME[name].unit
    if unit is Unit.SECONDS:
        return say_seconds(value)
    if unit is Unit.SHARE:
        return say_share(value)
    if unit is Unit.MONEY:
        digits = exponent(currency)
        return f"{value / 10**digits:.{digits}f} {currency}"
    return f"{value:.0f}"


def say_share(share: float) -> str:
    """`94.2 %`."""
    return f"{share * 100:.1f} %"


def say_seconds(seconds: float) -> str:
    """`12 s`, `4 min 10 s`, `3 h 20 min`, `2 d 4 h`."""
    whole = round(seconds)
    for size, word, below, smaller in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // below
            return f"{whole // size} {word}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def count_of(count: int, word: str) -> str:
    """`1 order`, `12 orders`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
