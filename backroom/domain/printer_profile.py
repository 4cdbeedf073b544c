"""What a kind of printer can do, before it was ever measured: sizes, formats, speed, power, what it uses up.

What belongs here: the value, how its words are said, and what follows from it. What does not: reading profiles
(`backroom.shop.printer_profiles`), and what was measured since (`print_pace`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import ceil

# Media types that a profile may name, as people call them.
FORMATS = {
    "application/pdf": "PDF",
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/pwg-raster": "PWG Raster",
}
# PWG 5101.1, section 5: whose name, the name, and its measures.
_SIZE = re.compile(r"([a-z]+)_([a-z0-9.-]+)_([0-9.]+)x([0-9.]+)(mm|in)")


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
    from switching it on until it is ready; watts while it prints and while it waits; `media` are IPP names, the usual
    one first; `formats` media types; `source` says where the figures come from."""

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


def size_words(media: str) -> str:
    """An IPP size as people call it: `A6`, `5 × 7 in`; as it stands where it is none."""
    found = _SIZE.fullmatch(media)
    if found is None:
        return media
    whose, name, width, height, unit = found.groups()
    return name.upper() if whose == "iso" else f"{width} × {height} {unit}"
