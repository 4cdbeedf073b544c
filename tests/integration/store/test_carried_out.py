"""What customers carried out while the booth had no network: the piece in the hand wins, and the books follow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backroom.domain.quality import Scope
from backroom.quality.checking import Check
from backroom.quality.suites import SUITES
from backroom.quality.validate import Inspector
from backroom.shop import room as rooms
from backroom.store import desk, print_attempts, print_jobs, scanning, unfinished
from backroom.store.carried_out import CORRECTION
from backroom.store.ceding import PIECE_CARRIED_OUT
from backroom.store.database import now
from backroom.store.desk import NotPossibleNow
from backroom.store.quality import findings
from tests.booth_books import a_sale, listed, moved, put, sell, with_till
from tests.shops import BOOTH, GTIN_TEE, HUB, PLAIN, SCARCE, Floor


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


def begun_with_a_piece_from_the_table(booth: Floor, monkeypatch: pytest.MonkeyPatch, sku: str = GTIN_TEE) -> str:
    """An order at a booth that scans: its print is there, the other piece lies on the table and is reserved for it.
    The booth prints PLAIN on demand, and no GTIN_TEE."""
    with_scans(booth, monkeypatch)
    put(booth, sku, 1)
    number = booth.taken_in((sku, 1), (SCARCE, 1), at=BOOTH)
    booth.fulfil(BOOTH)
    (job,) = booth.hand_out(BOOTH)
    booth.print(job)
    assert booth.state(number) == ("released", ["making"])
    return number


def with_scans(booth: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    scanning = replace(booth.room.shop.location(BOOTH), scan=True)
    places = tuple(scanning if one.id == BOOTH else one for one in booth.room.shop.locations)
    booth.room = replace(booth.room, shop=replace(booth.room.shop, locations=places))
    monkeypatch.setitem(rooms._open, booth.room.home.resolve(), booth.room)


def scan(booth: Floor, number: str, sku: str = GTIN_TEE) -> bool:
    return booth.room.database.write(lambda c: scanning.scan(c, BOOTH, number, sku, "Ada")).accepted


def release(booth: Floor, number: str) -> None:
    booth.room.database.write(lambda c: desk.release(c, number, "Ada", HUB))


def found_by_quality(booth: Floor) -> list[str]:
    subjects = ("orders", "reservations", "fulfilment_orders", "fulfilment_lines", "print_jobs", "stock")
    suites = [one for one in SUITES if one.subject in subjects]
    for _ in Check.begin(booth.room.database, booth.room.shop, Scope.FULL, Inspector()).steps(suites):
        pass
    with booth.room.database.read() as connection:
        return [row["code"] for row in findings.open_findings(connection, 10)]


def test_a_begun_order_loses_the_piece_that_nobody_scanned_for_it_and_a_person_is_asked_at_once(
    booth: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = begun_with_a_piece_from_the_table(booth, monkeypatch)
    sell(booth, a_sale(1, GTIN_TEE))
    booth.fulfil(BOOTH)
    assert booth.available(BOOTH, GTIN_TEE) == (0, 0)
    assert listed(booth) == [("displaced", GTIN_TEE, 1)]
    assert booth.state(number) == ("held", ["held"])
    assert booth.story(number).order["hold_reason"] == PIECE_CARRIED_OUT
    assert moved(booth, CORRECTION) == 0
    booth.check_sums()


def test_of_two_begun_orders_the_one_whose_piece_was_scanned_keeps_it(
    booth: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = begun_with_a_piece_from_the_table(booth, monkeypatch)
    put(booth, GTIN_TEE, 1, "found")
    second = booth.taken_in((GTIN_TEE, 1), at=BOOTH)
    booth.fulfil(BOOTH)
    assert scan(booth, second)
    sell(booth, a_sale(1, GTIN_TEE))
    booth.fulfil(BOOTH)
    assert booth.state(second)[0] != "held"
    assert booth.state(first)[0] == "held"
    assert listed(booth) == [("displaced", GTIN_TEE, 1)]
    booth.check_sums()


def test_what_nobody_has_begun_loses_its_piece_before_what_is_begun(
    booth: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = begun_with_a_piece_from_the_table(booth, monkeypatch)
    put(booth, GTIN_TEE, 1, "found")
    waits = booth.taken_in((GTIN_TEE, 1), at=BOOTH)
    sell(booth, a_sale(1, GTIN_TEE))
    booth.fulfil(BOOTH)
    assert booth.state(begun) == ("released", ["making"])
    assert booth.state(waits)[1][0] == "cancelled"
    booth.check_sums()


def test_of_pieces_of_which_some_are_scanned_only_the_others_are_lost_and_scanned_when_they_are_there_again(
    booth: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_scans(booth, monkeypatch)
    put(booth, GTIN_TEE, 3)
    number = booth.taken_in((GTIN_TEE, 3), at=BOOTH)
    booth.fulfil(BOOTH)
    assert scan(booth, number)
    sell(booth, a_sale(1, GTIN_TEE))
    booth.fulfil(BOOTH)
    assert booth.state(number) == ("held", ["held"])
    assert booth.available(BOOTH, GTIN_TEE) == (2, 2)
    booth.check_sums()
    with pytest.raises(NotPossibleNow, match=f"{number} lacks 1 of {GTIN_TEE} at {BOOTH}"):
        release(booth, number)
    put(booth, GTIN_TEE, 1, "found in the van")
    release(booth, number)
    assert booth.available(BOOTH, GTIN_TEE) == (3, 3)
    assert scan(booth, number)
    assert scan(booth, number)
    booth.fulfil(BOOTH)
    assert booth.state(number)[0] == "fulfilled"
    assert booth.available(BOOTH, GTIN_TEE) == (0, 0)
    booth.check_sums()


def test_a_sale_needs_no_more_of_a_begun_order_than_it_lacks(booth: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    with_scans(booth, monkeypatch)
    put(booth, GTIN_TEE, 3)
    number = booth.taken_in((GTIN_TEE, 2), at=BOOTH)
    booth.fulfil(BOOTH)
    assert scan(booth, number)
    sell(booth, a_sale(1, GTIN_TEE, 3))
    booth.fulfil(BOOTH)
    assert booth.available(BOOTH, GTIN_TEE) == (1, 1)
    assert listed(booth) == [("displaced", GTIN_TEE, 1), ("not_in_books", GTIN_TEE, 1)]
    booth.check_sums()


def test_an_order_that_lost_its_piece_is_sent_from_elsewhere_whole(
    booth: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = begun_with_a_piece_from_the_table(booth, monkeypatch)
    sell(booth, a_sale(1, GTIN_TEE))
    booth.fulfil(BOOTH)
    booth.room.database.write(lambda c: unfinished.send_from_elsewhere(c, number, "Ada", HUB))
    booth.intake()
    # It is made anew as soon as a place has the piece, which nobody prints.
    assert booth.state(number) == ("backordered", ["cancelled"])
    # Its print lies in the booth's stock now.
    assert booth.available(BOOTH, SCARCE)[0] == 1
    booth.check_sums()


def test_one_that_is_held_for_something_else_stays_so_and_goes_on_only_with_another_piece(
    booth: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = begun_with_a_piece_from_the_table(booth, monkeypatch)
    booth.room.database.write(lambda c: desk.hold(c, number, "payment_refunded", ""))
    sell(booth, a_sale(1, GTIN_TEE))
    booth.fulfil(BOOTH)
    assert booth.story(number).order["hold_reason"] == "payment_refunded"
    assert listed(booth) == [("displaced", GTIN_TEE, 1)]
    assert found_by_quality(booth) == []
    release(booth, number)
    assert booth.story(number).order["hold_reason"] == PIECE_CARRIED_OUT
    with pytest.raises(NotPossibleNow, match="lacks 1 of"):
        release(booth, number)
    put(booth, GTIN_TEE, 1, "found")
    release(booth, number)
    assert booth.state(number) == ("released", ["making"])
    booth.check_sums()


def test_a_scanned_piece_is_not_taken_by_the_next_sale_either(booth: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    with_scans(booth, monkeypatch)
    put(booth, GTIN_TEE, 3)
    number = booth.taken_in((GTIN_TEE, 3), at=BOOTH)
    booth.fulfil(BOOTH)
    assert scan(booth, number)
    sell(booth, a_sale(1, GTIN_TEE))
    sell(booth, a_sale(2, GTIN_TEE, 2))
    booth.fulfil(BOOTH)
    assert booth.available(BOOTH, GTIN_TEE) == (1, 1)
    assert ("not_in_books", GTIN_TEE, 1) in listed(booth)
    booth.check_sums()


def test_where_nobody_scans_what_lost_its_piece_is_sent_from_elsewhere_after_its_print_is_there_too(
    booth: Floor,
) -> None:
    put(booth, GTIN_TEE, 1)
    number = booth.taken_in((GTIN_TEE, 1), (SCARCE, 1), at=BOOTH)
    booth.fulfil(BOOTH)
    (job,) = booth.hand_out(BOOTH)
    booth.room.database.write(lambda c: print_attempts.start(c, job.id, job.attempt, "bench", "press-1"))
    sell(booth, a_sale(1, GTIN_TEE))
    assert booth.story(number).order["hold_reason"] == PIECE_CARRIED_OUT
    booth.room.database.write(lambda c: print_attempts.settle(c, job.id, job.attempt, "bench", "done", ""))
    with booth.room.database.read() as connection:
        assert unfinished.waiting_at(connection, BOOTH, now(connection)) == [number]
    booth.room.database.write(lambda c: unfinished.send_from_elsewhere(c, number, "Ada", HUB))
    assert booth.available(BOOTH, SCARCE) == (1, 0)
    booth.check_sums()


def test_whose_piece_was_scanned_while_another_is_printed_for_it_is_begun_for_news(
    booth: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_scans(booth, monkeypatch)
    put(booth, PLAIN, 2)
    number = booth.taken_in((PLAIN, 2), at=BOOTH)
    booth.fulfil(BOOTH)
    assert scan(booth, number, PLAIN)
    sell(booth, a_sale(1))
    order = booth.story(number).order["id"]
    assert not booth.room.database.write(lambda c: desk.start_over(c, order))


def test_data_quality_finds_nothing_wrong_about_an_order_that_lost_its_piece(
    booth: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun_with_a_piece_from_the_table(booth, monkeypatch)
    sell(booth, a_sale(1, GTIN_TEE))
    booth.fulfil(BOOTH)
    assert found_by_quality(booth) == []


def test_what_a_begun_order_lost_is_printed_for_it_where_the_booth_prints_it(
    booth: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = begun_with_a_piece_from_the_table(booth, monkeypatch, PLAIN)
    booth.waker.woken.clear()
    sell(booth, a_sale(1))
    assert listed(booth) == [("displaced", PLAIN, 1)]
    assert booth.state(number) == ("released", ["making"])
    assert (print_jobs.STAGE, BOOTH) in [(stage, location) for stage, location, _ in booth.waker.woken]
    (job,) = booth.hand_out(BOOTH)
    assert (job.order_number, job.sku) == (number, PLAIN)
    booth.print(job)
    booth.fulfil(BOOTH)
    assert booth.state(number)[0] == "fulfilled"
    assert moved(booth, CORRECTION) == 0
    booth.check_sums()


def test_of_two_pieces_the_one_that_is_scanned_is_kept_and_the_other_one_printed(
    booth: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_scans(booth, monkeypatch)
    put(booth, PLAIN, 2)
    number = booth.taken_in((PLAIN, 2), at=BOOTH)
    booth.fulfil(BOOTH)
    assert scan(booth, number, PLAIN)
    sell(booth, a_sale(1))
    (job,) = booth.hand_out(BOOTH)
    assert job.copies == 1
    booth.print(job)
    booth.fulfil(BOOTH)
    assert booth.state(number)[0] == "fulfilled"
    booth.check_sums()


def test_where_nobody_scans_a_begun_order_waits_for_the_print_of_what_it_lost(booth: Floor) -> None:
    put(booth, PLAIN, 1)
    number = booth.taken_in((PLAIN, 1), (SCARCE, 1), at=BOOTH)
    booth.fulfil(BOOTH)
    (first,) = booth.hand_out(BOOTH)
    booth.room.database.write(lambda c: print_attempts.start(c, first.id, first.attempt, "bench", "press-1"))
    sell(booth, a_sale(1))
    (second,) = (job for job in booth.hand_out(BOOTH) if job.id != first.id)
    booth.print(first)
    booth.fulfil(BOOTH)
    assert booth.state(number) == ("released", ["making"])
    booth.print(second)
    booth.fulfil(BOOTH)
    assert booth.state(number)[0] == "fulfilled"
    booth.check_sums()


def test_what_a_held_order_lost_is_not_printed_before_somebody_lets_it_go_on(
    booth: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = begun_with_a_piece_from_the_table(booth, monkeypatch, PLAIN)
    booth.room.database.write(lambda c: desk.hold(c, number, desk.ASKED_BY_STAFF, "Ada"))
    sell(booth, a_sale(1))
    assert booth.hand_out(BOOTH) == []
    assert booth.story(number).order["hold_reason"] == desk.ASKED_BY_STAFF


def test_data_quality_finds_nothing_wrong_about_an_order_whose_lost_piece_is_printed(
    booth: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun_with_a_piece_from_the_table(booth, monkeypatch, PLAIN)
    sell(booth, a_sale(1))
    assert found_by_quality(booth) == []


def test_nobody_scans_what_is_out_of_the_door(booth: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    with_scans(booth, monkeypatch)
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
