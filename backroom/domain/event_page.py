"""What an event tells everybody: whether its booth is open, what there is, and how long a print takes.

What belongs here: how coarse that is, and the words' codes. What does not: reading it (`backroom.store.event_page`),
and the page (`backroom.eventpage`).

It is coarse on purpose. A count of every rack, read every few seconds, would tell anybody what sells and how fast; who
walks over wants to know whether their size is there. So a count is told only when few are left, which also lets an
answer stay the same, and be kept by a CDN, while nothing that matters changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from backroom.domain.blanks import becomes, is_blank
from backroom.domain.events import BEFORE_THE_END, Event, EventState, Session
from backroom.domain.model import Variant
from backroom.domain.print_queue import Foreseen

# So many or fewer are told as a number.
FEW = 3
# Minutes are told in these steps.
STEP_MINUTES = 5


class Phase(StrEnum):
    """How the booth stands for somebody who wants to come. PAUSED: its hours, and nobody sells."""

    PLANNED = "planned"
    OPEN = "open"
    PAUSED = "paused"
    BREAK = "break"
    OVER = "over"
    CALLED_OFF = "called_off"


class Standing(StrEnum):
    """How a piece stands. MADE_HERE: none on the rack, and it is printed on the spot."""

    IN_STOCK = "in_stock"
    FEW = "few"
    MADE_HERE = "made_here"
    SOLD_OUT = "sold_out"


@dataclass(frozen=True, slots=True)
class Piece:
    """One size: `count` is what is left when it is FEW, and the minutes it takes when it is MADE_HERE (0: nobody can
    say)."""

    sku: str
    size: str
    price_minor: int
    currency: str
    standing: Standing
    count: int = 0


@dataclass(frozen=True, slots=True)
class Offer:
    """One product in one colour, with its sizes in the catalogue's order; `artwork` names its file, "" for none."""

    title: str
    colourway: str
    artwork: str
    printed: bool
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class PublicEvent:
    """All that is told of an event. `wait_minutes` is what a new print takes: None where nobody can say, or the booth
    is not open. `turn` is when its phase ends, where that is known."""

    code: str
    name: str
    place: str
    timezone: str
    sessions: tuple[Session, ...]
    phase: Phase
    turn: datetime | None
    offers: tuple[Offer, ...]
    wait_minutes: int | None = None


def phase_of(event: Event, *, was_opened: bool, shut: str, at: datetime) -> tuple[Phase, datetime | None]:
    """How the booth stands, and until when; `shut` is why no order goes there, "" when they do."""
    if event.state not in BEFORE_THE_END or at >= event.ends_at:
        # One that closed without ever having opened was called off; one whose hours passed so is over all the same.
        called_off = event.state not in BEFORE_THE_END and not was_opened
        return (Phase.CALLED_OFF if called_off else Phase.OVER), None
    now = next((one for one in event.sessions if one.opens <= at < one.closes), None)
    if event.state is EventState.LIVE and not shut:
        if now is not None:
            return Phase.OPEN, now.closes
        if at < event.starts_at:
            # A person opened it before its time.
            return Phase.OPEN, event.sessions[0].closes
    if now is not None:
        return Phase.PAUSED, None
    coming = next(one.opens for one in event.sessions if one.opens > at)
    return (Phase.PLANNED if at < event.starts_at else Phase.BREAK), coming


def standing_of(there: int, *, printable: bool, minutes: int | None) -> tuple[Standing, int]:
    """How a piece stands with so many free on the rack, and its count. Few are no news where more are printed."""
    if there > FEW or (there > 0 and printable):
        return Standing.IN_STOCK, 0
    if there > 0:
        return Standing.FEW, there
    return (Standing.MADE_HERE, minutes or 0) if printable else (Standing.SOLD_OUT, 0)


def minutes_until(foreseen: Foreseen, handling: timedelta, at: datetime) -> int:
    """The minutes to tell, as sure as a promise and in steps of five: never less than what is promised then."""
    seconds = (foreseen.sure + handling - at).total_seconds()
    return max(1, ceil(seconds / 60 / STEP_MINUTES)) * STEP_MINUTES


def has_blank(variant: Variant, blanks: Sequence[Variant], free: Mapping[str, int]) -> bool:
    """Whether there is something to print it on; where nobody counts its blanks there is no lack."""
    counted = [free[one.sku] for one in blanks if one.sku in free and becomes(one, variant)]
    return not counted or any(left > 0 for left in counted)


def printed_here(
    catalogue: Iterable[Variant], free: Mapping[str, int], processes: Collection[str], unsampled: Collection[str] = ()
) -> frozenset[str]:
    """The SKUs that are printed on the spot: a printer that came along does it, a sample was approved where one is
    asked for (`unsampled`: it was not), and there is something to print it on."""
    variants = list(catalogue)
    blanks = [one for one in variants if is_blank(one)]
    return frozenset(
        one.sku
        for one in variants
        if _could_be_printed(one, processes, unsampled) and not is_blank(one) and has_blank(one, blanks, free)
    )


def _could_be_printed(variant: Variant, processes: Collection[str], unsampled: Collection[str]) -> bool:
    return bool(variant.artwork) and variant.print_process in processes and variant.sku not in unsampled


def offers_of(
    catalogue: Iterable[Variant],
    free: Mapping[str, int],
    processes: Mapping[str, int | None],
    unsampled: Collection[str] = (),
) -> tuple[Offer, ...]:
    """What there is: all that lies at the booth, or lay there (`free`, by SKU), and all that is printed there.
    `processes` are those of the printers that came along, with the minutes that a new print takes; `unsampled` are SKUs
    that nobody prints on demand, for want of a sample."""
    variants = list(catalogue)
    printed_now = printed_here(variants, free, processes, unsampled)
    groups: dict[tuple[str, str], list[tuple[Variant, bool]]] = {}
    for one in variants:
        here = _could_be_printed(one, processes, unsampled)
        if not is_blank(one) and (here or one.sku in free):
            groups.setdefault((one.title, one.colourway), []).append((one, here))
    found = []
    for (title, colourway), members in groups.items():
        pieces = []
        for one, here in members:
            minutes = processes.get(one.print_process) if here else None
            told = standing_of(free.get(one.sku, 0), printable=one.sku in printed_now, minutes=minutes)
            pieces.append(Piece(one.sku, one.size, one.price_minor, one.currency, *told))
        artwork = next((one.artwork for one, _ in members if one.artwork), "")
        printed = any(here for _, here in members)
        found.append(Offer(title, colourway, artwork, printed, tuple(sorted(pieces, key=_by_size))))
    return tuple(sorted(found, key=lambda offer: (not offer.printed, offer.title, offer.colourway)))


_SIZES = {name: place for place, name in enumerate(("XXS", "XS", "S", "M", "L", "XL", "XXL", "XXXL"))}


def _by_size(piece: Piece) -> tuple[int, str]:
    return _SIZES.get(piece.size.upper(), len(_SIZES)), piece.size
