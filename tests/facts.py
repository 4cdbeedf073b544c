"""Invented facts of orders, always the same, for figures over many of them.

What belongs here: rows of `order_facts` and `stock_outs`. What does not: orders themselves (`tests.shops`).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from backroom.domain.kpi import STAGES, Way
from backroom.insight.facts import COUNTED

# Median seconds of each stage, by way; the stages in their order.
_USUAL = {
    Way.ONLINE: (240, 20, 30_000, 9_000, 900),
    Way.LOCAL: (240, 20, 9_000, 3_000, 600),
    Way.EVENT: (5, 10, 700, 120, 60),
}
_SPREAD = 0.6


def invented_facts(count: int, first: datetime, days: int) -> list[dict[str, Any]]:
    """So many orders, placed over so many days from `first` on; one in thirty was not shipped."""
    chance = random.Random(20261125)
    return [_fact(chance, number, first, days, count) for number in range(1, count + 1)]


def invented_stock_outs(facts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What every fiftieth of these orders found out of stock."""
    chance = random.Random(20261126)
    places = ("main-hub", "local-hub", "booth-a")
    return [
        {"order_id": fact["order_id"], "location": chance.choice(places), "sku": f"TEE-{chance.randrange(30)}"}
        for fact in facts[::50]
    ]


def _fact(chance: random.Random, number: int, first: datetime, days: int, count: int) -> dict[str, Any]:
    placed = first + timedelta(seconds=chance.randrange(days * 86_400))
    way = chance.choices((Way.ONLINE, Way.LOCAL, Way.EVENT), (6, 2, 2))[0]
    times = {
        f"{stage}_s": int(usual * chance.lognormvariate(0, _SPREAD))
        for stage, usual in zip(STAGES, _USUAL[way], strict=True)
    }
    shipped = chance.random() < 0.97
    pieces = chance.choice((1, 1, 1, 2, 3))
    printed = pieces if way == Way.EVENT or chance.random() < 0.4 else 0
    rejects = int(printed and chance.random() < 0.04)
    day = placed.date().isoformat()
    fact: dict[str, Any] = {
        "order_id": number,
        "number": f"A-{number}",
        "person_id": chance.randrange(count // 2),
        "way": way.value,
        "channel": "till-a" if way == Way.EVENT else "web",
        "placed_at": placed,
        "accepted_day": day,
        "shipped_day": day if shipped else "",
        **(times if shipped else dict.fromkeys(times)),
        "ship_s": sum(times.values()) if shipped else None,
        "on_time": chance.choices((0, 1, None), (1, 18, 1))[0] if shipped else None,
        **dict.fromkeys(COUNTED, 0),
        "replaces": int(chance.random() < 0.01),
        "digest": number,
    }
    parcels = int(way != Way.EVENT)
    fact |= {"parcels": parcels, "label_minor": 490 * parcels, "pieces": pieces, "printed": printed}
    fact |= {"print_tries": printed + rejects, "print_rejects": rejects, "emails": 1, "texts": chance.randrange(2)}
    if shipped and chance.random() < (0.04 if way == Way.EVENT else 0.11):
        fact |= {"returned": 1, "return_parcels": parcels, "refunded_minor": 2900}
    return fact | {"messages_failed": int(chance.random() < 0.01), "oversold": int(chance.random() < 0.02)}
