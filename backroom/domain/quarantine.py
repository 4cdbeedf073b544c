"""Quarantine of rows: which findings put a row aside, and how many of one check may.

What belongs here: these rules over plain values. What does not: the checks (`backroom.quality`), holding an order and
leaving it out of the figures (`backroom.store.quality.quarantine`), and messages that could not become an order
(`backroom.store.quarantined`).

A row that fails a critical check is put aside until it passes, is repaired, or a person says that it is right as it is.
A check may be wrong itself: one that fails for many rows at once puts none aside, and people are told.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from enum import StrEnum

from backroom.domain.quality import FindingState, Severity

# What an order's Hold is called that waits for a finding.
IN_QUARANTINE = "in_quarantine"
# More of one check than this are the check's fault, or one for a person who looks at all of them: as for the breaker.
MOST_ROWS = 10
# Of the orders under way one check may hold a quarter, and always so many.
SHARE, LEAST_HELD = 4, 3
# Their rows are not the shop's: a channel that is silent is no row that could be put aside.
NO_ROWS = ("traffic",)


class Aside(StrEnum):
    """Whether a finding's row is put aside: UNDECIDED, until a run has ended; IN quarantine, as long as the finding is
    open; TOO_MANY of the same check failed with it; OUT again."""

    UNDECIDED = ""
    IN = "in"
    TOO_MANY = "too_many"
    OUT = "out"


def puts_aside(severity: Severity, subject: str) -> bool:
    """Whether a finding of this kind puts its row aside: a critical one about a row. Warnings never do."""
    return severity is Severity.CRITICAL and subject not in NO_ROWS


def is_aside(state: FindingState, aside: Aside) -> bool:
    """Whether a finding keeps its row aside now."""
    return state is FindingState.OPEN and aside is Aside.IN


def most_held(under_way: int) -> int:
    """How many of the orders under way one check may hold at a time."""
    return min(MOST_ROWS, max(LEAST_HELD, under_way // SHARE))


def may_join(there: AbstractSet[str], new: AbstractSet[str], stops: AbstractSet[str], under_way: int) -> bool:
    """Whether what fails one check newly may be put aside beside what it keeps aside already: all of it or none.

    Each is the number of an order, or else what names a row; `stops` are those of them that a Hold stops, and
    `under_way` is how many orders the shop has that a Hold could stop.
    """
    both = there | new
    return len(both) <= MOST_ROWS and len(both & stops) <= most_held(under_way)
