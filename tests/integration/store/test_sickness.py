"""A sick order leaves its wave for a run of its own; more than ten of one cause are one breaker."""

from __future__ import annotations

from sqlalchemy import select

from backroom.store import desk, sickness
from backroom.store.claims import Claim, fence, give_up
from backroom.store.database import now
from backroom.store.sickness import Sick
from backroom.store.tables import fulfilment_orders, orders
from tests.shops import HUB, PLAIN, Floor


def a_wave(floor: Floor, count: int) -> tuple[Claim, list[Sick]]:
    """Released orders, claimed, as the sick ones they could become."""
    from tasks.claiming import claim_fulfilment

    for _ in range(count):
        floor.order((PLAIN, 1))
    floor.intake()
    claim = claim_fulfilment(floor.room, HUB)
    assert claim is not None
    with floor.room.database.read() as connection:
        query = select(fulfilment_orders.c.id, fulfilment_orders.c.order_id, orders.c.number).join(
            orders, orders.c.id == fulfilment_orders.c.order_id
        )
        rows = connection.execute(query.where(fulfilment_orders.c.claim_token == claim.token)).all()
    return claim, [Sick(row.id, row.order_id, row.number, "artwork_missing", "owl.png is missing") for row in rows]


def leave(floor: Floor, claim: Claim, sick: list[Sick]) -> None:
    def work(connection: sickness.Connection) -> None:
        at = fence(connection, claim.token)
        sickness.leave_wave(connection, claim.stage, claim.location, claim.token, sick, at, "")

    floor.room.database.write(work)


def trip(floor: Floor) -> list[int]:
    return floor.room.database.write(lambda c: sickness.trip(c, "fulfilment", HUB, now(c)))


def alone(floor: Floor) -> list[str]:
    with floor.room.database.read() as connection:
        return [number for _, number, _, _ in sickness.alone(connection, "fulfilment", HUB)]


def test_a_sick_one_leaves_and_the_others_go_on(floor: Floor) -> None:
    claim, wave = a_wave(floor, 3)
    leave(floor, claim, wave[:1])
    floor.room.database.write(lambda c: give_up(c, claim.token))
    floor.fulfil(HUB)
    assert [floor.state(one.number)[0] for one in wave] == ["released", "fulfilled", "fulfilled"]
    assert alone(floor) == [wave[0].number]
    assert floor.events(wave[0].number)[-1] == "order.sick"


def test_ten_of_one_cause_are_ten_runs(floor: Floor) -> None:
    claim, wave = a_wave(floor, 10)
    leave(floor, claim, wave)
    assert trip(floor) == []
    assert len(alone(floor)) == 10


def test_eleven_of_one_cause_are_one_breaker(floor: Floor) -> None:
    claim, wave = a_wave(floor, 11)
    leave(floor, claim, wave)
    (breaker,) = trip(floor)
    assert alone(floor) == []
    assert trip(floor) == []
    with floor.room.database.read() as connection:
        assert sickness.waiting_behind(connection, breaker) == 11
        assert sickness.one_behind(connection, breaker) == (wave[0].order_id, wave[0].number)
        assert [row["cause"] for row in sickness.open_breakers(connection, "fulfilment", HUB)] == ["artwork_missing"]


def test_eleven_of_two_causes_are_eleven_runs(floor: Floor) -> None:
    claim, wave = a_wave(floor, 11)
    other = Sick(wave[0].row_id, wave[0].order_id, wave[0].number, "too_heavy", "25 kg")
    leave(floor, claim, [other, *wave[1:]])
    assert trip(floor) == []
    assert len(alone(floor)) == 11


def test_who_falls_sick_of_an_open_breakers_cause_waits_behind_it(floor: Floor) -> None:
    claim, wave = a_wave(floor, 12)
    leave(floor, claim, wave[:11])
    (breaker,) = trip(floor)
    leave(floor, claim, wave[11:])
    with floor.room.database.read() as connection:
        assert sickness.waiting_behind(connection, breaker) == 12


def test_when_a_breaker_closes_all_go_on_together(floor: Floor) -> None:
    claim, wave = a_wave(floor, 11)
    leave(floor, claim, wave)
    floor.room.database.write(lambda c: give_up(c, claim.token))
    (breaker,) = trip(floor)
    floor.fulfil(HUB)
    assert {floor.state(one.number)[0] for one in wave} == {"released"}
    (owed,) = floor.room.database.write(lambda c: sickness.close(c, breaker, now(c)))
    assert (owed.stage, owed.location) == ("fulfilment", HUB)
    assert floor.room.database.write(lambda c: sickness.close(c, breaker, now(c))) == []
    floor.fulfil(HUB)
    assert {floor.state(one.number)[0] for one in wave} == {"fulfilled"}


def test_a_sick_order_gets_one_run_for_one_sickness_and_another_for_the_next(floor: Floor) -> None:
    from tasks.sick import give_runs

    claim, wave = a_wave(floor, 1)
    leave(floor, claim, wave)
    floor.room.database.write(lambda c: give_up(c, claim.token))
    give_runs(floor.room, "fulfilment", HUB)
    # Its own run claims it and finds it still sick; the sweep looks again.
    again = claimed_alone(floor, wave[0])
    leave(floor, again, wave)
    floor.room.database.write(lambda c: give_up(c, again.token))
    give_runs(floor.room, "fulfilment", HUB)
    assert len(set(floor.waker.order_runs)) == 1
    floor.room.database.write(lambda c: desk.retry(c, wave[0].number, "Ada", HUB))
    third = claimed_alone(floor, wave[0])
    leave(floor, third, wave)
    give_runs(floor.room, "fulfilment", HUB)
    assert len(set(floor.waker.order_runs)) == 2


def claimed_alone(floor: Floor, one: Sick) -> Claim:
    from tasks.claiming import claim_fulfilment

    claim = claim_fulfilment(floor.room, HUB, one.number)
    assert claim is not None
    return claim


def test_a_retried_order_goes_on_in_the_next_wave(floor: Floor) -> None:
    claim, wave = a_wave(floor, 1)
    leave(floor, claim, wave)
    floor.room.database.write(lambda c: give_up(c, claim.token))
    owed = floor.room.database.write(lambda c: desk.retry(c, wave[0].number, "Ada", HUB))
    assert {wakeup.stage for wakeup in owed} == {"intake", "fulfilment"}
    floor.fulfil(HUB)
    assert floor.state(wave[0].number)[0] == "fulfilled"


def test_a_person_who_holds_an_order_keeps_it_from_falling_sick(floor: Floor) -> None:
    claim, wave = a_wave(floor, 1)
    floor.room.database.write(lambda c: desk.hold(c, wave[0].number, "wait", "Ada"))
    leave(floor, claim, wave)
    assert alone(floor) == []
    assert "order.sick" not in floor.events(wave[0].number)


def test_a_missing_artwork_makes_its_own_order_sick_and_no_other(floor: Floor) -> None:
    printed = floor.order((PLAIN, 1), at="booth")
    (floor.room.artwork() / "owl.png").unlink()
    floor.intake()
    outcomes = floor.fulfil("booth")
    assert [(one.result, one.cause) for one in outcomes] == [("sick", "artwork_missing")]
    assert floor.state(floor.number(printed)) == ("released", ["open"])
