"""The pages of an event: its list, its booth, its papers, and the last count by scan."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import Connection, update

from backroom.domain.events import Event, Session
from backroom.domain.leases import Loan
from backroom.domain.power import Load, Supply
from backroom.domain.readiness import Check, CheckState
from backroom.store import catalogue, events, leases, overdue, stock
from backroom.store.database import now
from backroom.store.tables import stock_leases
from backroom.store.till_numbers import hear
from tests.integration.gateway.conftest import SKU, VARIANT, Gateway
from tests.integration.gateway.test_pages import press

PAGE = "/events/fair"


@pytest.fixture
def staff(gateway: Gateway) -> httpx.Client:
    gateway.client.post("/login", data={"key": gateway.key("staff")})
    return gateway.client


@pytest.fixture(autouse=True)
def fair(gateway: Gateway) -> None:
    """An event at booth A that began an hour ago, its permit missing, with eight pieces of the hub's ten."""

    def work(connection: Connection) -> None:
        at = now(connection)
        catalogue.save_variants(connection, [VARIANT])
        stock.receive(connection, "first", [("hub", SKU, 10)], "delivered", at)
        sessions = (Session(at - timedelta(hours=1), at + timedelta(hours=7)),)
        checks = [
            Check("permit", "Permit <b>", True, "Ada & Bo", at, help="Ask the town."),
            Check("power", "Power", False, "", at, measure="power"),
        ]
        events.add(connection, Event("fair", "Fair", "street", "booth-a", "the square", sessions), checks, at, "Ada")
        leases.lend(connection, "fair", [Loan(SKU, "hub", 8)], key="one", actor="Ada")

    gateway.room.database.write(work)


def state(gateway: Gateway) -> str:
    with gateway.room.database.read() as connection:
        return str(events.find(connection, "fair")["state"])


def close(gateway: Gateway, staff: httpx.Client) -> None:
    press(staff, PAGE, f"{PAGE}/close")
    assert state(gateway) == "closed"


def scan(staff: httpx.Client, code: str, **given: str) -> str:
    return press(staff, f"{PAGE}/count", f"{PAGE}/count", code=code, **given).text


def test_events_are_listed_with_what_they_lack(staff: httpx.Client) -> None:
    page = staff.get("/events").text
    for expected in ("Fair", "planned", "booth-a", "permit", 'href="/events/fair"'):
        assert expected in page


def test_an_events_page_says_what_comes_along_until_it_is_over(gateway: Gateway, staff: httpx.Client) -> None:
    def pack(connection: Connection) -> None:
        row, at = events.locked(connection, "fair"), now(connection)
        loads = (Load("press", "heat <press>", 1400, 0.25), Load("till", "till-1", 20))
        along = {"tills": ("till-1",), "printers": ("left", "right"), "loads": loads, "supply": Supply("mains", 1600)}
        events.change(connection, row, replace(events.event_of(row), **along), at, "Ada")

    assert "Nobody has said what is plugged in" in staff.get(PAGE).text
    gateway.room.database.write(pack)
    page = staff.get(PAGE).text
    for expected in (
        "Tills: till-1",
        "Printers: left, right",
        "1420 W plugged in, 370 W on average; supply: mains of 1600 W",
        "heat &lt;press&gt;",
        "25%",
        # What it carries for hours is less than what is plugged in: the bar has another colour.
        'value="1420"',
        'high="1280"',
    ):
        assert expected in page, expected
    close(gateway, staff)
    assert "What comes along" not in staff.get(PAGE).text


def test_an_events_page_names_what_is_missing_with_who_and_until_when(staff: httpx.Client) -> None:
    page = staff.get(PAGE).text
    for expected in (
        "No orders come here: its event fair is planned",
        "Permit &lt;b&gt;",
        "it is missing",
        "Ada &amp; Bo",
        "Ask the town.",
        "nobody has said where the power comes from",
        SKU,
    ):
        assert expected in page, expected
    assert f'action="{PAGE}/open"' not in page
    assert f'action="{PAGE}/checks/power"' not in page


