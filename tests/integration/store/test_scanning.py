"""Scanning: the right piece counts, a wrong one is refused and counted too, and the last one makes the parcel."""

from __future__ import annotations

from sqlalchemy import select

from backroom.store import desk
from backroom.store.tables import scans
from tests.shops import BOOTH, GTIN, GTIN_TEE, HUB, PLAIN, SOUTH, Floor
from tests.together import run_together


def to_scan(floor: Floor, *lines: tuple[str, int]) -> str:
    number = floor.taken_in(*lines, at=SOUTH)
    floor.fulfil(SOUTH)
    return number


def test_pieces_count_by_sku_and_by_gtin_until_none_is_left(floor: Floor) -> None:
    number = to_scan(floor, (PLAIN, 1), (GTIN_TEE, 2))
    results = [floor.scan(SOUTH, number, code) for code in (GTIN, PLAIN, GTIN_TEE)]
    assert [(result.accepted, result.left) for result in results] == [(True, 2), (True, 1), (True, 0)]
    assert [wakeup.stage for wakeup in results[-1].wakeups] == ["fulfilment"]
    assert floor.state(number) == ("released", ["made"])


def test_a_wrong_piece_is_refused_with_the_reason_and_counted(floor: Floor) -> None:
    number = to_scan(floor, (PLAIN, 1))
    wrong, stranger = floor.scan(SOUTH, number, GTIN), floor.scan(SOUTH, number, "0000")
    assert (wrong.accepted, wrong.reason) == (False, f"wrong piece: {GTIN_TEE} is not in this order")
    assert (stranger.accepted, stranger.reason) == (False, "this code is not in the catalogue")
    assert (wrong.left, stranger.left) == (1, 1)
    with floor.room.database.read() as connection:
        assert connection.execute(select(scans.c.accepted, scans.c.actor)).all() == [(False, "Ada"), (False, "Ada")]
    assert floor.events(number)[-2:] == ["scan.refused", "scan.refused"]
    assert floor.state(number) == ("released", ["making"])


def test_one_piece_too_many_is_refused(floor: Floor) -> None:
    number = to_scan(floor, (PLAIN, 1), (GTIN_TEE, 1))
    floor.scan(SOUTH, number, PLAIN)
    again = floor.scan(SOUTH, number, PLAIN)
    assert (again.accepted, again.reason, again.left) == (False, f"all pieces of {PLAIN} are scanned already", 1)


def test_two_scanners_with_the_last_piece_count_it_once(floor: Floor) -> None:
    number = to_scan(floor, (PLAIN, 1), (GTIN_TEE, 1))
    results = run_together([lambda: floor.scan(SOUTH, number, PLAIN) for _ in range(4)])
    assert sum(result.accepted for result in results) == 1
    assert floor.state(number) == ("released", ["making"])
    assert [line["picked"] for line in floor.story(number).part_lines] == [1, 0]


def test_an_order_is_scanned_where_it_is_picked_and_nowhere_else(floor: Floor) -> None:
    number = to_scan(floor, (PLAIN, 1))
    for place, order in ((HUB, number), (SOUTH, "A-9")):
        result = floor.scan(place, order, PLAIN)
        assert (result.accepted, result.reason) == (False, f"{order} is not picked at {place}")


def test_what_is_printed_for_an_order_is_not_scanned(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 1), at=BOOTH)
    floor.fulfil(BOOTH)
    result = floor.scan(BOOTH, number, PLAIN)
    assert (result.accepted, result.reason) == (False, f"{PLAIN} is printed for this order, not picked")


def test_a_held_order_is_not_scanned(floor: Floor) -> None:
    number = to_scan(floor, (PLAIN, 1))
    floor.room.database.write(lambda c: desk.hold(c, number, "wait", "Ada"))
    result = floor.scan(SOUTH, number, PLAIN)
    assert (result.accepted, result.left) == (False, 1)
    assert "does not wait for a scan" in result.reason
