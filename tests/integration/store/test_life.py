"""The life of an order through the tasks, on both databases, with folders as printers, carrier and mail."""

from __future__ import annotations

from tests.shops import BOOTH, GTIN, GTIN_TEE, HUB, PLAIN, SOUTH, Floor


def test_an_order_from_stock_is_packed_labelled_announced_and_fulfilled(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 2))
    assert floor.available(HUB, PLAIN) == (100, 2)
    floor.fulfil(HUB)
    assert floor.state(number) == ("fulfilled", ["done"])
    assert floor.available(HUB, PLAIN) == (98, 0)
    assert [state for _, state in floor.effects("label")] == ["done"]
    assert [state for _, state in floor.effects("sheet")] == ["done"]
    assert [state for _, state in floor.effects("message")] == ["done", "done"]
    floor.check_sums()
    assert len(list((floor.room.home / "labels-hub").glob("*.pdf"))) == 1


def test_an_order_for_the_booth_waits_for_its_prints_and_goes_on_after_the_last(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 3), at=BOOTH)
    floor.fulfil(BOOTH)
    assert floor.state(number) == ("released", ["making"])
    (job,) = floor.hand_out(BOOTH)
    assert job.copies == 3
    floor.print(job)
    floor.fulfil(BOOTH)
    assert floor.state(number) == ("fulfilled", ["done"])
    floor.check_sums()


def test_an_order_that_is_scanned_waits_for_every_piece(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 1), (GTIN_TEE, 1), at=SOUTH)
    floor.fulfil(SOUTH)
    assert floor.scan(SOUTH, number, GTIN).left == 1
    assert floor.state(number) == ("released", ["making"])
    assert floor.scan(SOUTH, number, PLAIN).left == 0
    floor.fulfil(SOUTH)
    assert floor.state(number) == ("fulfilled", ["done"])
    floor.check_sums()
