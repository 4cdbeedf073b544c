"""An account at Square that is told of more levels than one of its calls takes, by the task that tells."""

from __future__ import annotations

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Connection

from backroom.outgoing.circuit import close_all
from backroom.store import stock
from backroom.store.catalogue import save_variants
from backroom.store.database import now
from blocks.channels import ChannelAccount
from tasks.tell_stock import StockUntold
from tests.fake_square import LOCATION, TOKEN, FakeSquare, error, variation
from tests.shops import CATALOGUE, HUB, Floor, a_variant
from tests.told import open_api

PINS = [f"TEE-PIN-{number:03}" for number in range(101 - len(CATALOGUE))]
LAST = "TEE-WHT-L"


@pytest.fixture
def square() -> FakeSquare:
    """An account with 101 SKUs, of which it shows none."""
    fake = FakeSquare(page=1000)
    for sku in (*PINS, *(one.sku for one in CATALOGUE)):
        fake.variations[f"V-{sku}"] = variation(f"V-{sku}", sku)
        fake.counts[f"V-{sku}"] = 0
    return fake


@pytest.fixture
def account(floor: Floor, square: FakeSquare, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Floor:
    """The floor with as many SKUs, told to that account; its block is made here, without Prefect's store of them."""
    close_all()
    block = ChannelAccount(kind="square", secret=TOKEN)
    monkeypatch.setattr("tasks.connections._account", lambda _channel: block)
    open_api(floor, "square", square.listen(httpserver), account=LOCATION)

    def fill(connection: Connection) -> None:
        save_variants(connection, [a_variant(sku) for sku in PINS])
        stock.receive(connection, "pins", [(HUB, sku, 7) for sku in PINS], "delivered", now(connection))

    floor.room.database.write(fill)
    return floor


def test_every_level_of_a_shop_with_more_than_a_hundred_is_told(account: Floor, square: FakeSquare) -> None:
    assert account.tell_stock() == ["101 levels told"]
    assert [square.counts[f"V-{sku}"] for sku in (*PINS, LAST)] == [*[7] * len(PINS), 20]


def test_where_the_second_part_is_refused_the_first_stays_told_and_the_rest_is_due(
    account: Floor, square: FakeSquare
) -> None:
    closed = error(400, "INVALID_REQUEST_ERROR", "BAD_REQUEST")
    square.fails = lambda _, body: closed if len((body or {}).get("changes", ())) == 1 else None
    with pytest.raises(StockUntold):
        account.tell_stock()
    assert [square.counts[f"V-{sku}"] for sku in (*PINS, LAST)] == [*[7] * len(PINS), 0]
    square.fails = lambda _path, _body: None
    assert account.tell_stock(at_once=True) == ["1 levels told"]
    assert square.counts[f"V-{LAST}"] == 20
