"""What channels may sell: told as the newest level only, never more than there is, and nothing lost on the way."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import update
from werkzeug import Response

from backroom.channels.remote import LEVEL_REFUSED
from backroom.domain.leases import Loan
from backroom.domain.returns import Disposition, Reason
from backroom.outgoing.circuit import close_all
from backroom.shop import room as rooms
from backroom.store import cancelling, desk, leases, level_calls, selling, stock
from backroom.store.database import now
from backroom.store.tables import channel_levels, channel_stock
from blocks.channels import ChannelAccount, block_name
from tasks.tell_stock import StockUntold
from tests.fake_shops import TOKEN
from tests.fake_tills import ShopifyTill, WooTill
from tests.integration.channels.test_mapped_api import STOCK, Shelf, spec_of
from tests.integration.store.test_returns import Counter
from tests.markets import plan_fair
from tests.shops import BOOTH, GTIN_TEE, HUB, PLAIN, SCARCE, SOUTH, Floor
from tests.told import Told, with_api

# Hub and local hub of the tests' shop, as it opens.
FIRST = {PLAIN: 120, SCARCE: 1, GTIN_TEE: 20}


# What was sold there unheard of, a day ago.
LONG_AGO = (
    update(channel_levels)
    .where(channel_levels.c.unheard > 0)
    .values(unheard_since=datetime.now(UTC) - timedelta(days=1))
)


@pytest.fixture
def selling_floor(told: Told, shopify_till: ShopifyTill, httpserver: HTTPServer) -> Floor:
    """A shop whose channel shows what it was told at first."""
    shopify_till.levels = dict.fromkeys(FIRST, 0)
    floor = told("shopify", shopify_till.listen(httpserver))
    assert floor.tell_stock() == ["3 levels told"]
    assert shopify_till.levels == FIRST
    return floor


def levels(floor: Floor) -> Mapping[str, tuple[int | None, bool, int, int]]:
    with floor.room.database.read() as connection:
        rows = selling.levels_of(connection, "web")
    return {row["sku"]: (row["level"], row["doubtful"], row["unheard"], row["arrived"]) for row in rows}


def due_now(floor: Floor) -> None:
    floor.room.database.write(lambda c: c.execute(update(channel_stock).values(next_attempt_at=None)).rowcount)
    close_all()
    floor.waits_are_over()


def sold_here(floor: Floor, *lines: tuple[str, int], at: str = HUB) -> str:
    """An order that no channel counted: as the till's, or of another shop."""
    return floor.taken_in(*lines, at=at)


def test_only_what_changed_is_told_and_as_its_newest_level(selling_floor: Floor, shopify_till: ShopifyTill) -> None:
    shopify_till.sets.clear()
    for _ in range(5):
        shopify_till.levels[PLAIN] -= 1
        sold_here(selling_floor, (PLAIN, 1))
    assert ("stock", "web") in {woken[:2] for woken in selling_floor.waker.woken}
    selling_floor.tell_stock()
    assert shopify_till.levels[PLAIN] == 115
    # It counted these itself: it shows the right level already, and nothing had to be set.
    assert shopify_till.sets == []
    stocked = [(HUB, SCARCE, 4)]
    selling_floor.room.database.write(lambda c: stock.receive(c, "d1", stocked, "delivered", now(c)))
    selling_floor.tell_stock()
    assert shopify_till.sets == [{SCARCE: 5}]
    assert selling_floor.tell_stock() == []


def test_a_sale_elsewhere_is_taken_off_at_once(selling_floor: Floor, shopify_till: ShopifyTill) -> None:
    number = sold_here(selling_floor, (PLAIN, 1))
    shopify_till.levels[PLAIN] -= 1
    with selling_floor.room.database.read() as connection:
        order_id = desk.find(connection, number)["id"]
    wishes = [stock.Wish(order_id, HUB, SCARCE, 1)]
    selling_floor.room.database.write(lambda c: stock.reserve(c, wishes, at=now(c), expires_at=None))
    selling_floor.tell_stock()
    assert shopify_till.levels == {PLAIN: 119, SCARCE: 0, GTIN_TEE: 20}


