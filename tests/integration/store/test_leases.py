"""Leased pieces are in one place at a time, whatever runs side by side, and each is accounted for at the end."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, select, update

from backroom.domain.events import Event, Session
from backroom.domain.leases import LeaseRefused, Loan, Settled
from backroom.store import event_desk, events, leases, selling, stock
from backroom.store.database import now
from backroom.store.events import EventRefused
from backroom.store.stock import Wish
from backroom.store.tables import fulfilment_orders, orders
from tests.shops import BOOTH, GTIN, GTIN_TEE, HUB, PLAIN, SCARCE, SOUTH, Floor
from tests.together import run_together
from tests.told import with_api


def plan(floor: Floor, code: str = "fair", *, in_hours: float = -1) -> None:
    """An event at the booth that began an hour ago, unless said otherwise, and lasts eight."""

    def work(connection: Connection) -> None:
        opens = now(connection) + timedelta(hours=in_hours)
        sessions = (Session(opens, opens + timedelta(hours=8)),)
        event = Event(code, code.title(), "street", BOOTH, "the square", sessions)
        events.add(connection, event, (), now(connection), "Ada")

    floor.room.database.write(work)


def lend(floor: Floor, *loans: Loan, code: str = "fair", key: str = "first") -> int:
    return floor.room.database.write(lambda c: leases.lend(c, code, loans, key=key, actor="Ada"))


def close(floor: Floor, code: str = "fair") -> None:
    floor.room.database.write(lambda c: event_desk.close_event(c, code, HUB, "Ada"))


def count(floor: Floor, code: str, pieces: int | None = None) -> tuple[str, int]:
    return floor.room.database.write(lambda c: leases.count(c, "fair", code, pieces, "Ada"))


def settle(
    floor: Floor, code: str = "fair", *, all_there: bool = False, rest_missing: bool = False
) -> dict[str, Settled]:
    settled = floor.room.database.write(
        lambda c: leases.settle_event(c, code, hub=HUB, actor="Ada", all_there=all_there, rest_missing=rest_missing)
    )
    return {one.sku: one for one in settled}


def online(floor: Floor, sku: str) -> int:
    """Pieces that a web shop may sell which sells from the booth too."""
    (web, *others) = floor.room.shop.channels
    told = with_api(web, "shopify", "http://shop.example", locations=(HUB, SOUTH, BOOTH))
    with floor.room.database.read() as connection:
        return selling.online(connection, replace(floor.room.shop, channels=(told, *others)))[web.id][sku]


@pytest.fixture
def fair(floor: Floor) -> Floor:
    """The floor, with its fair planned and open."""
    plan(floor)
    floor.room.database.write(lambda c: event_desk.open_event(c, "fair", HUB, "Ada"))
    return floor


@pytest.fixture
def sellers(floor: Floor) -> list[int]:
    """Ids of orders that may reserve."""
    for _ in range(8):
        floor.order((PLAIN, 1), financial_status="pending")
    floor.intake()
    with floor.room.database.read() as connection:
        return list(connection.execute(select(orders.c.id).order_by(orders.c.id)).scalars())


def test_pieces_leave_the_hub_for_the_booth_in_one_step_and_no_online_shop_may_sell_them(fair: Floor) -> None:
    assert online(fair, PLAIN) == 120
    assert lend(fair, Loan(PLAIN, HUB, 30), Loan(PLAIN, SOUTH, 5)) == 35
    assert fair.available(HUB, PLAIN) == (70, 0)
    assert fair.available(BOOTH, PLAIN) == (35, 0)
    assert online(fair, PLAIN) == 85
    fair.check_sums()


def test_shared_pieces_may_be_sold_online_while_they_are_at_the_booth(fair: Floor) -> None:
    lend(fair, Loan(PLAIN, HUB, 30, shared=True))
    assert online(fair, PLAIN) == 120


def test_the_same_key_leases_once(fair: Floor) -> None:
    assert [lend(fair, Loan(PLAIN, HUB, 30)) for _ in range(3)] == [30, 0, 0]
    assert lend(fair, Loan(PLAIN, HUB, 1), key="second") == 1
    assert fair.available(BOOTH, PLAIN) == (31, 0)


def test_more_than_there_is_free_is_refused_and_nothing_moves(fair: Floor) -> None:
    fair.taken_in((PLAIN, 20))
    with pytest.raises(LeaseRefused, match=f"{HUB} has 80 free of {PLAIN}, and 81 are wanted"):
        lend(fair, Loan(SCARCE, HUB, 1), Loan(PLAIN, HUB, 81))
    assert fair.available(HUB, SCARCE) == (1, 0)
    fair.check_sums()


def test_a_sku_is_shared_as_a_whole_or_not_at_all(fair: Floor) -> None:
    lend(fair, Loan(PLAIN, HUB, 1))
    with pytest.raises(LeaseRefused, match="under another rule"):
        lend(fair, Loan(PLAIN, SOUTH, 1, shared=True), key="second")


def test_two_events_of_one_booth_cannot_both_have_pieces_out(fair: Floor) -> None:
    plan(fair, "next", in_hours=100)
    lend(fair, Loan(PLAIN, HUB, 1))
    with pytest.raises(LeaseRefused, match="fair still has pieces at booth"):
        lend(fair, Loan(PLAIN, HUB, 1), code="next", key="second")
    close(fair)
    settle(fair, all_there=True)
    assert lend(fair, Loan(PLAIN, HUB, 1), code="next", key="second") == 1


def test_a_web_order_does_not_get_a_kept_piece_even_when_it_was_routed_to_it(fair: Floor, sellers: list[int]) -> None:
    lend(fair, Loan(SCARCE, HUB, 1))

    def take(*, local: bool) -> set[int]:
        wish = Wish(sellers[0], BOOTH, SCARCE, 1, local=local)
        return fair.room.database.write(lambda c: stock.reserve(c, [wish], at=now(c), expires_at=None))

    assert take(local=False) == {sellers[0]}
    assert take(local=True) == set()
    assert fair.available(BOOTH, SCARCE) == (1, 1)
    fair.check_sums()


def test_of_a_wave_with_both_only_the_booths_own_order_gets_what_is_kept(fair: Floor, sellers: list[int]) -> None:
    lend(fair, Loan(PLAIN, HUB, 2))
    web, own, other = sellers[:3]
    wishes = [Wish(web, BOOTH, PLAIN, 1, local=False), Wish(own, BOOTH, PLAIN, 1), Wish(other, BOOTH, PLAIN, 1)]
    short = fair.room.database.write(lambda c: stock.reserve(c, wishes, at=now(c), expires_at=None))
    assert short == {web}
    fair.check_sums()


def test_a_sale_at_the_booth_changes_what_may_be_sold_online_in_its_own_commit(fair: Floor) -> None:
    lend(fair, Loan(PLAIN, HUB, 3, shared=True))
    before = online(fair, PLAIN)
    fair.taken_in((PLAIN, 2), at=BOOTH)
    assert fair.available(BOOTH, PLAIN) == (3, 2)
    assert online(fair, PLAIN) == before - 2


def test_a_web_order_takes_a_shared_piece_and_the_booth_may_sell_one_less(fair: Floor) -> None:
    rules = fair.room.shop.rules
    anywhere = replace(rules[2], where=(replace(rules[2].where[0], value="booth"),))
    object.__setattr__(fair.room, "shop", replace(fair.room.shop, rules=(anywhere,)))
    lend(fair, Loan(SCARCE, HUB, 1, shared=True))
    number = fair.taken_in((SCARCE, 1))
    assert [part["location"] for part in fair.story(number).parts] == [BOOTH]
    assert fair.available(BOOTH, SCARCE) == (1, 1)


def test_sold_returned_and_missing_pieces_add_up_and_go_where_they_came_from(fair: Floor) -> None:
    lend(fair, Loan(PLAIN, SOUTH, 4), Loan(PLAIN, HUB, 6), Loan(GTIN_TEE, SOUTH, 3))
    sold = fair.taken_in((PLAIN, 2), at=BOOTH)
    fair.fulfil(BOOTH)
    assert fair.state(sold)[0] == "fulfilled"
    close(fair)
    for _ in range(7):
        last = count(fair, PLAIN)
    assert last == (PLAIN, 7)
    assert count(fair, GTIN) == (GTIN_TEE, 1)
    assert count(fair, GTIN, 3) == (GTIN_TEE, 3)
    settled = settle(fair)
    assert settled[PLAIN] == Settled(PLAIN, leased=10, other=0, sold=2, returned=7, missing=1)
    assert settled[GTIN_TEE] == Settled(GTIN_TEE, leased=3, other=0, sold=0, returned=3, missing=0)
    assert fair.available(BOOTH, PLAIN) == (0, 0)
    assert fair.available(SOUTH, PLAIN) == (20, 0)
    assert fair.available(HUB, PLAIN) == (97, 0)
    assert fair.available(SOUTH, GTIN_TEE) == (20, 0)
    fair.check_sums()
    with fair.room.database.read() as connection:
        assert leases.settlement_of(connection, 1) == [settled[PLAIN], settled[GTIN_TEE]]


def test_a_piece_too_many_is_found_and_goes_home(fair: Floor) -> None:
    lend(fair, Loan(PLAIN, SOUTH, 4))
    close(fair)
    count(fair, PLAIN, 6)
    assert settle(fair)[PLAIN] == Settled(PLAIN, leased=4, other=0, sold=0, returned=6, missing=-2)
    assert (fair.available(SOUTH, PLAIN), fair.available(HUB, PLAIN)) == ((20, 0), (102, 0))
    fair.check_sums()


def test_what_a_booth_has_of_its_own_stays_there_unless_it_is_counted(fair: Floor) -> None:
    own = [(BOOTH, GTIN_TEE, 7), (BOOTH, SCARCE, 2)]
    fair.room.database.write(lambda c: stock.receive(c, "own", own, "delivered", now(c)))
    lend(fair, Loan(PLAIN, HUB, 4))
    close(fair)
    count(fair, PLAIN, 4)
    count(fair, SCARCE, 2)
    assert settle(fair).keys() == {PLAIN, SCARCE}
    assert fair.available(BOOTH, GTIN_TEE) == (7, 0)
    assert (fair.available(BOOTH, SCARCE), fair.available(HUB, SCARCE)) == ((0, 0), (3, 0))
    fair.check_sums()


def test_what_was_not_counted_is_not_guessed(fair: Floor) -> None:
    lend(fair, Loan(PLAIN, HUB, 4), Loan(SCARCE, HUB, 1))
    with pytest.raises(EventRefused, match="fair is live"):
        count(fair, PLAIN)
    close(fair)
    count(fair, PLAIN, 4)
    with pytest.raises(EventRefused, match=f"{SCARCE} was not counted"):
        settle(fair)
    with pytest.raises(EventRefused, match="not in the catalogue"):
        count(fair, "CAP-XXL")
    count(fair, SCARCE, 0)
    assert settle(fair)[SCARCE].missing == 1
    with pytest.raises(EventRefused, match="fair is settled"):
        settle(fair)
    with pytest.raises(EventRefused, match="fair is settled"):
        count(fair, PLAIN)
    fair.check_sums()


def test_a_booth_whose_orders_hold_pieces_is_not_settled(fair: Floor) -> None:
    lend(fair, Loan(PLAIN, HUB, 4))
    fair.taken_in((PLAIN, 1), at=BOOTH)
    fair.room.database.write(lambda c: c.execute(update(fulfilment_orders).values(state="packed")).rowcount)
    close(fair)
    with pytest.raises(EventRefused, match=f"still hold {PLAIN}"):
        settle(fair, all_there=True)


@pytest.mark.parametrize("seed", range(2))
def test_clients_for_the_last_pieces_and_leases_of_them_never_sell_one_twice(
    floor: Floor, sellers: list[int], seed: int
) -> None:
    """Sixteen threads reserve at the hub and the booth while leases move pieces from one to the other."""
    database = floor.room.database
    plan(floor)
    keys = itertools.count()

    def work(thread: int) -> Counter[str]:
        chance, done = random.Random(f"{seed}-{thread}"), Counter[str]()
        order = sellers[thread % len(sellers)]
        for _ in range(6):
            match chance.randrange(4):
                case 0:
                    loan, key = Loan(PLAIN, HUB, chance.randint(1, 12)), f"lease-{next(keys)}"
                    try:
                        done["leased"] += lend(floor, loan, key=key)
                    except LeaseRefused:
                        done["refused"] += 1
                case 1 | 2:
                    place, local = chance.choice((HUB, BOOTH)), chance.random() < 0.5
                    wish = Wish(order, place, PLAIN, chance.randint(1, 6), local=local)
                    taken = database.write(lambda c, wish=wish: stock.reserve(c, [wish], at=now(c), expires_at=None))
                    done["taken"] += wish.quantity if not taken else 0
                    done["kept pieces sold online"] += not wish.local and wish.location == BOOTH and not taken
                case 3:
                    database.write(lambda c: stock.release(c, [order]))
        return done

    done: Counter[str] = sum(run_together([lambda thread=thread: work(thread) for thread in range(16)]), Counter())
    floor.check_sums()
    hub, booth = floor.available(HUB, PLAIN), floor.available(BOOTH, PLAIN)
    assert hub[0] + booth[0] == 100
    assert booth[0] == done["leased"] > 0
    assert done["kept pieces sold online"] == 0
    assert done["taken"] > 0
