"""The booth's page: when a print is ready, what needs a hand, what lies ready; one screen that loads itself anew."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import Connection, func, insert, select, update

from backroom.domain.events import Event, Session
from backroom.domain.power import Load, Supply
from backroom.domain.print_pace import ENOUGH
from backroom.store import events, parcel_desk, print_promises
from backroom.store.booth_calls import hear
from backroom.store.database import now
from backroom.store.parcels import COLLECTED
from backroom.store.tables import events as event_table
from backroom.store.tables import fulfilment_orders, parcels, print_jobs
from tests.integration.gateway.conftest import SKU, Gateway, make_order

PAGE = "/booths/booth-a"


@pytest.fixture
def staff(gateway: Gateway) -> httpx.Client:
    gateway.client.post("/login", data={"key": gateway.key("staff")})
    return gateway.client


def review(gateway: Gateway) -> None:
    place = gateway.room.shop.location("booth-a")
    room = gateway.room
    room.database.write(lambda c: print_promises.review(c, room.shop, room.seals, place, now(c)))


def change(gateway: Gateway, **values: object) -> None:
    gateway.room.database.write(lambda c: c.execute(update(print_jobs).values(**values)))


def test_an_empty_booth_says_when_a_new_print_would_be_ready(staff: httpx.Client) -> None:
    shown = staff.get(PAGE).text
    for expected in ("A new print: about", "Nothing is being printed", "No promise has come due", "Nothing lies ready"):
        assert expected in shown
    assert '<meta http-equiv="refresh" content="20">' in shown


def test_a_booth_that_cannot_be_heard_gives_no_time_to_say_across_the_counter(
    gateway: Gateway, staff: httpx.Client
) -> None:
    gateway.room.database.write(lambda c: hear(c, "booth-a", now(c) - timedelta(minutes=5)))
    shown = staff.get(PAGE).text
    assert "A new print: about" not in shown
    assert "this booth cannot be heard" in shown


def test_the_queue_is_shown_with_its_promises_and_what_holds_it_up(gateway: Gateway, staff: httpx.Client) -> None:
    first, second = make_order(gateway.room), make_order(gateway.room)
    review(gateway)
    shown = staff.get(PAGE).text
    assert shown.index(first) < shown.index(second)
    assert f"2 × {SKU}" in shown
    assert "press-1 has 2 jobs" in shown


def test_all_that_holds_the_queue_up_is_shown_the_worst_first(gateway: Gateway, staff: httpx.Client) -> None:
    make_order(gateway.room)
    make_order(gateway.room)
    change(gateway, state="blocked", printer="press-1", reason="out of paper", started_at=None)

    def work(connection: Connection) -> None:
        second = connection.execute(select(func.max(fulfilment_orders.c.id))).scalar_one()
        made = {"state": "made", "made_at": now(connection) - timedelta(minutes=25)}
        connection.execute(update(fulfilment_orders).where(fulfilment_orders.c.id == second).values(**made))

    gateway.room.database.write(work)
    answer = staff.get(PAGE).text.partition('<p class="answer')[2].partition("</p>")[0]
    assert answer.count('class="why"') == 1
    assert 'class="why">press-1: out of paper' in answer
    assert answer.index("out of paper") < answer.index('class="why also">1 made and not handed over')


def test_how_fast_each_printer_prints_what_is_on_the_page_folded_up(gateway: Gateway, staff: httpx.Client) -> None:
    shown = folded(staff)
    for expected in ("press-1", "any dtg", "none yet", "<strong>180</strong>", "goes by a guess"):
        assert expected in shown
    for _ in range(ENOUGH):
        make_order(gateway.room, to_print=1)
    ended = gateway.room.database.write(now)
    change(gateway, state="done", printer="press-1", started_at=ended - timedelta(seconds=42), ended_at=ended)
    shown = folded(staff)
    assert f"<td>tee black</td><td><strong>42</strong></td><td>{ENOUGH}</td>" in shown


def folded(staff: httpx.Client) -> str:
    """What the page says of its printers, in what is folded up."""
    return staff.get(PAGE).text.partition("<summary>How fast the printers are</summary>")[2].partition("</details>")[0]


def test_a_promise_that_was_missed_or_moved_is_seen(gateway: Gateway, staff: httpx.Client) -> None:
    make_order(gateway.room)
    review(gateway)

    def late(connection: Connection) -> None:
        earlier = now(connection) - timedelta(minutes=40)
        connection.execute(update(print_promises.print_promises).values(promised_at=earlier, moved=1))

    gateway.room.database.write(late)
    shown = staff.get(PAGE).text
    assert '<strong class="told bad">' in shown
    assert "later than first said" in shown


def test_what_waits_for_paper_or_a_decision_comes_first_with_its_buttons(gateway: Gateway, staff: httpx.Client) -> None:
    number = make_order(gateway.room)
    change(gateway, state="blocked", printer="press-1", reason="out of paper", started_at=None)
    shown = staff.get(PAGE).text
    assert "No printer prints now" in shown
    assert "press-1: out of paper" in shown
    change(gateway, state="unknown")
    shown = staff.get(PAGE).text
    assert shown.index("It was printed") < shown.index("Ready to collect")
    assert number in shown


def test_a_battery_is_on_the_page_with_its_time_and_a_button_for_whoever_changed_it(
    gateway: Gateway, staff: httpx.Client
) -> None:
    def market(connection: Connection) -> None:
        at = now(connection)
        event = Event(
            code="market",
            name="Market",
            template="street",
            location="booth-a",
            place="",
            sessions=(Session(at - timedelta(hours=1), at + timedelta(hours=6)),),
            loads=(Load("press", "press", 1000),),
            supply=Supply("battery", 2000, watt_hours=1000),
        )
        events.add(connection, event, [], at, "Ada")
        connection.execute(update(event_table).values(state="live"))

    make_order(gateway.room)
    assert "battery" not in staff.get(PAGE).text
    gateway.room.database.write(market)
    shown = staff.get(PAGE).text
    for expected in ("No new print: the power ends before it", "The battery should be empty since"):
        assert expected in shown
    assert "1 job does not come out" in shown
    token = shown.partition('name="csrf" value="')[2].partition('"')[0]
    assert staff.post(f"{PAGE}/power", data={"csrf": token}).status_code in (200, 303)
    shown = staff.get(PAGE).text
    assert "The battery lasts until about" in shown
    assert "A new print: about" in shown


def test_what_lies_ready_to_be_collected_is_listed(gateway: Gateway, staff: httpx.Client) -> None:
    number = make_order(gateway.room)

    def done(connection: Connection) -> None:
        at = now(connection)
        part = update(fulfilment_orders).values(state="done", delivery="collect", done_at=at)
        [row] = connection.execute(part.returning(fulfilment_orders.c.id, fulfilment_orders.c.order_id)).all()
        lies = {"fulfilment_order_id": row.id, "order_id": row.order_id, "location": "booth-a", "kind": COLLECTED}
        connection.execute(insert(parcels).values(state="ready", state_at=at, at=at, code="4711", **lies))

    gateway.room.database.write(done)
    assert number in staff.get(PAGE).text.partition("Ready to collect")[2]
    gateway.room.database.write(lambda c: parcel_desk.collect(c, number, "booth-a", "4711", "Ada"))
    assert number not in staff.get(PAGE).text.partition("Ready to collect")[2]


def test_only_staff_see_it_and_only_booths_have_one(gateway: Gateway, staff: httpx.Client) -> None:
    assert staff.get("/booths/hub").status_code == 404
    assert staff.get("/booths/moon").status_code == 404
    assert httpx.get(f"{gateway.url}{PAGE}").status_code in (303, 401)
