"""What came out of a night, in figures and sentences.

What belongs here: the shape of a verdict. What does not: coming to one (`judge`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

KEPT_SHARE = 0.95


@dataclass(frozen=True, slots=True)
class LatePromise:
    """A promise that was not kept: told at `given` for `first`, and ready at `ready`, if at all."""

    number: str
    given: datetime
    first: datetime
    ready: datetime | None


@dataclass
class Verdict:
    """What came out of a night. `kept` and `late` are promises by what really happened; `elsewhere` went to another
    place by rule. `diverted` are orders that were made elsewhere than they were planned; `cancelled` ones have their
    customers' money back, and what was promised of them was not kept. `unsampled` are parcels that the booth might
    not print for want of a sample, and which another place made.

    `violations` are sentences; none is what must be. Late promises are no violation by themselves: their share is
    judged."""

    seed: int
    orders: int = 0
    fulfilled: int = 0
    diverted: int = 0
    cancelled: int = 0
    printed: int = 0
    kept: int = 0
    late: list[LatePromise] = field(default_factory=list)
    elsewhere: int = 0
    unsampled: int = 0
    conflicts: int = 0
    missing: int = 0
    violations: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """The share of promises that were kept, of those that ended here; 1 where nothing was promised."""
        ended = self.kept + len(self.late)
        return self.kept / ended if ended else 1.0

    @property
    def kept_enough(self) -> bool:
        """Whether nineteen of twenty promises were kept. One night has some 35: a second late one is too many."""
        return self.share >= KEPT_SHARE
