"""A partner's bill beside what it told of each order: what agrees, what differs, what is on one side only.

What belongs here: the comparison. What does not: reading the file (`backroom.cli.partner_bills`), and keeping what was
billed (`backroom.store.partner_orders`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """AGREES; DIFFERS from what was told; NEW where nothing was told; UNKNOWN is no order of ours; TWICE was billed
    before in the same file; MISSING is ours and not billed."""

    AGREES = "agrees"
    DIFFERS = "differs"
    NEW = "new"
    UNKNOWN = "unknown"
    TWICE = "twice"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of a bill: an order by any of its names, and what it costs in minor units of the bill's currency."""

    name: str
    minor: int


@dataclass(frozen=True, slots=True)
class Told:
    """One order as the partner told of it: its id here, the names it goes by, its cost there, None where it said none.

    `due`: it has ended, so that a bill is to be expected.
    """

    id: int
    number: str
    names: tuple[str, ...]
    minor: int | None
    due: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """One verdict: `id` is the order's at its partner, None for one that is not ours."""

    verdict: Verdict
    name: str
    id: int | None
    billed: int | None
    told: int | None


def compare_bill(lines: Sequence[BillLine], orders: Sequence[Told]) -> list[Compared]:
    """Every line of the bill with its verdict, then what is due and not in it. A name that two orders share is none."""
    by_name: dict[str, Told | None] = {}
    for order in orders:
        for name in dict.fromkeys(filter(None, order.names)):
            by_name[name] = None if name in by_name else order
    compared, billed = [], set[int]()
    for line in lines:
        order_of = by_name.get(line.name.strip())
        if order_of is None:
            compared.append(Compared(Verdict.UNKNOWN, line.name, None, line.minor, None))
            continue
        verdict = _verdict(line, order_of, billed)
        billed.add(order_of.id)
        compared.append(Compared(verdict, order_of.number, order_of.id, line.minor, order_of.minor))
    compared += [
        Compared(Verdict.MISSING, one.number, one.id, None, one.minor)
        for one in orders
        if one.due and one.id not in billed
    ]
    return compared


def _verdict(line: BillLine, order: Told, billed: set[int]) -> Verdict:
    if order.id in billed:
        return Verdict.TWICE
    if order.minor is None:
        return Verdict.NEW
    return Verdict.AGREES if order.minor == line.minor else Verdict.DIFFERS


def sums(compared: Sequence[Compared]) -> Mapping[Verdict, int]:
    """How many lines have each verdict."""
    counts: dict[Verdict, int] = {}
    for one in compared:
        counts[one.verdict] = counts.get(one.verdict, 0) + 1
    return counts
