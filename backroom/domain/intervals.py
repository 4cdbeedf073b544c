"""How sure a share is: confidence intervals of proportions, and of the difference of two.

What belongs here: the formulas. What does not: which figures have an interval (`backroom.domain.kpi`).
"""

from __future__ import annotations

import math
from statistics import NormalDist

CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


def wilson(some: float, of: int) -> tuple[float, float]:
    """The 95 % interval of the share `some` / `of`, by Wilson's score; (0, 1) where there is nothing to go by.

    It never leaves 0 to 1, and holds for few cases and for none of many as well. Source: E. B. Wilson, Probable
    inference, the law of succession, and statistical inference, JASA 22 (1927), 209-212.
    """
    if not of:
        return 0.0, 1.0
    share = some / of
    middle = share + _Z**2 / (2 * of)
    reach = _Z * math.sqrt(share * (1 - share) / of + (_Z / (2 * of)) ** 2)
    scale = 1 + _Z**2 / of
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)


def difference(some: float, of: int, other: float, other_of: int) -> tuple[float, float]:
    """The 95 % interval of `some`/`of` - `other`/`other_of`: two Wilson intervals joined; (-1, 1) without cases.

    Where it holds 0, the two may well be the same. Source: R. G. Newcombe, Interval estimation for the difference
    between independent proportions, Statistics in Medicine 17 (1998), 873-890, method 10.
    """
    if not of or not other_of:
        return -1.0, 1.0
    one, two = some / of, other / other_of
    (low, high), (other_low, other_high) = wilson(some, of), wilson(other, other_of)
    below = math.hypot(one - low, other_high - two)
    above = math.hypot(high - one, two - other_low)
    return max(-1.0, one - two - below), min(1.0, one - two + above)
