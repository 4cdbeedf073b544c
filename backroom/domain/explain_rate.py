"""Which carrier takes a parcel, in a sentence: the same on the order's page, in its story and in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backroom.domain.money import format_money
from backroom.domain.rates import Outcome, Why

WHY_LEFT: Mapping[str, str] = {
    Why.DEARER: "it costs more",
    Why.TOO_LATE: "it would arrive too late",
    Why.DAYS_UNKNOWN: "it does not say how long it takes",
    Why.SLOWER: "it would arrive later still",
    Why.NOT_ALLOWED: "the shop file does not allow it",
    Why.OTHER_CURRENCY: "its price is in another currency",
}


def explain_rate(choice: Mapping[Any, Any]) -> str:
    """The row of a kept choice (`backroom.store.rate_choices`) as a sentence."""
    rate = f"{choice['brand']} {choice['service']} for {format_money(choice['price_minor'], choice['currency'])}"
    arrives, due = choice["arrives"], choice["due"]
    match choice["outcome"]:
        case Outcome.IN_TIME if due:
            return f"{rate}: the cheapest that arrives by {due}, on {arrives}."
        case Outcome.IN_TIME:
            return f"{rate}: the cheapest; it arrives on {arrives}."
        case Outcome.LATE:
            return f"{rate}: none arrives by {due}; it is the first, on {arrives}."
    others = "the cheapest" if choice["rejected"] else "the only one"
    return f"{rate}: {others}; when it arrives, nobody says."
