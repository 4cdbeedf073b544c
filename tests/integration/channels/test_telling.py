"""Telling Shopify and WooCommerce over real HTTP: fulfilments, cancellations and levels, on their bad days as well."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from backroom.channels.remote import (
    LEVEL_REFUSED,
    NOT_COUNTED,
    SKU_TWICE,
    UNKNOWN_SKU,
    Cancelled,
    LineShipped,
    NewsRefused,
    Shipped,
    StockSet,
    StockTold,
    WriteBack,
)
from backroom.channels.shopify_telling import ShopifyTelling
from backroom.channels.woocommerce_telling import TRACKING, WooTelling
from backroom.domain.channels import NEWS, ApiSpec, ChannelSpec
from backroom.outgoing.circuit import close_all
from backroom.outgoing.errors import ServiceAway, ServiceSetup, ServiceSilent
from tests.fake_shops import LOGIN, TOKEN
from tests.fake_tills import PLACE, ShopifyTill, WooTill
from tests.shops import an_order

KEY = "shipped-0a1b2c3d4e5f"
LINES = (LineShipped("1", "TEE", 2), LineShipped("2", "CAP", 1))
GONE = Shipped(KEY, "7001", LINES, "Nord Post", "NP123", "https://post.example/NP123")


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


def spec(kind: str, url: str, **more: Any) -> ChannelSpec:
    return ChannelSpec("web", kind, 1, "standard", api=ApiSpec(url, "channel.web", tell=NEWS, **more))


@pytest.fixture
def shopify(shopify_till: ShopifyTill, httpserver: HTTPServer) -> Iterator[ShopifyTelling]:
    shopify_till.orders[7001] = an_order(7001, [("TEE", 2), ("CAP", 1)])
    telling = ShopifyTelling(spec("shopify", shopify_till.listen(httpserver)), TOKEN)
    yield telling
    telling.close()


@pytest.fixture
def woo(woo_till: WooTill, httpserver: HTTPServer) -> Iterator[WooTelling]:
    woo_till.orders[7001] = {"id": 7001, "status": "processing", "meta_data": []}
    telling = WooTelling(spec("woocommerce", woo_till.listen(httpserver)), LOGIN)
    yield telling
    telling.close()


def by_sku(channel: WriteBack, news: Sequence[StockTold]) -> list[StockSet]:
    """What came of each, in the order in which they were told."""
    answers = {answer.sku: answer for answer in channel.stock(news)}
    return [answers[one.sku] for one in news]


def sent(till: ShopifyTill) -> list[tuple[Any, list[int]]]:
    """The fulfilments that Shopify shows: tracking, and pieces of each line."""
    return [(one["tracking"], [line["quantity"] for line in one["lines"]]) for one in till.fulfilments.get(7001, [])]


class TestShopify:
    def test_what_left_is_a_fulfilment_with_its_tracking_and_nobody_is_written_to(
        self, shopify: ShopifyTelling, shopify_till: ShopifyTill
    ) -> None:
        id_ = shopify.shipped(GONE)
        tracking = {"company": "Nord Post", "number": "NP123", "url": "https://post.example/NP123"}
        assert sent(shopify_till) == [(tracking, [2, 1])]
        assert id_ == "gid://shopify/Fulfillment/1"
        assert not shopify_till.fulfilments[7001][0]["notified"]

    @pytest.mark.parametrize(
        ("scope", "tell"),
        [
            ("write_merchant_managed_fulfillment_orders", lambda shop: shop.shipped(GONE)),
            ("write_orders", lambda shop: shop.cancelled(Cancelled("c", "7001", "out_of_stock"))),
            ("write_inventory", lambda shop: by_sku(shop, [StockTold("TEE", 3)])),
            ("read_locations", lambda shop: by_sku(shop, [StockTold("TEE", 3)])),
        ],
    )
    def test_what_a_scope_is_missing_for_is_a_persons_and_not_done(
        self, shopify: ShopifyTelling, shopify_till: ShopifyTill, scope: str, tell: Callable[[ShopifyTelling], object]
    ) -> None:
        shopify_till.levels = {"TEE": 1}
        shopify_till.scopes = tuple(one for one in shopify_till.scopes if one != scope)
        with pytest.raises(ServiceSetup, match="ACCESS_DENIED"):
            tell(shopify)
        assert (sent(shopify_till), shopify_till.cancels, shopify_till.levels) == ([], [], {"TEE": 1})

    def test_an_order_in_two_parcels_is_told_part_by_part(
        self, shopify: ShopifyTelling, shopify_till: ShopifyTill
    ) -> None:
        first = replace(GONE, key="shipped-a", lines=(LineShipped("1", "TEE", 1),), tracking="A", last=False)
        second = replace(GONE, key="shipped-b", lines=(LineShipped("1", "TEE", 1), LINES[1]), tracking="B")
        ids = [shopify.shipped(first), shopify.shipped(second)]
        assert [(tracking["number"], counts) for tracking, counts in sent(shopify_till)] == [("A", [1]), ("B", [1, 1])]
        assert [shopify.was_told(first), shopify.was_told(second)] == ids

    def test_what_it_knows_already_is_not_told_twice(self, shopify: ShopifyTelling, shopify_till: ShopifyTill) -> None:
        assert shopify.was_told(GONE) is None
        assert shopify.shipped(GONE) == shopify.shipped(GONE) == shopify.was_told(GONE)
        assert len(sent(shopify_till)) == 1

    @pytest.mark.parametrize(("lines", "parts"), [(60, 3), (60, 2), (130, 6)])
    def test_an_order_with_more_lines_than_a_page_has_is_told_whole(
        self, shopify: ShopifyTelling, shopify_till: ShopifyTill, lines: int, parts: int
    ) -> None:
        shopify_till.orders[7001] = an_order(7001, [(f"SKU-{number}", 1) for number in range(lines)])
        shopify_till.parts = parts
        all_of_it = replace(GONE, lines=tuple(LineShipped(str(n + 1), f"SKU-{n}", 1) for n in range(lines)))
        assert shopify.was_told(all_of_it) is None
        id_ = shopify.shipped(all_of_it)
        assert [pieces for _, pieces in sent(shopify_till)] == [[1] * lines]
        assert shopify.shipped(all_of_it) == shopify.was_told(all_of_it) == id_
        assert len(sent(shopify_till)) == 1

    def test_an_order_with_more_parcels_than_are_asked_for_at_first_is_told_of_each_once(
        self, shopify: ShopifyTelling, shopify_till: ShopifyTill
    ) -> None:
        shopify_till.orders[7001] = an_order(7001, [("TEE", 12)])
        parcels = [
            replace(GONE, lines=(LineShipped("1", "TEE", 1),), key=f"shipped-{number}", tracking=f"NP{number}")
            for number in range(12)
        ]
        ids = [shopify.shipped(parcel) for parcel in parcels]
        assert [shopify.shipped(parcel) for parcel in parcels] == ids
        assert [tracking["number"] for tracking, _ in sent(shopify_till)] == [f"NP{number}" for number in range(12)]

    def test_a_collection_without_tracking_is_counted_by_what_is_left(
        self, shopify: ShopifyTelling, shopify_till: ShopifyTill
    ) -> None:
        collected = replace(GONE, carrier="", tracking="", tracking_url="")
        assert shopify.was_told(collected) is None
        id_ = shopify.shipped(collected)
        assert sent(shopify_till) == [(None, [2, 1])]
        assert shopify.shipped(collected) == shopify.was_told(collected) == id_
        assert len(sent(shopify_till)) == 1

    def test_an_answer_that_is_lost_after_it_was_done_is_found_by_its_tracking(
        self, shopify: ShopifyTelling, shopify_till: ShopifyTill
    ) -> None:
        shopify_till.lose = 1
        with pytest.raises(ServiceSilent):
            shopify.shipped(GONE)
        assert shopify.was_told(GONE) == shopify.shipped(GONE) == "gid://shopify/Fulfillment/1"
        assert len(sent(shopify_till)) == 1

    def test_an_error_of_shopifys_own_leaves_open_whether_it_happened(
        self, shopify: ShopifyTelling, shopify_till: ShopifyTill
    ) -> None:
        broken = '{"errors": [{"message": "Internal", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}'
        standing = shopify_till._answered

        def breaks(query: str, variables: dict[str, Any]) -> Response:
            if "mutation" in query:
                return Response(broken, content_type="application/json")
            return standing(query, variables)

        shopify_till._answered = breaks  # type: ignore[method-assign]
        with pytest.raises(ServiceSilent):
            shopify.shipped(GONE)

    def test_throttling_costs_a_pause_and_no_second_fulfilment(
        self, shopify: ShopifyTelling, shopify_till: ShopifyTill
    ) -> None:
        throttled = '{"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]}'
        shopify_till.bad = [Response(throttled, content_type="application/json") for _ in range(2)]
        assert shopify.shipped(GONE)
        assert len(sent(shopify_till)) == 1

    def test_too_many_calls_are_taken_up_again_after_the_time_it_asks_for(
        self, shopify: ShopifyTelling, shopify_till: ShopifyTill
    ) -> None:
        shopify_till.bad = [Response("", status=429, headers={"Retry-After": "1"})]
        began = time.monotonic()
        assert shopify.shipped(GONE)
        assert time.monotonic() - began >= 1
        assert len(sent(shopify_till)) == 1

    def test_what_somebody_fulfilled_by_hand_is_a_persons_matter(
        self, shopify: ShopifyTelling, shopify_till: ShopifyTill
    ) -> None:
        shopify.shipped(replace(GONE, tracking="BY-HAND"))
        with pytest.raises(NewsRefused, match="less left to fulfil") as caught:
            shopify.shipped(GONE)
        assert "add the tracking number" in caught.value.remedy
        assert len(sent(shopify_till)) == 1

    def test_an_order_on_hold_there_is_refused_and_nothing_of_it_told(
        self, shopify: ShopifyTelling, shopify_till: ShopifyTill
    ) -> None:
        shopify_till.on_hold.add(7001)
        with pytest.raises(NewsRefused):
            shopify.shipped(GONE)
        assert sent(shopify_till) == []

    def test_an_order_that_is_cancelled_there_or_unknown_is_a_persons_matter(
        self, shopify: ShopifyTelling, shopify_till: ShopifyTill
    ) -> None:
        with pytest.raises(NewsRefused, match="does not know"):
            shopify.shipped(replace(GONE, external_id="9999"))
        shopify_till.orders[7001]["cancelled_at"] = "2026-11-25T12:00:00+00:00"
        for news in (GONE, replace(GONE, tracking="")):
            with pytest.raises(NewsRefused, match="has cancelled"):
                shopify.shipped(news)

    def test_a_cancellation_says_why_pays_nothing_back_and_writes_to_nobody(
        self, shopify: ShopifyTelling, shopify_till: ShopifyTill
    ) -> None:
        for _ in range(2):
            shopify.cancelled(Cancelled("cancelled-1", "7001", "cancelled_by_staff"))
        (cancel,) = shopify_till.cancels
        assert (cancel["reason"], cancel["restock"], cancel["notifyCustomer"]) == ("STAFF", True, False)
        assert cancel["refundMethod"] == {"originalPaymentMethodsRefund": False}

    def test_a_cancellation_whose_answer_is_lost_is_found_when_it_is_said_again(
        self, shopify: ShopifyTelling, shopify_till: ShopifyTill
    ) -> None:
        shopify_till.lose = 1
        news = Cancelled("cancelled-1", "7001", "out_of_stock")
        with pytest.raises(ServiceSilent):
            shopify.cancelled(news)
        shopify.cancelled(news)
        assert [cancel["reason"] for cancel in shopify_till.cancels] == ["INVENTORY"]

    def test_an_order_that_is_fulfilled_there_cannot_be_cancelled(self, shopify: ShopifyTelling) -> None:
        shopify.shipped(GONE)
        with pytest.raises(NewsRefused, match="does not cancel"):
            shopify.cancelled(Cancelled("cancelled-1", "7001", "cancelled_by_staff"))

    def test_levels_are_set_by_sku_and_only_where_they_differ(
        self, shopify: ShopifyTelling, shopify_till: ShopifyTill
    ) -> None:
        shopify_till.levels = {"TEE": 9, "TEE-LONG": 3, "CAP": 4, 'A"B\\C': 1}
        told = [StockTold("TEE", 5), StockTold("CAP", 4), StockTold('A"B\\C', 0), StockTold("SOCKS", 2)]
        assert by_sku(shopify, told) == [
            StockSet("TEE", 5),
            StockSet("CAP", 4),
            StockSet('A"B\\C', 0),
            StockSet("SOCKS", None, trouble=UNKNOWN_SKU),
        ]
        assert shopify_till.sets == [{'A"B\\C': 0, "TEE": 5}]
        assert shopify_till.levels["TEE-LONG"] == 3

    def test_a_sku_that_is_there_twice_or_not_counted_is_left_alone(
        self, shopify: ShopifyTelling, shopify_till: ShopifyTill
    ) -> None:
        shopify_till.levels = {"TEE": 9, "CAP": 4}
        shopify_till.twice, shopify_till.untracked = {"TEE"}, {"CAP"}
        answers = by_sku(shopify, [StockTold("TEE", 1), StockTold("CAP", 1)])
        assert [one.trouble for one in answers] == [SKU_TWICE, NOT_COUNTED]
        assert shopify_till.sets == []

    def test_what_it_sold_meanwhile_is_taken_off(self, shopify: ShopifyTelling, shopify_till: ShopifyTill) -> None:
        shopify_till.levels = {"TEE": 8}
        # Left at 10, it sold two: one has arrived here, one has not; one more was sold at the booth.
        (answer,) = by_sku(shopify, [StockTold("TEE", 8, before=10, arrived=1)])
        assert answer == StockSet("TEE", 7, unheard=1)

    def test_a_sale_between_reading_and_setting_is_seen_by_the_swap(
        self, shopify: ShopifyTelling, shopify_till: ShopifyTill
    ) -> None:
        shopify_till.levels = {"TEE": 10, "CAP": 3}
        shopify_till.rush = ["TEE"]
        told = [StockTold("TEE", 9, before=10), StockTold("CAP", 2, before=3)]
        assert by_sku(shopify, told) == [StockSet("TEE", 8, unheard=1), StockSet("CAP", 2)]
        assert shopify_till.levels == {"TEE": 8, "CAP": 2}

    def test_a_shop_that_sells_all_the_time_is_told_later(
        self, shopify: ShopifyTelling, shopify_till: ShopifyTill
    ) -> None:
        shopify_till.levels = {"TEE": 100}
        shopify_till.rush = ["TEE"] * 20
        with pytest.raises(ServiceAway):
            by_sku(shopify, [StockTold("TEE", 50)])
        assert shopify_till.sets == []

    def test_levels_whose_answer_is_lost_are_set_once_under_one_key(
        self, shopify: ShopifyTelling, shopify_till: ShopifyTill
    ) -> None:
        shopify_till.levels = {"TEE": 9}
        shopify_till.lose = 1
        assert by_sku(shopify, [StockTold("TEE", 5)]) == [StockSet("TEE", 5)]
        assert shopify_till.sets == [{"TEE": 5}]
        assert len(shopify_till.keys) == 1

    def test_hundreds_of_levels_go_in_few_calls(self, shopify: ShopifyTelling, shopify_till: ShopifyTill) -> None:
        shopify_till.levels = {f"SKU-{number:03}": 0 for number in range(230)}
        answers = by_sku(shopify, [StockTold(sku, 7) for sku in shopify_till.levels])
        assert [one.level for one in answers] == [7] * 230
        assert set(shopify_till.levels.values()) == {7}
        assert len(shopify_till.calls) < 20

    def test_of_several_locations_one_must_be_named(
        self, shopify: ShopifyTelling, shopify_till: ShopifyTill, httpserver: HTTPServer
    ) -> None:
        shopify_till.levels, shopify_till.places = {"TEE": 9}, [PLACE, "gid://shopify/Location/2"]
        with pytest.raises(ServiceSetup) as caught:
            by_sku(shopify, [StockTold("TEE", 5)])
        assert "stock_location" in caught.value.remedy
        assert "1 (Shop 1), 2 (Shop 2)" in caught.value.remedy
        named = ShopifyTelling(spec("shopify", httpserver.url_for(""), stock_location="1"), TOKEN)
        assert by_sku(named, [StockTold("TEE", 5)]) == [StockSet("TEE", 5)]
        named.close()

    def test_a_check_names_the_scopes_that_are_missing(
        self, shopify: ShopifyTelling, shopify_till: ShopifyTill
    ) -> None:
        shopify.check()
        shopify_till.scopes = ("read_orders", "write_inventory")
        with pytest.raises(ServiceSetup) as caught:
            shopify.check()
        for scope in ("write_orders", "write_merchant_managed_fulfillment_orders", "read_locations"):
            assert scope in caught.value.remedy
        assert "read_inventory" not in caught.value.remedy


class TestWooCommerce:
    def test_what_left_is_a_note_its_tracking_and_a_completed_order(self, woo: WooTelling, woo_till: WooTill) -> None:
        id_ = woo.shipped(GONE)
        order, (note,) = woo_till.orders[7001], woo_till.notes[7001]
        assert (order["status"], id_) == ("completed", str(note["id"]))
        assert "NP123" in note["note"]
        assert KEY in note["note"]
        assert not note["customer_note"]
        ((tracking,),) = [meta["value"] for meta in order["meta_data"] if meta["key"] == TRACKING]
        assert (tracking["tracking_number"], tracking["custom_tracking_provider"]) == ("NP123", "Nord Post")

    def test_an_order_in_two_parcels_is_completed_with_the_last(self, woo: WooTelling, woo_till: WooTill) -> None:
        first = replace(GONE, key="shipped-a", lines=(LineShipped("1", "TEE", 1),), tracking="A", last=False)
        second = replace(GONE, key="shipped-b", lines=(LineShipped("1", "TEE", 1), LINES[1]), tracking="B")
        woo.shipped(first)
        assert woo_till.orders[7001]["status"] == "processing"
        assert woo.was_told(first)
        assert woo.was_told(second) is None
        woo.shipped(second)
        assert woo_till.orders[7001]["status"] == "completed"
        (meta,) = woo_till.orders[7001]["meta_data"]
        assert [one["tracking_number"] for one in meta["value"]] == ["A", "B"]

    @pytest.mark.parametrize("lost", [1, 2, 3])
    def test_an_answer_lost_anywhere_leaves_one_note_and_one_tracking(
        self, woo: WooTelling, woo_till: WooTill, lost: int
    ) -> None:
        standing = woo_till._told
        count = 0

        def loses(request: Any, path: str) -> Response:
            nonlocal count
            said = standing(request, path)
            count += request.method != "GET"
            return Response("gone", status=502) if request.method != "GET" and count == lost else said

        woo_till._told = loses  # type: ignore[method-assign]
        try:
            told = woo.shipped(GONE)
        except ServiceSilent:
            told = woo.was_told(GONE) or woo.shipped(GONE)
        assert told == str(woo_till.notes[7001][0]["id"])
        assert len(woo_till.notes[7001]) == 1
        (meta,) = woo_till.orders[7001]["meta_data"]
        assert len(meta["value"]) == 1
        assert woo_till.orders[7001]["status"] == "completed"

    def test_what_it_knows_already_is_not_told_twice(self, woo: WooTelling, woo_till: WooTill) -> None:
        assert woo.shipped(GONE) == woo.shipped(GONE) == woo.was_told(GONE)
        assert len(woo_till.notes[7001]) == 1

    def test_not_now_is_taken_up_again(self, woo: WooTelling, woo_till: WooTill) -> None:
        woo_till.bad = [Response("", status=429, headers={"Retry-After": "1"}), Response("", status=503)]
        assert woo.shipped(GONE)
        assert len(woo_till.notes[7001]) == 1

    @pytest.mark.parametrize("status", ["cancelled", "refunded"])
    def test_an_order_that_has_ended_there_or_is_unknown_is_a_persons_matter(
        self, woo: WooTelling, woo_till: WooTill, status: str
    ) -> None:
        with pytest.raises(NewsRefused, match="does not know"):
            woo.shipped(replace(GONE, external_id="9999"))
        woo_till.orders[7001]["status"] = status
        with pytest.raises(NewsRefused, match="has ended"):
            woo.shipped(GONE)
        assert woo_till.writes == []

    def test_a_cancellation_changes_the_status_once(self, woo: WooTelling, woo_till: WooTill) -> None:
        for _ in range(2):
            woo.cancelled(Cancelled("cancelled-1", "7001", "cancelled_by_staff"))
        assert [write[2] for write in woo_till.writes] == [{"status": "cancelled"}]

    def test_an_order_that_is_completed_there_is_not_cancelled(self, woo: WooTelling) -> None:
        woo.shipped(GONE)
        with pytest.raises(NewsRefused):
            woo.cancelled(Cancelled("cancelled-1", "7001", "cancelled_by_staff"))

    def test_levels_of_products_and_variations_are_set_by_sku_in_batches(
        self, woo: WooTelling, woo_till: WooTill
    ) -> None:
        woo_till.stock(1, "TEE-S", 9, parent=10)
        woo_till.stock(2, "TEE-M", 9, parent=10)
        woo_till.stock(3, "CAP", 4)
        woo_till.stock(4, "POSTER", None)
        woo_till.stock(5, "TWICE", 1)
        woo_till.stock(6, "TWICE", 1)
        told = [StockTold(sku, 5) for sku in ("TEE-S", "TEE-M", "CAP", "POSTER", "TWICE", "SOCKS")]
        answers = by_sku(woo, told)
        assert [(one.level, one.trouble) for one in answers] == [
            (5, ""),
            (5, ""),
            (5, ""),
            (None, NOT_COUNTED),
            (None, SKU_TWICE),
            (None, UNKNOWN_SKU),
        ]
        assert [woo_till.level(sku) for sku in ("TEE-S", "TEE-M", "CAP", "TWICE")] == [5, 5, 5, 1]
        assert [path for _, path, _ in woo_till.writes] == ["products/batch", "products/10/variations/batch"]

    def test_what_it_sold_meanwhile_is_taken_off(self, woo: WooTelling, woo_till: WooTill) -> None:
        woo_till.stock(3, "CAP", 8)
        assert by_sku(woo, [StockTold("CAP", 8, before=10, arrived=1)]) == [StockSet("CAP", 7, unheard=1)]

    def test_a_level_that_it_refuses_is_an_error_and_not_taken_as_told(
        self, woo: WooTelling, woo_till: WooTill
    ) -> None:
        woo_till.stock(3, "CAP", 4)
        no = '{"update": [{"id": 3, "error": {"code": "woocommerce_rest_cannot_edit", "message": "no"}}]}'
        standing = woo_till._batch
        woo_till._batch = lambda *_: Response(no, content_type="application/json")  # type: ignore[method-assign]
        with pytest.raises(ServiceSetup, match="woocommerce_rest_cannot_edit"):
            by_sku(woo, [StockTold("CAP", 5)])
        woo_till._batch = standing  # type: ignore[method-assign]

    def test_a_level_that_it_refuses_leaves_the_others_set_and_told(self, woo: WooTelling, woo_till: WooTill) -> None:
        woo_till.stock(3, "CAP", 4)
        woo_till.stock(4, "BAG", 4)
        woo_till.stock(5, "SOCKS-S", 4, parent=10)
        standing = woo_till._batch

        def one_is_refused(parent: int, body: Any) -> Response:
            told = standing(parent, {"update": [one for one in body["update"] if one["id"] != 3]})
            no = {"id": 3, "error": {"code": "woocommerce_rest_cannot_edit", "message": "no"}}
            done = json.loads(told.get_data())["update"]
            return Response(json.dumps({"update": [no, *done]}), content_type="application/json")

        woo_till._batch = one_is_refused  # type: ignore[method-assign]
        answers = by_sku(woo, [StockTold(sku, 5) for sku in ("CAP", "BAG", "SOCKS-S")])
        assert [(one.level, one.trouble) for one in answers] == [(None, LEVEL_REFUSED), (5, ""), (5, "")]
        assert [woo_till.level(sku) for sku in ("CAP", "BAG", "SOCKS-S")] == [4, 5, 5]

    def test_a_check_reads_and_a_wrong_login_is_named(self, woo: WooTelling, httpserver: HTTPServer) -> None:
        woo.check()
        wrong = WooTelling(spec("woocommerce", httpserver.url_for("")), "ck_wrong:cs_wrong")
        with pytest.raises(ServiceSetup):
            wrong.check()
        wrong.close()
