"""A place that prints, as a plan sees it: what it prints on demand, what it does not and why, and how fast.

What belongs here: asking printers, samples and paces together. What does not: the rules of samples (`samples`) and of
paces (`print_pace`), and what is made of it (`offers`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from backroom.domain.locations import Location, PrinterSpec
from backroom.domain.model import Variant
from backroom.domain.print_pace import Measured, Pace, Paces


@dataclass(frozen=True, slots=True)
class PrintPlace:
    """`printers` are those that are there. `unsampled` says by SKU why it is not printed there on demand, `paces` how
    long a piece is on a printer."""

    location: str
    printers: tuple[PrinterSpec, ...]
    paces: Paces
    unsampled: Mapping[str, str]

    def can_print(self, variant: Variant) -> bool:
        """Whether a printer is there for it, whatever its samples say."""
        return bool(variant.artwork) and any(variant.print_process in one.prints for one in self.printers)

    def prints(self, variant: Variant) -> bool:
        """Whether it is printed there on demand."""
        return self.can_print(variant) and variant.sku not in self.unsampled

    def seconds(self, variants: Sequence[Variant], expected: Mapping[str, float]) -> int:
        """Seconds of one printer that a piece takes on average, rounded up: each SKU as often as it is expected, and
        each printer as many of them as it is fast. `variants` are not empty, and each `can_print`."""
        weights = [expected.get(one.sku, 0.0) for one in variants]
        if sum(weights) <= 0:
            weights = [1.0] * len(variants)
        whole = sum(weight * self._seconds(one) for weight, one in zip(weights, variants, strict=True))
        return max(1, math.ceil(whole / sum(weights)))

    def _seconds(self, variant: Variant) -> float:
        process = variant.print_process
        able = [one.name for one in self.printers if process in one.prints]
        usual = [self.paces.ask(name, process, variant.product, variant.colourway).usual for name in able]
        # Printers side by side: their rates add up, so that a piece takes their harmonic mean.
        return len(usual) / sum(1 / max(seconds, 1.0) for seconds in usual)


def print_place(
    location: Location,
    measured: Iterable[Measured] = (),
    unsampled: Mapping[str, str] | None = None,
    *,
    unmeasured_seconds: int,
    only: Sequence[str] = (),
) -> PrintPlace:
    """A location with what was measured there, newest first. `only` names the printers that come along, all if empty;
    `unmeasured_seconds` is what the owner says of a piece, which counts until enough were measured."""
    there = tuple(one for one in location.printers if not only or one.name in only)
    said = Pace(float(unmeasured_seconds), float(unmeasured_seconds), basis="shop file")
    return PrintPlace(location.id, there, Paces(measured, {one.name: said for one in there}), unsampled or {})
