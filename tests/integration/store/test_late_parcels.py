"""What a booth would print too late and another place in time: which parcels go there, and which stay."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from backroom.domain.explain import explain
from backroom.domain.locations import BY_ROUTING, PromiseSpec
from backroom.domain.model import RoutingDecision
from backroom.domain.replay import replay
from backroom.domain.routing_rules import RoutingRule
from backroom.shop import room as rooms
from backroom.store import print_attempts, print_promises
from backroom.store.booth_calls import hear
from backroom.store.database import now
from backroom.store.past import read_past
from backroom.store.routing import decision_from_row
from backroom.store.tables import stock_levels
from tests.promised_booth import ANYWHERE, change, look, ordered, promise_earlier, promises, promising_booth
from tests.shops import BOOTH, HUB, SOUTH, Floor


@pytest.fixture
def booth(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Floor:
    return promising_booth(floor, monkeypatch)


def test_a_parcel_that_would_be_late_is_made_elsewhere_and_never_comes_back(booth: Floor) -> None:
    number = ordered(booth)
    look(booth)
    promise_earlier(booth, number, 30)
    found = look(booth)
    assert found.elsewhere == (number,)
    assert [one.stage for one in found.wakeups] == ["intake"]
    booth.intake()
    assert [part["location"] for part in booth.story(number).parts if part["state"] != "cancelled"] == [HUB]
    assert "order.rerouted" in booth.events(number)
    assert promises(booth, number)[0]["state"] == "elsewhere"
    booth.check_sums()


def told_later(floor: Floor, number: str) -> dict[str, Any]:
    """What the one entry says by which an order's promise was moved."""
    [told] = [entry["data"] for entry in floor.story(number).history if entry["event"] == "order.promised_later"]
    data: dict[str, Any] = told
    return data


def with_rule(floor: Floor, monkeypatch: pytest.MonkeyPatch, spec: PromiseSpec, *more: RoutingRule) -> Floor:
    shop = floor.room.shop
    places = tuple(replace(one, promise=spec) if one.id == BOOTH else one for one in shop.locations)
    found = Floor(replace(floor.room, shop=replace(shop, locations=places, rules=(shop.rules[0], *more))), floor.waker)
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), found.room)
    return found


