"""What Printful has as a draft: confirmed once it is as it was asked and may be made; until then held, or waiting."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_httpserver import HTTPServer

from backroom.outgoing.circuit import close_all
from backroom.store import cancelling, desk, partner_orders
from backroom.store.database import now
from backroom.store.notes import open_notes
from tests.fake_printful import FakePrintful
from tests.integration.partners.test_workshop import row_of
from tests.print_on_demand import at_printful
from tests.shops import HUB, PLAIN, SCARCE, Floor
from tests.workshops import WORKSHOP


@pytest.fixture
def fake(httpserver: HTTPServer) -> FakePrintful:
    return FakePrintful(httpserver)


def differences(floor: Floor, number: str) -> list[str]:
    return [
        sentence
        for entry in floor.story(number).history
        if entry["event"] == "partner.differs"
        for sentence in entry["data"]["differences"]
    ]


def when_they_listen_again(floor: Floor, *numbers: str) -> None:
    """The wait that they asked for is over, and the orders are tried again."""
    floor.waits_are_over()
    for number in numbers:
        floor.room.database.write(lambda c, number=number: desk.retry(c, number, "Ada", HUB))
    floor.fulfil(WORKSHOP)


def words(floor: Floor, number: str, event: str) -> str:
    """What Printful said with an event, which is kept under the customer's key."""
    story = floor.story(number)
    with floor.room.database.read() as connection:
        notes = open_notes(connection, floor.room.seals, story)
    (entry,) = [entry for entry in story.history if entry["event"] == event]
    return notes[entry["id"]]


# What it costs


def test_a_draft_whose_costs_are_not_worked_out_yet_waits_as_a_row_and_is_confirmed_then(
    floor: Floor, fake: FakePrintful, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.costs = "calculating"
    partnership = at_printful(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 1))
    assert floor.state(number) == ("released", ["making"])
    assert (fake.only()["status"], fake.confirmations()) == ("draft", 0)
    assert row_of(partnership, number)["state"] == "submitted"
    partnership.ask_about(number)
    assert fake.confirmations() == 0
    fake.calculated()
    partnership.ask_about(number)
    assert (fake.only()["status"], fake.confirmations()) == ("pending", 1)
    assert "partner.accepted" in floor.events(number)
    assert floor.effects("partner_confirm") == [(f"{partnership.reference(number)}-confirm", "done")]
    partnership.ask_about(number)
    assert fake.confirmations() == 1


def test_a_draft_that_waits_is_asked_about_sooner_than_what_is_being_made(
    floor: Floor, fake: FakePrintful, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.costs = "calculating"
    partnership = at_printful(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 1))
    for _ in range(2):
        with floor.room.database.read() as connection:
            wait = row_of(partnership, number)["next_attempt_at"] - now(connection)  # type: ignore[operator]
        assert timedelta(0) < wait <= timedelta(seconds=20)
        partnership.ask_about(number)
    fake.calculated()
    partnership.ask_about(number)
    with floor.room.database.read() as connection:
        assert row_of(partnership, number)["next_attempt_at"] - now(connection) > timedelta(minutes=4)  # type: ignore[operator]


