"""What is paid back: what each piece of an order cost its customer, to the last minor unit.

What belongs here: sharing an order's discounts and taxes out over its pieces. What does not: who pays it back, and
when (`backroom.store.refunds`).

All amounts are minor units of the order's currency. Shares are cut by cumulative rounding: the first n pieces together
have what their weight gives them, rounded down, so that all of them have all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise


@dataclass(frozen=True, slots=True)
class PaidLine:
    """A line of an order: `discount_minor` is of the whole line."""

    line_no: int
    quantity: int
    unit_price_minor: int
    discount_minor: int = 0


def values(lines: Sequence[PaidLine], *, discount_minor: int, tax_added_minor: int) -> dict[int, list[int]]:
    """What each piece cost, by line number: its price, less the line's and the order's discount, with the tax that
    came on top. Shipping is no piece's. Never below zero; together they are what was paid for goods.
    """
    gross = {
        line.line_no: spread(max(line.quantity * line.unit_price_minor - line.discount_minor, 0), [1] * line.quantity)
        for line in lines
    }
    pieces = [value for line in lines for value in gross[line.line_no]]
    paid = iter(spread(max(sum(pieces) - discount_minor + tax_added_minor, 0), pieces))
    return {line.line_no: [next(paid) for _ in range(line.quantity)] for line in lines}


def spread(total: int, weights: Sequence[int]) -> list[int]:
    """Share `total` out by weight; where nothing weighs anything, the first one has it all."""
    whole = sum(weights)
    if not whole:
        return [total if at == 0 else 0 for at in range(len(weights))]
    return [
        total * upto // whole - total * before // whole for before, upto in pairwise(accumulate(weights, initial=0))
    ]
