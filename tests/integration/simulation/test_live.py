"""The night with real printers: its processes work together. The whole of it is played and judged by `make demo-event`,
which wants the machine for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from backroom.domain.model import OrderState
from backroom.printing.virtual import PrivateBus
from backroom.store.tables import orders, refunds
from simulation.evening import OPENS, Customer, Wish
from simulation.live import LiveNight, open_live
from tests.printers import private_bus, wait_for

__all__ = ["private_bus"]

pytestmark = pytest.mark.printer
SEED = 7
# Printed within a second or two; the wave of an order and the way over the cable take as long as they take.
QUICKLY = 240.0
SHIRT = "TEE-MOTH-INK-M"


@contextmanager
def a_night(home: Path, times: float) -> Iterator[LiveNight]:
    home.mkdir()
    with open_live(home, SEED, times, lambda _line: None, lambda _at, _orders: None) as night:
        yield night


@pytest.fixture
def night(private_bus: PrivateBus, tmp_path: Path) -> Iterator[LiveNight]:
    """The booth of the demo, open, without its two hundred customers."""
    with a_night(tmp_path / "home", QUICKLY) as one, one.hub.at_work():
        wait_for(lambda: one.clock() >= OPENS)
        with one.clock.standing():
            one.hub.look_after_events()
        yield one


def go_on(night: LiveNight, until: Callable[[], bool]) -> None:
    """Let the till tell and the hub work, as the night does, until something is so."""

    def turn() -> bool:
        if night.door.box.waiting(1) and not night.away:
            night.door.telling.look()
        with night.clock.standing():
            if night.hub.work() and not night.away:
                night.staff.put_aside()
        return until()

    wait_for(turn, deadline_s=60)


def states(night: LiveNight) -> dict[str, str]:
    """The orders' states, by their name at their channel."""
    with night.hub.room.database.read() as connection:
        rows = connection.execute(select(orders.c.external_id, orders.c.state)).all()
    return {row.external_id: row.state for row in rows}


def serve(night: LiveNight, number: int, wish: Wish) -> str:
    """A customer orders: who waits orders more than lies there, the others one piece. The order's name at its
    channel."""
    before = set(night.sold)
    pieces = night.lent[SHIRT] + 1 if wish is Wish.WAIT else 1
    with night.clock.standing():
        night.serve(Customer(number, night.clock(), wish, ((SHIRT, pieces),)))
    (name,) = set(night.sold) - before
    return name


def test_till_gateway_and_booth_serve_one_who_carries_out_and_one_who_waits_for_a_print(night: LiveNight) -> None:
    carried, waited = serve(night, 1, Wish.CARRY), serve(night, 2, Wish.WAIT)
    go_on(night, lambda: [*states(night).values()] == [OrderState.FULFILLED, OrderState.FULFILLED])
    assert set(states(night)) == {carried, waited}
    (printed,) = night.happened().came_out
    with night.hub.room.database.read() as connection:
        assert connection.execute(select(refunds)).all() == []
        number = connection.execute(select(orders.c.number).where(orders.c.external_id == waited)).scalar_one()
    assert number in printed[0]
    assert night.table.bags[carried].total() == 1


def test_what_is_sold_while_the_cable_is_cut_is_told_when_it_is_mended(night: LiveNight) -> None:
    night._cut_off()
    sold = serve(night, 1, Wish.WAIT)
    night.door.telling.look()
    assert len(night.door.box.waiting()) == 1
    assert states(night) == {}
    night._back()
    go_on(night, lambda: states(night) == {sold: OrderState.FULFILLED})
    assert night.door.box.waiting() == []
    assert len(night.happened().came_out) == 1
