"""A wave of 500 with pictures, by the flow `order-intake` at a real Prefect server: each order goes its own way."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image
from prefect.logging.handlers import APILogHandler
from sqlalchemy import select, update

from backroom.domain.own_artwork import is_own
from backroom.shop import room as rooms
from backroom.store import intake
from backroom.store.database import now
from backroom.store.tables import inbox, order_lines, orders
from flows.order_intake import order_intake
from tests.integration.outgoing.test_fetching import Pictures, pictures
from tests.prefect_server import PrefectServer, everything
from tests.shops import PLAIN, Floor, an_order

__all__ = ["pictures"]

pytestmark = [pytest.mark.prefect, pytest.mark.slow]

ORDERS, WHO = 500, "Ada-Lovelace"
# Of 50 with a picture so many are there, are not, and cannot be asked now.
GOOD, GONE, AWAY = 40, 5, 5


def a_picture(number: int) -> bytes:
    file = BytesIO()
    Image.new("RGB", (300, 300), (number, 80, 160)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def shop(floor: Floor, pictures: Pictures, monkeypatch: pytest.MonkeyPatch, running_prefect: PrefectServer) -> Floor:
    """The floor, whose shop's upload app leaves pictures in a property `_picture`."""
    (web, *others) = floor.room.shop.channels
    channels = (replace(web, artwork_field="_picture"), *others)
    floor.room = replace(floor.room, shop=replace(floor.room.shop, channels=channels))
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
    monkeypatch.setattr("tasks.own_artwork.fetcher_of_artwork", lambda: pictures.fetcher())
    return floor


def deliver(shop: Floor, pictures: Pictures) -> dict[str, str]:
    """500 orders, a tenth of them with a picture; returns what each of those must become, by its id at the channel."""
    expected = {}
    for number in range(ORDERS):
        order = an_order(number, [(PLAIN, 1)])
        if number % (ORDERS // (GOOD + GONE + AWAY)) == 0:
            nth = len(expected)
            path = f"/{WHO}-{nth}.png"
            kind = "released" if nth < GOOD else "held" if nth < GOOD + GONE else "put off"
            pictures.answers[path] = {
                "released": (200, {}, a_picture(nth)),
                "held": (404, {}, b""),
                "put off": (503, {}, b""),
            }[kind]
            order["line_items"][0]["properties"] = [{"name": "_picture", "value": pictures.url(path)}]
            expected[str(number)] = kind
        shop.deliver(order)
    # Else a wave is smaller, where it shares its lock with messages that are coming in.
    aged = update(inbox)
    shop.room.database.write(lambda c: c.execute(aged.values(received_at=now(c) - intake.BUSY_WITHIN)))
    return expected


def test_in_a_wave_of_500_each_picture_is_fetched_and_none_keeps_another_order_from_going_on(
    shop: Floor, pictures: Pictures, running_prefect: PrefectServer
) -> None:
    expected = deliver(shop, pictures)
    state = order_intake("hub", return_state=True)
    run = {"flow_run_id": {"any_": [str(state.state_details.flow_run_id)]}}
    APILogHandler().flush()
    logs = everything(running_prefect.post, "/logs/filter", {"logs": run})
    tables = everything(running_prefect.post, "/artifacts/filter", {"artifacts": run, "sort": "CREATED_DESC"})
    assert len(json.loads(tables[-1]["data"])) == ORDERS, "all of them are one wave"
    query = select(orders.c.external_id, orders.c.state, orders.c.next_attempt_at, order_lines.c.sku).join(order_lines)
    with shop.room.database.read() as connection:
        rows = {row.external_id: row for row in connection.execute(query)}
    became = {
        id_: "put off" if row.state == "accepted" and row.next_attempt_at else row.state for id_, row in rows.items()
    }
    assert became == {id_: expected.get(id_, "released") for id_ in rows}
    assert len(rows) == ORDERS
    assert {id_ for id_, row in rows.items() if is_own(row.sku)} == {
        id_ for id_, kind in expected.items() if kind == "released"
    }
    assert len(list(shop.room.artwork().glob("own-*.png"))) == GOOD
    asked = Counter(path for _, path in pictures.asked)
    assert {asked[f"/{WHO}-{nth}.png"] for nth in range(GOOD)} == {1}, "what was fetched is not fetched again"
    assert any("Finished in state Completed" in line["message"] for line in logs), "all of its log is there"
    assert WHO not in json.dumps([state.result(), logs, tables])
