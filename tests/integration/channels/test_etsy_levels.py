"""Telling Etsy its levels: listings of a shop that answers by hand over real HTTP, and refuses what Etsy refuses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from backroom.channels.etsy_calls import ScopeMissing
from backroom.channels.etsy_source import EtsyNews, EtsySource
from backroom.channels.login_drawer import LoginDrawer
from backroom.channels.off_sale import OffSaleRows
from backroom.channels.remote import (
    LEVEL_REFUSED,
    LISTING_OFF,
    NOT_COUNTED,
    SKU_TWICE,
    UNKNOWN_SKU,
    StockSet,
    StockTold,
    TakesOffSale,
)
from backroom.domain.channels import ApiSpec, ChannelSpec
from backroom.domain.errors import BackroomError
from backroom.outgoing.circuit import close_all
from backroom.outgoing.client import TRIES
from backroom.outgoing.errors import ServiceAway, ServiceSetup
from backroom.store.database import Database
from tasks.tell_stock import _nothing_happened
from tests.fake_etsy import SECRET, SHOP, FakeEtsy, error

# Of Etsy's own API description 3.0.0: "ListingInventory" and what it is made of, and the body that puts one back.
INVENTORY = "products price_on_property quantity_on_property sku_on_property readiness_state_on_property"
PRODUCT = "product_id sku is_deleted offerings property_values"
OFFERING = "offering_id quantity is_enabled is_deleted price readiness_state_id"
VALUE = "property_id property_name scale_id scale_name value_ids values"
PUT_PRODUCT, PUT_OFFERING = "sku property_values offerings", "price quantity is_enabled readiness_state_id"
PUT_VALUE = "property_id value_ids scale_id property_name values"


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


@pytest.fixture
def etsy() -> FakeEtsy:
    return FakeEtsy()


@pytest.fixture
def spec(etsy: FakeEtsy, httpserver: HTTPServer) -> ChannelSpec:
    api = ApiSpec(etsy.listen(httpserver), "channel.stall", tell=("shipped", "stock"), account=SHOP)
    return ChannelSpec("stall", "etsy", 3, "standard", api=api)


@pytest.fixture
def news(spec: ChannelSpec, database: Database) -> EtsyNews:
    news = EtsyNews(spec, SECRET)
    assert isinstance(news, TakesOffSale)
    news.keep_in(LoginDrawer(database, spec.id))
    news.keep_off_sale_in(OffSaleRows(database, spec.id))
    return news


def told(news: EtsyNews, *levels: StockTold) -> dict[str, StockSet]:
    return {one.sku: one for one in news.stock(levels)}


def called(etsy: FakeEtsy, method: str, ending: str) -> list[dict[str, str]]:
    return [params for how, path, params in etsy.calls if how == method and path.endswith(ending)]


def test_only_the_quantity_of_what_is_told_is_changed_and_the_rest_is_put_back_as_etsy_wants_it(
    etsy: FakeEtsy, news: EtsyNews
) -> None:
    tee = etsy.shelf.have(11, {"TEE-S": 5, "TEE-M": 7, "": 2})
    etsy.shelf.inventories[tee]["products"][2]["offerings"][0]["is_enabled"] = False
    assert told(news, StockTold("TEE-M", 3, before=7)) == {"TEE-M": StockSet("TEE-M", 3)}
    assert etsy.shelf.shows(tee) == {"TEE-S": 5, "TEE-M": 3, "": 2}
    [(_, body)] = etsy.shelf.puts
    assert body.keys() == set(INVENTORY.split())
    assert body["products"][0].keys() == set(PUT_PRODUCT.split())
    assert body["products"][0]["offerings"][0].keys() == set(PUT_OFFERING.split())
    assert body["products"][0]["property_values"][0].keys() == set(PUT_VALUE.split())
    shown = etsy.shelf.inventories[tee]
    assert shown.keys() == set(INVENTORY.split())
    assert shown["products"][0].keys() == set(PRODUCT.split())
    assert shown["products"][0]["offerings"][0].keys() == set(OFFERING.split())
    assert shown["products"][0]["property_values"][0].keys() == set(VALUE.split())


def test_levels_of_one_listing_are_one_call_and_a_level_that_stands_is_none(etsy: FakeEtsy, news: EtsyNews) -> None:
    etsy.shelf.have(11, {"TEE-S": 5, "TEE-M": 7})
    etsy.shelf.have(12, {"CAP": 4})
    told(news, StockTold("TEE-S", 1), StockTold("TEE-M", 2), StockTold("CAP", 4))
    assert [listing for listing, _ in etsy.shelf.puts] == ["11"]


def test_what_etsy_sold_itself_and_we_have_not_heard_of_is_taken_off(etsy: FakeEtsy, news: EtsyNews) -> None:
    tee = etsy.shelf.have(11, {"TEE-S": 3})
    assert told(news, StockTold("TEE-S", 5, before=5)) == {"TEE-S": StockSet("TEE-S", 3, 2)}
    assert (etsy.shelf.shows(tee), etsy.shelf.puts) == ({"TEE-S": 3}, [])


def test_what_is_sold_between_reading_and_putting_back_does_not_come_back_to_life(
    etsy: FakeEtsy, news: EtsyNews
) -> None:
    tee = etsy.shelf.have(11, {"TEE-S": 5, "TEE-M": 7, "STRANGER": 4})
    etsy.shelf.between = [
        lambda: etsy.shelf.sell(tee, "TEE-S", etsy.receipts, 1),
        lambda: etsy.shelf.sell(tee, "STRANGER", etsy.receipts, 2, pieces=2),
    ]
    answers = told(news, StockTold("TEE-S", 5, before=5), StockTold("TEE-M", 6, before=7))
    assert etsy.shelf.shows(tee) == {"TEE-S": 4, "TEE-M": 6, "STRANGER": 2}
    assert answers == {"TEE-S": StockSet("TEE-S", 4, 1), "TEE-M": StockSet("TEE-M", 6)}


def test_what_was_sold_before_or_in_another_listing_is_not_taken_off_twice(etsy: FakeEtsy, news: EtsyNews) -> None:
    tee, cap = etsy.shelf.have(11, {"TEE-S": 5}), etsy.shelf.have(12, {"CAP": 5})
    etsy.shelf.sell(tee, "TEE-S", etsy.receipts, 1)
    for one in etsy.receipts.values():
        one["created_timestamp"] -= 60
    etsy.shelf.between = [lambda: etsy.shelf.sell(cap, "CAP", etsy.receipts, 2)]
    assert told(news, StockTold("TEE-S", 3, before=4)) == {"TEE-S": StockSet("TEE-S", 3)}
    assert etsy.shelf.shows(tee) == {"TEE-S": 3}


def test_a_listing_in_which_nothing_is_left_is_off_sale_and_comes_back_with_its_stock(
    etsy: FakeEtsy, news: EtsyNews
) -> None:
    tee = etsy.shelf.have(11, {"TEE-S": 2, "TEE-M": 0})
    assert told(news, StockTold("TEE-S", 0, before=2)) == {"TEE-S": StockSet("TEE-S", 0)}
    # Etsy wants to see one piece in it: nobody can buy that.
    assert (etsy.shelf.listings[tee]["state"], etsy.shelf.shows(tee)) == ("inactive", {"TEE-S": 1, "TEE-M": 0})
    standing = len(etsy.shelf.puts)
    assert told(news, StockTold("TEE-S", 0, before=0)) == {"TEE-S": StockSet("TEE-S", 0)}
    assert len(etsy.shelf.puts) == standing
    # Of the one that comes back as much as there is, and of the other nothing.
    assert told(news, StockTold("TEE-M", 4, before=0)) == {"TEE-M": StockSet("TEE-M", 4)}
    assert (etsy.shelf.listings[tee]["state"], etsy.shelf.shows(tee)) == ("active", {"TEE-S": 0, "TEE-M": 4})
    told(news, StockTold("TEE-M", 0, before=4))
    assert (etsy.shelf.listings[tee]["state"], etsy.shelf.shows(tee)) == ("inactive", {"TEE-S": 0, "TEE-M": 1})


def test_a_listing_whose_other_variation_is_left_stays_on_sale(etsy: FakeEtsy, news: EtsyNews) -> None:
    tee = etsy.shelf.have(11, {"TEE-S": 2, "STRANGER": 1})
    told(news, StockTold("TEE-S", 0, before=2))
    assert (etsy.shelf.listings[tee]["state"], etsy.shelf.shows(tee)) == ("active", {"TEE-S": 0, "STRANGER": 1})


def test_what_is_hidden_from_buyers_keeps_no_listing_on_sale(etsy: FakeEtsy, news: EtsyNews) -> None:
    tee = etsy.shelf.have(11, {"TEE-S": 2, "HIDDEN": 1})
    etsy.shelf.inventories[tee]["products"][1]["offerings"][0]["is_enabled"] = False
    told(news, StockTold("TEE-S", 0, before=2))
    assert etsy.shelf.listings[tee]["state"] == "inactive"


def test_what_a_person_took_off_sale_or_what_would_cost_a_fee_stays_off(etsy: FakeEtsy, news: EtsyNews) -> None:
    etsy.shelf.have(11, {"BY-HAND": 3}, state="inactive")
    etsy.shelf.have(12, {"SOLD": 0}, state="sold_out")
    etsy.shelf.have(13, {"OURS": 1})
    told(news, StockTold("OURS", 0, before=1))
    etsy.shelf.listings["13"]["ending_timestamp"] = int(time.time()) - 60
    answers = told(
        news, StockTold("BY-HAND", 3, before=3), StockTold("SOLD", 2, before=0), StockTold("OURS", 2, before=0)
    )
    assert answers == {sku: StockSet(sku, None, trouble=LISTING_OFF) for sku in ("BY-HAND", "SOLD", "OURS")}
    assert {one["state"] for one in etsy.shelf.listings.values()} == {"inactive", "sold_out"}
    # Nothing to sell is no trouble; and the last piece was sold there, of which we have not heard.
    answers = told(news, StockTold("BY-HAND", 0, before=3), StockTold("SOLD", 1, before=1))
    assert answers == {"BY-HAND": StockSet("BY-HAND", 0), "SOLD": StockSet("SOLD", 0, 1)}


def test_what_a_person_puts_on_sale_again_and_off_again_is_theirs(etsy: FakeEtsy, news: EtsyNews) -> None:
    tee = etsy.shelf.have(11, {"TEE-S": 2})
    told(news, StockTold("TEE-S", 0, before=2))
    etsy.shelf.listings[tee]["state"] = "active"
    told(news, StockTold("TEE-S", 3, before=0))
    assert etsy.shelf.shows(tee) == {"TEE-S": 3}
    etsy.shelf.listings[tee]["state"] = "inactive"
    assert told(news, StockTold("TEE-S", 4, before=3))["TEE-S"].trouble == LISTING_OFF
    assert etsy.shelf.listings[tee]["state"] == "inactive"


def test_a_listing_of_which_we_died_while_it_was_taken_off_sale_is_ours_all_the_same(
    etsy: FakeEtsy, news: EtsyNews
) -> None:
    tee = etsy.shelf.have(11, {"TEE-S": 2, "TEE-M": 3})
    answered = etsy.shelf._put
    etsy.shelf._put = lambda *_: Response("", 500)  # type: ignore[method-assign]
    with pytest.raises(ServiceAway):
        told(news, StockTold("TEE-S", 0, before=2), StockTold("TEE-M", 0, before=3))
    assert etsy.shelf.listings[tee]["state"] == "inactive"
    etsy.shelf._put = answered  # type: ignore[method-assign]
    close_all()
    told(news, StockTold("TEE-S", 0, before=0), StockTold("TEE-M", 0, before=0))
    assert etsy.shelf.shows(tee) == {"TEE-S": 0, "TEE-M": 1}
    told(news, StockTold("TEE-S", 6, before=0))
    assert (etsy.shelf.listings[tee]["state"], etsy.shelf.shows(tee)) == ("active", {"TEE-S": 6, "TEE-M": 0})


def test_a_sku_that_is_nowhere_twice_or_counted_with_another_is_named_and_keeps_no_other_from_being_told(
    etsy: FakeEtsy, news: EtsyNews
) -> None:
    etsy.shelf.have(11, {"TEE-S": 5})
    etsy.shelf.have(12, {"CAP": 5})
    etsy.shelf.have(13, {"CAP": 5})
    etsy.shelf.have(14, {"SOCK-S": 5, "SOCK-M": 5}, by=())
    # A copy that was sold out long ago is in nobody's way.
    etsy.shelf.have(15, {"TEE-S": 0}, state="sold_out")
    answers = told(news, *(StockTold(sku, 2) for sku in ("TEE-S", "CAP", "SOCK-S", "NOWHERE")))
    assert {sku: (one.level, one.trouble) for sku, one in answers.items()} == {
        "TEE-S": (2, ""),
        "CAP": (None, SKU_TWICE),
        "SOCK-S": (None, NOT_COUNTED),
        "NOWHERE": (None, UNKNOWN_SKU),
    }
    assert [listing for listing, _ in etsy.shelf.puts] == ["11"]


def test_one_sku_of_several_variations_that_are_counted_as_one_has_one_level(etsy: FakeEtsy, news: EtsyNews) -> None:
    mug = etsy.shelf.have(11, {"MUG": 5, "": 5}, by=())
    etsy.shelf.inventories[mug]["products"][1]["sku"] = "MUG"
    assert told(news, StockTold("MUG", 3))["MUG"].level == 3
    assert [one["offerings"][0]["quantity"] for one in etsy.shelf.inventories[mug]["products"]] == [3, 3]


def test_no_more_is_shown_than_etsy_takes(etsy: FakeEtsy, news: EtsyNews) -> None:
    tee = etsy.shelf.have(11, {"TEE-S": 5})
    assert told(news, StockTold("TEE-S", 1200)) == {"TEE-S": StockSet("TEE-S", 999)}
    assert etsy.shelf.shows(tee) == {"TEE-S": 999}
    assert told(news, StockTold("TEE-S", 1200, before=999)) == {"TEE-S": StockSet("TEE-S", 999)}
    assert len(etsy.shelf.puts) == 1


def test_a_listing_that_etsy_refuses_or_that_is_gone_keeps_no_other_from_being_told(
    etsy: FakeEtsy, news: EtsyNews
) -> None:
    etsy.shelf.have(11, {"TEE-S": 5})
    etsy.shelf.have(12, {"CAP": 5})
    etsy.shelf.have(13, {"LAST": 1})
    etsy.shelf.have(14, {"GONE": 1})
    del etsy.shelf.inventories["14"]
    etsy.shelf.refuses = {"11", "13"}
    answers = told(news, *(StockTold(sku, pieces) for sku, pieces in {"TEE-S": 2, "CAP": 2, "LAST": 0}.items()))
    assert {sku: one.trouble for sku, one in answers.items()} == {
        "TEE-S": LEVEL_REFUSED,
        "CAP": "",
        "LAST": LEVEL_REFUSED,
    }
    # It could not be taken off: so it is not ours to put on again.
    etsy.shelf.refuses, etsy.shelf.listings["13"]["state"] = set(), "inactive"
    assert told(news, StockTold("LAST", 2, before=0))["LAST"].trouble == LISTING_OFF


def test_listings_are_asked_for_a_hundred_at_once(etsy: FakeEtsy, news: EtsyNews) -> None:
    for number in range(1, 231):
        etsy.shelf.have(number, {f"S{number}": 5})
    told(news, StockTold("S1", 4), StockTold("S230", 4))
    pages = called(etsy, "GET", "/listings")
    assert [(one["state"], one["offset"]) for one in pages] == [
        ("active", "0"),
        ("active", "100"),
        ("active", "200"),
        ("inactive", "0"),
        ("sold_out", "0"),
    ]


def test_a_login_without_the_scopes_says_so_when_it_is_told_and_to_the_doctor_and_asks_as_before(
    etsy: FakeEtsy, news: EtsyNews, spec: ChannelSpec, database: Database
) -> None:
    etsy.shelf.have(11, {"TEE-S": 5})
    source = EtsySource(spec, SECRET)
    source.keep_in(LoginDrawer(database, spec.id))
    source.check()
    for scopes, lacks in (
        (("transactions_r", "transactions_w"), "listings_r and listings_w"),
        (("transactions_r", "transactions_w", "listings_r"), "lacks listings_w"),
    ):
        etsy.scopes = scopes
        for ask in (lambda: told(news, StockTold("TEE-S", 3)), source.check):
            with pytest.raises(ScopeMissing, match=lacks) as caught:
                ask()
            assert "listings_w" in caught.value.remedy
            assert etsy.access not in str(caught.value)
    assert list(source.changed_since(datetime.now(UTC))) == []
    assert etsy.shelf.shows("11") == {"TEE-S": 5}
    # Who is not told of stock needs none of them.
    assert spec.api is not None
    plain = EtsySource(replace(spec, api=replace(spec.api, tell=("shipped",))), SECRET)
    plain.keep_in(LoginDrawer(database, spec.id))
    plain.check()


def test_what_is_refused_for_another_reason_is_not_said_to_be_a_scope(etsy: FakeEtsy, news: EtsyNews) -> None:
    etsy.shelf.have(11, {"TEE-S": 5})
    told(news, StockTold("TEE-S", 5))
    etsy.bad = [Response('{"error": "App is banned"}', 403)]
    with pytest.raises(ServiceSetup):
        told(news, StockTold("TEE-S", 3))


def test_too_many_calls_are_put_off_for_as_long_as_etsy_says(etsy: FakeEtsy, news: EtsyNews) -> None:
    etsy.shelf.have(11, {"TEE-S": 5})
    told(news, StockTold("TEE-S", 5))
    etsy.bad = [Response("", 429, headers={"Retry-After": "3600"})]
    with pytest.raises(ServiceAway) as caught:
        told(news, StockTold("TEE-S", 3))
    assert caught.value.nothing_happened
    assert caught.value.retry_after is not None
    assert caught.value.retry_after.total_seconds() == 3600


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Response("", 503), ServiceAway),
        # One that may have come of it: a login, and no level.
        (Response("", 500), ServiceAway),
        (Response("<html>", 200), ServiceSetup),
        (Response("{}", 200), ServiceSetup),
    ],
)
def test_of_a_login_that_could_not_be_renewed_no_level_is_in_doubt(
    etsy: FakeEtsy, news: EtsyNews, monkeypatch: pytest.MonkeyPatch, answer: Response, kind: type[BackroomError]
) -> None:
    monkeypatch.setattr("backroom.outgoing.client.FIRST_PAUSE", 0.01)
    etsy.shelf.have(11, {"TEE-S": 5})
    etsy.bad = [answer] * TRIES
    with pytest.raises(kind) as caught:
        told(news, StockTold("TEE-S", 3))
    assert _nothing_happened(caught.value)
    assert {path for _, path, _ in etsy.calls} == {"public/oauth/token"}


def test_while_another_run_renews_the_login_no_level_is_in_doubt(
    etsy: FakeEtsy, news: EtsyNews, spec: ChannelSpec, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backroom.channels.etsy_calls._WAIT", 0.0)
    assert LoginDrawer(database, spec.id).take_turn(SECRET)
    with pytest.raises(ServiceAway) as caught:
        told(news, StockTold("TEE-S", 3))
    assert _nothing_happened(caught.value)
    assert etsy.calls == []


def test_where_etsy_does_not_say_what_the_login_may_no_level_is_in_doubt(
    etsy: FakeEtsy, news: EtsyNews, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backroom.outgoing.client.FIRST_PAUSE", 0.01)
    etsy.shelf.have(11, {"TEE-S": 5})
    told(news, StockTold("TEE-S", 5))
    etsy.bad = [error(403, "insufficient_scope"), *[Response("", 503)] * TRIES]
    with pytest.raises(ServiceAway) as caught:
        told(news, StockTold("TEE-S", 3))
    assert _nothing_happened(caught.value)
