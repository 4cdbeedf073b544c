"""The routing rules of a shop file: what each looks at, and what it sorts by. Deciding by them is `routing`'s."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition of a rule, `field op value`, e.g. channel in (shopify,), distance_km <= 10, in_stock is true."""

    field: str
    op: str
    value: object


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """`when` looks at the order, `where` at each location; the first rule that holds and leaves a location wins.

    `sort` orders the candidates (nearest, most_complete, fewest_splits, cheapest, least_loaded); `split` allows several
    locations; `short` says what to do with pieces that are not in stock: print, backorder, hold, or next (try the next
    rule).
    """

    name: str
    when: tuple[Filter, ...]
    where: tuple[Filter, ...]
    sort: tuple[str, ...]
    split: bool = False
    short: str = "print"
