"""Going to market from the terminal, with the demo shop: plan, yes, pick, send, scan, and how it went."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from backroom.domain.events import Event, Session
from backroom.shop.room import Room
from backroom.store import events, stock
from backroom.store.database import now
from tests.integration.cli.typing_in import answered, typed
from tests.integration.gateway.conftest import SKU, make_order


def plan_a_market(room: Room) -> None:
    """A market in two days, of a shop that has sold online so far, and has pieces of it."""
    for _ in range(30):
        make_order(room, location="main-hub")

    def work(connection: Connection) -> None:
        begins = now(connection) + timedelta(days=2)
        session = Session(begins, begins + timedelta(hours=6))
        stock.receive(connection, "more", [("main-hub", SKU, 20)], "delivered", now(connection))
        events.add(connection, Event("fair", "Fair", "street", "booth-a", "", (session,)), (), now(connection), "Ada")

    room.database.write(work)


def test_pieces_go_to_market_with_a_yes_and_arrive_but_for_one(room: Room) -> None:
    plan_a_market(room)
    planned = answered("restock", "plan")
    assert (planned["event"], planned["transfer"]) == ("fair", "T-1")
    assert {"bring", "sku", "what", "how", "expected", "last time", "by SBA", "why"} == set(planned["lines"][0])
    assert typed("restock", "send", "T-1").exit_code == 1
    assert "Pick for T-1" in typed("restock", "yes", "t-1").stdout
    pieces = {row["sku"]: row["pieces"] for row in answered("restock", "pick", "T-1")}[SKU]
    assert pieces > 1
    assert typed("restock", "send", "T-1", "--only", f"{SKU}={pieces - 1}").exit_code == 0
    assert "to go" in typed("restock", "scan", "T-1", SKU).stdout
    assert f"missing: 1 of {SKU}" in typed("restock", "arrived", "T-1", "--missing", f"{SKU}=1").stdout
    [row] = answered("restock", "list", "fair")
    assert (row["state"], row["sent"] - row["arrived"]) == ("arrived", row["missing"])
    with room.database.read() as connection:
        assert stock.levels(connection)["booth-a", SKU].kept
    assert answered("restock", "compare", "fair")["lines"]


def test_a_no_leaves_the_pieces_and_a_mistyped_count_is_said(room: Room) -> None:
    plan_a_market(room)
    answered("restock", "plan", "fair")
    assert "T-1 is declined" in typed("restock", "no", "T-1").stdout
    assert typed("restock", "yes", "T-1").exit_code == 1
    assert answered("restock", "plan", "fair")["transfer"] == ""
    assert typed("restock", "send", "T-1", "--only", "nonsense").exit_code == 1


def test_without_an_event_there_is_nothing_to_plan(room: Room) -> None:
    assert "No event begins within 7 days" in typed("restock", "plan").stdout
