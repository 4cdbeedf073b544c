"""The till's page in a real browser, on a tablet and a phone, without scripts: sold, and told once there is a line."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn
from sqlalchemy import Connection, update

from backroom.domain.opt_in import wording
from backroom.store import print_promises, stock
from backroom.store.api_keys import make_key
from backroom.store.catalogue import save_variants
from backroom.store.database import now
from backroom.store.tables import orders, stock_levels
from backroom.store.tables import print_promises as table
from backroom.till.sales_box import SalesBox
from backroom.till.serve import create_till
from backroom.till.telling import CATALOGUE, Telling
from tests.browser import Browser
from tests.integration.gateway.conftest import SKU, VARIANT, Gateway, gateway, make_order, room
from tests.integration.gateway.test_event_page import plan
from tests.lines import Line
from tests.peers.conftest import PHONE, TABLET
from tests.sqlite_only import database_url

__all__ = ["database_url", "gateway", "room"]

pytestmark = [pytest.mark.peer, pytest.mark.timeout(180)]


@pytest.fixture
def line(gateway: Gateway) -> Iterator[Line]:
    gateway.room.database.write(lambda c: save_variants(c, [VARIANT]))
    with Line(urlsplit(gateway.url).port or 0) as line:
        yield line


@pytest.fixture
def box(tmp_path: Path) -> Iterator[SalesBox]:
    box = SalesBox(tmp_path / "till")
    yield box
    box.close()


@pytest.fixture
def telling(gateway: Gateway, line: Line, box: SalesBox, tmp_path: Path) -> Telling:
    key = gateway.room.database.write(lambda c: make_key(c, "till", "pos", "booth-a"))
    telling = Telling(gateway=line.url, key=key, box=box, folder=tmp_path / "till")
    telling.look()
    return telling


@pytest.fixture
def url(box: SalesBox, telling: Telling) -> Iterator[str]:
    served = uvicorn.Server(uvicorn.Config(create_till(box, telling), port=0, log_level="warning"))
    thread = threading.Thread(target=served.run, daemon=True)
    thread.start()
    ends = time.monotonic() + 20
    while not served.started:
        assert time.monotonic() < ends
        time.sleep(0.02)
    yield f"http://127.0.0.1:{served.servers[0].sockets[0].getsockname()[1]}"
    served.should_exit = True
    thread.join(20)


@pytest.mark.parametrize("size", [TABLET, PHONE], ids=["tablet", "phone"])
def test_a_sale_is_made_by_hand_without_network_and_without_scripts(
    window: Browser, url: str, line: Line, box: SalesBox, telling: Telling, size: tuple[int, int], pictures: Path
) -> None:
    width, height = size
    window.window(width, height, phone=size == PHONE)
    window.scripts(False)
    line.cut(silent=False)
    window.open(url)
    window.type(f"input[name='n:{SKU}']", "2")
    window.click("button", "Sold and paid")
    window.see("Sold: number 1.")
    window.see("Waiting: 1.")
    telling.look()
    window.open(url)
    window.see("No line to the shop")
    window.picture(pictures / f"till-{width}.png")
    line.mend()
    telling.look()
    window.open(url)
    window.see("The shop hears every sale.")
    assert box.waiting() == []
    window.scripts(True)
    window.open(url)
    assert window.run("return document.documentElement.scrollWidth") <= width
    assert window.complaints() == []


def test_a_customer_agrees_to_sms_at_the_till_on_a_phone_without_network_and_without_scripts(
    window: Browser,
    gateway: Gateway,
    url: str,
    line: Line,
    box: SalesBox,
    telling: Telling,
    pictures: Path,
    tmp_path: Path,
) -> None:
    plan(gateway)
    # What there is to sell, and the words, are asked for anew.
    (tmp_path / "till" / CATALOGUE).unlink()
    telling.look()
    window.window(*PHONE, phone=True)
    window.scripts(False)
    line.cut(silent=False)
    window.open(url)
    window.see(wording("en", "Atelier Nord"))
    window.type("form[action='/wish'] input[name=phone]", "+4915123456789")
    window.click("button", "They agree")
    window.see("Kept")
    window.see("Waiting for a line: 1.")
    line.mend()
    telling.look()
    window.open(url)
    window.see("a code is on its way")
    assert box.wishes.waiting() == []
    window.scripts(True)
    window.open(url)
    window.run("document.querySelector('h2 ~ blockquote').scrollIntoView()")
    window.picture(pictures / "till-sms.png")
    assert window.run("return document.documentElement.scrollWidth") <= PHONE[0]
    assert window.complaints() == []


def test_a_number_with_a_sale_is_a_wish_and_the_open_page_says_when_the_print_is_ready(
    window: Browser,
    gateway: Gateway,
    url: str,
    line: Line,
    box: SalesBox,
    telling: Telling,
    pictures: Path,
    tmp_path: Path,
) -> None:
    plan(gateway)
    (tmp_path / "till" / CATALOGUE).unlink()
    telling.look()
    window.window(*PHONE, phone=True)
    window.scripts(True)
    window.open(url)
    window.type(f"input[name='n:{SKU}']", "1")
    window.run("document.querySelector('input[value=print]').click()")
    window.click("summary", "Tell them")
    window.run("document.querySelector('details').scrollIntoView()")
    window.see("A code goes to it")
    window.picture(pictures / "till-number.png")
    assert window.run("return document.querySelector('details blockquote').textContent") == wording(
        "en", "Atelier Nord"
    )
    window.type("form[action='/sell'] input[name=phone]", "0151 23456789")
    window.click("button", "Sold and paid")
    window.see("Sold: number 1.")
    window.see("type in their code below")
    window.see("Number 1: no time yet.")
    line.cut(silent=False)
    telling.look()
    window.see("Number 1: no time yet: no network.")
    line.mend()
    telling.look()
    assert box.wishes.waiting() == []
    promise_made(gateway, box.device)
    telling.look()
    window.see("Number 1: ready about 19:40.")
    assert window.run("return document.documentElement.scrollWidth") <= PHONE[0]
    window.picture(pictures / "till-ready.png")
    assert window.complaints() == []


def promise_made(gateway: Gateway, device: str) -> None:
    """The till's first sale is an order by now that the booth prints, and it was promised for 19:40 in Berlin."""
    number = make_order(gateway.room)
    at = datetime(2026, 11, 28, 18, 40, tzinfo=UTC)

    def work(connection: Connection) -> int:
        sold = update(orders).where(orders.c.number == number)
        connection.execute(sold.values(channel="till", external_id=f"{device}-1"))
        place = gateway.room.shop.location("booth-a")
        print_promises.review(connection, gateway.room.shop, gateway.room.seals, place, now(connection))
        return connection.execute(update(table).values(promised_at=at)).rowcount

    assert gateway.room.database.write(work) == 1