def test_saying_that_it_is_there_makes_the_booth_openable(gateway: Gateway, staff: httpx.Client) -> None:
    assert press(staff, PAGE, f"{PAGE}/checks/permit", state="done", note="seen, stamped").status_code == 303
    assert state(gateway) == "ready"
    page = staff.get(PAGE).text
    assert "seen, stamped" in page
    assert press(staff, PAGE, f"{PAGE}/open").status_code == 303
    assert state(gateway) == "live"
    assert "Open: orders come here" in staff.get(PAGE).text


def test_what_is_said_is_one_of_three_words_about_an_item_of_the_list(staff: httpx.Client) -> None:
    assert press(staff, PAGE, f"{PAGE}/checks/permit", state="perhaps").status_code == 400
    answer = staff.post(f"{PAGE}/checks/moon", data={"state": "done"})
    assert answer.status_code == 403
    assert press(staff, PAGE, f"{PAGE}/checks/permit", state="failed", note="wrong street").status_code == 303
    assert "wrong street" in staff.get(PAGE).text


def test_a_paper_is_shown_to_staff_and_to_nobody_else(gateway: Gateway, staff: httpx.Client) -> None:
    folder = gateway.room.home / "evidence" / "fair"
    folder.mkdir(parents=True)
    (folder / "permit-scan.pdf").write_bytes(b"%PDF-1.7")
    (folder / "power-note.html").write_bytes(b"<script>")

    def work(connection: Connection) -> None:
        row, at = events.locked(connection, "fair"), now(connection)
        for item, file in (("permit", "permit-scan.pdf"), ("power", "power-note.html")):
            done = CheckState.DONE
            events.say(connection, row, item, done, note="", file=file, good_until=None, at=at, actor="Ada")

    assert staff.get(f"{PAGE}/evidence/permit").status_code == 404
    gateway.room.database.write(work)
    paper = staff.get(f"{PAGE}/evidence/permit")
    assert (paper.content, paper.headers["Content-Type"]) == (b"%PDF-1.7", "application/pdf")
    assert paper.headers["Content-Disposition"].startswith("inline")
    other = staff.get(f"{PAGE}/evidence/power")
    assert other.headers["Content-Disposition"].startswith("attachment")
    assert "octet-stream" in other.headers["Content-Type"]
    assert httpx.get(f"{gateway.url}{PAGE}/evidence/permit").status_code in (303, 401)


def test_pieces_are_counted_by_scan_and_the_event_is_settled(gateway: Gateway, staff: httpx.Client) -> None:
    close(gateway, staff)
    assert f"{SKU}: 1" in scan(staff, SKU)
    assert f"{SKU}: 2" in scan(staff, VARIANT.gtin)
    assert "6 missing" in scan(staff, "\x02TYPO") or "6 missing" in staff.get(f"{PAGE}/count").text
    assert "not in the catalogue" in scan(staff, "TYPO")
    assert f"{SKU}: 7" in scan(staff, SKU, pieces="7")
    assert "Write a number" in scan(staff, SKU, pieces="-1")
    assert press(staff, PAGE, f"{PAGE}/settle").status_code == 303
    assert state(gateway) == "settled"
    with gateway.room.database.read() as connection:
        [settled] = leases.settlement_of(connection, 1)
        assert stock.levels(connection)["hub", SKU].on_hand == 9
    assert (settled.returned, settled.missing) == (7, 1)
    page = staff.get(PAGE).text
    assert "Returned" in page
    assert f'action="{PAGE}' not in page


def test_nothing_is_counted_while_the_event_is_not_over(staff: httpx.Client) -> None:
    assert "pieces are counted once it is closed" in staff.get(f"{PAGE}/count").text
    assert "pieces are counted once it is closed" in scan(staff, SKU)


def test_settling_without_a_count_is_refused_in_words(gateway: Gateway, staff: httpx.Client) -> None:
    close(gateway, staff)
    answer = press(staff, PAGE, f"{PAGE}/settle")
    assert answer.status_code == 409
    assert f"{SKU} was not counted" in answer.text
    assert state(gateway) == "closed"


