"""The quarantine of rows as commands: what is in it, what a held order says, accepting, and a check that is right."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from backroom.domain.quality import Severity
from backroom.domain.quarantine import IN_QUARANTINE
from backroom.quality.suites import RULES
from backroom.shop.room import Room
from backroom.store.database import now
from backroom.store.quality import findings, quarantine
from backroom.store.tables import orders
from tests.integration.cli.typing_in import answered, refused, typed
from tests.integration.gateway.conftest import make_order

CODE = "orders.total"


def find(room: Room, *numbers: str) -> None:
    """What a run does that finds a total below zero in these orders."""

    def work(connection: Any) -> None:
        found = connection.execute(select(orders.c.id, orders.c.number).where(orders.c.number.in_(numbers))).all()
        failures = [findings.Failure(CODE, str(id_), "orders", Severity.CRITICAL, number) for id_, number in found]
        findings.note(connection, 1, failures, now(connection))
        quarantine.settle(connection, room.shop.hub, now(connection))

    room.database.write(work)


def state_of(number: str) -> tuple[str, str]:
    order = answered("order", "show", number)["order"]
    return order["state"], order["hold_reason"]


def test_what_is_in_quarantine_is_listed_and_goes_on_when_it_is_accepted(room: Room) -> None:
    number = make_order(room, location="booth-a")
    find(room, number)
    [row] = answered("quality", "quarantine")
    assert (row["of"], row["now"], row["do"]) == (number, "on hold", RULES[CODE].person)
    assert number in typed("quality", "quarantine").stdout
    shown = " ".join(typed("order", "show", number).stdout.split())
    assert f"In quarantine: {RULES[CODE].says} ({CODE}) {RULES[CODE].person}" in shown
    assert "is accepted" in typed("quality", "accept", str(row["id"])).stdout
    assert state_of(number) == ("released", "")
    assert answered("quality", "quarantine") == []


def test_letting_go_on_what_waited_for_something_else_says_that_it_is_still_on_hold(room: Room) -> None:
    number = make_order(room, location="booth-a")
    answered("order", "hold", number)
    find(room, number)
    said = " ".join(typed("order", "release", number).stdout.split())
    assert "is in quarantine as well, and stays on hold" in said
    assert state_of(number) == ("held", IN_QUARANTINE)
    assert "goes on" in typed("order", "release", number).stdout
    assert state_of(number) == ("released", "")


def test_a_check_that_fails_for_all_holds_none_until_a_person_says_that_it_is_right(room: Room) -> None:
    numbers = [make_order(room, location="booth-a") for _ in range(4)]
    find(room, *numbers)
    assert {row["now"] for row in answered("quality", "quarantine")} == {"not put aside: too many failed at once"}
    assert {state_of(number)[0] for number in numbers} == {"released"}
    listed = answered("quality", "quarantine", "--check", CODE)
    assert {(row["of"], row["now"]) for row in listed} == {(number, "on hold") for number in numbers}
    assert "backroom quality rules" in refused("quality", "quarantine", "--check", "orders.colour")
