"""A parcel that a booth would be late with, given to a workshop by rule: placed there whole, its customer told once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from backroom.domain.locations import PromiseSpec
from backroom.outgoing.circuit import close_all
from backroom.shop import room as rooms
from backroom.store import desk, print_promises
from backroom.store.tables import messages
from backroom.store.tables import print_promises as promises
from tasks.print_promises import review_promises
from tests.shops import BOOTH, CANARIES, HUB, PLAIN, SCARCE, Floor
from tests.workshops import WORKSHOP, LosesAnswers, Partnership, Workshop, a_partner, a_place, with_partners


def with_a_booth_that_gives_late_ones_away(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, url: str, *late: str, **changes: Any
) -> Partnership:
    """The shop whose fair's orders are made at its booth, and which sends what is late there to its workshop."""
    fair = floor.room.shop.rules[0]
    partnership = with_partners(floor, monkeypatch, a_place(a_partner(url, **changes)), rules=(fair,))
    shop = floor.room.shop
    spec = PromiseSpec(late=late or (WORKSHOP,))
    places = tuple(replace(one, promise=spec) if one.id == BOOTH else one for one in shop.locations)
    floor.room = replace(floor.room, shop=replace(shop, locations=places))
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
    return partnership


def late_at_the_booth(floor: Floor, *lines: tuple[str, int]) -> str:
    """A parcel that the booth was to make, promised an hour earlier than it can be ready; returns its number."""
    number = floor.taken_in(*lines, at=BOOTH)
    floor.fulfil(BOOTH)
    review_promises.fn(BOOTH)
    assert floor.state(number) == ("released", ["making"])
    earlier = timedelta(hours=1)
    order_id = floor.story(number).order["id"]
    with floor.room.database.read() as connection:
        (row,) = print_promises.of_order(connection, order_id)
    values = {"promised_at": row["promised_at"] - earlier, "first_at": row["first_at"] - earlier}
    floor.room.database.write(lambda c: c.execute(update(promises).where(promises.c.id == row["id"]).values(**values)))
    return number


def told(floor: Floor, number: str, medium: str = "email") -> list[str]:
    """What the customer of an order was told by a medium, in order; all of it has gone."""
    order_id = floor.story(number).order["id"]
    query = select(messages.c.kind, messages.c.state).where(
        messages.c.order_id == order_id, messages.c.medium == medium
    )
    with floor.room.database.read() as connection:
        rows = connection.execute(query.order_by(messages.c.id)).all()
    assert {row.state for row in rows} <= {"sent"}
    return [row.kind for row in rows]


