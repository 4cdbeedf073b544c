"""Breakers and later attempts: when trouble is one cause rather than many orders, and when to try again.

What belongs here: the two rules. What does not: the rows of an open breaker (`backroom.store.sickness`), the run that
stands for it (`backroom.engine`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

# More than this many orders of one cause are one breaker, not as many runs.
LIMIT = 10

# Waiting inside a task stays below 10 s, so the shortest wait as a row starts there.
FIRST_WAIT = timedelta(seconds=20)
LONGEST_WAIT = timedelta(minutes=30)
_MOST_DOUBLINGS = 16
# What failed this often in a row, which takes from two and a half to five hours, waits for a person.
MOST_FAILURES = 16


def trip(causes: Mapping[str, int], limit: int = LIMIT) -> tuple[str, ...]:
    """The causes that more than `limit` orders share, in alphabetical order; `causes` counts orders by cause."""
    return tuple(sorted(cause for cause, count in causes.items() if count > limit))


def what_to_do(breaker_id: int) -> str:
    """What whoever looks at one of the orders behind a breaker should know, and do."""
    return (
        f"It waits with others for this one cause, behind breaker {breaker_id}. One of them is tried every two minutes "
        "or when the other side asked for, and then all go on together by themselves. If the reason names something to "
        f"mend, mend it and press Retry on the run `breaker {breaker_id}`."
    )


def next_attempt(attempts: int, now: datetime, cause: str, *, seed: str) -> datetime:
    """When to try again after `attempts` failures (from 1): a wait that doubles up to half an hour, half of it jitter.

    The jitter comes from `seed` (the order's number) and the cause, so that orders that failed together do not all
    come back together, and a rerun computes the same instant. Source: "equal jitter" in M. Brooker, Exponential
    Backoff And Jitter, AWS Architecture Blog, 2015. ValueError when there was no attempt yet.
    """
    if attempts < 1:
        raise ValueError(f"an attempt is counted at the claim, so there is no {attempts}")
    wait = min(FIRST_WAIT * (1 << min(attempts - 1, _MOST_DOUBLINGS)), LONGEST_WAIT)
    digest = hashlib.sha256(f"{seed}|{cause}|{attempts}".encode()).digest()
    share = int.from_bytes(digest[:4], "big") / 2**32
    return now + wait / 2 + wait / 2 * share
