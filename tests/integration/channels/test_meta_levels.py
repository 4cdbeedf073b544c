"""Telling Meta its levels: a catalogue that answers by hand over real HTTP, in batches that are carried out later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pytest_httpserver import HTTPServer

from backroom.channels import meta_levels
from backroom.channels.meta_levels import CatalogueClosed
from backroom.channels.meta_news import MetaNews
from backroom.channels.meta_source import MetaSource
from backroom.channels.remote import LEVEL_REFUSED, NOT_COUNTED, SKU_TWICE, UNKNOWN_SKU, StockSet, StockTold
from backroom.domain.channels import NEWS_OF, ApiSpec, ChannelSpec
from backroom.outgoing.circuit import close_all
from backroom.outgoing.errors import AnswerUnreadable, ServiceAway, ServiceSetup
from tests.fake_meta import CATALOGUE, CMS, TOKEN, FakeMeta, error, ok

# Of Meta's SDK, `facebook_business/adobjects/productitem.py`, and of its pages "Product Catalog Items Batch" (3 April
# 2026) and "Check Batch Request Status" (3 February 2026).
ITEM = "id retailer_id quantity_to_sell_on_facebook inventory availability"
BATCH = "allow_upsert item_type requests"
STATUS = "handle status errors_total_count errors ids_of_invalid_requests"


@pytest.fixture(autouse=True)
def fresh_circuits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(meta_levels, "PAUSES", (0.0,) * 5)
    close_all()
    yield
    close_all()


@pytest.fixture
def meta() -> FakeMeta:
    return FakeMeta()


@pytest.fixture
def spec(meta: FakeMeta, httpserver: HTTPServer) -> ChannelSpec:
    api = ApiSpec(meta.listen(httpserver), "channel.insta", account=CMS, tell=NEWS_OF["meta"], catalogue=CATALOGUE)
    return ChannelSpec("insta", "meta", 2, "standard", api=api)


@pytest.fixture
def news(spec: ChannelSpec) -> MetaNews:
    return MetaNews(spec, TOKEN)


def told(news: MetaNews, *levels: StockTold) -> dict[str, StockSet]:
    return {one.sku: one for one in news.stock(levels)}


def test_all_that_changed_is_one_batch_and_nothing_else_of_an_item_is_told(meta: FakeMeta, news: MetaNews) -> None:
    for number in range(120):
        meta.catalogue.have(f"S{number}", 5)
    answers = told(news, *(StockTold(f"S{number}", 5 if number < 20 else 4) for number in range(120)))
    assert {one.level for one in answers.values()} == {4, 5}
    [batch] = meta.catalogue.batches
    assert batch.keys() == set(BATCH.split())
    assert batch["allow_upsert"] is False
    assert [one["data"] for one in batch["requests"]] == [
        {"id": f"S{number}", "quantity_to_sell_on_facebook": 4} for number in range(20, 120)
    ]
    for asked in meta.catalogue.asked:
        assert set(asked["fields"].split(",")) <= {*ITEM.split(), *STATUS.split()}
    # The same levels again are read, and no batch.
    told(news, *(StockTold(f"S{number}", 5 if number < 20 else 4) for number in range(120)))
    assert len(meta.catalogue.batches) == 1


def test_what_is_out_says_so_and_in_again_but_what_its_seller_says_of_it_stands(meta: FakeMeta, news: MetaNews) -> None:
    for sku, quantity, availability in (
        ("LAST", 1, "in stock"),
        ("BACK", 0, "out of stock"),
        ("HIDDEN", 3, "out of stock"),
        ("SOON", 2, "preorder"),
    ):
        meta.catalogue.have(sku, quantity, availability)
    told(news, StockTold("LAST", 0), StockTold("BACK", 4), StockTold("HIDDEN", 2), StockTold("SOON", 0))
    assert meta.catalogue.shows() == {
        "LAST": (0, "out of stock"),
        "BACK": (4, "in stock"),
        "HIDDEN": (2, "out of stock"),
        "SOON": (0, "preorder"),
    }


def test_what_meta_sold_itself_and_we_have_not_heard_of_is_taken_off(meta: FakeMeta, news: MetaNews) -> None:
    meta.catalogue.have("TEE", 3)
    assert told(news, StockTold("TEE", 5, before=5)) == {"TEE": StockSet("TEE", 3, 2)}
    assert meta.catalogue.batches == []


def test_an_item_that_is_nowhere_twice_or_without_a_quantity_is_named_and_keeps_no_other_from_being_told(
    meta: FakeMeta, news: MetaNews
) -> None:
    meta.catalogue.have("TEE", 3)
    meta.catalogue.have("CAP", 3)
    meta.catalogue.have("CAP", 3)
    meta.catalogue.have("AD", None)
    meta.catalogue.items[meta.catalogue.have("OLD", None)]["inventory"] = 7
    answers = told(news, *(StockTold(sku, 2) for sku in ("TEE", "CAP", "AD", "OLD", "NOWHERE")))
    assert {sku: (one.level, one.trouble) for sku, one in answers.items()} == {
        "TEE": (2, ""),
        "CAP": (None, SKU_TWICE),
        "AD": (None, NOT_COUNTED),
        "OLD": (2, ""),
        "NOWHERE": (None, UNKNOWN_SKU),
    }


def test_what_a_batch_refuses_or_does_not_save_is_named_and_the_rest_is_told(meta: FakeMeta, news: MetaNews) -> None:
    for sku in ("TEE", "CAP", "SOCK", "BAG"):
        meta.catalogue.have(sku, 3)
    meta.catalogue.rejected, meta.catalogue.invalid = {"CAP"}, {"SOCK", "BAG"}
    answers = told(news, *(StockTold(sku, 2) for sku in ("TEE", "CAP", "SOCK", "BAG")))
    assert {sku: one.trouble for sku, one in answers.items()} == {
        "TEE": "",
        "CAP": LEVEL_REFUSED,
        "SOCK": LEVEL_REFUSED,
        "BAG": LEVEL_REFUSED,
    }


def test_a_batch_is_waited_for_and_one_that_is_not_carried_out_leaves_its_levels_in_doubt(
    meta: FakeMeta, news: MetaNews
) -> None:
    meta.catalogue.have("TEE", 3)
    meta.catalogue.statuses = ["scheduled", "dispatched", "started"]
    assert told(news, StockTold("TEE", 2)) == {"TEE": StockSet("TEE", 2)}
    for statuses in (["started"] * 5, ["error"], ["canceled"]):
        meta.catalogue.items["7000"]["quantity_to_sell_on_facebook"] = 3
        meta.catalogue.statuses = statuses
        with pytest.raises(ServiceAway) as caught:
            told(news, StockTold("TEE", 2))
        assert not caught.value.nothing_happened
        meta.catalogue.statuses = []
    # It was carried out after all: the next telling reads so, and tells nothing twice.
    standing = len(meta.catalogue.batches)
    assert told(news, StockTold("TEE", 2)) == {"TEE": StockSet("TEE", 2)}
    assert len(meta.catalogue.batches) == standing


@pytest.mark.parametrize(("open_", "allowed"), [(False, True), (True, False)])
def test_a_catalogue_that_the_token_does_not_open_is_told_to_the_doctor_and_keeps_no_order_back(
    meta: FakeMeta, news: MetaNews, spec: ChannelSpec, open_: bool, allowed: bool
) -> None:
    source = MetaSource(spec, TOKEN)
    source.check()
    meta.catalogue.open, meta.catalogue.allowed = open_, allowed
    for ask in (lambda: told(news, StockTold("TEE", 2)), source.check):
        with pytest.raises(CatalogueClosed) as caught:
            ask()
        assert all(word in caught.value.remedy for word in ("catalog_management", "channels.insta.api"))
        assert TOKEN not in str(caught.value)
    assert list(source.changed_since(datetime(2026, 11, 1, tzinfo=UTC))) == []
    # Who is not told of stock needs no catalogue.
    assert spec.api is not None
    MetaSource(replace(spec, api=replace(spec.api, tell=("shipped",), catalogue="")), TOKEN).check()


def test_a_token_that_is_over_is_no_question_of_the_catalogue(meta: FakeMeta, news: MetaNews) -> None:
    meta.bad = [error(190, "Error validating access token")]
    with pytest.raises(ServiceSetup, match="refuses our token"):
        told(news, StockTold("TEE", 2))


def test_of_levels_that_are_not_saved_and_not_named_nothing_is_taken_for_told(meta: FakeMeta, news: MetaNews) -> None:
    meta.catalogue.have("TEE", 3)
    nameless = {"status": "finished", "errors_total_count": 1, "errors": [{"line": 0, "message": "Invalid value"}]}
    meta.catalogue._status = lambda _: ok({"data": [nameless]})  # type: ignore[method-assign]
    with pytest.raises(AnswerUnreadable, match="does not say which"):
        told(news, StockTold("TEE", 2))


def test_too_many_batches_are_put_off_and_a_batch_without_a_name_is_reported(meta: FakeMeta, news: MetaNews) -> None:
    meta.catalogue.have("TEE", 3)
    standing = meta.catalogue._batch
    meta.catalogue._batch = lambda _: error(80014, "too many calls for the batch uploads")  # type: ignore[method-assign]
    with pytest.raises(ServiceAway):
        told(news, StockTold("TEE", 2))
    meta.catalogue._batch = lambda _: ok({"handles": []})  # type: ignore[method-assign]
    with pytest.raises(AnswerUnreadable):
        told(news, StockTold("TEE", 2))
    meta.catalogue._batch = standing  # type: ignore[method-assign]
