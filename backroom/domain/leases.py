"""Stock leases: pieces that leave a hub's stock for an event, and what became of them when it is over.

What belongs here: until when they are lent, the sums of a settlement, and where pieces go back to. What does not:
moving the pieces (`backroom.store.leases`), and what may be sold online meanwhile (`selling`).

For every SKU the pieces brought along (leased, and other ones that lay or were printed there) are the pieces sold,
returned and missing. What is missing is a figure: it is below zero where more were counted than there should be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backroom.domain.errors import Refuse
from backroom.domain.events import BEFORE_THE_END, Event

# After its end an event has so long to bring its pieces back and have them counted.
GRACE = timedelta(hours=48)
# A person may give more time, but none by a slip of the hand.
LONGEST_TERM = timedelta(days=90)


class LeaseRefused(Refuse):
    """Pieces cannot be leased so; the message says which and why."""

    cause = "lease_refused"


@dataclass(frozen=True, slots=True)
class Loan:
    """Pieces of one SKU from one location. `shared` ones may be sold online while they are away."""

    sku: str
    from_location: str
    pieces: int
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Book:
    """One SKU at the booth before the last count: `there` is how many the stock says lie there.

    `sold` left with customers since the first lease.
    """

    sku: str
    leased: int
    sold: int
    there: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one SKU: leased + other = sold + returned + missing.

    `other` are pieces at the booth that no lease brought; below zero where some left it otherwise.
    """

    sku: str
    leased: int
    other: int
    sold: int
    returned: int
    missing: int


def lease_ends(event: Event) -> datetime:
    """When pieces leased for an event must be back and counted."""
    return event.ends_at + GRACE


@dataclass(frozen=True, slots=True)
class Term:
    """Until when pieces are lent, and since when they are overdue: from the first look after that end until a person
    decided. Deciding is bringing them back, counting them as missing, or giving them more time."""

    expires_at: datetime
    overdue_at: datetime | None = None


def looked_at(term: Term, at: datetime) -> Term:
    """The term after a look: overdue once its end has passed, and since the first look that saw it."""
    return replace(term, overdue_at=at) if term.overdue_at is None and at >= term.expires_at else term


def extended(term: Term, until: datetime, at: datetime) -> Term:
    """A person gives more time. LeaseRefused unless that is later than the end there is and than now, and near enough
    to be no slip of the hand."""
    if until <= max(term.expires_at, at):
        raise LeaseRefused(
            f"{until:%Y-%m-%d %H:%M} UTC is no later end: the pieces are due {term.expires_at:%Y-%m-%d %H:%M} UTC",
            remedy="Give a later day; to have them back sooner, count and settle.",
        )
    if until > at + LONGEST_TERM:
        raise LeaseRefused(
            f"{until:%Y-%m-%d} is more than {LONGEST_TERM.days} days away",
            remedy="Give a nearer day, and more time again when that has come.",
        )
    return Term(until)


def kept_at_booth(*, shared: bool, overdue: bool) -> bool:
    """Whether leased pieces may be sold by their booth alone. Shared ones are for the online shops as well, unless they
    are overdue: then nobody knows whether they are there."""
    return overdue or not shared


def check_loans(event: Event, loans: Sequence[Loan], at: datetime) -> None:
    """LeaseRefused unless pieces may leave for this event now: it is not over, and every count is a count."""
    if event.state not in BEFORE_THE_END or at >= event.ends_at:
        raise LeaseRefused(f"{event.code} is over", remedy="Plan a new event for what goes to the next one.")
    for loan in loans:
        if loan.pieces < 1:
            raise LeaseRefused(f"{loan.pieces} pieces of {loan.sku} are none", remedy="Write how many, from 1 up.")
        if loan.from_location == event.location:
            raise LeaseRefused(f"{loan.sku} is at {event.location} already", remedy="Name where the pieces come from.")
    rules: dict[str, bool] = {}
    for loan in loans:
        if rules.setdefault(loan.sku, loan.shared) != loan.shared:
            raise mixed(loan.sku)


def mixed(sku: str) -> LeaseRefused:
    """The refusal of a SKU some of whose pieces at the booth would be shared, and some not."""
    return LeaseRefused(
        f"{sku} is leased under another rule already", remedy="All pieces of a SKU are shared, or none."
    )


def settle(books: Iterable[Book], counted: Mapping[str, int]) -> tuple[Settled, ...]:
    """The settlement, by SKU in the order given; what was not counted counts as none."""
    return tuple(
        Settled(
            sku=book.sku,
            leased=book.leased,
            other=book.there + book.sold - book.leased,
            sold=book.sold,
            returned=counted.get(book.sku, 0),
            missing=book.there - counted.get(book.sku, 0),
        )
        for book in books
    )


def way_back(returned: int, lent: Sequence[tuple[str, int]], home: str) -> list[tuple[str, int]]:
    """Where returned pieces of one SKU go: to whoever lent them, in turn and no more than they lent, the rest home.

    `lent` is `(location, pieces)`; the answer is the same, without zeros.
    """
    back: dict[str, int] = {}
    left = returned
    for location, pieces in lent:
        share = min(left, pieces)
        back[location] = back.get(location, 0) + share
        left -= share
    back[home] = back.get(home, 0) + left
    return [(location, pieces) for location, pieces in back.items() if pieces]
