"""A shop that poison may come to, and what must be true after a wave of it.

What belongs here: every kind of channel, stock for whatever comes, and how messages and orders may end. What does not:
the poison (`poison`, `asks`, `poisoned_files`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select

from backroom.domain.channels import ChannelSpec
from backroom.domain.model import InboxState, OrderState
from backroom.domain.shop import PostcodePlace
from backroom.shop import room as rooms
from backroom.store import stock
from backroom.store.database import now
from backroom.store.tables import fulfilment_orders, inbox, orders, quarantine
from tests.shops import BOOTH, HUB, PLAIN, SCARCE, SOUTH, Floor

# Work that is done, or waits for somebody: a printer, a scan, a person.
SETTLED = ("making", "done", "held", "cancelled")
ENDED = (OrderState.FULFILLED, OrderState.CANCELLED, OrderState.BACKORDERED)
FILES = ChannelSpec("files", "csv", 3, "standard")


def open_every_channel(floor: Floor, patch: pytest.MonkeyPatch) -> None:
    """The shop with a channel of every kind, places for its postcodes, and stock for whatever comes."""
    shop = floor.room.shop
    channels = (
        *shop.channels,
        ChannelSpec("woo", "woocommerce", 2, "standard", secret="webhook.web"),
        ChannelSpec("till", "pos", 1, "standard", location=BOOTH),
        FILES,
    )
    postcodes = (PostcodePlace("DE", "20095", 53.55, 10.0), PostcodePlace("DE", "60322", 50.12, 8.67))
    floor.room = replace(floor.room, shop=replace(shop, channels=channels, postcodes=postcodes))
    patch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
    much = [(place, sku, 500_000) for place in (HUB, SOUTH, BOOTH) for sku in (PLAIN, SCARCE)]
    floor.room.database.write(lambda c: stock.receive(c, "much", much, "delivered", now(c)))


def check_good(floor: Floor, ids: Sequence[int]) -> None:
    """Each good order went through."""
    with floor.room.database.read() as connection:
        query = select(orders.c.external_id, orders.c.state).where(orders.c.external_id.in_(map(str, ids)))
        states = {int(row.external_id): row.state for row in connection.execute(query)}
    assert states == dict.fromkeys(ids, OrderState.FULFILLED)


def check_ends(floor: Floor, but: Collection[str] = ()) -> Counter[str]:
    """Nothing waits: every message is settled, every order ended or says what a person has to do; counted by end. The
    orders `but` are at work somewhere else."""
    with floor.room.database.read() as connection:
        messages = connection.execute(select(inbox.c.state, inbox.c.outcome)).all()
        reasons = connection.execute(select(quarantine.c.id, quarantine.c.problems)).all()
        taken = connection.execute(select(orders)).mappings().all()
        parts = connection.execute(select(fulfilment_orders)).mappings().all()
    assert {row.state for row in messages} <= {InboxState.DONE, InboxState.QUARANTINED}
    for row in reasons:
        assert row.problems, f"quarantine {row.id} gives no reason"
        assert all(one["code"] != "unreadable" for one in row.problems), f"a reader broke: {row.problems}"
    for order in (one for one in taken if one["number"] not in but):
        made = [part for part in parts if part["order_id"] == order["id"]] if order["state"] == "released" else []
        waits = order["state"] == OrderState.HELD and order["hold_reason"]
        assert waits or made or order["state"] in ENDED, f"{order['number']} is {order['state']} and says not why"
        for one in (order, *made):
            # An order that no label can be made for has left its wave, for a reason that a person can mend.
            sick = one["sick_cause"] or ""
            assert sick in ("", "address_refused"), f"{order['number']} is sick: {sick} {one['sick_reason']}"
            assert bool(sick) == bool(one["sick_reason"])
        for part in made:
            assert part["sick_cause"] or part["state"] in SETTLED, f"{order['number']}: {part['state']}"
    return Counter(row.state if row.state != InboxState.DONE else row.outcome for row in messages)
