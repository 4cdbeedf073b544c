"""How fast pieces come out: measured by printer, product and colourway, from the prints that came out before.

What belongs here: the paces and what to ask where little was measured. What does not: when a queue is through
(`print_queue`), and where prints are read (`backroom.store.print_queue`).

A piece takes its printer from the moment in which it could have been begun: while others wait, putting the next garment
on and taking the last one off is part of it, though no printer prints meanwhile (`measure`).

A pace is the median of seconds a piece, and `slow`, the eightieth percentile: one print in five takes longer. Where
fewer than `ENOUGH` prints of a kind were measured, the next wider kind speaks: this colourway on this printer, this
product on it, whatever it prints, whatever printers here of that process print, then what its profile says, and at
last a guess that says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median, quantiles

ENOUGH = 5
# Of each kind no more than these, the newest: a printer ages, and somebody cleans it.
NEWEST = 50
# Where nothing was ever measured: a direct-to-garment print of a small front takes about that long with its changes.
GUESS_SECONDS, GUESS_SLOW = 180.0, 300.0
# What lies longer between two prints is a pause, and not the change from one to the next.
LONGEST_CHANGE = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Printed:
    """One print that came out: of how many pieces, since when it waited, and when it was begun and through."""

    printer: str
    process: str
    product: str
    colourway: str
    pieces: int
    queued_at: datetime
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Measured:
    """One print that came out: `seconds` a piece that it took its printer, the change before it included."""

    printer: str
    process: str
    product: str
    colourway: str
    seconds: float


def measure(printed: Iterable[Printed]) -> list[Measured]:
    """How long each print took its printer, the last one that was begun first."""
    free_since: dict[str, datetime] = {}
    found = []
    for one in sorted(printed, key=lambda one: one.started_at):
        since, free = one.started_at, free_since.get(one.printer)
        if free is not None and one.queued_at <= free and timedelta() < since - free <= LONGEST_CHANGE:
            since = free
        seconds = max(0.0, (one.ended_at - since).total_seconds()) / max(1, one.pieces)
        found.append(Measured(one.printer, one.process, one.product, one.colourway, seconds))
        free_since[one.printer] = max(one.ended_at, free or one.ended_at)
    return found[::-1]


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds a piece: `usual` is the median, `slow` the eightieth percentile; `of` prints of that `basis`."""

    usual: float
    slow: float
    of: int = 0
    basis: str = "guess"

    @property
    def spread(self) -> float:
        return max(0.0, self.slow - self.usual)


GUESS = Pace(GUESS_SECONDS, GUESS_SLOW)

OWN = "its own prints"
# What a pace goes by that the prints of its own kind do not speak for, by its basis.
_GOES_BY = {
    "product": "other colourways",
    "printer": "other prints of it",
    "process": "other printers here",
    "profile": "its profile",
    "guess": "a guess",
}


@dataclass(frozen=True, slots=True)
class PaceRow:
    """What a piece takes on a printer: of one product in one colourway or, both empty, of its process alone.

    `measured` prints were of exactly that, the newest `NEWEST` at most; the pace goes by them where they are enough.
    """

    printer: str
    process: str
    product: str
    colourway: str
    measured: int
    pace: Pace

    @property
    def piece(self) -> str:
        """What is printed, in words."""
        return " ".join(filter(None, (self.product, self.colourway))) or f"any {self.process}"

    @property
    def goes_by(self) -> str:
        """Whose prints the pace goes by, in words; `OWN` where its own do."""
        own = "colourway" if self.product or self.colourway else "printer"
        return OWN if self.pace.basis == own else _GOES_BY.get(self.pace.basis, self.pace.basis)


class Paces:
    """What was measured at one location, newest first; `expected` is what printers are said to do before that."""

    def __init__(self, measured: Iterable[Measured] = (), expected: Mapping[str, Pace] | None = None) -> None:
        self._expected = dict(expected or {})
        kinds: dict[tuple[str, ...], list[float]] = defaultdict(list)
        self._printed: dict[tuple[str, str, str], str] = {}
        for one in measured:
            self._printed.setdefault((one.printer, one.product, one.colourway), one.process)
            for kind in _kinds(one.printer, one.process, one.product, one.colourway):
                if len(kinds[kind]) < NEWEST:
                    kinds[kind].append(one.seconds)
        self._paces: Mapping[tuple[str, ...], Pace] = {
            kind: _pace(seconds, kind[0]) for kind, seconds in kinds.items() if len(seconds) >= ENOUGH
        }
        self._counted: Mapping[tuple[str, ...], int] = {kind: len(seconds) for kind, seconds in kinds.items()}

    def ask(self, printer: str, process: str, product: str, colourway: str) -> Pace:
        """The narrowest pace that enough prints speak for."""
        for kind in _kinds(printer, process, product, colourway):
            if kind in self._paces:
                return self._paces[kind]
        return self._expected.get(printer, GUESS)

    def rows(self, there: Mapping[str, Sequence[str]]) -> list[PaceRow]:
        """For a table of these printers with the processes of each: what each process takes, then each product and
        colourway that was measured, what was printed most first."""
        found = []
        for printer, processes in there.items():
            for process in processes:
                of_kinds = [
                    self._row(printer, process, product, colourway)
                    for (name, product, colourway), used in self._printed.items()
                    if name == printer and used == process and (product or colourway)
                ]
                of_kinds.sort(key=lambda one: (-one.measured, one.product, one.colourway))
                found += [self._row(printer, process, "", ""), *of_kinds]
        return found

    def _row(self, printer: str, process: str, product: str, colourway: str) -> PaceRow:
        own = ("colourway", printer, product, colourway) if product or colourway else ("printer", printer, process)
        pace = self.ask(printer, process, product, colourway)
        return PaceRow(printer, process, product, colourway, self._counted.get(own, 0), pace)


def _kinds(printer: str, process: str, product: str, colourway: str) -> tuple[tuple[str, ...], ...]:
    return (
        ("colourway", printer, product, colourway),
        ("product", printer, product),
        ("printer", printer, process),
        ("process", process),
    )


def _pace(seconds: list[float], basis: str) -> Pace:
    return Pace(median(seconds), quantiles(seconds, n=5, method="inclusive")[3], len(seconds), basis)
