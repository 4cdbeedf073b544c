"""What customers carried out while the booth had no network: the piece in the hand wins, and the books follow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backroom.shop import room as rooms
from backroom.store import desk
from tests.booth_books import a_sale, listed, put, sell, with_till
from tests.shops import BOOTH, GTIN_TEE, HUB, PLAIN, Floor


@pytest.fixture
def booth(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Floor:
    """The floor, with a till at the booth."""
    with_till(floor, monkeypatch)
    return floor


def test_what_is_free_at_the_booth_is_taken_and_nobody_hears_of_it(booth: Floor) -> None:
    put(booth, PLAIN, 2)
    sell(booth, a_sale(1), a_sale(2))
    booth.fulfil(BOOTH)
    assert booth.available(BOOTH, PLAIN) == (0, 0)
    assert listed(booth) == []
    booth.check_sums()


def test_a_piece_that_an_online_order_had_reserved_goes_to_who_holds_it_and_that_order_is_made_elsewhere(
    booth: Floor,
) -> None:
    put(booth, PLAIN, 1)
    online = booth.taken_in((PLAIN, 1), at=BOOTH)
    assert booth.available(BOOTH, PLAIN) == (1, 1)
    sell(booth, a_sale(1))
    booth.fulfil(BOOTH)
    assert booth.available(BOOTH, PLAIN) == (0, 0)
    assert listed(booth) == [("displaced", PLAIN, 1)]
    state, parts = booth.state(online)
    assert state == "released"
    assert parts[0] == "cancelled"
    assert "booth.conflict" in booth.events(online)
    booth.check_sums()


def test_an_online_order_that_nothing_can_make_without_the_piece_carried_out_is_held_until_there_is_one(
    booth: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    fair, *others = booth.room.shop.rules
    booth.room = replace(booth.room, shop=replace(booth.room.shop, rules=(replace(fair, short="hold"), *others)))
    monkeypatch.setitem(rooms._open, booth.room.home.resolve(), booth.room)
    put(booth, GTIN_TEE, 1)
    online = booth.taken_in((GTIN_TEE, 1), at=BOOTH)
    assert booth.state(online) == ("released", ["open"])
    sell(booth, a_sale(1, GTIN_TEE))
    booth.fulfil(BOOTH)
    assert booth.available(BOOTH, GTIN_TEE) == (0, 0)
    assert listed(booth) == [("displaced", GTIN_TEE, 1)]
    assert booth.state(online) == ("held", ["cancelled"])
    assert booth.story(online).order["hold_reason"] == "short_stock"
    assert {"booth.conflict", "order.rerouted", "order.held"} <= set(booth.events(online))
    put(booth, GTIN_TEE, 1, "found in the van")
    booth.room.database.write(lambda c: desk.release(c, online, "Ada", HUB))
    booth.intake()
    assert booth.state(online) == ("released", ["cancelled", "open"])
    booth.check_sums()


def test_what_the_books_never_had_is_corrected_by_name_and_nothing_is_below_zero(booth: Floor) -> None:
    put(booth, PLAIN, 1)
    sell(booth, a_sale(1, count=3))
    assert listed(booth) == [("not_in_books", PLAIN, 2)]
    booth.fulfil(BOOTH)
    assert booth.available(BOOTH, PLAIN) == (0, 0)
    booth.check_sums()


def test_work_that_somebody_has_begun_is_not_taken_from_them(booth: Floor) -> None:
    put(booth, PLAIN, 1)
    online = booth.taken_in((PLAIN, 1), at=BOOTH)
    booth.fulfil(BOOTH)  # it is packed, and labelled
    before = booth.state(online)
    put(booth, PLAIN, 0, "nothing")
    sell(booth, a_sale(1))
    assert booth.state(online) == before
    assert listed(booth) == [("not_in_books", PLAIN, 1)]
    booth.check_sums()


def test_nobody_scans_what_is_out_of_the_door(booth: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    scanning = replace(booth.room.shop.location(BOOTH), scan=True)
    places = tuple(scanning if one.id == BOOTH else one for one in booth.room.shop.locations)
    room = replace(booth.room, shop=replace(booth.room.shop, locations=places))
    booth.room = room
    monkeypatch.setitem(rooms._open, room.home.resolve(), room)
    put(booth, PLAIN, 2)
    online = booth.taken_in((PLAIN, 1), at=BOOTH)
    sell(booth, a_sale(1))
    booth.fulfil(BOOTH)
    assert booth.available(BOOTH, PLAIN) == (1, 1)
    assert booth.state(online)[1] == ["making"]
    booth.check_sums()


def test_of_what_comes_in_together_the_piece_in_the_hand_is_booked_first(booth: Floor) -> None:
    put(booth, PLAIN, 1)
    online = booth.order((PLAIN, 1), at=BOOTH)
    sell(booth, a_sale(1))
    booth.fulfil(BOOTH)
    assert booth.available(BOOTH, PLAIN) == (0, 0)
    assert [job.order_number for job in booth.hand_out(BOOTH)] == [booth.number(online)]
    assert listed(booth) == []
    booth.check_sums()


def test_a_sale_whose_piece_is_yet_to_be_printed_takes_nobodys(booth: Floor) -> None:
    put(booth, PLAIN, 1)
    online = booth.taken_in((PLAIN, 1), at=BOOTH)
    sell(booth, a_sale(1, handed_over=False))
    booth.fulfil(BOOTH)
    assert listed(booth) == []
    assert booth.state(online)[0] != "cancelled"
    assert len(booth.hand_out(BOOTH)) == 1
