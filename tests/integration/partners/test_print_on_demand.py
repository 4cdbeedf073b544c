"""Printful and Prodigi as locations: placed once, compared before anything is made, followed, cancelled, told of."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from backroom.gateway.app import create_app
from backroom.outgoing.circuit import close_all
from backroom.partners import prodigi
from backroom.store import cancelling, desk
from tests.fake_printful import FakePrintful
from tests.fake_prodigi import FakeProdigi
from tests.integration.partners.test_workshop import row_of
from tests.print_on_demand import PUBLIC, at_printful, at_prodigi, reachable
from tests.shops import CANARIES, HUB, PLAIN, SCARCE, Floor
from tests.workshops import WORKSHOP

# Printful


def test_an_order_at_printful_is_drafted_compared_confirmed_and_shipped(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakePrintful(httpserver)
    partnership = at_printful(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 2), (SCARCE, 1))
    order = fake.only()
    assert (order["status"], order["external_id"]) == ("pending", partnership.reference(number))
    asked = [
        (item["catalog_variant_id"], item["quantity"], item["placements"][0]["placement"]) for item in order["items"]
    ]
    assert asked == [(4012, 2, "front"), (4013, 1, "back")]
    assert order["recipient"]["zip"] == "80331"
    assert not {CANARIES[2], CANARIES[5]} & set(map(str, order["recipient"].values()))
    partnership.ask()
    assert "partner.accepted" in floor.events(number)
    order["status"] = "inprocess"
    partnership.ask_about(number)
    fake.ship(order, "00340434161094000001", status="partial")
    partnership.ask_about(number)
    assert floor.state(number) == ("released", ["making"])
    fake.ship(order, "00340434161094000001", "00340434161094000002")
    partnership.ask_about(number)
    floor.fulfil(WORKSHOP)
    assert floor.state(number) == ("fulfilled", ["done"])
    row = row_of(partnership, number)
    assert (row["bill_minor"], row["cost_minor"], row["currency"]) == (2435, 2435, "EUR")
    mail = "".join(file.read_text() for file in (floor.room.home / "mail").glob("*.eml"))
    assert "00340434161094000001" in mail


@pytest.mark.parametrize(
    ("change", "what"),
    [({"quantity": 1}, "pieces"), ({"catalog_variant_id": 9}, "code"), ({"external_id": "77"}, "pieces")],
)
def test_a_draft_that_differs_is_never_confirmed_and_is_deleted(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], what: str
) -> None:
    fake = FakePrintful(httpserver, change=change)
    partnership = at_printful(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 2))
    assert fake.only()["status"] == "draft"
    (differs,) = [entry for entry in floor.story(number).history if entry["event"] == "partner.differs"]
    assert what in differs["data"]["differences"][0]
    partnership.ask()
    assert fake.orders == {}
    assert fake.confirmations() == 0
    assert floor.state(number) == ("held", ["cancelled"])


@pytest.mark.parametrize("lost", [["POST"], ["POST", "POST"]])
def test_whatever_answer_of_printful_is_lost_it_has_the_order_once_and_confirmed(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, lost: list[str]
) -> None:
    fake = FakePrintful(httpserver, lose=list(lost))
    partnership = at_printful(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 1))
    assert floor.state(number) == ("released", ["open"])
    assert floor.effects("partner") == [(partnership.reference(number), "started")]
    close_all()
    floor.room.database.write(lambda c: desk.retry(c, number, "Ada", HUB))
    floor.fulfil(WORKSHOP)
    # Whether a lost confirmation was one, the order itself says.
    assert (floor.state(number), fake.confirmations()) == (("released", ["making"]), 1)
    assert fake.only()["status"] == "pending"


@pytest.mark.parametrize(("status", "ended"), [("pending", "cancelled"), ("inprocess", "held")])
def test_an_order_at_printful_is_cancelled_as_long_as_it_is_pending(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, status: str, ended: str
) -> None:
    fake = FakePrintful(httpserver)
    partnership = at_printful(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 1))
    fake.only()["status"] = status
    floor.room.database.write(lambda c: cancelling.cancel(c, number, "Ada", "asked_by_staff"))
    partnership.ask()
    assert floor.story(number).order["state"] == ended
    assert fake.only()["status"] == ("canceled" if ended == "cancelled" else status)


@pytest.mark.parametrize(("status", "then"), [("failed", "accepted"), ("canceled", "accepted"), ("onhold", "held")])
def test_what_printful_does_not_make_goes_elsewhere_and_what_is_on_hold_there_is_a_persons(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, status: str, then: str
) -> None:
    fake = FakePrintful(httpserver)
    partnership = at_printful(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 1))
    fake.only()["status"] = status
    partnership.ask_about(number)
    assert floor.story(number).order["state"] == then


def test_without_a_public_address_nothing_is_asked_of_who_fetches_artwork(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakePrintful(httpserver)
    at_printful(floor, monkeypatch, fake)
    reachable(floor, monkeypatch, "")
    floor.taken_in((PLAIN, 1))
    (outcome,) = floor.fulfil(WORKSHOP)
    assert (outcome.cause, fake.orders) == ("partner_cannot_be_asked", {})
    assert "public_url" in outcome.reason


# Prodigi


def test_an_order_at_prodigi_is_placed_made_shipped_and_charged(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeProdigi(httpserver)
    partnership = at_prodigi(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 2))
    order = fake.only()
    assert order["merchantReference"] == order["idempotencyKey"] == partnership.reference(number)
    (item,) = order["items"]
    assert (item["sku"], item["copies"], item["sizing"]) == ("GLOBAL-TEE-GIL-64000", 2, "fillPrintArea")
    assert item["attributes"] == {"color": "black", "size": "M"}
    assert "email" not in order["recipient"]
    partnership.ask()
    fake.stage("InProgress", inProduction="InProgress")
    partnership.ask_about(number)
    assert [event for event in floor.events(number) if event.startswith("partner.")] == [
        "partner.submitted",
        "partner.accepted",
        "partner.in_progress",
    ]
    fake.charge("11.50", "4.00", "-0.50")
    fake.ship("AB123456789GB")
    partnership.ask_about(number)
    floor.fulfil(WORKSHOP)
    assert floor.state(number) == ("fulfilled", ["done"])
    row = row_of(partnership, number)
    assert (row["bill_minor"], row["cost_minor"], row["currency"]) == (1500, 1800, "GBP")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"copies": 1}, "pieces 1 where 2"),
        ({"sku": "GLOBAL-TEE-GIL-5000"}, "code"),
        ({"attributes": {"color": "black", "size": "L"}}, "size L where M"),
        ({"assets": [{"printArea": "back", "url": "https://elsewhere.example/x.png"}]}, "print area"),
    ],
)
def test_what_prodigi_has_otherwise_is_held_and_cancelled(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], what: str
) -> None:
    fake = FakeProdigi(httpserver, change=change)
    partnership = at_prodigi(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 2))
    (differs,) = [entry for entry in floor.story(number).history if entry["event"] == "partner.differs"]
    assert what in differs["data"]["differences"][0]
    partnership.ask()
    assert fake.only()["status"]["stage"] == "Cancelled"
    assert floor.state(number) == ("held", ["cancelled"])


def test_an_answer_of_prodigi_that_is_lost_makes_no_second_order(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeProdigi(httpserver, lose=["POST"])
    partnership = at_prodigi(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 1))
    assert floor.effects("partner") == [(partnership.reference(number), "started")]
    close_all()
    floor.room.database.write(lambda c: desk.retry(c, number, "Ada", HUB))
    floor.fulfil(WORKSHOP)
    assert floor.state(number) == ("released", ["making"])
    assert fake.only()["id"]


@pytest.mark.parametrize("may_cancel", [True, False])
def test_an_order_at_prodigi_is_cancelled_while_its_action_is_there(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, may_cancel: bool
) -> None:
    fake = FakeProdigi(httpserver, may_cancel=may_cancel)
    partnership = at_prodigi(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 1))
    floor.room.database.write(lambda c: cancelling.cancel(c, number, "Ada", "asked_by_staff"))
    partnership.ask()
    assert floor.story(number).order["state"] == ("cancelled" if may_cancel else "held")


def test_artwork_that_prodigi_could_not_fetch_is_a_persons_with_its_code(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeProdigi(httpserver)
    partnership = at_prodigi(floor, monkeypatch, fake)
    number = partnership.placed((PLAIN, 1))
    fake.only()["status"]["issues"] = [{"errorCode": "order.items.assets.FailedToDownloaded", "description": "…"}]
    partnership.ask_about(number)
    assert floor.story(number).order["hold_reason"] == "partner_stuck"


def test_a_callback_of_prodigi_is_a_hint_in_each_of_its_forms() -> None:
    for event in (
        {"data": {"order": {"id": "ord_1"}}, "type": "com.prodigi.order.status.stage.changed#InProgress"},
        {"data": {"id": "ord_1"}},
        {"subject": "ord_1"},
    ):
        assert prodigi.hinted(json.dumps(event).encode()) == ("ord_1",)
    for junk in (b"", b"{}", b'{"subject": 1}', b'{"data": {"order": []}}'):
        assert prodigi.hinted(junk) == ()


# The artwork


def test_an_artwork_is_fetched_by_its_signed_address_and_by_no_other(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fastapi.testclient import TestClient

    fake = FakePrintful(httpserver)
    partnership = at_printful(floor, monkeypatch, fake)
    partnership.placed((PLAIN, 1))
    url = fake.only()["items"][0]["placements"][0]["layers"][0]["url"]
    assert url.startswith(PUBLIC)
    path = url.removeprefix(PUBLIC)
    owl = floor.room.artwork() / "owl.png"
    with TestClient(create_app(floor.room, None)) as client:
        answer = client.get(path)
        assert (answer.status_code, answer.content) == (200, owl.read_bytes())
        assert answer.headers["content-type"] == "image/png"
        for wrong in (
            path.replace("owl.png", "..%2Fsecrets.toml"),
            path.replace("until=", "until=9"),
            path.replace("sign=", "sign=0"),
            path.replace("/artworks/", "/artworks/0"),
            path.rpartition("sign=")[0] + "sign=",
        ):
            assert client.get(wrong).status_code == 404, wrong
        # Who changes the file does not change what was asked.
        owl.write_bytes(owl.read_bytes() + b"\0")
        assert client.get(path).status_code == 404
