"""The staff pages in a real browser: on a desk, on a tablet and on a phone, with scripts and without."""

from __future__ import annotations

from pathlib import Path

import pytest

from backroom.shop import demo_stories
from tests.browser import ENTER, Browser
from tests.peers.conftest import DESK, PHONE, SCANS_AT, TABLET
from tests.peers.sent_orders import part_state_of, send_one, state_of
from tests.running import RunningShop, wait_until

pytestmark = [pytest.mark.peer, pytest.mark.slow, pytest.mark.timeout(900)]


def waiting_for_a_scan(shop: RunningShop) -> str:
    """An order whose pieces lie in the workshop's stock, released to it."""
    number = send_one(shop, demo_stories.web_local)
    wait_until(lambda: part_state_of(shop, number) == "making", f"{number} to wait for its scan")
    return number


def test_a_wrong_key_opens_nothing(window: Browser, shop: RunningShop) -> None:
    window.open(f"{shop.ports.pages}/login")
    window.type("#key", "bk_staff_guessed")
    window.click("button", "Log in")
    window.see("This key does not work.")
    window.open(f"{shop.ports.pages}/orders")
    assert window.find("#key")


@pytest.mark.parametrize("size", [DESK, TABLET, PHONE], ids=["desk", "tablet", "phone"])
def test_every_page_fits_its_screen(staff: Browser, shop: RunningShop, size: tuple[int, int], pictures: Path) -> None:
    width, height = size
    number = shop.numbers()[0] if shop.numbers() else send_one(shop, demo_stories.web_far)
    staff.window(width, height, phone=size == PHONE)
    staff.colours("dark")
    for path in ("/orders", f"/orders/{number}", "/prints/main-hub", f"/scan/{SCANS_AT}", "/events", "/quarantine"):
        staff.open(f"{shop.ports.pages}{path}")
        staff.find("h1")
        assert staff.run("return document.documentElement.scrollWidth") <= width, path
        staff.picture(pictures / f"page{path.replace('/', '-').replace(number, 'number')}-{width}.png")


def test_an_orders_page_tells_its_story_and_staff_hold_it_and_let_it_go(staff: Browser, shop: RunningShop) -> None:
    number = waiting_for_a_scan(shop)
    staff.type("input[name=number]", number.lower())
    staff.click("button", "Find")
    staff.find("h1", number)
    assert "order accepted" in staff.text_of("ol.timeline")
    staff.type(f"form[action='/orders/{number}/hold'] input[name=note]", "The customer called")
    staff.click(f"form[action='/orders/{number}/hold'] button")
    staff.see("The customer called")
    assert state_of(shop, number) == "held"
    staff.click(f"form[action='/orders/{number}/release'] button")
    staff.find(f"form[action='/orders/{number}/hold']")
    assert "released by person" in staff.text_of("ol.timeline")
    assert state_of(shop, number) != "held"


@pytest.mark.parametrize(("size", "scripts"), [(TABLET, True), (PHONE, False)], ids=["tablet", "phone without scripts"])
def test_a_wrong_piece_is_refused_and_the_right_ones_complete_the_order(
    staff: Browser, shop: RunningShop, size: tuple[int, int], scripts: bool
) -> None:
    number = waiting_for_a_scan(shop)
    [line] = shop.story(number).part_lines
    staff.window(*size, phone=size == PHONE)
    staff.scripts(scripts)
    staff.open(f"{shop.ports.pages}/scan/{SCANS_AT}")

    def scan(code: str, answer: str) -> None:
        staff.type("#code", code + ENTER)
        staff.find("p.answer", answer)

    scan(line["sku"], "That is no order")
    scan(number, "Scan its pieces")
    scan("HOOD-CAT-SLATE-L", "No:")
    for left in range(line["from_stock"] - 1, 0, -1):
        scan(line["sku"], f"Right. {left} to go")
    scan(line["sku"], f"{number} is complete")
    wait_until(lambda: state_of(shop, number) == "fulfilled", f"{number} to be fulfilled")
    refused = [entry for entry in shop.story(number).history if entry["event"] == "scan.refused"]
    assert len(refused) == 1


def test_whoever_logs_out_is_out(staff: Browser, shop: RunningShop) -> None:
    staff.click("button", "Log out")
    staff.find("#key")
    staff.open(f"{shop.ports.pages}/login")
    assert staff.find("#key")
