"""A booth's books for tests: its rack, its till's sales, and what was listed as not going together.

What belongs here: what the tests of a booth without network do to a floor. What does not: the floor (`tests.shops`).
"""

from __future__ import annotations

import itertools
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from backroom.domain.channels import ChannelSpec
from backroom.engine import wake
from backroom.gateway.pos import read_batch
from backroom.shop import room as rooms
from backroom.store import offline_conflicts, stock
from backroom.store.database import Database, now
from backroom.store.inbox_door import accept
from backroom.store.tables import orders, stock_movements
from tests.shops import BOOTH, HUB, PLAIN, Floor, open_floor

TILL = ChannelSpec("till", "pos", 1, "standard", location=BOOTH, event="fair")
_numbers = itertools.count(1)


def with_till(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the floor's booth a till."""
    floor.room = replace(floor.room, shop=replace(floor.room.shop, channels=(*floor.room.shop.channels, TILL)))
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)


@contextmanager
def fresh_booth(template: Path, folder: Path) -> Iterator[Floor]:
    """A shop of its own with a till at its booth, which is this process's room while the body runs."""
    home = folder / f"shop-{next(_numbers)}"
    home.mkdir()
    shutil.copy(template, home / "shop.db")
    database = Database(f"sqlite:///{home / 'shop.db'}")
    floor = open_floor(database, home / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BACKROOM_HOME", str(home / "home"))
        patch.setitem(vars(wake), "_this", floor.waker)
        with_till(floor, patch)
        yield floor
    database.close()
    shutil.rmtree(home)


def a_sale(seq: int, sku: str = PLAIN, count: int = 1, *, handed_over: bool = True) -> dict[str, Any]:
    """A sale as a till words it; `handed_over` from the rack, or to be printed first."""
    return {
        "seq": seq,
        "sold_at": "2026-11-20T19:00:00+01:00",
        "currency": "EUR",
        "lines": [{"sku": sku, "quantity": count, "unit_price": "29.00"}],
        "total": f"{29 * count}.00",
        "delivery": "carry_out",
        "handed_over": handed_over,
    }


def sell(floor: Floor, *sales: dict[str, Any], device: str = "till-1") -> None:
    """Send sales as the till does, and take them in."""
    body = json.dumps({"device": device, "sales": list(sales)}).encode()
    _, deliveries = read_batch(TILL, "DE", body)
    for _, delivery in deliveries:
        floor.room.database.write(lambda c, d=delivery: accept(c, floor.room.seals, d, HUB))
    floor.intake()


def put(floor: Floor, sku: str, pieces: int, key: str = "van") -> None:
    """Pieces onto the booth's rack, by the books."""
    floor.room.database.write(lambda c: stock.receive(c, key, [(BOOTH, sku, pieces)], "unloaded", now(c)))


def listed(floor: Floor) -> list[tuple[str, str, int]]:
    """The conflicts nobody has looked at: kind, SKU, pieces."""
    with floor.room.database.read() as connection:
        rows = offline_conflicts.listing(connection)
    return sorted((row["kind"], row["sku"], row["pieces"]) for row in rows)


def sold(floor: Floor) -> Counter[str]:
    """Orders of the till by their state."""
    with floor.room.database.read() as connection:
        query = select(orders.c.state, func.count()).where(orders.c.channel == TILL.id).group_by(orders.c.state)
        return Counter(dict(connection.execute(query).tuples().all()))


def moved(floor: Floor, reason: str) -> int:
    """Pieces that moved at the booth for a reason."""
    with floor.room.database.read() as connection:
        query = select(func.coalesce(func.sum(stock_movements.c.pieces), 0)).where(
            stock_movements.c.location == BOOTH, stock_movements.c.reason == reason
        )
        return int(connection.execute(query).scalar_one())


def level(floor: Floor, sku: str) -> tuple[int, int]:
    """Pieces on hand and reserved at the booth; none of what was never there."""
    with floor.room.database.read() as connection:
        found = stock.levels(connection).get((BOOTH, sku))
    return (found.on_hand, found.reserved) if found is not None else (0, 0)