def test_many_drafts_whose_costs_are_not_worked_out_yet_are_no_trouble(
    floor: Floor, fake: FakePrintful, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than ten that wait are neither a breaker nor one sick order."""
    fake.costs = "calculating"
    at_printful(floor, monkeypatch, fake)
    numbers = [floor.taken_in((PLAIN, 1)) for _ in range(11)]
    outcomes = floor.fulfil(WORKSHOP)
    assert {one.result for one in outcomes} == {"waiting"}
    assert all(floor.state(number) == ("released", ["making"]) for number in numbers)


def test_a_draft_whose_costs_cannot_be_worked_out_is_a_persons_and_goes_on_when_they_can(
    floor: Floor, fake: FakePrintful, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.costs = "failed"
    partnership = at_printful(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 1))
    partnership.ask()
    assert (floor.story(number).order["state"], floor.story(number).order["hold_reason"]) == ("held", "partner_stuck")
    assert "cannot work out what it costs" in words(floor, number, "partner.stuck")
    assert fake.confirmations() == 0
    fake.calculated()
    partnership.ask_about(number)
    assert fake.only()["status"] == "pending"
    assert floor.state(number) == ("released", ["making"])


def test_a_draft_is_not_confirmed_while_its_order_is_on_hold_for_another_reason(
    floor: Floor, fake: FakePrintful, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.costs = "calculating"
    partnership = at_printful(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 1))
    floor.room.database.write(lambda c: desk.hold(c, number, "asked_by_staff", "Ada"))
    fake.calculated()
    partnership.ask_about(number)
    assert (fake.only()["status"], fake.confirmations()) == ("draft", 0)
    floor.room.database.write(lambda c: desk.release(c, number, "Ada", HUB))
    partnership.ask_about(number)
    assert fake.only()["status"] == "pending"


def test_a_draft_that_waits_is_deleted_with_its_order_once_it_lets_itself_be_deleted(
    floor: Floor, fake: FakePrintful, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While its costs are worked out, Printful answers 409: try again. That is not an order which it has begun."""
    fake.costs = "calculating"
    partnership = at_printful(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 1))
    floor.room.database.write(lambda c: cancelling.cancel(c, number, "Ada", "asked_by_staff"))
    partnership.ask()
    assert "partner.cancel_refused" not in floor.events(number)
    assert fake.only()["status"] == "draft"
    fake.calculated()
    partnership.ask_about(number)
    assert (fake.orders, fake.confirmations()) == ({}, 0)
    assert floor.state(number) == ("cancelled", ["cancelled"])


# What is printed


def test_artwork_that_printful_cannot_print_is_a_persons_before_anything_is_made_or_charged(
    floor: Floor, fake: FakePrintful, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.costs = "calculating"
    partnership = at_printful(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 1))
    fake.calculated()
    fake.placed(status="failed", status_explanation="The design cannot have disjointed elements.")
    partnership.ask_about(number)
    assert (fake.only()["status"], fake.confirmations()) == ("draft", 0)
    assert floor.story(number).order["hold_reason"] == "partner_stuck"
    said = words(floor, number, "partner.stuck")
    assert "line 1" in said
    assert "front" in said
    assert "The design cannot have disjointed elements." in said
    fake.placed(status="ok", status_explanation="")
    partnership.ask_about(number)
    assert fake.only()["status"] == "pending"
    assert floor.state(number) == ("released", ["making"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"placements": []}, "line 1 has print area none where front was asked"),
        ({"placements": [], "quantity": 1}, "line 1 has pieces 1 where 2 was asked"),
        ({"product_options": []}, "line 1 has inside_pocket none where true was asked"),
        (
            {"product_options": [{"name": "inside_pocket", "value": False}]},
            "line 1 has inside_pocket false where true was asked",
        ),
    ],
)
def test_a_draft_without_what_is_printed_or_chosen_is_never_confirmed(
    floor: Floor, fake: FakePrintful, monkeypatch: pytest.MonkeyPatch, change: dict[str, object], said: str
) -> None:
    fake.change = change
    partnership = at_printful(floor, monkeypatch, fake, inside_pocket="true")
    number = partnership.placed((PLAIN, 2))
    assert fake.confirmations() == 0
    assert said in differences(floor, number)


def test_a_second_print_that_nobody_asked_for_is_a_difference(
    floor: Floor, fake: FakePrintful, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.costs = "calculating"
    partnership = at_printful(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 1))
    fake.calculated()
    (item,) = fake.only()["items"]
    item["placements"].append(item["placements"][0] | {"placement": "back"})
    partnership.ask_about(number)
    assert fake.confirmations() == 0
    assert "line 1 has print area front, back where front was asked" in differences(floor, number)


