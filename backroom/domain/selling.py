"""How many pieces a channel may sell, and what to set where it has sold some that we have not heard of.

What belongs here: the three sums. What does not: reading the levels (`backroom.store.selling`) and telling them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from backroom.domain.model import StockLevel


def may_sell(
    levels: Iterable[StockLevel], places: Collection[str], owed: Mapping[str, int], keep_back: int
) -> dict[str, int]:
    """Pieces by SKU that a channel may sell: what is free at its places, and not kept for an event there, less what
    was ordered and holds no pieces yet (`owed`), less `keep_back` pieces of each. Never below zero."""
    free: dict[str, int] = {}
    for level in levels:
        if level.location in places:
            free[level.sku] = free.get(level.sku, 0) + (0 if level.kept else level.available)
    return {sku: max(0, pieces - owed.get(sku, 0) - keep_back) for sku, pieces in free.items()}


def level_to_set(available: int, before: int | None, there: int, unheard: int = 0, arrived: int = 0) -> tuple[int, int]:
    """What to set a channel's level to, which shows `there` and was left at `before`; and of how many pieces that it
    sold we have not heard yet.

    What it shows less than it was left at, it sold by itself; of what it had sold before then, `unheard` pieces had not
    been heard of. `arrived` pieces of its orders are here since. The rest is on its way: gone, though it lies here
    free. Where `before` is not known, neither is that.
    """
    if before is None:
        return max(0, available), 0
    on_their_way = max(0, unheard + max(0, before - there) - arrived)
    return max(0, available - on_their_way), on_their_way


def left_in_doubt(available: int, before: int, unheard: int = 0, arrived: int = 0) -> int:
    """What a level counts as left at while nobody knows whether it was set: the higher of what it would have been left
    at, with all that is on its way, either way. What it shows less than that is on its way; nothing else is unheard of
    then, and what arrives counts from there."""
    return max(available, before + unheard - arrived)
