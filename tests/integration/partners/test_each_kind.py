"""One order's way through each kind of partner: taken, made, sent with its number and bill; refused; taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from pytest_httpserver import HTTPServer

from backroom.store import cancelling
from backroom.store.notes import open_notes
from tests.fake_printful import FakePrintful
from tests.fake_prodigi import FakeProdigi
from tests.integration.partners.test_troubles import at_a_cell
from tests.integration.partners.test_workshop import row_of
from tests.print_on_demand import at_printful, at_prodigi
from tests.shops import HUB, PLAIN, Floor
from tests.workshops import CELL, WORKSHOP, Partnership, Workshop, a_partner, a_place, with_partners

NUMBER = "00340434161094000001"
KINDS = ("workshop", "cell", "printful", "prodigi")
each_kind = pytest.mark.parametrize("kind", KINDS)


@dataclass
class There:
    """What happens at a partner, in its own words. `refuses` and `bill` are what it says of each; a bill in cents."""

    partnership: Partnership
    location: str
    accept: Callable[[], object]
    begin: Callable[[], object]
    ship: Callable[[], object]
    refuse: Callable[[], object]
    refused: str
    reason: str
    bill: int

    def ask(self, number: str) -> None:
        self.partnership.ask_about(number, self.location)


@pytest.fixture
def there(
    kind: str,
    floor: Floor,
    workshop: Workshop,
    cell: Workshop,
    httpserver: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
) -> There:
    if kind == "printful":
        printful = FakePrintful(httpserver)

        def fails() -> None:
            printful.only()["status"] = "failed"
            printful.placed(status="failed", status_explanation="It is too small")

        return There(
            at_printful(floor, monkeypatch, printful),
            WORKSHOP,
            accept=lambda: None,
            begin=lambda: printful.only().update(status="inprocess"),
            ship=lambda: printful.ship(printful.only(), NUMBER),
            refuse=fails,
            refused="rejected",
            reason="cannot print the artwork of line 1 on front: It is too small.",
            bill=2435,
        )
    if kind == "prodigi":
        prodigi = FakeProdigi(httpserver)
        issue = {"errorCode": "order.items.ItemUnavailable"}
        return There(
            at_prodigi(floor, monkeypatch, prodigi),
            WORKSHOP,
            accept=lambda: prodigi.charge("11.50", "4.00"),
            begin=lambda: prodigi.stage("InProgress", inProduction="InProgress"),
            ship=lambda: prodigi.ship(NUMBER),
            # It refuses nothing: who works there cancels it.
            refuse=lambda: prodigi.only()["status"].update(stage="Cancelled", issues=[issue]),
            refused="cancelled",
            reason="a product cannot be had at the moment",
            bill=1550,
        )
    if kind == "cell":
        partnership, people, location = at_a_cell(floor, cell.url, monkeypatch), cell, CELL
    else:
        place = a_place(a_partner(workshop.url))
        partnership, people, location = with_partners(floor, monkeypatch, place), workshop, WORKSHOP

    def press(state: str, **form: str) -> Callable[[], object]:
        return lambda: people.press(_key(partnership), state, **form)

    return There(
        partnership,
        location,
        accept=press("accepted", cost="15.50", currency="EUR"),
        begin=press("in_progress"),
        ship=press("picked") if kind == "cell" else press("shipped", carrier="DHL", tracking=NUMBER),
        refuse=press("rejected", reason="the press is broken"),
        refused="rejected",
        reason="the press is broken",
        bill=1550,
    )


def _key(partnership: Partnership) -> str:
    (key,) = [key for key, _ in partnership.floor.effects("partner")]
    return key


@each_kind
def test_an_order_is_taken_made_and_ended_with_its_number_and_its_bill(floor: Floor, there: There, kind: str) -> None:
    number = there.partnership.placed((PLAIN, 1), at=there.location)
    for happen in (there.accept, there.begin, there.ship):
        happen()
        there.ask(number)
    floor.fulfil(there.location)
    assert floor.state(number) == ("fulfilled", ["done"])
    row = row_of(there.partnership, number)
    assert row["bill_minor"] == there.bill
    assert row["cost_minor"] is not None
    end = "made" if kind == "cell" else "shipped"
    assert [event for event in floor.events(number) if event.startswith("partner.")] == [
        "partner.submitted",
        "partner.accepted",
        "partner.in_progress",
        f"partner.{end}",
    ]
    if kind != "cell":
        parcels = row["parcels"]
        assert isinstance(parcels, list)
        assert [one["tracking"] for one in parcels] == [NUMBER]
        assert NUMBER in "".join(file.read_text() for file in (floor.room.home / "mail").glob("*.eml"))
    floor.check_sums()


@each_kind
def test_a_refused_order_goes_elsewhere_and_why_stands_on_its_page(floor: Floor, there: There, kind: str) -> None:
    number = there.partnership.placed((PLAIN, 1), at=there.location)
    there.refuse()
    there.ask(number)
    floor.intake()
    assert [part["location"] for part in floor.story(number).parts] == [there.location, HUB]
    story = floor.story(number)
    with floor.room.database.read() as connection:
        notes = open_notes(connection, floor.room.seals, story)
    (entry,) = [entry for entry in story.history if entry["event"] == f"partner.{there.refused}"]
    assert there.reason in notes[entry["id"]]
    floor.check_sums()


@each_kind
def test_an_order_is_taken_back_as_long_as_it_can_be(floor: Floor, there: There, kind: str) -> None:
    number = there.partnership.placed((PLAIN, 1), at=there.location)
    floor.room.database.write(lambda c: cancelling.cancel(c, number, "Ada", "asked_by_staff"))
    there.partnership.ask(there.location)
    assert floor.state(number) == ("cancelled", ["cancelled"])
    assert row_of(there.partnership, number)["state"] == "cancelled"
    floor.check_sums()
