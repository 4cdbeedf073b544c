"""Planning for a market: which events, what the day teaches, how it is shown, and the flow's tasks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from prefect.logging import disable_run_logger
from sqlalchemy import update

from backroom.domain.events import EventState
from backroom.insight import restock_report, restocking
from backroom.store import events, restock_plans
from backroom.store.catalogue import all_variants
from backroom.store.database import now
from backroom.store.tables import events as events_table
from tests.markets import plan_fair, sell, this_moment
from tests.shops import GTIN_TEE, PLAIN, SCARCE, Floor


@pytest.fixture(autouse=True)
def outside_a_run() -> Iterator[None]:
    with disable_run_logger():
        yield


def test_during_the_fair_what_sells_fast_is_sent_after(market: Floor) -> None:
    begins = this_moment(market) - timedelta(hours=2)
    plan_fair(market, "now", begins)
    for minutes in (10, 30, 60, 90):
        sell(market, PLAIN, 8, begins + timedelta(minutes=minutes))
    market.intake()
    with market.room.database.read() as connection:
        slow = restocking.compute(connection, market.room.shop, events.find(connection, "next"), now(connection))
        fast = restocking.compute(connection, market.room.shop, events.find(connection, "now"), now(connection))
    expected = {one.sku: one.mean for one in fast.expected}
    usual = {one.sku: one.mean for one in slow.expected}
    assert fast.open_share == pytest.approx(0.4, abs=0.01)
    # Of three hours that are left it expects more than of a whole fair as they used to be.
    assert expected[PLAIN] > usual[PLAIN]
    assert expected[GTIN_TEE] < usual[GTIN_TEE]


def test_events_are_planned_for_when_they_are_near_or_open(market: Floor) -> None:
    plan_fair(market, "far", this_moment(market) + timedelta(days=20))
    plan_fair(market, "open", this_moment(market) - timedelta(hours=1))
    with market.room.database.read() as connection:
        assert restocking.due_events(connection, market.room.shop, now(connection)) == ["open", "next"]


def test_an_event_that_never_had_a_plan_is_not_compared(market: Floor) -> None:
    with market.room.database.read() as connection:
        assert restocking.compare(connection, market.room.shop, "next") is None


def test_the_page_says_what_to_take_and_why_with_a_picture(market: Floor) -> None:
    found = restocking.propose(market.room, "next")
    with market.room.database.read() as connection:
        named = restocking.titles(all_variants(connection))
    told = restock_report.plan_markdown("next", found.stored, found.transfer, named)
    assert told.startswith("# What to take to next")
    assert "T-1 waits for your yes" in told
    assert f"| {PLAIN} |" in told
    assert "avoids" in told
    assert "](data:image/svg+xml;base64," in told


def test_the_flows_tasks_ask_for_a_yes_once_and_carry_out_the_answer(
    market: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backroom.shop import room as rooms
    from tasks import restock, transfer_form

    monkeypatch.setitem(rooms._open, market.room.home.resolve(), market.room)
    artifacts: dict[str, str] = {}
    monkeypatch.setattr(
        restock, "create_markdown_artifact", lambda markdown, key, description: artifacts.update({key: markdown})
    )
    assert restock.events_to_plan.fn() == ["next"]
    said = [restock.plan_event.fn("next") for _ in range(2)]
    assert said[0] == said[1]
    assert said[0].endswith("T-1 waits for a yes")
    assert [number for number, _ in market.waker.transfer_runs] == ["T-1"]
    asked = transfer_form.question(market.room, "T-1")
    assert asked is not None
    assert PLAIN in asked
    yes = transfer_form.Answer(choice=transfer_form.Choice.YES)
    assert "are set aside" in transfer_form.carry_out(market.room, "T-1", yes)
    assert transfer_form.question(market.room, "T-1") is None
    assert transfer_form.carry_out(market.room, "T-1", yes) == "T-1 is approved"
    closed = {"state": EventState.CLOSED, "closed_at": this_moment(market)}
    over = update(events_table).where(events_table.c.code == "next").values(**closed)
    market.room.database.write(lambda c: c.execute(over))
    assert restock.events_to_review.fn() == ["next"]
    restock.review_event.fn("next")
    assert set(artifacts) == {"restock-next", "restock-next-review"}
    assert "## What was planned, and what became of it" in artifacts["restock-next-review"]


def test_an_event_is_compared_again_when_it_is_settled_late(market: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    from backroom.shop import room as rooms
    from tasks import restock

    monkeypatch.setitem(rooms._open, market.room.home.resolve(), market.room)
    restocking.propose(market.room, "next")
    at = this_moment(market)

    def stands(state: EventState, days: int, settled_at: datetime | None = None) -> list[str]:
        values = {"state": state, "closed_at": at - timedelta(days=days), "settled_at": settled_at}
        over = update(events_table).where(events_table.c.code == "next").values(**values)
        market.room.database.write(lambda c: c.execute(over).rowcount)
        return restock.events_to_review.fn()

    assert stands(EventState.CLOSED, 2) == ["next"]
    assert stands(EventState.CLOSED, 4) == []
    assert stands(EventState.SETTLED, 4, at) == ["next"]
    assert stands(EventState.SETTLED, 9, at - timedelta(days=5)) == []


def test_a_plan_that_says_the_same_is_kept_once(market: Floor) -> None:
    first, second = (restocking.propose(market.room, "next").stored.id for _ in range(2))
    assert first == second
    with market.room.database.read() as connection:
        event_id = events.find(connection, "next")["id"]
        kept = restock_plans.last_before_opening(connection, event_id)
    assert kept is not None
    assert kept.id == first
    assert kept.plan.lines
    assert SCARCE in kept.expected