@pytest.mark.parametrize(
    ("name", "value", "sent"), [("inside_pocket", "true", True), ("stitch_color", "white", "white")]
)
def test_an_option_is_sent_and_compared_in_its_own_type(
    floor: Floor, fake: FakePrintful, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sent: object
) -> None:
    partnership = at_printful(floor, monkeypatch, fake, **{name: value})
    number = partnership.placed((PLAIN, 1))
    (item,) = fake.only()["items"]
    assert item["product_options"] == [{"name": name, "value": sent}]
    assert differences(floor, number) == []
    assert fake.only()["status"] == "pending"


# What else is in the parcel


def test_what_printful_adds_as_branding_is_no_difference(
    floor: Floor, fake: FakePrintful, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.costs = "calculating"
    partnership = at_printful(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 1))
    fake.brand()
    fake.calculated()
    partnership.ask_about(number)
    assert differences(floor, number) == []
    assert fake.only()["status"] == "pending"


def test_a_piece_from_the_warehouse_that_nobody_asked_for_is_a_difference(
    floor: Floor, fake: FakePrintful, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.costs = "calculating"
    partnership = at_printful(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 1))
    fake.brand(kind="order_item")
    fake.calculated()
    partnership.ask_about(number)
    assert fake.confirmations() == 0
    assert differences(floor, number) == ["the order has pieces 1 where 0 was asked"]


# Parcels


def test_the_number_of_a_parcel_is_that_of_its_carrier(
    floor: Floor, fake: FakePrintful, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Version 2 tells an address to follow it by, and its number in webhooks alone: version 1 tells it when asked."""
    partnership = at_printful(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 1), (SCARCE, 1))
    fake.ship(fake.only(), *(f"0034043416109400{n:04}" for n in range(1, 26)))
    partnership.ask_about(number)
    parcels = row_of(partnership, number)["parcels"]
    assert isinstance(parcels, list)
    assert len(parcels) == 25
    assert parcels[0] == {
        "carrier": "DHL",
        "tracking": "00340434161094000001",
        "url": "https://myorders.example/tracking/1",
    }


# Busy


def test_who_asks_too_often_waits_as_long_as_he_is_told_and_has_each_order_there_once(
    floor: Floor, fake: FakePrintful, monkeypatch: pytest.MonkeyPatch
) -> None:
    partnership = at_printful(floor, monkeypatch, fake)
    numbers = [floor.taken_in((PLAIN, 1)) for _ in range(3)]
    fake.busy = 1
    outcomes = floor.fulfil(WORKSHOP)
    assert [(one.result, one.cause) for one in outcomes] == [("waiting", "workshop-away")] * 3
    # Told to wait for a minute, it is left alone: by the other orders as well.
    assert len(fake.calls) == 1
    when_they_listen_again(floor, *numbers)
    assert [order["status"] for order in fake.orders.values()] == ["pending"] * 3
    assert partnership


def test_a_draft_that_printful_says_no_to_for_now_is_not_forgotten(
    floor: Floor, fake: FakePrintful, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the draft and its confirmation it takes nothing more: the draft is found again, and made once."""
    partnership = at_printful(floor, monkeypatch, fake)
    number = floor.taken_in((PLAIN, 1))
    fake.lose = ["POST"]
    floor.fulfil(WORKSHOP)
    assert len(fake.orders) == 1
    fake.busy = 1
    close_all()
    floor.room.database.write(lambda c: desk.retry(c, number, "Ada", HUB))
    (outcome,) = floor.fulfil(WORKSHOP)
    assert outcome.result == "waiting"
    when_they_listen_again(floor, number)
    assert (len(fake.orders), fake.only()["status"], fake.confirmations()) == (1, "pending", 1)
    with floor.room.database.read() as connection:
        assert len(partner_orders.listed(connection, WORKSHOP)) == 1
    assert partnership
