"""Which carrier takes a parcel: the cheapest rate that keeps what the customer was told.

What belongs here: the choice among rates, as a pure function, and why each of the others was left. What does not:
asking carriers for rates (`backroom.carriers`), the dates behind a promise (`promise`).

A rate that does not say how long it takes keeps no promise that anybody could check: it is taken only where no rate
says more. Rates in another currency than the shop's cannot be compared, and wait until nothing else is left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Rate:
    """What one service of one carrier asks for a parcel. `carrier` is the carrier's id in the shop file.

    `brand` is who carries it, as labels and customers read it; `price_minor` in minor units of `currency` (ISO 4217);
    `days` the days on the way on which the carrier delivers, None where it does not say. `reference` is the carrier's
    own word for this rate, which is bought by it.
    """

    carrier: str
    brand: str
    service: str
    price_minor: int
    currency: str
    days: int | None = None
    reference: str = ""


class Outcome(StrEnum):
    """How a rate stands to the promise: kept, broken by every rate there is, or not to be told."""

    IN_TIME = "in_time"
    LATE = "late"
    UNKNOWN = "unknown"


class Why(StrEnum):
    """Why a rate was left."""

    DEARER = "dearer"
    TOO_LATE = "too_late"
    DAYS_UNKNOWN = "days_unknown"
    SLOWER = "slower"
    NOT_ALLOWED = "not_allowed"
    OTHER_CURRENCY = "other_currency"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A rate that was not taken, and why."""

    rate: Rate
    why: Why


@dataclass(frozen=True, slots=True)
class RateChoice:
    """The rate that was taken, how it stands to the promise, the day it arrives, and every other rate."""

    rate: Rate
    outcome: Outcome
    arrives: date | None
    rejected: tuple[Rejected, ...]


def choose_rate(
    rates: Sequence[Rate],
    *,
    currency: str,
    due: date | None,
    arrival: Callable[[int], date],
    services: Mapping[str, Sequence[str]] | None = None,
) -> RateChoice | None:
    """The cheapest rate that arrives on `due` or before; None when no rate may be taken.

    Without one, the one that arrives first, and after those the cheapest of the ones that do not say. With no `due`
    every known day is in time. `arrival` gives the day for a number of days on the way; `services` are those allowed
    by carrier, all of them where a carrier is not named or has none. What costs and takes the same is chosen by its
    names, so that the order of the rates does not matter.
    """
    allowed = [rate for rate in rates if _is_allowed(rate, (services or {}).get(rate.carrier, ()))]
    ours = [rate for rate in allowed if rate.currency == currency]
    if not ours and len({rate.currency for rate in allowed}) == 1:
        ours = allowed
    if not ours:
        return None
    days_of = {rate: arrival(rate.days) for rate in ours if rate.days is not None}
    in_time = [rate for rate, day in days_of.items() if due is None or day <= due]
    if in_time:
        chosen, outcome = min(in_time, key=_by_price), Outcome.IN_TIME
    elif days_of:
        chosen, outcome = min(days_of, key=lambda rate: (days_of[rate], *_by_price(rate))), Outcome.LATE
    else:
        chosen, outcome = min(ours, key=_by_price), Outcome.UNKNOWN

    def why(rate: Rate) -> Why:
        if rate not in allowed:
            return Why.NOT_ALLOWED
        if rate not in ours:
            return Why.OTHER_CURRENCY
        if outcome is Outcome.UNKNOWN:
            return Why.DEARER
        if rate.days is None:
            return Why.DAYS_UNKNOWN
        if outcome is Outcome.LATE:
            return Why.DEARER if days_of[rate] == days_of[chosen] else Why.SLOWER
        return Why.DEARER if rate in in_time else Why.TOO_LATE

    left = sorted((rate for rate in dict.fromkeys(rates) if rate != chosen), key=_by_price)
    return RateChoice(chosen, outcome, days_of.get(chosen), tuple(Rejected(rate, why(rate)) for rate in left))


def plain(rejected: Rejected) -> dict[str, Any]:
    """A rejected rate as JSON takes it, for whoever keeps the choice."""
    rate = rejected.rate
    return {
        "carrier": rate.carrier,
        "brand": rate.brand,
        "service": rate.service,
        "price_minor": rate.price_minor,
        "currency": rate.currency,
        "days": rate.days,
        "why": str(rejected.why),
    }


def _is_allowed(rate: Rate, services: Sequence[str]) -> bool:
    """`Priority` and `USPS Priority` both name a service, in any case."""
    names = {rate.service.casefold(), f"{rate.brand} {rate.service}".casefold()}
    return not services or any(name.casefold() in names for name in services)


def _by_price(rate: Rate) -> tuple[int, int, str, str, str, str, str]:
    days = rate.days if rate.days is not None else 10_000
    return rate.price_minor, days, rate.carrier, rate.brand, rate.service, rate.reference, rate.currency