def test_what_the_channel_sold_and_has_not_told_us_is_not_sold_a_second_time(
    selling_floor: Floor, shopify_till: ShopifyTill
) -> None:
    shopify_till.sell(GTIN_TEE, 3)
    gone = [(SOUTH, GTIN_TEE, 5)]
    selling_floor.room.database.write(lambda c: stock.receive(c, "d1", gone, "delivered", now(c)))
    selling_floor.tell_stock()
    assert shopify_till.levels[GTIN_TEE] == 22
    assert levels(selling_floor)[GTIN_TEE] == (22, False, 3, 0)
    # Its orders arrive: two pieces, then the third.
    sold_here(selling_floor, (GTIN_TEE, 2), at=SOUTH)
    assert levels(selling_floor)[GTIN_TEE][3] == 2
    selling_floor.tell_stock()
    assert (shopify_till.levels[GTIN_TEE], levels(selling_floor)[GTIN_TEE]) == (22, (22, False, 1, 0))
    sold_here(selling_floor, (GTIN_TEE, 1), at=SOUTH)
    selling_floor.tell_stock()
    assert (shopify_till.levels[GTIN_TEE], levels(selling_floor)[GTIN_TEE]) == (22, (22, False, 0, 0))


def test_what_no_order_explains_after_a_while_was_corrected_by_hand_and_is_put_right(
    selling_floor: Floor, shopify_till: ShopifyTill
) -> None:
    shopify_till.sell(PLAIN, 3)
    assert selling_floor.tell_stock(everything=True) == ["3 levels told"]
    assert levels(selling_floor)[PLAIN] == (117, False, 3, 0)
    assert selling_floor.tell_stock() == []
    selling_floor.room.database.write(lambda c: c.execute(LONG_AGO).rowcount)
    selling_floor.tell_stock()
    assert (shopify_till.levels[PLAIN], levels(selling_floor)[PLAIN]) == (120, (120, False, 0, 0))


def test_every_night_a_level_that_somebody_raised_there_is_put_right(
    selling_floor: Floor, shopify_till: ShopifyTill
) -> None:
    shopify_till.levels[SCARCE] = 9
    assert selling_floor.tell_stock() == []
    selling_floor.tell_stock(everything=True)
    assert shopify_till.levels[SCARCE] == 1


def test_what_was_ordered_and_holds_no_pieces_is_sold_and_what_is_held_back_is_never_told(
    told: Told, shopify_till: ShopifyTill, httpserver: HTTPServer
) -> None:
    shopify_till.levels = dict.fromkeys(FIRST, 0)
    floor = told("shopify", shopify_till.listen(httpserver), keep_back=2, locations=(HUB,))
    external_id = floor.order((PLAIN, 7))
    # Taken in, and not further: as an order that is held over its address.
    floor.intake()
    number = floor.number(external_id)
    floor.room.database.write(lambda c: cancelling.cancel(c, number, "Ada", desk.CANCELLED_BY_STAFF))
    floor.tell_stock()
    assert shopify_till.levels == {PLAIN: 98, SCARCE: 0, GTIN_TEE: 0}
    second = floor.order((PLAIN, 5))
    from tasks.claiming import claim_intake, holding
    from tasks.validate import validate

    claim = claim_intake(floor.room)
    assert claim is not None
    with holding(floor.room, claim):
        validate.fn(claim)
    shopify_till.levels[PLAIN] -= 5
    floor.tell_stock()
    assert shopify_till.levels[PLAIN] == 93
    floor.intake()
    assert floor.state(floor.number(second))[0] == "released"
    floor.tell_stock()
    assert shopify_till.levels[PLAIN] == 93


def test_pieces_lent_to_an_event_leave_the_shop_and_come_back_to_it(
    selling_floor: Floor, shopify_till: ShopifyTill
) -> None:
    plan_fair(selling_floor, "fair", datetime.now(UTC) + timedelta(days=1))
    loan, code = Loan(PLAIN, HUB, 30, False), "fair"
    selling_floor.room.database.write(lambda c: leases.lend(c, code, [loan], key="l1", actor="Ada"))
    selling_floor.tell_stock()
    assert shopify_till.levels[PLAIN] == 90