def test_the_booths_own_rule_sends_a_late_parcel_where_no_routing_rule_would(
    booth: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor = with_rule(booth, monkeypatch, PromiseSpec(late=(SOUTH, "hub")))
    number = ordered(floor)
    look(floor)
    promise_earlier(floor, number, 30)
    assert look(floor).elsewhere == (number,)
    floor.intake()
    story = floor.story(number)
    assert [part["location"] for part in story.parts if part["state"] != "cancelled"] == [HUB]
    [told] = [entry["data"] for entry in story.history if entry["event"] == "order.rerouted"]
    assert (told["from"], told["to"]) == (BOOTH, HUB)
    assert told["not_sent_to"] == f"{SOUTH}: 1 of 1 piece neither in stock nor printable there"
    said = explain(decision_from_row(story.decisions[-1]), number, floor.room.shop.location_names)
    assert "because it would be late where it was" in said
    floor.check_sums()
    # What if it came again by the same rules: it would be made where it was made, for the booth's word still counts.
    again = what_if(floor)
    assert [one.location for one in again[number].assignments] == [HUB]


def test_a_late_parcel_that_no_other_place_can_make_stays_and_says_so_once(
    booth: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor = with_rule(booth, monkeypatch, PromiseSpec(late=(SOUTH, BY_ROUTING)))
    number = ordered(floor)
    look(floor)
    promise_earlier(floor, number, 30)
    found = look(floor)
    assert (found.elsewhere, found.moved) == ((), (number,))
    assert look(floor).moved == ()
    assert floor.state(number) == ("released", ["making"])
    told = told_later(floor, number)
    assert told["not_sent_to"].startswith(f"{SOUTH}: 1 of 1 piece neither")
    assert "by routing: no other place by the routing rules" in told["not_sent_to"]


def test_a_place_is_no_help_where_its_own_queue_is_longer(booth: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    floor = with_rule(booth, monkeypatch, PromiseSpec(late=("hub",), late_sooner=True))
    number = ordered(floor)
    look(floor)
    promise_earlier(floor, number, 30)
    # A piece on the hub's shelf would be sooner; its printer is only as fast as the booth's.
    change(floor, lambda c: c.execute(update(stock_levels).where(stock_levels.c.location == HUB).values(on_hand=0)))
    found = look(floor)
    assert (found.elsewhere, found.moved) == ((), (number,))
    told = told_later(floor, number)
    assert told["not_sent_to"].startswith(f"{HUB}: it would be ready there no sooner")


@pytest.mark.parametrize("late", [(BY_ROUTING,), ("hub",)])
def test_of_three_late_parcels_only_the_one_goes_elsewhere_for_which_there_is_a_piece(
    booth: Floor, monkeypatch: pytest.MonkeyPatch, late: tuple[str, ...]
) -> None:
    floor = without_press_at_the_hub(with_rule(booth, monkeypatch, PromiseSpec(late=late), ANYWHERE), monkeypatch)
    first, *others = late_parcels(floor, 3)
    found = look(floor)
    assert (found.elsewhere, found.moved) == ((first,), tuple(others))
    floor.intake()
    assert made_at(floor, first) == [HUB]
    assert [(floor.state(number), made_at(floor, number)) for number in others] == [
        (("released", ["making"]), [BOOTH])
    ] * 2
    for number in others:
        told = told_later(floor, number)
        assert "neither in stock nor printable" in told["not_sent_to"]
    floor.check_sums()


def test_room_for_one_more_takes_one_late_parcel_and_not_three(booth: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    floor = with_rule(booth, monkeypatch, PromiseSpec(late=("hub",)))
    floor = changed_place(floor, monkeypatch, HUB, capacity=1)
    first, *others = late_parcels(floor, 3)
    found = look(floor)
    assert (found.elsewhere, found.moved) == ((first,), tuple(others))
    told = told_later(floor, others[0])
    assert told["not_sent_to"] == f"{HUB}: it has no room for another order"


def test_what_was_just_sent_to_a_place_is_before_the_next_one_in_its_queue(
    booth: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The booth's two printers need 27 minutes for each parcel, the hub's one as long: it is sooner for one only."""
    floor = with_rule(booth, monkeypatch, PromiseSpec(late=("hub",), late_sooner=True))
    change(floor, lambda c: c.execute(update(stock_levels).where(stock_levels.c.location == HUB).values(on_hand=0)))
    for _ in range(2):
        ordered(floor, collected=True, copies=9)
    first, second = late_parcels(floor, 2, copies=9)
    found = look(floor)
    assert (found.elsewhere, found.moved) == ((first,), (second,))
    told = told_later(floor, second)
    assert told["not_sent_to"].startswith(f"{HUB}: it would be ready there no sooner")


@pytest.mark.parametrize("late", [(BY_ROUTING,), ("hub",)])
def test_a_parcel_whose_piece_is_gone_before_it_is_routed_goes_back_where_it_was_late_and_stays_there(
    booth: Floor, monkeypatch: pytest.MonkeyPatch, late: tuple[str, ...]
) -> None:
    rules = (ANYWHERE,) if late == (BY_ROUTING,) else ()
    floor = without_press_at_the_hub(with_rule(booth, monkeypatch, PromiseSpec(late=late), *rules), monkeypatch)
    [number] = late_parcels(floor, 1)
    assert look(floor).elsewhere == (number,)
    change(floor, lambda c: c.execute(update(stock_levels).where(stock_levels.c.location == HUB).values(on_hand=0)))
    floor.intake()
    assert floor.state(number)[0] == "released"
    assert made_at(floor, number) == [BOOTH]
    said = explain(decision_from_row(floor.story(number).decisions[-1]), number, floor.room.shop.location_names)
    assert "it would be late there, but no other place can make it" in said
    assert "Hub was not taken: 1 of 1 piece neither in stock nor printable there" in said
    # It is promised anew; the hub has a piece again, and yet it is not sent to and fro.
    floor.fulfil(BOOTH)
    assert look(floor).given == (number,)
    assert [row["state"] for row in promises(floor, number)] == ["elsewhere", "open"]
    change(floor, lambda c: c.execute(update(stock_levels).where(stock_levels.c.location == HUB).values(on_hand=1)))
    promise_earlier(floor, number, 30)
    found = look(floor)
    assert (found.elsewhere, found.moved) == ((), (number,))


def late_parcels(floor: Floor, count: int, copies: int = 1) -> list[str]:
    """Parcels at the booth that were promised half an hour too early, the oldest promise first."""
    numbers = [ordered(floor, copies=copies) for _ in range(count)]
    look(floor)
    for number in numbers:
        promise_earlier(floor, number, 90)
    with floor.room.database.read() as connection:
        rows = print_promises.standing(connection, BOOTH)
    return [row["number"] for row in rows if row["number"] in numbers]


def made_at(floor: Floor, number: str) -> list[str]:
    return [part["location"] for part in floor.story(number).parts if part["state"] != "cancelled"]


def changed_place(floor: Floor, monkeypatch: pytest.MonkeyPatch, location: str, **values: Any) -> Floor:
    shop = floor.room.shop
    places = tuple(replace(one, **values) if one.id == location else one for one in shop.locations)
    found = Floor(replace(floor.room, shop=replace(shop, locations=places)), floor.waker)
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), found.room)
    return found


def without_press_at_the_hub(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Floor:
    return changed_place(floor, monkeypatch, HUB, printers=())


def what_if(floor: Floor) -> dict[str, RoutingDecision]:
    """How the orders of the last hour would be routed by the shop as it is."""
    with floor.room.database.read() as connection:
        at = now(connection)
        read = read_past(connection, floor.room.seals, {}, at - timedelta(hours=1), at)
    found = replay(read.past, floor.room.shop, read.variants, lambda _location, _prints: timedelta(minutes=5))
    return {one.past.order.number: one.decision for one in found.orders}


def test_a_parcel_that_is_begun_stays(booth: Floor) -> None:
    number = ordered(booth)
    look(booth)
    promise_earlier(booth, number, 30)
    [job] = booth.hand_out(BOOTH)
    change(booth, lambda c: print_attempts.start(c, job.id, job.attempt, "bench", "press-1"))
    assert look(booth).elsewhere == ()
    assert booth.state(number) == ("released", ["making"])


def test_nothing_is_sent_to_print_where_nobody_can_be_heard(booth: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    floor = with_rule(booth, monkeypatch, PromiseSpec(late=("hub",), late_hours=5))
    change(floor, lambda c: c.execute(update(stock_levels).where(stock_levels.c.location == HUB).values(on_hand=0)))
    numbers = late_parcels(floor, 1)
    change(floor, lambda c: hear(c, HUB, now(c) - timedelta(minutes=5)))
    found = look(floor)
    assert (found.elsewhere, found.moved) == ((), tuple(numbers))
    told = told_later(floor, numbers[0])
    assert told["not_sent_to"] == f"{HUB}: nobody can say when it would be ready there"