def test_sales_that_were_never_told_stand_on_both_pages_and_are_given_up_by_a_button_of_their_own(
    gateway: Gateway, staff: httpx.Client
) -> None:
    assert "heard last" not in staff.get(PAGE).text
    gateway.room.database.write(lambda c: hear(c, "till-<1>", "booth-a", (1, 4)))
    close(gateway, staff)
    said = "sales 2 and 3 of till-&lt;1&gt; were never told"
    for page in (PAGE, f"{PAGE}/count"):
        shown = staff.get(page).text
        assert said in shown, page
        assert "till-&lt;1&gt; was heard last" in shown, page
        assert "Bring the till back" in shown, page
    scan(staff, SKU, pieces="7")
    answer = press(staff, PAGE, f"{PAGE}/settle")
    assert (answer.status_code, state(gateway)) == (409, "closed")
    assert answer.json()["detail"].startswith("sales 2 and 3 of till-<1> were never told. Bring the till back")
    assert press(staff, PAGE, f"{PAGE}/settle", sales="lost").status_code == 303
    assert state(gateway) == "settled"
    with gateway.room.database.read() as connection:
        [given_up] = [one for one in events.story(connection, 1) if one["event"] == "sales.given_up"]
    assert given_up["data"] == {"tills": {"till-<1>": [[2, 3]]}}
    assert given_up["actor"]


def test_who_gives_sales_up_may_call_what_nobody_counted_missing_by_a_tick(
    gateway: Gateway, staff: httpx.Client
) -> None:
    gateway.room.database.write(lambda c: hear(c, "till-1", "booth-a", (1, 4)))
    close(gateway, staff)
    assert press(staff, PAGE, f"{PAGE}/settle", rest="missing").status_code == 409
    assert press(staff, PAGE, f"{PAGE}/settle", sales="lost").status_code == 409
    assert press(staff, PAGE, f"{PAGE}/settle", sales="lost", rest="missing").status_code == 303
    assert state(gateway) == "settled"


def run_out(gateway: Gateway) -> None:
    """The leases' end was an hour ago, and the sweep has seen it."""

    def work(connection: Connection) -> None:
        connection.execute(update(stock_leases).values(expires_at=now(connection) - timedelta(hours=1)))
        overdue.name_overdue(connection, now(connection))

    gateway.room.database.write(work)


def test_overdue_pieces_stand_first_with_what_to_do_and_more_time_takes_them_away(
    gateway: Gateway, staff: httpx.Client
) -> None:
    close(gateway, staff)
    assert "Overdue" not in staff.get(PAGE).text
    run_out(gateway)
    page = staff.get(PAGE).text
    assert "Overdue: 8 pieces should have been back" in page
    assert "No online shop sells them until you decide" in page
    assert page.index("Overdue") < page.index("Settle: the count is complete")
    assert "8 pieces overdue" in staff.get("/events").text
    for day, said in (("soon", "is no day"), ("2020-01-01", "is no later end"), ("9999-12-31", "")):
        refused = press(staff, PAGE, f"{PAGE}/extend", until=day)
        assert (refused.status_code, said in refused.text) == (409, True)
    with gateway.room.database.read() as connection:
        until = (now(connection) + timedelta(days=10)).date()
    assert press(staff, PAGE, f"{PAGE}/extend", until=str(until)).status_code == 303
    assert "Overdue" not in staff.get(PAGE).text
    assert "overdue" not in staff.get("/events").text


def test_overdue_pieces_that_do_not_come_back_are_missing_by_one_button(gateway: Gateway, staff: httpx.Client) -> None:
    close(gateway, staff)
    run_out(gateway)
    assert press(staff, PAGE, f"{PAGE}/settle", rest="missing").status_code == 303
    assert state(gateway) == "settled"
    with gateway.room.database.read() as connection:
        [settled] = leases.settlement_of(connection, 1)
    assert (settled.returned, settled.missing) == (0, 8)


@pytest.mark.parametrize("code", ["moon", "FAIR", "..%2f", "x" * 200, "%00"])
def test_an_event_that_does_not_exist_is_404(staff: httpx.Client, code: str) -> None:
    for path in ("", "/count", "/evidence/permit"):
        assert staff.get(f"/events/{code}{path}").status_code == 404
