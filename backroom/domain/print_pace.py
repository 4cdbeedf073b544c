"""How fast pieces come out: measured by printer, product and colourway, from the prints that came out before.

What belongs here: the paces and what to ask where little was measured. What does not: when a queue is through
(`print_queue`), and where prints are read (`backroom.store.print_paces`).

A pace is the median of seconds a piece, and `slow`, the eightieth percentile: one print in five takes longer. Where
fewer than `ENOUGH` prints of a kind were measured, the next wider kind speaks: this colourway on this printer, this
product on it, whatever it prints, whatever printers here of that process print, then what its profile says, and at
last a guess that says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median, quantiles

ENOUGH = 5
# Of each kind no more than these, the newest: a printer ages, and somebody cleans it.
NEWEST = 50
# Where nothing was ever measured: a direct-to-garment print of a small front takes about that long with its changes.
GUESS_SECONDS, GUESS_SLOW = 180.0, 300.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One print that came out: `seconds` a piece, from its start to its end."""

    printer: str
    process: str
    product: str
    colourway: str
    seconds: float


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


class Paces:
    """What was measured at one location, newest first; `expected` is what printers are said to do before that."""

    def __init__(self, measured: Iterable[Measured] = (), expected: Mapping[str, Pace] | None = None) -> None:
        self._expected = dict(expected or {})
        kinds: dict[tuple[str, ...], list[float]] = defaultdict(list)
        for one in measured:
            for kind in _kinds(one.printer, one.process, one.product, one.colourway):
                if len(kinds[kind]) < NEWEST:
                    kinds[kind].append(one.seconds)
        self._paces: Mapping[tuple[str, ...], Pace] = {
            kind: _pace(seconds, kind[0]) for kind, seconds in kinds.items() if len(seconds) >= ENOUGH
        }

    def ask(self, printer: str, process: str, product: str, colourway: str) -> Pace:
        """The narrowest pace that enough prints speak for."""
        for kind in _kinds(printer, process, product, colourway):
            if kind in self._paces:
                return self._paces[kind]
        return self._expected.get(printer, GUESS)

    def all(self) -> dict[tuple[str, ...], Pace]:
        """Every pace that is known, by its basis and what it is of, for a table."""
        return dict(self._paces)


def _kinds(printer: str, process: str, product: str, colourway: str) -> tuple[tuple[str, ...], ...]:
    return (
        ("colourway", printer, product, colourway),
        ("product", printer, product),
        ("printer", printer, process),
        ("process", process),
    )


def _pace(seconds: list[float], basis: str) -> Pace:
    return Pace(median(seconds), quantiles(seconds, n=5, method="inclusive")[3], len(seconds), basis)
