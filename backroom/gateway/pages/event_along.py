"""What an event's page says of what comes along: its hours, tills and printers, what they draw and what gives it.

What belongs here: that part of the page. What does not: whether the power suffices, which its list says (`events`), and
the sums (`backroom.domain.power`).
"""

from __future__ import annotations

from fastapi import Request

from backroom.domain.events import Event
from backroom.domain.power import CONTINUOUS_SHARE, peak_watts
from backroom.gateway.pages.html import Html, table, tag, when


def section(request: Request, event: Event) -> Html:
    """What the van is packed by, and whoever plugs it in looks at."""
    return tag(
        "section",
        tag("h2", "What comes along"),
        table(
            ("Opens", "Closes"), [[when(request, one.opens), when(request, one.closes)] for one in event.sessions], ""
        ),
        [tag("p", line) for line in event.comes_along],
        _meter(event),
        table(
            ("Plugged in", "Kind", "Watts", "Of the time"),
            [[one.name, one.kind, f"{one.watts:.0f}", f"{one.duty:.0%}"] for one in event.loads],
            "Nobody has said what is plugged in: backroom event power",
        ),
    )


def _meter(event: Event) -> Html | None:
    """How much of the supply all that works at once takes; in another colour above what it carries for hours."""
    if event.supply is None or not event.loads:
        return None
    most, peak = event.supply.watts, peak_watts(event.loads)
    carries = most * CONTINUOUS_SHARE
    said = f"{peak / most:.0%} of the supply"
    scale = {"min": "0", "max": f"{most:.0f}", "high": f"{carries:.0f}", "optimum": "0"}
    return tag("meter", said, value=f"{peak:.0f}", aria_label=said, **scale)
