"""The demo's orders: what channels send to the demo shop in `data/`, mixed by a fixed cycle.

What belongs here: the mix. What does not: the stories themselves (`demo_stories`), sending them and judging how they
end (`backroom.cli`).

The first twenty messages hold every kind. After them cycles of about twenty repeat, with one bad message each, so that
of 200 messages 16 are bad.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import count as count_up

from backroom.shop import demo_stories as stories
from backroom.shop.demo_messages import DemoExpectation, DemoOrder, Maker

__all__ = ["DemoExpectation", "DemoOrder", "csv_file", "demo_orders"]

BAD: tuple[stories.Story, ...] = (
    stories.unknown_sku,
    stories.wrong_total,
    stories.nobody_knows_where,
    stories.forged,
    stories.broken,
    stories.no_order,
    stories.sick,
)

OPENING: tuple[stories.Story, ...] = (
    stories.several_lines,
    stories.delivered_twice,
    stories.carry_out,
    stories.collect,
    stories.by_postcode,
    stories.instagram_with_card,
    stories.paid_later,
    stories.sick,
    stories.boutique,
    stories.unknown_sku,
    stories.cancelled,
    stories.wrong_total,
    stories.forged,
    stories.broken,
    stories.no_order,
    stories.nobody_knows_where,
)

# One cycle is these stories, one in turn of `CHANGING`, and one bad one: twenty messages, or nineteen.
CYCLE: tuple[stories.Story, ...] = (
    stories.web_far,
    stories.carry_out,
    stories.web_local,
    stories.woo_far,
    stories.collect,
    stories.web_abroad,
    stories.instagram,
    stories.by_postcode,
    stories.no_sample_there,
    stories.carry_out,
    stories.border,
    stories.silent,
    stories.sent_from_booth,
    stories.web_beyond,
    stories.boutique,
    stories.several_lines,
)
CHANGING: tuple[stories.Story, ...] = (stories.paid_later, stories.delivered_twice, stories.cancelled)


def _plan() -> Iterator[stories.Story]:
    """Every story in its turn, without an end."""
    yield from OPENING
    for cycle in count_up():
        yield from CYCLE
        yield CHANGING[cycle % len(CHANGING)]
        yield BAD[cycle % len(BAD)]


def demo_orders(count: int, seed: int, now: datetime) -> list[DemoOrder]:
    """Exactly `count` messages, placed in the hours before `now`; the same seed and time give the same ones.

    Another seed gives other orders: ids do not meet for seeds from 0 to 9,999 and up to 100,000 messages.
    """
    maker = Maker(seed, now)
    orders: list[DemoOrder] = []
    for story in _plan():
        told = story(maker)
        if len(orders) + len(told) > count:
            # A story of several messages is told whole or not at all.
            orders.extend(message for _ in range(count - len(orders)) for message in stories.web_far(maker))
        else:
            orders.extend(told)
        if len(orders) == count:
            return orders
    raise AssertionError("the plan never ends")


def csv_file(orders: Sequence[DemoOrder]) -> bytes:
    """The file that the boutiques drop: the rows of every order that comes by CSV."""
    rows = [row for order in orders if order.door == "csv" for row in order.payload["rows"]]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
