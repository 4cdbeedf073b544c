"""A shop that goes to market, for tests: a van, blanks, three fairs behind it and one to come.

What belongs here: the fairs and what was asked for there. What does not: the shop itself (`tests.shops`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, insert, update

from backroom.domain.events import Event, EventState, Session
from backroom.domain.restock import MaterialSpec, RestockSpec
from backroom.store import events, stock
from backroom.store.catalogue import save_variants
from backroom.store.database import now
from backroom.store.tables import events as events_table
from backroom.store.tables import stock_leases
from tests.shops import BOOTH, GTIN_TEE, HUB, PLAIN, Floor, a_variant

BLANK = replace(a_variant("BLANK-BLK-M", printable=False), tags=("blank", "tee"))
INK = MaterialSpec("ink", "dtg", "bottle", 1000, 10, 1200, 1300)
SPEC = RestockSpec(van_ml=60_000, van_g=50_000, booth_ml=60_000, keep_weeks=0, materials=(INK,))


@pytest.fixture
def market(floor: Floor) -> Floor:
    """The shop with blanks, a van, three fairs behind it and one to come in two days."""
    booth = replace(floor.room.shop.location(BOOTH), event="fair")
    locations = tuple(booth if one.id == BOOTH else one for one in floor.room.shop.locations)
    floor.room = replace(floor.room, shop=replace(floor.room.shop, locations=locations, restock=SPEC))

    def stock_up(connection: Connection) -> None:
        save_variants(connection, [BLANK, replace(a_variant(PLAIN), tags=("tee",))])
        pieces = [(HUB, BLANK.sku, 30), (HUB, GTIN_TEE, 40)]
        stock.receive(connection, "more", pieces, "delivered", now(connection))

    floor.room.database.write(stock_up)
    today = this_moment(floor)
    for weeks, plain, white in ((3, 6, 4), (2, 5, 5), (1, 7, 0)):
        begins = today - timedelta(weeks=weeks)
        hold_fair(floor, f"past-{weeks}", begins, [(PLAIN, plain), (GTIN_TEE, white)])
    floor.intake()
    plan_fair(floor, "next", today + timedelta(days=2))
    return floor


def this_moment(floor: Floor) -> datetime:
    with floor.room.database.read() as connection:
        return now(connection).replace(microsecond=0)


def plan_fair(floor: Floor, code: str, begins: datetime) -> None:
    event = Event(code, code, "street", BOOTH, "", (Session(begins, begins + timedelta(hours=5)),))
    floor.room.database.write(lambda c: events.add(c, event, (), now(c), "Ada"))


def hold_fair(floor: Floor, code: str, begins: datetime, sold: list[tuple[str, int]]) -> None:
    """A fair that is over, with what its customers asked for: half of it after an hour, half after two."""
    plan_fair(floor, code, begins)
    ended = begins + timedelta(hours=5)
    done = update(events_table).where(events_table.c.code == code)
    floor.room.database.write(
        lambda c: c.execute(done.values(state=EventState.SETTLED, opened_at=begins, closed_at=ended))
    )
    for sku, pieces in sold:
        if pieces and sku == GTIN_TEE:
            lease(floor, code, sku, pieces)
        for count, hour in ((pieces // 2, 1), (pieces - pieces // 2, 2)):
            if count:
                sell(floor, sku, count, begins + timedelta(hours=hour))


def lease(floor: Floor, code: str, sku: str, pieces: int) -> None:
    """What the books say of pieces that once went to a fair."""

    def work(connection: Connection) -> None:
        row = events.find(connection, code)
        there = {"event_id": row["id"], "key": f"old-{code}", "from_location": HUB, "sku": sku, "pieces": pieces}
        times = {"expires_at": row["ends_at"], "at": row["starts_at"]}
        connection.execute(insert(stock_leases).values(shared=False, **there, **times))

    floor.room.database.write(work)


def sell(floor: Floor, sku: str, pieces: int, at: datetime) -> None:
    """A customer of the fair orders; intake takes it in."""
    moment = at.isoformat()
    floor.order((sku, pieces), at=BOOTH, created_at=moment, updated_at=moment)


def end_event(floor: Floor, code: str) -> None:
    """End an event and settle it, whatever happened at it: its booth is free for another."""
    ended = update(events_table).where(events_table.c.code == code).values(state=EventState.SETTLED)
    floor.room.database.write(lambda connection: connection.execute(ended).rowcount)