def test_a_piece_that_came_back_and_lies_on_the_shelf_again_is_sold_again(
    selling_floor: Floor, shopify_till: ShopifyTill
) -> None:
    counter = Counter(selling_floor, selling_floor.room.shop)
    number = counter.sold((PLAIN, 1))
    shopify_till.sell(PLAIN)
    selling_floor.tell_stock()
    assert shopify_till.levels[PLAIN] == 119
    rma = counter.scan(counter.label(number))
    selling_floor.waker.woken.clear()
    piece = counter.take(rma, PLAIN)
    counter.say(piece.line_id, Reason.SIZE)
    wakeups = counter.put(piece.line_id, Disposition.RESTOCK)
    assert ("stock", "web") in {(one.stage, one.location) for one in wakeups}
    selling_floor.tell_stock()
    assert shopify_till.levels[PLAIN] == 120


def test_a_booth_is_sold_online_only_where_the_shop_file_says_so(
    selling_floor: Floor, shopify_till: ShopifyTill
) -> None:
    there = [(BOOTH, PLAIN, 8)]
    selling_floor.room.database.write(lambda c: stock.receive(c, "b1", there, "delivered", now(c)))
    assert selling_floor.tell_stock() == []
    (web,) = selling_floor.room.shop.channels
    assert web.api is not None
    everywhere = replace(web, api=replace(web.api, locations=(HUB, SOUTH, BOOTH)))
    selling_floor.room = replace(selling_floor.room, shop=replace(selling_floor.room.shop, channels=(everywhere,)))
    rooms._open[selling_floor.room.home.resolve()] = selling_floor.room
    selling_floor.tell_stock()
    assert shopify_till.levels[PLAIN] == 128


def test_a_channel_that_is_away_is_told_the_newest_level_when_it_is_back(
    selling_floor: Floor, shopify_till: ShopifyTill
) -> None:
    shopify_till.bad = [Response("", status=503) for _ in range(40)]
    more = [(HUB, SCARCE, 3)]
    selling_floor.room.database.write(lambda c: stock.receive(c, "d1", more, "delivered", now(c)))
    (said,) = selling_floor.tell_stock()
    assert said.startswith("put off: Shopify takes nothing now")
    # It is left alone for a while, whatever changes meanwhile.
    selling_floor.room.database.write(lambda c: stock.receive(c, "d2", more, "delivered", now(c)))
    assert selling_floor.tell_stock() == []
    with selling_floor.room.database.read() as connection:
        ((row),) = level_calls.trouble_of(connection)
        assert (row["channel"], row["cause"], row["failures"]) == ("web", "shopify-away", 1)
    shopify_till.bad = []
    due_now(selling_floor)
    selling_floor.tell_stock()
    assert shopify_till.levels[SCARCE] == 7
    with selling_floor.room.database.read() as connection:
        assert level_calls.trouble_of(connection) == []


def test_what_needs_a_person_fails_one_run_and_not_one_for_every_sale(
    selling_floor: Floor, shopify_till: ShopifyTill
) -> None:
    shopify_till.bad = [Response("", status=401) for _ in range(9)]
    more = [(HUB, SCARCE, 1)]
    for number in range(3):
        selling_floor.room.database.write(lambda c, n=number: stock.receive(c, f"d{n}", more, "delivered", now(c)))
        if number:
            (said,) = selling_floor.tell_stock()
            assert "refuses our calls" in said
        else:
            with pytest.raises(StockUntold) as caught:
                selling_floor.tell_stock()
            assert "key" in caught.value.remedy
        due_now(selling_floor)
    shopify_till.bad = []
    selling_floor.tell_stock()
    assert shopify_till.levels[SCARCE] == 4


def test_at_night_one_channel_that_cannot_be_told_keeps_no_other_from_it(
    selling_floor: Floor, shopify_till: ShopifyTill
) -> None:
    from flows.tell_stock import tell_stock

    with HTTPServer() as closed:
        closed.expect_request(re.compile("/.*")).respond_with_data("", status=401)
        (web,) = selling_floor.room.shop.channels
        other = with_api(replace(web, id="other"), "shopify", closed.url_for(""))
        ChannelAccount(kind="shopify", secret=TOKEN).save(block_name("other"), overwrite=True)
        shop = replace(selling_floor.room.shop, channels=(other, web))
        selling_floor.room = replace(selling_floor.room, shop=shop)
        rooms._open[selling_floor.room.home.resolve()] = selling_floor.room
        shopify_till.levels[SCARCE] = 9
        with pytest.raises(StockUntold, match="other does not know its stock"):
            tell_stock(everything=True)
    assert shopify_till.levels[SCARCE] == 1


