"""Every call to Etsy, held against a client that is generated from its own description (`tests/peers/etsy_client.py`).

TypeScript judges the names and kinds of what we ask and of what our fake answers. Then that client makes the same calls
at the same fake: what it sends is what we sent, in the same form. The login is none of the description: it is as Etsy's
page "Authentication" says.
"""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from backroom.channels.etsy_source import EtsyNews, EtsySource
from backroom.channels.off_sale import OffSaleRows
from backroom.channels.remote import StockTold
from backroom.domain.channels import ChannelSpec
from backroom.store.database import Database
from tests.fake_etsy import KEY, FakeEtsy
from tests.integration.channels.test_etsy import ID, SHIPPED, SINCE, fresh_circuits, source, spec, told_by
from tests.peers import etsy_client
from tests.peers.etsy_client import Program, Said, heard
from tests.unit.channels.samples import raw

__all__ = ["fresh_circuits", "source", "spec"]

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(not etsy_client.is_there(), reason="NO CLIENT of Etsy: Node or its packages are missing"),
]

# As Etsy sends it: a number is a number.
RECEIPT = json.loads(raw("etsy_receipt.json"))
LOGIN = "/v3/public/oauth/token"
RECEIPT_ASKED = Said("GET", f"/v3/application/shops/1/receipts/{ID}", (), "", None, ("", ""))


def calls(server: HTTPServer) -> list[tuple[Said, Any]]:
    """What was said since the last look and what was answered, without logins."""
    log, server.log[:] = list(server.log), []
    return [(heard(asked), json.loads(answer.get_data())) for asked, answer in log if asked.path != LOGIN]


def held_against_the_client(server: HTTPServer, fake: FakeEtsy, folder: Path) -> dict[str, Said]:
    """Have the generated client make our calls again, and compare; returns them by operation."""
    ours = calls(server)
    program = Program(folder, server.url_for("").rstrip("/"), KEY, fake.access)
    for said, answer in ours:
        program.call(said)
        program.answer(said, answer)
    assert program.wrong() == []
    program.run()
    theirs = [said for said, _ in calls(server)]
    # It logs in for every call; the key of the app alone is enough for some.
    logged_in = zip(ours, theirs, strict=True)
    theirs = [said if one.login[1] else replace(said, login=one.login) for (one, _), said in logged_in]
    assert theirs == [said for said, _ in ours]
    return {etsy_client.operation_of(said).name: said for said in theirs}


@pytest.fixture
def etsy() -> FakeEtsy:
    return FakeEtsy({ID: copy.deepcopy(RECEIPT)})


@pytest.fixture
def news(spec: ChannelSpec, database: Database) -> EtsyNews:
    return told_by(spec, database)


def test_receipts_are_asked_for_as_the_client_does(
    etsy: FakeEtsy, source: EtsySource, httpserver: HTTPServer, tmp_path: Path
) -> None:
    etsy.receipts["7"] = copy.deepcopy(RECEIPT) | {"receipt_id": 7, "status": "canceled"}
    source.check()
    assert len(list(source.changed_since(SINCE))) == 2
    assert len(list(source.fetch([ID]))) == 1
    assert held_against_the_client(httpserver, etsy, tmp_path).keys() == {
        "Other.ping",
        "ShopReceipt.getShopReceipts",
        "ShopReceipt.getShopReceipt",
    }


def test_a_parcel_is_told_as_the_client_does(
    etsy: FakeEtsy, news: EtsyNews, httpserver: HTTPServer, tmp_path: Path
) -> None:
    news.shipped(SHIPPED)
    told = held_against_the_client(httpserver, etsy, tmp_path)["ShopReceipt.createReceiptShipment"]
    # In a form, as it was until 2026, it would be a receipt that was sent without a number.
    assert told.media_type == "application/json"
    assert told.body == {"carrier_name": SHIPPED.carrier, "tracking_code": SHIPPED.tracking}


def test_a_collection_is_told_as_the_client_does(
    etsy: FakeEtsy, news: EtsyNews, httpserver: HTTPServer, tmp_path: Path
) -> None:
    news.shipped(replace(SHIPPED, carrier="", tracking=""))
    assert held_against_the_client(httpserver, etsy, tmp_path)["ShopReceipt.createReceiptShipment"].body == {}


def test_levels_are_told_as_the_client_does(
    etsy: FakeEtsy, news: EtsyNews, spec: ChannelSpec, database: Database, httpserver: HTTPServer, tmp_path: Path
) -> None:
    news.keep_off_sale_in(OffSaleRows(database, spec.id))
    etsy.shelf.have(11, {"TEE-S": 5, "TEE-M": 7})
    list(news.stock([StockTold("TEE-M", 3, before=7)]))
    list(news.stock([StockTold("TEE-M", 0, before=3), StockTold("TEE-S", 0, before=5)]))
    list(news.stock([StockTold("TEE-M", 2, before=0)]))
    assert held_against_the_client(httpserver, etsy, tmp_path).keys() >= {
        "ShopListing.getListingsByShop",
        "ShopListing.updateListing",
        "ShopListingInventory.getListingInventory",
        "ShopListingInventory.updateListingInventory",
        "ShopReceipt.getShopReceipts",
    }


def test_a_receipt_that_etsy_would_not_send_is_seen(tmp_path: Path) -> None:
    program = Program(tmp_path, "http://127.0.0.1:9", KEY, "")
    made_up: dict[str, dict[str, Any]] = {
        "fulfilments": {"fulfilments": []},
        "boolean": {"is_paid": "yes"},
        "partially refunded": {"status": "sent"},
        "number": {"grandtotal": {"amount": "63.90", "divisor": 100, "currency_code": "EUR"}},
        "tracking_number": {"shipments": [{"tracking_number": "1"}]},
    }
    for changes in made_up.values():
        program.answer(RECEIPT_ASKED, RECEIPT | changes)
    said = program.wrong()
    assert len(said) == len(made_up)
    assert all(word in one for word, one in zip(made_up, said, strict=True))


def test_a_call_that_etsy_does_not_know_is_seen(tmp_path: Path) -> None:
    program = Program(tmp_path, "http://127.0.0.1:9", KEY, "")
    path = f"/v3/application/shops/1/receipts/{ID}/tracking"
    program.call(Said("POST", path, (), "application/json", {"tracking_number": "1"}, ("", "")))
    program.call(Said("GET", "/v3/application/shops/1/receipts", (("sort_on", "age"),), "", None, ("", "")))
    first, second = program.wrong()
    assert "tracking_number" in first
    assert '"age"' in second
    with pytest.raises(AssertionError, match="no GET"):
        program.call(Said("GET", "/v3/application/shops/1/parcels", (), "", None, ("", "")))
