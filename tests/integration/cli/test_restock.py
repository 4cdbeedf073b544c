"""Going to market from the terminal, with the demo shop: plan, yes, pick, send, scan, and how it went."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from backroom.domain.events import Event, Session
from backroom.shop.demo_samples import approve_samples
from backroom.shop.room import Room
from backroom.store import events, print_attempts, print_handing, stock
from backroom.store.database import now
from backroom.store.transfer_stock import change
from tests.integration.cli.typing_in import answered, typed
from tests.integration.gateway.conftest import SKU, make_order


def plan_a_market(room: Room, days: int = 2) -> None:
    """A market in some days, of a shop that has sold online so far, and has pieces of it."""
    for _ in range(30):
        make_order(room, location="main-hub")

    def work(connection: Connection) -> None:
        begins = now(connection) + timedelta(days=days)
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
    told = answered("restock", "compare", "fair")
    assert told["lines"]
    (row,) = [row for row in told["plan"] if row["sku"] == SKU]
    assert int(row["planned"]) >= pieces
    assert (row["brought"], row["back"]) == (str(pieces - 2), "not settled")
    assert any("were brought, and 0 that no plan had named" in sentence for sentence in told["sums"])
    assert "what became of it" in typed("restock", "compare", "fair").stdout


def test_a_no_leaves_the_pieces_and_a_mistyped_count_is_said(room: Room) -> None:
    plan_a_market(room)
    answered("restock", "plan", "fair")
    assert "T-1 is declined" in typed("restock", "no", "T-1").stdout
    assert typed("restock", "yes", "T-1").exit_code == 1
    assert answered("restock", "plan", "fair")["transfer"] == ""
    assert typed("restock", "send", "T-1", "--only", "nonsense").exit_code == 1


def test_without_an_event_there_is_nothing_to_plan(room: Room) -> None:
    assert "No event begins within 7 days" in typed("restock", "plan").stdout


def test_what_lacks_is_printed_with_the_yes_and_completes_the_pick_list(room: Room) -> None:
    # Whatever day it is, the hub is open before it.
    plan_a_market(room, days=5)

    def empty_the_shelf(connection: Connection) -> None:
        level = stock.levels(connection)["main-hub", SKU]
        gone = level.reserved - level.on_hand
        change(connection, ("main-hub", SKU), gone, key="count", reason="counted", at=now(connection), free=False)

    room.database.write(empty_the_shelf)
    approve_samples(room)
    planned = answered("restock", "plan")
    first = {row["sku"]: int(row["bring"]) for row in planned["lines"] if row["how"] == "print before leaving"}
    assert first[SKU] > 1
    assert "are still to be printed at main-hub" in typed("restock", "yes", "T-1").output
    assert {row["sku"]: row["to_print"] for row in answered("restock", "pick", "T-1") if row.get("to_print")} == first
    queue = [row for row in answered("print", "queue", "main-hub") if row["order_number"] == "T-1"]
    assert len(queue) == sum(first.values())

    def print_all(connection: Connection) -> None:
        for job in print_handing.hand_out(connection, "main-hub", "bench", 500):
            print_attempts.start(connection, job.id, job.attempt, "bench", "press")
            print_attempts.settle(connection, job.id, job.attempt, "bench", "done", "")

    room.database.write(print_all)
    [row] = answered("restock", "list", "fair")
    assert (row["to_print"], row["sent"]) == (0, row["asked"])
    assert typed("restock", "send", "T-1").exit_code == 0
    told = {row["sku"]: row["printed first"] for row in answered("restock", "compare", "fair")["plan"]}
    assert told[SKU] == f"{first[SKU]} of {first[SKU]}"
