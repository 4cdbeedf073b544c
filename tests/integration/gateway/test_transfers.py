"""The page of a transfer: from a person's yes to the last scan, with a button for what comes next."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import Connection, insert

from backroom.domain.events import Event, Session
from backroom.domain.transfers import PackLine
from backroom.store import catalogue, events, print_attempts, print_handing, stock, transfers
from backroom.store.database import now
from backroom.store.tables import restock_plans
from tests.integration.gateway.conftest import SKU, VARIANT, Gateway
from tests.integration.gateway.test_pages import press

HUB, BOOTH = "main-hub", "booth-a"
INK = PackLine("ink", "bottle of 250 ml", "ml", "2900420009011", holds=250, units=120, asked=1)


@pytest.fixture
def staff(gateway: Gateway) -> httpx.Client:
    gateway.client.post("/login", data={"key": gateway.key("staff")})
    return gateway.client


@pytest.fixture
def number(gateway: Gateway) -> str:
    """A proposed transfer of two pieces and a bottle of ink."""
    return proposed(gateway, HUB, BOOTH, {})


def proposed(gateway: Gateway, from_: str, to: str, to_print: dict[str, int]) -> str:
    def work(connection: Connection) -> str:
        at = now(connection)
        catalogue.save_variants(connection, [VARIANT])
        session = Session(at + timedelta(hours=1), at + timedelta(hours=9))
        event_id = events.add(connection, Event("fair", "Fair", "street", to, "", (session,)), (), at, "Ada")
        stock.receive(connection, "for the fair", [(from_, SKU, 10)], "delivered", at)
        plan = insert(restock_plans).values(
            event_id=event_id,
            digest="",
            open_share=0.0,
            lost_without=0.0,
            lost_with=0.0,
            lines=[],
            packs=[],
            used={},
            full=[],
            forecasts=[],
            at=at,
        )
        plan_id = connection.execute(plan.returning(restock_plans.c.id)).scalar_one()
        event = events.locked(connection, "fair")
        return transfers.propose(connection, event, plan_id, {SKU: 2}, from_, at, [INK], to_print)

    return gateway.room.database.write(work)


def test_a_transfer_goes_its_way_by_the_buttons_and_the_scanner(
    gateway: Gateway, staff: httpx.Client, number: str
) -> None:
    page = f"/transfers/{number}"
    assert number in staff.get("/transfers").text
    press(staff, page, f"{page}/yes")
    press(staff, page, f"{page}/send")
    assert "bottle of 250 ml, for 120 ml" in staff.get(page).text
    assert "2 to go" in press(staff, page, f"{page}/scan", code=SKU).text
    assert "No: this code is not in the catalogue" in press(staff, page, f"{page}/scan", code="<x>").text
    press(staff, page, f"{page}/arrived")
    assert f"Missing: 1 of {SKU}" in staff.get(page).text
    assert "Missing: 1 of ink" in staff.get(page).text
    assert "1 to go" in press(staff, page, f"{page}/scan", code=INK.code).text
    assert "Missing: 1 of ink" not in staff.get(page).text
    assert "That was the last one" in press(staff, page, f"{page}/scan", code=SKU).text
    press(staff, page, f"{page}/arrived")
    shown = staff.get(page).text
    assert "Missing" not in shown
    assert "arrived" in shown
    with gateway.room.database.read() as connection:
        assert stock.levels(connection)[BOOTH, SKU].on_hand >= 2


def test_what_is_printed_first_is_shown_until_it_came_out(gateway: Gateway, staff: httpx.Client) -> None:
    number = proposed(gateway, "booth-a", "booth-b", {SKU: 1})
    page = f"/transfers/{number}"
    press(staff, page, f"{page}/yes")
    assert "Still to be printed: 1." in staff.get(page).text
    assert f'<a href="{page}">{number}</a> to stock' in staff.get("/prints/booth-a").text

    def print_it(connection: Connection) -> None:
        (job,) = print_handing.hand_out(connection, "booth-a", "bench", 5)
        print_attempts.start(connection, job.id, job.attempt, "bench", "press")
        print_attempts.settle(connection, job.id, job.attempt, "bench", "done", "")

    gateway.room.database.write(print_it)
    assert "Still to be printed" not in staff.get(page).text
    prints = staff.get("/prints/booth-a").text
    assert "The queue is empty." in prints
    assert f'<a href="{page}">{number}</a> to stock' in prints


def test_what_cannot_be_done_now_is_said(staff: httpx.Client, number: str) -> None:
    page = f"/transfers/{number}"
    press(staff, page, f"{page}/no")
    assert "declined" in staff.get(page).text
    assert staff.get("/transfers/T-999").status_code == 404


def test_nobody_sees_transfers_without_a_key(gateway: Gateway, number: str) -> None:
    assert gateway.client.get(f"/transfers/{number}").status_code in (303, 401)
    assert gateway.client.get("/transfers").status_code in (303, 401)
