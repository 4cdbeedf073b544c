"""What a mapped shop says was paid back of an order: how much, and how many pieces of which line.

What belongs here: reading it by `[channels.ID.mapping.refunds]`. What does not: what is left of the order then
(`backroom.domain.part_refunds`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from backroom.channels.mapped_fields import FieldReader, joined
from backroom.domain.json_path import Found, find, said
from backroom.domain.mapping import RefundsMapping


@dataclass(frozen=True, slots=True)
class PaidBack:
    """So much in minor units, and so many pieces of each line by its id."""

    minor: int = 0
    pieces: Mapping[str, int] = field(default_factory=dict)


def read_refunds(reader: FieldReader, currency: str) -> PaidBack:
    """All refunds of an order together; nothing where the mapping does not say where they are."""
    refunds = reader.mapping.refunds
    if refunds is None:
        return PaidBack()
    minor, pieces = 0, Counter[str]()
    for number, one in enumerate(find(reader.root.value, refunds.at), 1):
        if one.value is None:
            continue
        here = Found(one.value, joined(reader.root.path, one.path))
        if not isinstance(one.value, dict):
            reader.reading.wrong("refund", here.path, "is not an object")
        elif _was_paid(reader, refunds, here, number):
            amount = reader.money(f"refund {number} amount_minor", refunds.amount, currency, needed=True, below=here)
            minor += abs(amount)
            pieces += _pieces(reader, refunds, here, number)
    return PaidBack(minor, pieces)


def _was_paid(reader: FieldReader, refunds: RefundsMapping, here: Found, number: int) -> bool:
    """Whether this one was paid: one that failed, or is only asked for, changes nothing."""
    if refunds.field is None:
        return True
    value, place = reader.value(refunds.field, here)
    paid = said(value).lower() in refunds.words
    reader.trace(f"refund {number} paid", paid, place)
    return paid


def _pieces(reader: FieldReader, refunds: RefundsMapping, here: Found, number: int) -> Counter[str]:
    pieces = Counter[str]()
    if refunds.lines is None or refunds.line is None or refunds.quantity is None:
        return pieces
    for row, one in enumerate(find(here.value, refunds.lines), 1):
        if one.value is None:
            continue
        name, below = f"refund {number} line {row}", Found(one.value, joined(here.path, one.path))
        if not isinstance(one.value, dict):
            reader.reading.wrong("refund", below.path, "is not an object")
            continue
        value, place = reader.value(refunds.quantity, below)
        # Money alone, without a piece, is paid back of a line as well.
        if said(value) == "0":
            continue
        quantity = reader.reading.quantity(value, place)
        pieces[reader.identifier(f"{name} of", refunds.line, below=below)] += quantity
        reader.trace(f"{name} quantity", quantity, place)
    return pieces
