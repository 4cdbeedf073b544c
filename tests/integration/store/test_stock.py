"""Stock never falls below zero, counts again from nothing, and gives back what it took once, on both databases."""

from __future__ import annotations

import itertools
import random
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from backroom.store import backlog, stock
from backroom.store.database import Database, now
from backroom.store.stock import Wish
from backroom.store.tables import orders, reservations, stock_levels
from tests.shops import FIRST_STOCK, HUB, PLAIN, SCARCE, SOUTH, Floor
from tests.together import run_together

SOLD = "SOLD-OUT-M"


@pytest.fixture
def sellers(floor: Floor) -> list[int]:
    """Ids of orders that may reserve."""
    for _ in range(8):
        floor.order((PLAIN, 1), financial_status="pending")
    floor.intake()
    with floor.room.database.read() as connection:
        return list(connection.execute(select(orders.c.id).order_by(orders.c.id)).scalars())


def reserve(database: Database, *wishes: Wish) -> set[int]:
    return database.write(lambda c: stock.reserve(c, wishes, at=now(c), expires_at=None))


def test_64_threads_selling_100_pieces_sell_exactly_100(floor: Floor, sellers: list[int]) -> None:
    database = floor.room.database

    def sell(thread: int) -> int:
        order = sellers[thread % len(sellers)]
        return sum(not reserve(database, Wish(order, HUB, PLAIN, 1)) for _ in range(2))

    sold = run_together([lambda thread=thread: sell(thread) for thread in range(64)])
    assert sum(sold) == 100
    assert floor.available(HUB, PLAIN) == (100, 100)
    floor.check_sums()


@pytest.mark.parametrize("seed", range(3))
def test_whatever_threads_do_side_by_side_the_sums_hold(floor: Floor, sellers: list[int], seed: int) -> None:
    database = floor.room.database
    places = [(place, sku) for place, sku, _ in FIRST_STOCK]
    keys = itertools.count()

    def work(thread: int) -> None:
        chance = random.Random(f"{seed}-{thread}")
        for _ in range(8):
            order = sellers[chance.randrange(len(sellers))]
            match chance.randrange(4):
                case 0 | 1:
                    wanted = chance.sample(places, chance.randint(1, len(places)))
                    reserve(database, *(Wish(order, *place, chance.randint(1, 6)) for place in wanted))
                case 2:
                    database.write(lambda c, order=order: stock.release(c, [order]))
                case 3:
                    pieces = [(*chance.choice(places), chance.randint(1, 3))]
                    key = f"more-{thread}-{next(keys)}"
                    database.write(lambda c, key=key, pieces=pieces: stock.receive(c, key, pieces, "more", now(c)))

    run_together([lambda thread=thread: work(thread) for thread in range(6)])
    floor.check_sums()


def test_an_order_gets_all_it_wants_or_nothing(floor: Floor, sellers: list[int]) -> None:
    one, other = sellers[:2]
    wishes = [Wish(one, HUB, PLAIN, 5), Wish(one, HUB, SCARCE, 2), Wish(other, HUB, PLAIN, 5)]
    assert reserve(floor.room.database, *wishes) == {one}
    assert floor.available(HUB, PLAIN) == (100, 5)
    assert floor.available(HUB, SCARCE) == (1, 0)
    floor.check_sums()


def test_who_comes_first_gets_the_last_piece(floor: Floor, sellers: list[int]) -> None:
    first, second = sellers[:2]
    assert reserve(floor.room.database, Wish(second, HUB, SCARCE, 1), Wish(first, HUB, SCARCE, 1)) == {first}


def test_what_no_location_ever_had_cannot_be_reserved(floor: Floor, sellers: list[int]) -> None:
    assert reserve(floor.room.database, Wish(sellers[0], HUB, SOLD, 1)) == {sellers[0]}


def test_two_lines_of_one_piece_are_both_reserved_and_given_back(floor: Floor, sellers: list[int]) -> None:
    order = sellers[0]
    reserve(floor.room.database, Wish(order, HUB, PLAIN, 1), Wish(order, HUB, PLAIN, 2))
    assert floor.available(HUB, PLAIN) == (100, 3)
    floor.room.database.write(lambda c: stock.release(c, [order]))
    assert floor.available(HUB, PLAIN) == (100, 0)