def test_a_person_who_mended_it_need_not_wait(selling_floor: Floor, shopify_till: ShopifyTill) -> None:
    shopify_till.bad = [Response("", status=401)]
    more = [(HUB, SCARCE, 1)]
    selling_floor.room.database.write(lambda c: stock.receive(c, "d1", more, "delivered", now(c)))
    with pytest.raises(StockUntold):
        selling_floor.tell_stock()
    assert selling_floor.tell_stock() == []
    selling_floor.tell_stock(at_once=True)
    assert shopify_till.levels[SCARCE] == 2


def test_whoever_dies_over_a_level_leaves_it_in_doubt_and_it_is_told_again(
    selling_floor: Floor, shopify_till: ShopifyTill
) -> None:
    more = [(HUB, SCARCE, 4)]
    selling_floor.room.database.write(lambda c: stock.receive(c, "d1", more, "delivered", now(c)))
    from tasks.claiming import claim_stock, holding

    taken = claim_stock(selling_floor.room, "web")
    assert taken is not None
    # Nobody else tells it meanwhile; then it dies, its call done or not.
    assert claim_stock(selling_floor.room, "web") is None
    with holding(selling_floor.room, taken[0]):
        pass
    assert levels(selling_floor)[SCARCE] == (5, True, 0, 0)
    # It shows 1: as if it had been set to 5, and sold 4. Too few for a while is better than one too many.
    selling_floor.tell_stock()
    assert (shopify_till.levels[SCARCE], levels(selling_floor)[SCARCE]) == (1, (1, False, 4, 0))
    selling_floor.room.database.write(lambda c: c.execute(LONG_AGO).rowcount)
    selling_floor.tell_stock()
    assert (shopify_till.levels[SCARCE], levels(selling_floor)[SCARCE]) == (5, (5, False, 0, 0))


def test_an_answer_that_comes_after_a_newer_call_was_begun_settles_nothing(
    selling_floor: Floor, shopify_till: ShopifyTill
) -> None:
    more = [(HUB, SCARCE, 4)]
    selling_floor.room.database.write(lambda c: stock.receive(c, "d1", more, "delivered", now(c)))
    from tasks.claiming import claim_stock, holding

    slow = claim_stock(selling_floor.room, "web")
    assert slow is not None
    with holding(selling_floor.room, slow[0]):
        pass
    selling_floor.tell_stock()
    told = slow[1][0]
    late = level_calls.LeftAt(told, 5, 0, "")
    selling_floor.room.database.write(lambda c: level_calls.settle(c, "web", [late], now(c)))
    assert levels(selling_floor)[SCARCE][1]
    selling_floor.tell_stock()
    assert not levels(selling_floor)[SCARCE][1]


def test_the_databases_sum_is_that_of_the_rule(told: Told, shopify_till: ShopifyTill, httpserver: HTTPServer) -> None:
    floor = told("shopify", shopify_till.listen(httpserver), keep_back=1)
    floor.order((PLAIN, 3))
    floor.order((SCARCE, 1))
    floor.order((GTIN_TEE, 2), at=SOUTH)
    from tasks.claiming import claim_intake, holding
    from tasks.validate import validate

    claim = claim_intake(floor.room)
    assert claim is not None
    with holding(floor.room, claim):
        validate.fn(claim)
    with floor.room.database.read() as connection:
        rule = selling.for_sale(connection, floor.room.shop, "web")
        due = selling.to_tell(connection, floor.room.shop, "web", now(connection))
    assert rule == {PLAIN: 116, SCARCE: 0, GTIN_TEE: 17}
    assert {one.sku: one.available for one in due} == rule


def test_a_sku_that_the_channel_does_not_sell_is_told_once_and_named(
    selling_floor: Floor, shopify_till: ShopifyTill
) -> None:
    del shopify_till.levels[GTIN_TEE]
    selling_floor.tell_stock(everything=True)
    with selling_floor.room.database.read() as connection:
        troubles = {row["sku"]: row["trouble"] for row in selling.levels_of(connection, "web")}
    assert troubles == {PLAIN: "", SCARCE: "", GTIN_TEE: "unknown_sku"}
    assert selling_floor.tell_stock() == []


