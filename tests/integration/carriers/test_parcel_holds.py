"""Deliveries that failed and parcels that come back, as Holds: made, asked about, decided, and over by themselves."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

import pytest

from backroom.domain.holds import what_to_do
from backroom.domain.tracking import ParcelState, TrackingEvent
from backroom.insight.facts import facts_of
from backroom.store import desk, holds, parcel_desk, parcel_news
from backroom.store.database import now
from backroom.store.quality.orders import ORDERS
from backroom.store.raw_orders import read_orders
from tasks.deciding import Choice, Decision, carry_out, question
from tests.fake_easypost import FakeEasyPost
from tests.integration.carriers.conftest import LOCAL, let_carry
from tests.integration.carriers.test_parcels import follow, mails, parcel, sent
from tests.shops import HUB, PLAIN, Floor

S = ParcelState


@pytest.fixture
def number(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> str:
    """An order whose parcel left with our own courier."""
    let_carry(floor, monkeypatch, LOCAL)
    number = floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    assert floor.state(number) == ("fulfilled", ["done"])
    return number


def clock(floor: Floor) -> datetime:
    with floor.room.database.read() as connection:
        return now(connection)


def say(floor: Floor, number: str, *told: tuple[int, ParcelState]) -> None:
    """The carrier tells of states, each so many minutes from now."""
    row, at = parcel(floor, number), clock(floor)
    events = [TrackingEvent(state, at + timedelta(minutes=minutes)) for minutes, state in told]
    floor.room.database.write(
        lambda c: parcel_news.note_events(c, row["carrier"], row["reference"], events, source="webhook", hub=HUB)
    )


def held(floor: Floor, number: str) -> tuple[str, str]:
    with floor.room.database.read() as connection:
        order = desk.find(connection, number)
    return order["state"], order["hold_reason"]


def asked(floor: Floor) -> list[str]:
    with floor.room.database.read() as connection:
        return [one.key for one in holds.questions(connection, 25)]


def test_a_failed_delivery_is_a_hold_that_is_over_when_the_parcel_goes_on(floor: Floor, number: str) -> None:
    ended_at = floor.story(number).order["ended_at"]
    say(floor, number, (0, S.OUT_FOR_DELIVERY), (1, S.FAILED))
    assert held(floor, number) == ("held", "delivery_failed")
    assert len(asked(floor)) == 1
    say(floor, number, (2, S.OUT_FOR_DELIVERY))
    assert held(floor, number) == ("fulfilled", "")
    assert floor.story(number).order["ended_at"] == ended_at
    # Nobody let it go on: its parcel did.
    assert "order.released_by_carrier" in floor.events(number)
    assert "order.released_by_person" not in floor.events(number)
    assert asked(floor) == []
    say(floor, number, (3, S.DELIVERED))
    assert held(floor, number) == ("fulfilled", "")


def test_what_has_left_is_counted_the_same_while_its_parcel_is_asked_about(floor: Floor, number: str) -> None:
    before = facts(floor, number)
    assert before["on_time"] is not None
    assert before["shipped_day"] != ""
    say(floor, number, (1, S.FAILED))
    assert held(floor, number)[0] == "held"
    assert facts(floor, number) == before
    assert faults(floor) == []
    say(floor, number, (2, S.OUT_FOR_DELIVERY))
    assert held(floor, number)[0] == "fulfilled"
    assert facts(floor, number) == before


def facts(floor: Floor, number: str) -> dict[str, Any]:
    """What the key figures know of the order as it stands."""
    with floor.room.database.read() as connection:
        [raw] = read_orders(connection, [desk.find(connection, number)["id"]]).values()
    return facts_of(raw, floor.room.shop)


def faults(floor: Floor) -> list[str]:
    """What data quality says of orders that have an end and are none, or have none and are one."""
    with floor.room.database.read() as connection:
        rows = connection.execute(ORDERS.query(clock(floor))).mappings().all()
    return [row["number"] for row in rows if row["is_ended"] != row["has_end"]]


def test_a_parcel_that_comes_back_is_asked_about_on_its_way_and_when_it_is_here(floor: Floor, number: str) -> None:
    keys = []
    for minutes, state, reason in (
        (1, S.FAILED, "delivery_failed"),
        (2, S.RETURNING, "parcel_returning"),
        (3, S.RETURNED, "parcel_returned"),
    ):
        say(floor, number, (minutes, state))
        assert held(floor, number) == ("held", reason)
        keys += asked(floor)
        floor.tell_of_parcels()
    # Each is a question of its own; its customer hears of it once.
    assert len(set(keys)) == 3
    assert mails(floor, "could not be delivered") == 1
    floor.check_effects()


def test_a_customer_whose_parcel_turned_back_at_once_is_told_as_well(floor: Floor, number: str) -> None:
    say(floor, number, (1, S.RETURNING))
    floor.tell_of_parcels()
    floor.tell_of_parcels()
    assert mails(floor, "could not be delivered") == 1


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_in_whatever_order_news_come_the_hold_is_the_same(floor: Floor, number: str, order: tuple[int, ...]) -> None:
    news = ((1, S.FAILED), (2, S.RETURNING), (3, S.RETURNED))
    for index in (*order, order[0]):
        say(floor, number, news[index])
    assert held(floor, number) == ("held", "parcel_returned")


def test_it_is_decided_in_the_form_as_other_holds_are_and_not_asked_again(
    floor: Floor, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.deciding.send", lambda _wakeups: None)
    say(floor, number, (1, S.RETURNED))
    text = question(floor.room, number)
    assert text is not None
    assert what_to_do("parcel_returned") in text
    carry_out(floor.room, number, Decision(choice=Choice.RELEASE))
    assert held(floor, number) == ("fulfilled", "")
    assert parcel(floor, number)["attention"] == ""
    assert "parcel.seen_to" in floor.events(number)
    follow(floor)
    say(floor, number, (1, S.RETURNED))
    assert held(floor, number) == ("fulfilled", "")
    assert asked(floor) == []


def test_left_on_hold_it_is_not_asked_about_until_something_else_is_told(
    floor: Floor, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.deciding.send", lambda _wakeups: None)
    say(floor, number, (1, S.RETURNING))
    carry_out(floor.room, number, Decision(choice=Choice.KEEP))
    assert held(floor, number) == ("held", "parcel_returning")
    assert asked(floor) == []
    say(floor, number, (2, S.RETURNED))
    assert len(asked(floor)) == 1


def test_seen_to_ends_the_hold(floor: Floor, number: str) -> None:
    say(floor, number, (1, S.FAILED))
    assert floor.room.database.write(lambda c: parcel_desk.seen_to(c, number, "Ada", HUB)) == 1
    assert held(floor, number) == ("fulfilled", "")


def test_what_the_channel_said_before_is_not_forgotten_by_it(floor: Floor, number: str) -> None:
    floor.room.database.write(lambda c: desk.hold_for_news(c, number, "cancelled_after_label"))
    say(floor, number, (1, S.RETURNED))
    assert held(floor, number) == ("held", "cancelled_after_label")
    floor.room.database.write(lambda c: desk.release(c, number, "Ada", HUB))
    follow(floor)
    assert held(floor, number) == ("held", "parcel_returned")


def test_an_order_of_which_something_is_still_here_is_held_when_it_has_left(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def early(shipment: str) -> None:
        event = TrackingEvent(S.FAILED, clock(floor))
        floor.room.database.write(
            lambda c: parcel_news.note_events(c, "world", shipment, [event], source="webhook", hub=HUB)
        )

    there.on_bought = early
    number, _ = sent(floor, there, monkeypatch)
    assert (floor.state(number), parcel(floor, number)["state"]) == (("fulfilled", ["done"]), "failed")
    follow(floor)
    assert held(floor, number) == ("held", "delivery_failed")
