"""A seller at Meta who is told of stock: levels of a catalogue, and a catalogue that the token does not open."""

from __future__ import annotations

import pytest
from pytest_httpserver import HTTPServer

from backroom.channels import meta_levels
from backroom.outgoing.circuit import close_all
from backroom.store import level_calls, selling, stock
from backroom.store.database import now
from tasks.tell_stock import StockUntold
from tests.fake_meta import CATALOGUE, CMS, FakeMeta
from tests.shops import GTIN_TEE, HUB, PLAIN, SCARCE, Floor
from tests.told import Told


@pytest.fixture
def meta() -> FakeMeta:
    close_all()
    fake = FakeMeta()
    for sku in (PLAIN, GTIN_TEE, SCARCE):
        fake.catalogue.have(sku, 0, "out of stock")
    return fake


@pytest.fixture
def seller(told: Told, meta: FakeMeta, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Floor:
    monkeypatch.setattr(meta_levels, "PAUSES", (0.0,))
    return told("meta", meta.listen(httpserver), account=CMS, catalogue=CATALOGUE)


def test_all_levels_are_one_batch_and_one_that_is_not_saved_is_named_and_not_told_for_ever(
    seller: Floor, meta: FakeMeta
) -> None:
    meta.catalogue.invalid = {SCARCE}
    assert seller.tell_stock() == ["2 levels told, 1 refused there"]
    assert meta.catalogue.shows() == {
        PLAIN: (120, "in stock"),
        GTIN_TEE: (20, "in stock"),
        SCARCE: (0, "out of stock"),
    }
    assert (len(meta.catalogue.batches), seller.tell_stock()) == (1, [])
    meta.catalogue.invalid = set()
    seller.room.database.write(lambda c: stock.receive(c, "d1", [(HUB, SCARCE, 1)], "delivered", now(c)))
    assert seller.tell_stock() == ["1 levels told"]
    assert meta.catalogue.shows()[SCARCE] == (2, "in stock")


def test_a_batch_that_is_not_carried_out_yet_is_told_again_and_is_read_first(seller: Floor, meta: FakeMeta) -> None:
    meta.catalogue.statuses = ["started"]
    [said] = seller.tell_stock()
    assert said.startswith("put off")
    with seller.room.database.read() as connection:
        assert all(row["doubtful"] for row in selling.levels_of(connection, "web"))
    seller.room.database.write(lambda c: level_calls.tell_anew(c, "web"))
    assert seller.tell_stock() == ["3 levels told"]
    assert len(meta.catalogue.batches) == 1


def test_a_catalogue_that_the_token_does_not_open_asks_a_person_once(seller: Floor, meta: FakeMeta) -> None:
    meta.catalogue.allowed = False
    with pytest.raises(StockUntold, match="code 200") as caught:
        seller.tell_stock()
    assert (caught.value.cause, "catalog_management" in caught.value.remedy) == ("meta-catalogue", True)
    meta.catalogue.allowed = True
    seller.room.database.write(lambda c: level_calls.tell_anew(c, "web"))
    assert seller.tell_stock() == ["3 levels told"]
