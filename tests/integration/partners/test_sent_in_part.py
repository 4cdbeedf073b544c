"""What print on demand has otherwise on its way: paused there, sent in part, and downloads that are tried again."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from backroom.store import cancelling, desk
from tests.fake_printful import FakePrintful
from tests.fake_prodigi import FakeProdigi
from tests.integration.partners.test_workshop import row_of
from tests.print_on_demand import at_printful, at_prodigi
from tests.shops import HUB, PLAIN, SCARCE, Floor
from tests.workshops import WORKSHOP


def mails(floor: Floor) -> str:
    return "".join(file.read_text() for file in (floor.room.home / "mail").glob("*.eml"))


def test_an_order_of_which_printful_sent_a_part_is_a_persons_before_its_customer_is_told(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakePrintful(httpserver)
    partnership = at_printful(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 2), (SCARCE, 1))
    fake.ship(fake.only(), "00340434161094000001")
    (parcel,) = fake.only()["shipments"]
    parcel["shipment_items"][0]["quantity"] = 1
    partnership.ask_about(number)
    floor.fulfil(WORKSHOP)
    order = floor.story(number).order
    assert (order["state"], order["hold_reason"]) == ("held", "partner_sent_part")
    (sent,) = [entry for entry in floor.story(number).history if entry["event"] == "partner.shipped"]
    assert sent["data"]["missing"] == {PLAIN: 1}
    assert "00340434161094000001" not in mails(floor)
    floor.room.database.write(lambda c: desk.release(c, number, "Ada", HUB))
    floor.fulfil(WORKSHOP)
    assert floor.state(number) == ("fulfilled", ["done"])
    assert "00340434161094000001" in mails(floor)


def test_what_is_sent_once_more_in_the_place_of_another_is_not_more_than_was_asked(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakePrintful(httpserver)
    partnership = at_printful(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 2))
    fake.ship(fake.only(), "1", "2")
    first, again = fake.only()["shipments"]
    again |= {"is_reshipment": True, "shipment_items": first["shipment_items"]}
    partnership.ask_about(number)
    floor.fulfil(WORKSHOP)
    assert floor.state(number) == ("fulfilled", ["done"])


def test_an_item_in_none_of_prodigis_parcels_is_a_persons(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its cancel action may take back some items alone: then the order completes without them."""
    fake = FakeProdigi(httpserver)
    partnership = at_prodigi(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 2))
    fake.ship("AB1GB")
    fake.only()["shipments"][0]["items"] = [{"itemId": "ori_of_another"}]
    partnership.ask_about(number)
    assert floor.story(number).order["hold_reason"] == "partner_sent_part"


@pytest.fixture
def paused(httpserver: HTTPServer) -> FakeProdigi:
    return FakeProdigi(httpserver, paused=True)


def test_a_paused_order_waits_and_is_compared_when_its_window_is_over(
    floor: Floor, paused: FakeProdigi, monkeypatch: pytest.MonkeyPatch
) -> None:
    partnership = at_prodigi(floor, monkeypatch, paused)
    number = partnership.placed((PLAIN, 2))
    assert floor.state(number) == ("released", ["making"])
    partnership.ask_about(number)
    assert row_of(partnership, number)["state"] == "submitted"
    assert "partner.differs" not in floor.events(number)
    paused.only()["items"][0]["copies"] = 1
    paused.paused = False
    partnership.ask_about(number)
    assert floor.story(number).order["hold_reason"] == "partner_differs"


def test_a_paused_order_is_cancelled_by_its_answer_alone(
    floor: Floor, paused: FakeProdigi, monkeypatch: pytest.MonkeyPatch
) -> None:
    partnership = at_prodigi(floor, monkeypatch, paused)
    number = partnership.placed((PLAIN, 1))
    floor.room.database.write(lambda c: cancelling.cancel(c, number, "Ada", "asked_by_staff"))
    partnership.ask()
    assert floor.state(number) == ("cancelled", ["cancelled"])
    assert paused.only()["status"]["stage"] == "Cancelled"


@pytest.mark.parametrize(
    ("issue", "state"),
    [
        ({"errorCode": "order.items.assets.NotDownloaded"}, ("released", ["making"])),
        ({"errorCode": "order.items.ItemUnavailable"}, ("held", ["held"])),
    ],
)
def test_an_order_that_is_made_with_issues_waits_for_a_person_where_they_do_not_pass(
    floor: Floor,
    httpserver: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    issue: dict[str, Any],
    state: tuple[str, list[str]],
) -> None:
    fake = FakeProdigi(httpserver, issues=[issue])
    partnership = at_prodigi(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 1))
    partnership.ask()
    assert floor.state(number) == state
