"""Events as the sweep and the run form see them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from prefect.logging import disable_run_logger
from sqlalchemy import Connection, update

from backroom.domain.events import Event, Session
from backroom.domain.leases import Loan
from backroom.domain.readiness import Check
from backroom.store import events, leases
from backroom.store.database import now
from backroom.store.event_desk import NotReady
from backroom.store.events import EventRefused, NoSuchEvent
from backroom.store.tables import stock_leases
from backroom.store.till_numbers import hear
from tasks import events as event_tasks
from tasks.events import WhichEvent, close_event, known, look_after_events, open_event, settle_event, tell_event
from tests.shops import BOOTH, HUB, PLAIN, Floor


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What Prefect is told, outside a run."""
    said: list[str] = []
    monkeypatch.setattr(event_tasks, "create_markdown_artifact", lambda text, key: said.append(f"{key}: {text}"))
    with disable_run_logger():
        yield said


def plan(floor: Floor, *, needs: str = "") -> None:
    def work(connection: Connection) -> None:
        at = now(connection)
        sessions = (Session(at - timedelta(hours=1), at + timedelta(hours=8)),)
        checks = [Check(needs, "Its permit", True, "Ada", at)] if needs else []
        events.add(connection, Event("fair", "Fair", "street", BOOTH, "", sessions), checks, at, "Ada")

    floor.room.database.write(work)


def test_a_shop_without_events_costs_the_sweep_one_look(floor: Floor) -> None:
    assert look_after_events.fn() == 0


def test_the_sweep_opens_a_booth_on_time_and_wakes_nobody_for_nothing(floor: Floor) -> None:
    plan(floor)
    assert look_after_events.fn() == 2
    assert look_after_events.fn() == 0
    assert floor.waker.woken == []


def test_the_run_form_opens_closes_and_settles_and_tells_how_the_event_stands(floor: Floor, told: list[str]) -> None:
    plan(floor)
    assert open_event.fn("fair") == "fair is live"
    floor.taken_in((PLAIN, 1), at=BOOTH)
    assert tell_event.fn("fair") == "fair is live; orders go to booth: yes"
    assert close_event.fn("fair") == "fair is closed: 1 orders routed elsewhere, 0 on hold, 0 finished at the booth"
    assert ("intake", "hub") in {(stage, location) for stage, location, _ in floor.waker.woken}
    assert settle_event.fn("fair", False) == "fair is settled: 0 sold, 0 returned, 0 missing"


def test_the_run_form_settles_without_sales_that_were_never_told_by_a_tick_only(floor: Floor, told: list[str]) -> None:
    plan(floor)
    close_event.fn("fair")
    floor.room.database.write(lambda c: hear(c, "till-a", BOOTH, (1, 3)))
    tell_event.fn("fair")
    assert "sale 2 of till-a was never told" in told[0]
    with pytest.raises(EventRefused, match="sale 2 of till-a was never told"):
        settle_event.fn("fair", False)
    assert settle_event.fn("fair", True) == "fair is settled: 0 sold, 0 returned, 0 missing"
    tell_event.fn("fair")
    assert "never told" not in told[1]


def test_overdue_pieces_are_told_once_with_what_to_do(floor: Floor, told: list[str]) -> None:
    plan(floor)
    floor.room.database.write(lambda c: leases.lend(c, "fair", [Loan(PLAIN, HUB, 3)], key="one", actor="Ada"))
    close_event.fn("fair")
    floor.room.database.write(
        lambda c: c.execute(update(stock_leases).values(expires_at=now(c) - timedelta(hours=1))).rowcount
    )
    assert look_after_events.fn() == 0
    assert look_after_events.fn() == 0
    (artifact,) = told
    assert artifact.startswith("overdue-leases: ")
    assert "| fair | 3 | " in artifact
    assert "Ada" not in artifact


def test_prefect_is_told_what_is_missing_and_never_who_owes_it(floor: Floor, told: list[str]) -> None:
    plan(floor, needs="permit")
    with pytest.raises(NotReady) as refused:
        open_event.fn("fair")
    tell_event.fn("fair")
    assert "permit | yes |" in told[0]
    assert "**missing** (overdue)" in told[0]
    assert "Ada" not in told[0] + str(refused.value)


def test_a_code_is_found_however_it_is_typed_and_an_empty_form_lists_what_there_is(floor: Floor) -> None:
    plan(floor)
    assert known(floor.room, " Fair ") == "fair"
    with pytest.raises(WhichEvent, match="There is: fair"):
        known(floor.room, "")
    with pytest.raises(NoSuchEvent):
        known(floor.room, "moon")
