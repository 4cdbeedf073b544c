"""What the shop asks of samples: the table `[samples]` of its file.

What belongs here: the value. What does not: what follows from it (`samples`, `reject_rates`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SampleRules:
    """What the shop file says in `[samples]`. Without `require` samples are kept, and stop nothing.

    An approval lasts `valid_days`. `most_rejects` is the share of bad prints that is put up with; of fewer than
    `least_prints` nobody can tell.
    """

    require: bool = False
    valid_days: int = 90
    most_rejects: float = 0.1
    least_prints: int = 10