def test_a_late_parcel_is_placed_whole_at_the_workshop_and_its_customer_told_once(
    floor: Floor, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    partnership = with_a_booth_that_gives_late_ones_away(floor, monkeypatch, workshop.url)
    number = late_at_the_booth(floor, (PLAIN, 2), (SCARCE, 1))
    assert review_promises.fn(BOOTH) == f"promised 0, moved 0, elsewhere 1: {number}"
    assert told(floor, number) == told(floor, number, "sms") == ["made_elsewhere"]
    floor.intake()
    floor.fulfil(WORKSHOP)
    # All of it is there, and nothing of it anywhere else: not at the booth, and not taken from the hub's shelf.
    story = floor.story(number)
    assert [(part["location"], part["state"]) for part in story.parts] == [(BOOTH, "cancelled"), (WORKSHOP, "making")]
    reference = partnership.reference(number)
    there = workshop.order(reference)
    assert [(line["code"], line["quantity"]) for line in there["lines"]] == [("shirt-black-m", 2), ("shirt-red-s", 1)]
    assert f"{CANARIES[0]} {CANARIES[1]}" in workshop.page()
    assert floor.hand_out(BOOTH) == []
    [moved] = [entry["data"] for entry in story.history if entry["event"] == "order.rerouted"]
    assert (moved["from"], moved["to"], moved["because"]) == (BOOTH, WORKSHOP, "it would be late")
    # Looked at again and again, with all waves: nobody is told twice, and nothing is placed twice.
    for _ in range(3):
        review_promises.fn(BOOTH)
        floor.intake()
        floor.fulfil(BOOTH)
        floor.fulfil(WORKSHOP)
    assert told(floor, number) == told(floor, number, "sms") == ["made_elsewhere"]
    assert workshop.page().count("<article>") == 1
    (mail,) = (floor.room.home / "mail").glob("*.eml")
    assert number in mail.read_text()
    # It ends as any order of the workshop does.
    for state, form in (("accepted", {}), ("shipped", {"carrier": "DHL", "tracking": "JJD000390007827000002"})):
        workshop.press(reference, state, **form)
        partnership.ask_about(number)
    floor.fulfil(WORKSHOP)
    assert floor.state(number) == ("fulfilled", ["cancelled", "done"])
    assert told(floor, number) == ["made_elsewhere", "handed_over"]
    with floor.room.database.read() as connection:
        rows = print_promises.of_order(connection, story.order["id"])
    assert [(row["state"], row["sent_to"]) for row in rows] == [("elsewhere", WORKSHOP)]
    floor.check_sums()


def test_a_late_parcel_of_which_the_workshop_does_not_make_all_goes_there_with_no_part_of_it(
    floor: Floor, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = a_partner(workshop.url).products[:1]
    partnership = with_a_booth_that_gives_late_ones_away(
        floor, monkeypatch, workshop.url, WORKSHOP, "hub", products=listed
    )
    number = late_at_the_booth(floor, (PLAIN, 1), (SCARCE, 1))
    review_promises.fn(BOOTH)
    floor.intake()
    partnership.floor.fulfil(WORKSHOP)
    assert "<article>" not in workshop.page()
    assert floor.effects("partner") == []
    story = floor.story(number)
    assert [part["location"] for part in story.parts if part["state"] != "cancelled"] == [HUB]
    [moved] = [entry["data"] for entry in story.history if entry["event"] == "order.rerouted"]
    assert moved["not_sent_to"].startswith(f"{WORKSHOP}: ")
    assert told(floor, number) == ["made_elsewhere"]
    floor.check_sums()


def test_a_late_parcel_that_the_workshop_refuses_is_made_elsewhere_still_and_its_customer_told_no_more(
    floor: Floor, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    partnership = with_a_booth_that_gives_late_ones_away(floor, monkeypatch, workshop.url)
    number = late_at_the_booth(floor, (PLAIN, 1))
    review_promises.fn(BOOTH)
    floor.intake()
    floor.fulfil(WORKSHOP)
    workshop.press(partnership.reference(number), "rejected", reason="no black left")
    partnership.ask_about(number)
    floor.intake()
    parts = [(part["location"], part["state"]) for part in floor.story(number).parts]
    assert parts == [(BOOTH, "cancelled"), (WORKSHOP, "cancelled"), (HUB, "open")]
    floor.fulfil(HUB)
    review_promises.fn(BOOTH)
    assert floor.state(number) == ("fulfilled", ["cancelled", "cancelled", "done"])
    assert told(floor, number) == ["made_elsewhere", "handed_over"]
    floor.check_sums()


def test_a_late_parcel_whose_answer_from_the_workshop_is_lost_is_there_once_and_told_once(
    floor: Floor, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LosesAnswers(workshop.url) as proxy:
        with_a_booth_that_gives_late_ones_away(floor, monkeypatch, proxy.url)
        number = late_at_the_booth(floor, (PLAIN, 1))
        proxy.lose("POST", 1)
        review_promises.fn(BOOTH)
        floor.intake()
        floor.fulfil(WORKSHOP)
        assert workshop.page().count("<article>") == 1  # it is there, and we do not know
        review_promises.fn(BOOTH)
        floor.room.database.write(lambda c: desk.retry(c, number, "Ada", HUB))
        close_all()
        floor.fulfil(WORKSHOP)
    assert workshop.page().count("<article>") == 1
    assert floor.state(number) == ("released", ["cancelled", "making"])
    assert told(floor, number) == ["made_elsewhere"]
