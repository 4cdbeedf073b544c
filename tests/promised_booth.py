"""A booth that promises: orders it prints, what they were told, and what was sent of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from backroom.domain.events import Event, EventState, Session
from backroom.domain.locations import PromiseSpec
from backroom.domain.power import Load, Supply
from backroom.domain.routing_rules import Filter, RoutingRule
from backroom.shop import room as rooms
from backroom.store import events, print_promises
from backroom.store.database import now
from backroom.store.tables import events as event_table
from backroom.store.tables import messages, orders
from backroom.store.tables import print_promises as table
from tests.shops import BOOTH, COLLECT, SCARCE, Floor

ANYWHERE = RoutingRule("anywhere", (Filter("event", "==", "fair"),), (), (), short="print")


def promising_booth(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Floor:
    """The shop whose booth promises, and whose rules know other places for a parcel of the fair."""
    shop = floor.room.shop
    places = tuple(replace(one, promise=PromiseSpec()) if one.id == BOOTH else one for one in shop.locations)
    at_work = replace(shop, locations=places, rules=(shop.rules[0], ANYWHERE, *shop.rules[1:]))
    found = Floor(replace(floor.room, shop=at_work), floor.waker)
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), found.room)
    return found


def ordered(floor: Floor, *, collected: bool = False, copies: int = 1) -> str:
    """An order that the booth makes; returns its number."""
    number = floor.taken_in((SCARCE, copies), at=BOOTH, **(COLLECT if collected else {}))
    floor.fulfil(BOOTH)
    return number


def look(floor: Floor) -> print_promises.Reviewed:
    place = floor.room.shop.location(BOOTH)
    return floor.room.database.write(
        lambda c: print_promises.review(c, floor.room.shop, floor.room.seals, place, now(c))
    )


def promises(floor: Floor, number: str) -> list[dict[str, Any]]:
    order_id = floor.story(number).order["id"]
    with floor.room.database.read() as connection:
        return [dict(row) for row in print_promises.of_order(connection, order_id)]


def change(floor: Floor, work: Callable[[Connection], Any]) -> None:
    floor.room.database.write(work)


def promise_earlier(floor: Floor, number: str, minutes: int) -> None:
    """As if it had been promised so much earlier than it was."""
    by = timedelta(minutes=minutes)
    row = promises(floor, number)[-1]
    values = {"promised_at": row["promised_at"] - by, "first_at": row["first_at"] - by}
    change(floor, lambda c: c.execute(update(table).where(table.c.id == row["id"]).values(**values)))


def sent(floor: Floor, medium: str = "sms") -> list[tuple[str, str]]:
    numbers = {floor.story(number).order["id"]: number for number in floor_numbers(floor)}
    query = (
        select(messages.c.order_id, messages.c.kind)
        .where(messages.c.state == "sent", messages.c.medium == medium)
        .order_by(messages.c.id)
    )
    with floor.room.database.read() as connection:
        return [(numbers[row.order_id], row.kind) for row in connection.execute(query)]


def floor_numbers(floor: Floor) -> list[str]:
    with floor.room.database.read() as connection:
        return list(connection.execute(select(orders.c.number)).scalars())


def market(floor: Floor, printers: tuple[str, ...] = (), battery_minutes: int = 0) -> None:
    """An event that is live at the booth since a moment, on mains, or on a battery that lasts so long."""

    def work(connection: Connection) -> None:
        at = now(connection)
        supply = Supply("battery", 2000, watt_hours=1000 * battery_minutes / 60) if battery_minutes else None
        event = Event(
            code="market",
            name="Market",
            template="street",
            location=BOOTH,
            place="",
            sessions=(Session(at - timedelta(seconds=5), at + timedelta(hours=6)),),
            state=EventState.LIVE,
            printers=printers,
            loads=(Load("press", "press", 1000),),
            supply=supply,
        )
        events.add(connection, event, [], at, "Ada")
        connection.execute(update(event_table).values(state=EventState.LIVE, opened_at=at))

    floor.room.database.write(work)
