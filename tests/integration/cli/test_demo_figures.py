"""The figures of the demo's line of JSON, counted in a shop's real database."""

from __future__ import annotations

from backroom.cli.demo_judge import figures
from backroom.store import cancelling, desk
from tests.shops import HUB, PLAIN, Floor


def test_held_and_cancelled_orders_are_not_counted_as_accepted(floor: Floor) -> None:
    fulfilled, held, cancelled = [floor.taken_in((PLAIN, 1)) for _ in range(3)]
    floor.room.database.write(lambda c: desk.hold(c, held, desk.ASKED_BY_STAFF, "Ada"))
    floor.room.database.write(lambda c: cancelling.cancel(c, cancelled, "Ada", desk.CANCELLED_BY_STAFF))
    floor.fulfil(HUB)
    assert floor.state(fulfilled)[0] == "fulfilled"
    counted = figures(floor.room, (), (), 1.0)
    assert (counted.accepted, counted.held, counted.labels, counted.picked) == (1, 1, 1, 1)