@pytest.fixture
def shelf(told: Told, httpserver: HTTPServer) -> tuple[Floor, Shelf]:
    """A mapped shop that shows what it was told at first."""
    shelf = Shelf(httpserver, dict.fromkeys(FIRST, 0), full="none")
    floor = told("mapped", httpserver.url_for(""))
    (web, *others) = floor.room.shop.channels
    mapped = replace(web, mapping=spec_of(httpserver, STOCK).mapping)
    floor.room = replace(floor.room, shop=replace(floor.room.shop, channels=(mapped, *others)))
    rooms._open[floor.room.home.resolve()] = floor.room
    assert floor.tell_stock() == ["3 levels told"]
    assert shelf.levels == FIRST
    return floor, shelf


def test_of_three_levels_those_that_were_set_before_it_takes_no_more_are_settled(shelf: tuple[Floor, Shelf]) -> None:
    floor, shop = shelf
    shop.full = max(FIRST)
    more = [(HUB, sku, 10) for sku in FIRST]
    floor.room.database.write(lambda c: stock.receive(c, "d1", more, "delivered", now(c)))
    [said] = floor.tell_stock()
    assert said.startswith("put off")
    after = {sku: (pieces + 10 * (sku != shop.full), False, 0, 0) for sku, pieces in FIRST.items()}
    assert levels(floor) == after
    # It sells three of what was raised before we hear of it: they are not sold a second time.
    sold = min(FIRST)
    shop.levels[sold] -= 3
    shop.full = "none"
    due_now(floor)
    floor.room.database.write(lambda c: stock.receive(c, "d2", [(HUB, sold, 1)], "delivered", now(c)))
    floor.tell_stock()
    assert levels(floor)[sold] == (FIRST[sold] + 11 - 3, False, 3, 0)
    last = max(FIRST)
    assert levels(floor)[last] == (FIRST[last] + 10, False, 0, 0)


def test_a_level_of_which_a_part_was_written_stays_in_doubt(shelf: tuple[Floor, Shelf], httpserver: HTTPServer) -> None:
    floor, shop = shelf
    (web, *others) = floor.room.shop.channels
    assert web.mapping is not None
    tell = web.mapping.tell["stock"]
    shown = replace(tell.calls[-1], path="/articles/{article}/shown")
    mapping = replace(web.mapping, tell={**web.mapping.tell, "stock": replace(tell, calls=(*tell.calls, shown))})
    floor.room = replace(floor.room, shop=replace(floor.room.shop, channels=(replace(web, mapping=mapping), *others)))
    rooms._open[floor.room.home.resolve()] = floor.room
    shop.full = ""
    more = [(HUB, sku, 10) for sku in FIRST]
    floor.room.database.write(lambda c: stock.receive(c, "d1", more, "delivered", now(c)))
    floor.tell_stock()
    first = min(FIRST)
    assert {sku: doubt for sku, (_, doubt, _, _) in levels(floor).items()} == {sku: sku == first for sku in FIRST}


def test_a_level_that_the_channel_refuses_is_what_it_was_and_is_named(
    told: Told, woo_till: WooTill, httpserver: HTTPServer
) -> None:
    for number, sku in enumerate(FIRST, 1):
        woo_till.stock(number, sku, 0)
    floor = told("woocommerce", woo_till.listen(httpserver))
    assert floor.tell_stock() == ["3 levels told"]
    standing = woo_till._batch

    def the_first_is_refused(parent: int, body: Any) -> Response:
        answer = json.loads(standing(parent, {"update": [one for one in body["update"] if one["id"] != 1]}).get_data())
        answer["update"].append({"id": 1, "error": {"code": "woocommerce_rest_cannot_edit", "message": "no"}})
        return Response(json.dumps(answer), content_type="application/json")

    woo_till._batch = the_first_is_refused  # type: ignore[method-assign]
    more = [(HUB, sku, 10) for sku in FIRST]
    floor.room.database.write(lambda c: stock.receive(c, "d1", more, "delivered", now(c)))
    assert floor.tell_stock() == ["2 levels told, 1 refused there"]
    refused = next(iter(FIRST))
    assert levels(floor) == {sku: (pieces + 10 * (sku != refused), False, 0, 0) for sku, pieces in FIRST.items()}
    with floor.room.database.read() as connection:
        assert {row["sku"]: row["trouble"] for row in selling.levels_of(connection, "web")}[refused] == LEVEL_REFUSED
    # It is not asked every minute.
    assert floor.tell_stock() == []
    woo_till._batch = standing  # type: ignore[method-assign]
    floor.tell_stock(everything=True)
    assert woo_till.level(refused) == FIRST[refused] + 10
