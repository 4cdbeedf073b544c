"""A workshop as a location, which runs for real: orders are placed, accepted, made, shipped, refused and taken back."""

from __future__ import annotations

import pytest

from backroom.outgoing.circuit import close_all
from backroom.store import cancelling, desk, partner_news, partner_orders
from backroom.store.tables import shipments
from tests.shops import CANARIES, HUB, PLAIN, SCARCE, Floor
from tests.workshops import WORKSHOP, LosesAnswers, Partnership, Workshop, a_partner, a_place, with_partners


@pytest.fixture
def made_there(floor: Floor, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Partnership:
    return with_partners(floor, monkeypatch, a_place(a_partner(workshop.url)))


def row_of(partnership: Partnership, number: str) -> dict[str, object]:
    floor = partnership.floor
    with floor.room.database.read() as connection:
        order_id = floor.story(number).order["id"]
        return dict(partner_orders.of_orders(connection, [order_id])[order_id][-1])


def test_an_order_is_accepted_made_and_shipped_by_its_workshop_and_its_customer_told(
    made_there: Partnership, workshop: Workshop
) -> None:
    floor = made_there.floor
    number = made_there.placed((PLAIN, 2), (SCARCE, 1))
    reference = made_there.reference(number)
    assert floor.state(number) == ("released", ["making"])
    there = workshop.order(reference)
    assert [(line["code"], line["quantity"]) for line in there["lines"]] == [("shirt-black-m", 2), ("shirt-red-s", 1)]
    assert made_there.ask() == []  # nothing is due yet
    workshop.press(reference, "accepted", cost="31.90", currency="EUR")
    made_there.ask_about(number)
    workshop.press(reference, "in_progress")
    made_there.ask_about(number)
    assert floor.state(number) == ("released", ["making"])
    workshop.press(reference, "shipped", carrier="DHL", tracking="JJD000390007827000001")
    made_there.ask_about(number)
    floor.fulfil(WORKSHOP)
    assert floor.state(number) == ("fulfilled", ["done"])
    row = row_of(made_there, number)
    assert (row["state"], row["bill_minor"], row["cost_minor"], row["currency"]) == ("shipped", 3190, 3190, "EUR")
    mail = "".join(file.read_text() for file in (floor.room.home / "mail").glob("*.eml"))
    assert "JJD000390007827000001" in mail
    with floor.room.database.read() as connection:
        (parcel,) = connection.execute(shipments.select()).mappings().all()
    assert (parcel["carrier"], parcel["tracking"]) == ("DHL", "JJD000390007827000001")
    assert [event for event in floor.events(number) if event.startswith("partner.")] == [
        "partner.submitted",
        "partner.accepted",
        "partner.in_progress",
        "partner.shipped",
    ]
    # The workshop labels it: nothing of ours was bought or printed.
    assert floor.effects("label") == floor.effects("sheet") == []
    floor.check_sums()


def test_a_workshop_gets_the_artwork_and_of_the_customer_only_what_stands_on_a_parcel(
    made_there: Partnership, workshop: Workshop
) -> None:
    number = made_there.placed((PLAIN, 1))
    (line,) = workshop.order(made_there.reference(number))["lines"]
    assert workshop.api("GET", f"artworks/{line['artwork']}").status_code == 200
    page = workshop.page()
    assert f"{CANARIES[0]} {CANARIES[1]}" in page
    assert CANARIES[2] not in page  # the e-mail
    assert CANARIES[5] not in page  # the note


def test_what_comes_to_the_hub_is_placed_without_anybodys_name_and_labelled_here(
    floor: Floor, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    partnership = with_partners(floor, monkeypatch, a_place(a_partner(workshop.url, ships_to="hub")))
    number = partnership.placed((PLAIN, 1))
    reference = partnership.reference(number)
    assert not any(canary in workshop.page() for canary in CANARIES)
    for state, form in (("accepted", {}), ("shipped", {"carrier": "Van", "tracking": "tour-7"})):
        workshop.press(reference, state, **form)
        partnership.ask_about(number)
    floor.fulfil(WORKSHOP)
    assert floor.state(number) == ("released", ["making"])
    floor.room.database.write(lambda c: partner_news.arrived(c, number, WORKSHOP, "Ada"))
    floor.fulfil(WORKSHOP)
    assert floor.state(number) == ("fulfilled", ["done"])
    assert len(floor.effects("label")) == 1


def test_a_refused_order_goes_elsewhere_and_not_there_again(made_there: Partnership, workshop: Workshop) -> None:
    floor = made_there.floor
    number = made_there.placed((PLAIN, 1))
    workshop.press(made_there.reference(number), "rejected", reason=f"no black left for {CANARIES[0]}")
    made_there.ask_about(number)
    assert floor.state(number) == ("accepted", ["cancelled"])
    floor.intake()
    story = floor.story(number)
    assert [(part["location"], part["state"]) for part in story.parts] == [(WORKSHOP, "cancelled"), (HUB, "open")]
    assert "it refused this order" in str(story.decisions[-1]["rejected"])
    floor.fulfil(HUB)
    assert floor.state(number) == ("fulfilled", ["cancelled", "done"])
    # What the workshop wrote is kept, sealed.
    assert CANARIES[0] not in str([dict(entry) for entry in story.history])
    assert any(entry["note"] for entry in story.history if entry["event"] == "partner.rejected")
    floor.check_sums()


def test_an_order_whose_answer_is_lost_is_at_its_workshop_once(
    floor: Floor, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LosesAnswers(workshop.url) as proxy:
        partnership = with_partners(floor, monkeypatch, a_place(a_partner(proxy.url)))
        proxy.lose("POST", 1)
        number = partnership.placed((PLAIN, 1))
        assert floor.effects("partner") == [(partnership.reference(number), "started")]
        assert workshop.page().count("<article>") == 1  # it is there, and we do not know
        assert floor.state(number) == ("released", ["open"])
        with pytest.raises(desk.NotPossibleNow, match="may be at its partner"):
            floor.room.database.write(lambda c: cancelling.cancel(c, number, "Ada", "asked_by_staff"))
        floor.room.database.write(lambda c: desk.retry(c, number, "Ada", HUB))
        close_all()
        floor.fulfil(WORKSHOP)
    assert floor.state(number) == ("released", ["making"])
    assert workshop.page().count("<article>") == 1
    assert floor.effects("partner") == [(partnership.reference(number), "done")]


def test_a_workshop_that_is_away_is_tried_again_and_nothing_is_lost(
    made_there: Partnership, workshop: Workshop
) -> None:
    floor = made_there.floor
    number = floor.taken_in((PLAIN, 1))
    workshop.kill()
    (outcome,) = floor.fulfil(WORKSHOP)
    assert outcome.result == "waiting"
    workshop.start()
    close_all()
    floor.room.database.write(lambda c: desk.retry(c, number, "Ada", HUB))
    floor.fulfil(WORKSHOP)
    assert floor.state(number) == ("released", ["making"])
