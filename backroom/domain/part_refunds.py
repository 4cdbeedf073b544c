"""What is left of an order of which something was paid back at its source.

What belongs here: pieces and amounts. What does not: where a message says so (`backroom.channels.mapped_refunds`), and
what follows from it for an order that we have (`news`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from backroom.domain.model import IncomingLine, IncomingOrder, PaymentStatus


def left_of(order: IncomingOrder, refunded_minor: int, pieces: Mapping[str, int]) -> IncomingOrder:
    """The order without what was paid back: so much money, and so many `pieces` of each line, by the line's id.

    Where all of its money or all of its pieces were paid back, it stays as it was and is *paid back*: a person looks at
    it, and nothing of it is made. Else what is left adds up exactly as well, or as badly, as the whole did: money that
    was paid back beyond the pieces' own worth is a discount, money that was kept of it comes on top.
    """
    if order.payment is not PaymentStatus.PAID:
        return order
    lines = _left_of(order.lines, pieces)
    if not lines or order.total_minor <= refunded_minor > 0:
        return replace(order, payment=PaymentStatus.REFUNDED)
    beyond = refunded_minor - (_worth(order.lines) - _worth(lines))
    return replace(
        order,
        lines=lines,
        total_minor=order.total_minor - refunded_minor,
        discount_minor=order.discount_minor + max(0, beyond),
        tax_added_minor=order.tax_added_minor + max(0, -beyond),
    )


def _left_of(lines: tuple[IncomingLine, ...], pieces: Mapping[str, int]) -> tuple[IncomingLine, ...]:
    gone, left = dict(pieces), []
    for line in lines:
        taken = min(line.quantity, gone.get(line.external_id, 0))
        gone[line.external_id] = gone.get(line.external_id, 0) - taken
        quantity = line.quantity - taken
        if not taken:
            left.append(line)
        elif quantity:
            # What was paid for a piece may not divide evenly: the cents stay with what is left.
            paid = -(-_worth((line,)) * quantity // line.quantity)
            left.append(replace(line, quantity=quantity, discount_minor=line.unit_price_minor * quantity - paid))
    return tuple(left)


def _worth(lines: tuple[IncomingLine, ...]) -> int:
    return sum(line.unit_price_minor * line.quantity - line.discount_minor for line in lines)