def test_what_is_released_twice_at_once_is_given_back_once(floor: Floor, sellers: list[int]) -> None:
    order, other = sellers[:2]
    reserve(floor.room.database, Wish(order, HUB, PLAIN, 7), Wish(other, HUB, PLAIN, 20))
    run_together([lambda: floor.room.database.write(lambda c: stock.release(c, [order])) for _ in range(6)])
    assert floor.available(HUB, PLAIN) == (100, 20)
    floor.check_sums()


def test_what_is_packed_leaves_the_stock_of_its_own_location_once(floor: Floor, sellers: list[int]) -> None:
    order = sellers[0]
    reserve(floor.room.database, Wish(order, HUB, PLAIN, 3), Wish(order, SOUTH, PLAIN, 2))
    at_hub = update(reservations).where(reservations.c.location == HUB).values(fulfilment_order_id=77)
    floor.room.database.write(lambda c: c.execute(at_hub))
    run_together([lambda: floor.room.database.write(lambda c: stock.consume(c, [77], now(c))) for _ in range(4)])
    assert floor.available(HUB, PLAIN) == (97, 0)
    assert floor.available(SOUTH, PLAIN) == (20, 2)
    floor.room.database.write(lambda c: stock.release(c, [order]))
    assert floor.available(HUB, PLAIN) == (97, 0)
    floor.check_sums()


def test_a_delivery_that_is_booked_twice_counts_once(floor: Floor) -> None:
    for _ in range(2):
        floor.room.database.write(lambda c: stock.receive(c, "note-1", [(HUB, PLAIN, 10)], "delivered", now(c)))
    assert floor.available(HUB, PLAIN) == (110, 0)
    floor.check_sums()


def test_one_piece_twice_on_a_delivery_note_counts_both(floor: Floor) -> None:
    pieces = [(HUB, PLAIN, 10), (HUB, PLAIN, 5)]
    floor.room.database.write(lambda c: stock.receive(c, "note-1", pieces, "delivered", now(c)))
    assert floor.available(HUB, PLAIN) == (115, 0)
    floor.check_sums()


def test_the_database_itself_refuses_less_than_nothing(floor: Floor) -> None:
    with pytest.raises(IntegrityError):
        floor.room.database.write(lambda c: c.execute(update(stock_levels).values(reserved=stock_levels.c.on_hand + 1)))
    with pytest.raises(IntegrityError):
        floor.room.database.write(lambda c: stock.receive(c, "lost", [(HUB, PLAIN, -101)], "lost", now(c)))
    floor.check_sums()


def test_an_abandoned_reservation_expires_and_its_order_is_routed_again(floor: Floor) -> None:
    from tasks.claiming import claim_intake, holding
    from tasks.release import release
    from tasks.reserve import reserve as reserve_task
    from tasks.route import route
    from tasks.validate import validate

    number_at = floor.order((PLAIN, 4))
    claim = claim_intake(floor.room)
    assert claim is not None
    with holding(floor.room, claim):
        for step in (validate, route, reserve_task):
            step.fn(claim)
    number = floor.number(number_at)
    assert floor.state(number)[0] == "reserved"
    later = timedelta(hours=73)
    assert floor.room.database.write(lambda c: backlog.expire_reservations(c, now(c))) == 0
    assert floor.room.database.write(lambda c: backlog.expire_reservations(c, now(c) + later)) == 1
    assert floor.state(number)[0] == "accepted"
    assert floor.available(HUB, PLAIN) == (100, 0)
    assert "reservation.expired" in floor.events(number)
    floor.intake()
    assert floor.state(number) == ("released", ["open"])
    assert floor.available(HUB, PLAIN) == (100, 4)
    # Once released, it does not expire any more.
    assert floor.room.database.write(lambda c: backlog.expire_reservations(c, now(c) + later)) == 0
    assert release.fn(claim) == []
    floor.check_sums()


def test_an_order_released_at_the_very_moment_its_reservation_expires_keeps_its_pieces(floor: Floor) -> None:
    """The sweep saw the reservation as over; the release is faster by a commit."""
    number = floor.taken_in((PLAIN, 4))
    later = timedelta(hours=73)
    stale = update(reservations).values(expires_at=None)
    floor.room.database.write(lambda c: c.execute(stale.values(expires_at=now(c))))
    assert floor.room.database.write(lambda c: backlog.expire_reservations(c, now(c) + later)) == 0
    assert floor.state(number) == ("released", ["open"])
    assert floor.available(HUB, PLAIN) == (100, 4)
