"""An Etsy shop that is told of stock: off sale when nothing is left, on sale again with what comes, and asked as before
by a login that may not tell."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import update

from backroom.channels.remote import LISTING_OFF
from backroom.outgoing.circuit import close_all
from backroom.store import level_calls, selling, stock
from backroom.store.database import now
from backroom.store.tables import channel_stock, stock_levels
from tasks.tell_stock import StockUntold
from tests.fake_etsy import SHOP, FakeEtsy
from tests.shops import GTIN_TEE, HUB, PLAIN, SCARCE, Floor
from tests.told import Told

MINE = stock_levels.c.sku == SCARCE


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


@pytest.fixture
def etsy() -> FakeEtsy:
    fake = FakeEtsy()
    fake.shelf.have(11, {PLAIN: 3, GTIN_TEE: 3})
    fake.shelf.have(12, {SCARCE: 9})
    return fake


@pytest.fixture
def stall(told: Told, etsy: FakeEtsy, httpserver: HTTPServer) -> Floor:
    return told("etsy", etsy.listen(httpserver), account=SHOP)


def receive(floor: Floor, sku: str, pieces: int, delivery: str) -> None:
    floor.room.database.write(lambda c: stock.receive(c, delivery, [(HUB, sku, pieces)], "delivered", now(c)))


def test_the_last_piece_that_is_sold_elsewhere_takes_the_listing_off_sale_and_a_delivery_puts_it_on_again(
    stall: Floor, etsy: FakeEtsy
) -> None:
    assert stall.tell_stock() == ["3 levels told"]
    assert (etsy.shelf.shows("11"), etsy.shelf.shows("12")) == ({PLAIN: 120, GTIN_TEE: 20}, {SCARCE: 1})
    # As a sale at the till, which is none of Etsy's.
    stall.room.database.write(lambda c: c.execute(update(stock_levels).where(MINE).values(on_hand=0)).rowcount)
    stall.tell_stock()
    assert etsy.shelf.listings["12"]["state"] == "inactive"
    # The next process knows that we did it.
    receive(stall, SCARCE, 4, "d1")
    stall.tell_stock()
    assert (etsy.shelf.listings["12"]["state"], etsy.shelf.shows("12")) == ("active", {SCARCE: 4})
    etsy.shelf.listings["12"]["state"] = "inactive"
    receive(stall, SCARCE, 1, "d2")
    assert stall.tell_stock() == ["0 levels told, 1 not sold there"]
    with stall.room.database.read() as connection:
        rows = {row["sku"]: (row["level"], row["trouble"]) for row in selling.levels_of(connection, "web")}
    assert rows[SCARCE] == (None, LISTING_OFF)


def test_a_login_that_may_not_tell_asks_a_person_once_and_tells_all_when_it_may(stall: Floor, etsy: FakeEtsy) -> None:
    etsy.scopes = ("transactions_r", "transactions_w")
    with pytest.raises(StockUntold, match="listings_r and listings_w") as caught:
        stall.tell_stock()
    assert caught.value.cause == "etsy-scope"
    with stall.room.database.read() as connection:
        [trouble] = level_calls.trouble_of(connection)
    assert (trouble["channel"], trouble["cause"]) == ("web", "etsy-scope")
    stall.room.database.write(lambda c: c.execute(update(channel_stock).values(next_attempt_at=None)).rowcount)
    etsy.scopes = (*etsy.scopes, "listings_r", "listings_w")
    assert stall.tell_stock() == ["3 levels told"]