def test_what_the_online_shop_sells_is_gone_from_the_open_page_and_a_sale_of_it_is_asked_about_first(
    window: Browser, gateway: Gateway, url: str, box: SalesBox, telling: Telling, pictures: Path
) -> None:
    def count(pieces: int) -> None:
        gateway.room.database.write(
            lambda c: c.execute(update(stock_levels).values(on_hand=pieces).where(stock_levels.c.sku == SKU)).rowcount
        )
        telling.look()

    gateway.room.database.write(
        lambda c: stock.receive(c, "first", [("booth-a", SKU, 1)], "delivered", now(c)),
    )
    count(1)
    window.window(*PHONE, phone=True)
    window.scripts(True)
    window.open(url)
    window.see("1 left")
    window.type(f"input[name='n:{SKU}']", "1")
    count(0)
    window.see("0 left")
    assert window.run(f"return document.querySelector(\"input[name='n:{SKU}']\").value") == "1"
    window.picture(pictures / "till-left.png")
    window.click("button", "Sold and paid")
    window.see("Not sold yet")
    assert box.waiting() == []
    assert window.run("return document.documentElement.scrollWidth") <= PHONE[0]
    window.picture(pictures / "till-asks.png")
    window.click("button", "Sell it all the same")
    window.see("Sold: number 1.")
    assert [one.seq for one in box.waiting()] == [1]
    assert [one for one in window.complaints() if "409" not in one] == []
