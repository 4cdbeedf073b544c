"""What a kind of printer can do, before it was ever measured: sizes, formats, speed, power, what it uses up.

What belongs here: the value, and what follows from it for a number of pieces. What does not: reading profiles
(`backroom.shop.printer_profiles`), and what was measured since (`print_pace`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, slots=True)
class Consumable:
    """What is used up: one of it lasts for so many pieces."""

    name: str
    pieces: int

    def needed(self, pieces: int) -> int:
        """How many of it so many pieces take."""
        return ceil(pieces / self.pieces)


@dataclass(frozen=True, slots=True)
class PrinterProfile:
    """A kind of printer. `usual` and `slow` are seconds a piece (median, and one in five is slower), `first` seconds
    until it is ready; watts while it prints and while it waits; `media` are IPP names, the usual one first; `formats`
    media types; `source` says where the figures come from."""

    id: str
    name: str
    processes: tuple[str, ...]
    media: tuple[str, ...]
    formats: tuple[str, ...]
    dots_per_inch: int
    usual: float
    slow: float
    first: float
    watts_printing: float
    watts_idle: float
    consumables: tuple[Consumable, ...]
    source: str
