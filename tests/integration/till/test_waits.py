"""When a print is ready that a customer waits for: the till says it as soon as the shop has promised it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import func, select, update

from backroom.domain.locations import PromiseSpec
from backroom.store import print_promises, till_numbers
from backroom.store.api_keys import make_key
from backroom.store.database import now
from backroom.store.tables import orders
from backroom.store.tables import print_promises as table
from backroom.till.sales_box import SalesBox
from tests.integration.till.test_left import Stall, only_sqlite, stall
from tests.shops import BOOTH, HUB, PLAIN, SCARCE, Floor

__all__ = ["stall"]

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def waiting(stall: Stall) -> Stall:
    """The stall, whose booth promises, of a shop in Berlin; its till has looked once."""
    shop = stall.floor.room.shop
    places = tuple(replace(one, promise=PromiseSpec()) if one.id == BOOTH else one for one in shop.locations)
    owner = replace(shop.owner, timezone="Europe/Berlin")
    object.__setattr__(stall.floor.room, "shop", replace(shop, locations=places, owner=owner))
    stall.telling.look()
    return stall


def sell(stall: Stall, sku: str = SCARCE, count: int = 2, way: str = "print") -> list[str]:
    """Sell, and return what the page says of what is waited for."""
    answer = stall.client.post("/sell", data=stall.form(sku, count, way))
    assert "Sold: number" in answer.text
    return lines(answer.text)


def lines(page: str) -> list[str]:
    found = re.search(r'<ul id="waits"[^>]*>(.*?)</ul>', page)
    assert found
    return re.findall(r"<li>(.*?)</li>", found[1])


def shown(stall: Stall) -> list[str]:
    """What a page says that is loaded now, and what an open one is told: the same."""
    there = lines(stall.client.get("/").text)
    assert stall.client.get("/left.json").json()["waits"] == there
    return there


def promise(floor: Floor) -> None:
    place = floor.room.shop.location(BOOTH)
    floor.room.database.write(lambda c: print_promises.review(c, floor.room.shop, floor.room.seals, place, now(c)))


def make(stall: Stall) -> None:
    """The shop takes in what was told, sends it to print and promises."""
    stall.floor.intake()
    stall.floor.fulfil(BOOTH)
    promise(stall.floor)


def promised(floor: Floor) -> datetime:
    with floor.room.database.read() as connection:
        at: datetime = connection.execute(select(func.max(table.c.promised_at))).scalar_one()
        return at


def ask(stall: Stall, *, last: int = 9, device: str = "", known: str = "", key: str = "") -> httpx.Response:
    query = {"device": device or stall.box.device, "last": str(last)}
    headers = {"Authorization": f"Bearer {key or stall.key}"} | ({"If-None-Match": known} if known else {})
    return httpx.get(f"{stall.url}/pos/stock", params=query, headers=headers, timeout=30)


def test_a_print_that_is_waited_for_has_its_time_on_the_page_as_soon_as_the_shop_promised_it(waiting: Stall) -> None:
    assert sell(waiting) == ["Number 1: no time yet."]
    waiting.telling.look()
    assert shown(waiting) == ["Number 1: no time yet."], "told, and not taken in yet"
    make(waiting)
    waiting.telling.look()
    time = f"{promised(waiting.floor).astimezone(BERLIN):%H:%M}"
    assert shown(waiting) == [f"Number 1: ready about {time}."]
    assert ask(waiting).json()["waits"] == {"1": {"state": "promised", "time": time}}
    for job in waiting.floor.hand_out(BOOTH):
        waiting.floor.print(job)
    waiting.floor.fulfil(BOOTH)
    waiting.telling.look()
    assert shown(waiting) == ["Number 1: ready."]


@only_sqlite
def test_without_network_the_till_says_so_and_a_time_that_it_has_stands_after_a_restart_too(waiting: Stall) -> None:
    sell(waiting)
    waiting.telling.look()
    make(waiting)
    waiting.telling.look()
    [told] = shown(waiting)
    waiting.line.cut(silent=False)
    sell(waiting)
    waiting.telling.look()
    old = f"{told.removesuffix('.')}, as the shop said last: no network."
    assert shown(waiting) == ["Number 2: no time yet: no network.", old]
    waiting.box.close()
    again = Stall(waiting.floor, waiting.url, waiting.line, waiting.folder)
    again.telling.look()
    # What number 2 was is sealed: it is not known here until the shop says it.
    assert shown(again) == [old]
    waiting.line.mend()
    again.telling.look()
    make(again)
    again.telling.look()
    assert [line.partition(" about")[0] for line in shown(again)] == ["Number 2: ready", "Number 1: ready"]
    again.box.close()
    waiting.box = SalesBox(waiting.folder)


@only_sqlite
def test_what_is_in_the_customers_hand_is_not_waited_for_and_what_is_collected_later_is(waiting: Stall) -> None:
    assert sell(waiting, PLAIN, 1, "rack") == []
    assert sell(waiting, SCARCE, 2, "collect") == ["Number 2: no time yet."]
    waiting.telling.look()
    make(waiting)
    assert list(ask(waiting).json()["waits"]) == ["2"]


@only_sqlite
def test_a_time_that_moved_is_the_new_one_and_what_has_not_changed_is_not_sent_again(waiting: Stall) -> None:
    sell(waiting)
    waiting.telling.look()
    make(waiting)
    first = ask(waiting)
    same = ask(waiting, known=first.headers["etag"])
    assert (same.status_code, same.content) == (304, b"")
    at = promised(waiting.floor).astimezone(BERLIN).replace(hour=23, minute=59)
    waiting.floor.room.database.write(lambda c: c.execute(update(table).values(promised_at=at)))
    moved = ask(waiting, known=first.headers["etag"])
    assert (moved.status_code, moved.json()["waits"]["1"]["time"]) == (200, "23:59")


@only_sqlite
def test_a_till_hears_of_its_own_sales_at_its_own_booth_alone_and_of_no_customer(waiting: Stall) -> None:
    waiting.client.post("/sell", data=waiting.form(SCARCE, 2, "print") | {"email": "zaphrodel.q@example.org"})
    waiting.telling.look()
    make(waiting)
    told = ask(waiting)
    assert told.json()["waits"]["1"].keys() == {"state", "time"}
    with waiting.floor.room.database.read() as connection:
        number = connection.execute(select(orders.c.number)).scalar_one()
    assert "zaphrodel" not in told.text
    assert number not in told.text
    assert ask(waiting, device="till-other").json()["waits"] == {}
    assert ask(waiting, last=0).json()["waits"] == {}
    # Its newest sale is that of another booth: there it stands now.
    waiting.floor.room.database.write(lambda c: till_numbers.hear(c, waiting.box.device, HUB, [2]))
    assert ask(waiting).json()["waits"] == {}
    elsewhere = waiting.floor.room.database.write(lambda c: make_key(c, "till", "pos", HUB))
    assert ask(waiting, key=elsewhere).status_code == 404
    assert ask(waiting, last=-1).status_code == 422


@only_sqlite
def test_where_nothing_is_promised_nothing_is_said_of_a_time(stall: Stall) -> None:
    stall.telling.look()
    assert sell(stall) == []
    stall.telling.look()
    assert shown(stall) == []
    assert "waits" not in ask(stall).json()


@only_sqlite
@pytest.mark.parametrize("hold", ["held", "cancelled"])
def test_a_sale_that_is_not_made_is_said_to_be_so(waiting: Stall, hold: str) -> None:
    sell(waiting)
    waiting.telling.look()
    make(waiting)
    waiting.floor.room.database.write(lambda c: c.execute(update(orders).values(state=hold)))
    waiting.telling.look()
    assert shown(waiting) == [
        {"held": "Number 1: no time yet: it is on hold, ask the hub.", "cancelled": "Number 1: cancelled."}[hold]
    ]
