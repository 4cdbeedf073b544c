"""A partner that says no when it is asked: what it does not take is routed anew, what is ours to mend is a person's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from re import compile as pattern
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import select, update
from werkzeug import Request, Response

from backroom.domain.routing_rules import Filter, RoutingRule
from backroom.store import desk, stock
from backroom.store.database import now
from backroom.store.notes import open_notes
from backroom.store.tables import effects, fulfilment_orders, partner_orders
from tests.fake_printful import FakePrintful
from tests.fake_prodigi import FakeProdigi
from tests.print_on_demand import at_printful, at_prodigi
from tests.shops import CANARIES, HUB, PLAIN, SCARCE, Floor
from tests.workshops import CELL, WORKSHOP, Partnership, a_partner, a_place, a_workshop, with_partners


def said_no(floor: Floor, number: str, place: str = WORKSHOP) -> tuple[str, str]:
    """What of a refusal stands in clear in the order's history, and what is sealed beside it."""
    story = floor.story(number)
    (entry,) = [one for one in story.history if one["event"] == "partner.rejected" and one["data"]["location"] == place]
    assert not any(canary in str([dict(one) for one in story.history]) for canary in CANARIES)
    with floor.room.database.read() as connection:
        notes = open_notes(connection, floor.room.seals, story)
    return entry["data"]["said"], notes.get(entry["id"], "")


def orders_at(floor: Floor) -> list[tuple[str, str]]:
    with floor.room.database.read() as connection:
        query = select(partner_orders.c.location, partner_orders.c.state).order_by(partner_orders.c.id)
        return [(row.location, row.state) for row in connection.execute(query)]


def test_a_workshop_that_does_not_make_a_piece_says_so_when_it_is_asked_and_it_is_made_elsewhere(
    floor: Floor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_workshop(tmp_path / "orders.db", makes="shirt-red-s") as workshop:
        with_partners(floor, monkeypatch, a_place(a_partner(workshop.url)))
        number = floor.taken_in((PLAIN, 1), (SCARCE, 1))
        (outcome,) = floor.fulfil(WORKSHOP)
        assert (outcome.result, outcome.reason) == ("again", "rejected by Workshop")
        assert workshop.page().count("<article>") == 0, "whole or not at all"
    assert floor.state(number) == ("accepted", ["cancelled"])
    assert said_no(floor, number) == ("status 422, not_made_here", "shirt-black-m is not made here.")
    assert [state for _, state in floor.effects("partner")] == ["failed"]
    floor.intake()
    story = floor.story(number)
    assert [(part["location"], part["state"]) for part in story.parts] == [(WORKSHOP, "cancelled"), (HUB, "open")]
    assert "it refused this order" in str(story.decisions[-1]["rejected"])
    floor.fulfil(HUB)
    for job in floor.hand_out(HUB):
        floor.print(job)
    floor.fulfil(HUB)
    assert floor.state(number) == ("fulfilled", ["cancelled", "done"])
    floor.check_sums()


def test_a_cell_that_does_not_know_a_piece_says_so_and_what_lay_there_is_free_again(
    floor: Floor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_workshop(tmp_path / "orders.db", "pick", makes="other") as cell:
        spec = a_partner(cell.url, adapter="integrator", products=(), ships_to="hub")
        with_partners(floor, monkeypatch, a_place(spec, CELL, "robot_cell"))
        floor.room.database.write(lambda c: stock.receive(c, "cell", [(CELL, PLAIN, 5)], "delivered", now(c)))
        number = floor.taken_in((PLAIN, 2))
        (outcome,) = floor.fulfil(CELL)
    assert (outcome.result, outcome.reason) == ("again", "rejected by Cell")
    assert floor.available(CELL, PLAIN) == (5, 0)
    floor.intake()
    assert [part["location"] for part in floor.story(number).parts] == [CELL, HUB]
    floor.check_sums()


def test_an_order_that_nobody_takes_is_asked_of_each_once_and_then_held_with_what_was_said(
    floor: Floor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for an address or an artwork that every partner refuses."""
    floor.room = replace(floor.room, shop=replace(floor.room.shop, rules=()))
    with a_workshop(tmp_path / "orders.db", makes="other") as workshop:
        places = [a_place(a_partner(workshop.url), id_) for id_ in (WORKSHOP, "atelier", "manufactory")]
        with_partners(floor, monkeypatch, *places)
        number = floor.taken_in((PLAIN, 1))
        for place in places:
            assert [one.result for one in floor.fulfil(place.id)] == ["again"]
            floor.intake()
        for place in places:
            assert floor.fulfil(place.id) == []
    order = floor.story(number).order
    assert (order["state"], order["hold_reason"]) == ("held", "no_taker")
    assert orders_at(floor) == [(place.id, "rejected") for place in places]
    assert [said_no(floor, number, place.id)[1] for place in places] == ["shirt-black-m is not made here."] * 3
    floor.check_sums()


def test_whoever_lets_an_order_go_on_that_nobody_took_has_it_asked_of_its_partners_anew(
    floor: Floor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor.room = replace(floor.room, shop=replace(floor.room.shop, rules=()))
    with a_workshop(tmp_path / "orders.db", makes="other") as workshop:
        with_partners(floor, monkeypatch, a_place(a_partner(workshop.url)))
        number = floor.taken_in((PLAIN, 1))
        for times in (1, 2):
            assert [one.result for one in floor.fulfil(WORKSHOP)] == ["again"]
            floor.intake()
            assert floor.story(number).order["hold_reason"] == "no_taker"
            assert orders_at(floor) == [(WORKSHOP, "rejected")] * times
            floor.room.database.write(lambda c: desk.release(c, number, "Ada", HUB))
            floor.intake()
            assert floor.state(number) == ("released", ["cancelled"] * times + ["open"])
    with a_workshop(tmp_path / "mended.db") as workshop:
        with_partners(floor, monkeypatch, a_place(a_partner(workshop.url)))
        assert [one.result for one in floor.fulfil(WORKSHOP)] == ["waiting"]
    assert [state for _, state in orders_at(floor)] == ["rejected", "rejected", "submitted"]
    floor.check_sums()


def test_a_refused_part_of_an_order_leaves_what_is_made_of_it_elsewhere(
    floor: Floor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = RoutingRule("split", (), (Filter("location", "in", (WORKSHOP, HUB)),), (), split=True, short="next")
    with a_workshop(tmp_path / "orders.db", makes="other") as workshop:
        with_partners(floor, monkeypatch, a_place(a_partner(workshop.url)), rules=(rule,))
        floor.room.database.write(lambda c: stock.receive(c, "red", [(WORKSHOP, SCARCE, 2)], "delivered", now(c)))
        number = floor.taken_in((SCARCE, 2), (PLAIN, 3))
        assert sorted(part["location"] for part in floor.story(number).parts) == [HUB, WORKSHOP]
        (outcome,) = floor.fulfil(WORKSHOP)
    assert outcome.result == "again"
    before = {part["location"]: part["state"] for part in floor.story(number).parts}
    assert before == {WORKSHOP: "cancelled", HUB: "open"}
    assert floor.available(WORKSHOP, SCARCE) == (2, 0)


# What is said no to, by hand: a workshop that answers a new order so, and has these


def a_no(server: HTTPServer, status: int, body: object, *, there: bool = False) -> None:
    placed: dict[str, Any] = {}

    def place(request: Request) -> Response:
        placed.update(json.loads(request.get_data()) | {"state": "accepted", "revision": 1})
        text = body if isinstance(body, str) else json.dumps(body)
        return Response(text, status, content_type="application/json")

    def told(request: Request) -> Response:
        if not there:
            return Response(json.dumps({"code": "unknown_order", "message": "Here is none."}), 404)
        return Response(json.dumps({name: value for name, value in placed.items() if name != "recipient"}))

    server.expect_request("/orders", method="POST").respond_with_handler(place)
    server.expect_request(pattern("/orders/.*"), method="GET").respond_with_handler(told)
    server.expect_request(pattern("/artworks/.*"), method="GET").respond_with_json({})


def asked_of(floor: Floor, server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> tuple[Partnership, str, Any]:
    partnership = with_partners(floor, monkeypatch, a_place(a_partner(server.url_for("").rstrip("/"))))
    number = floor.taken_in((PLAIN, 1))
    (outcome,) = floor.fulfil(WORKSHOP)
    return partnership, number, outcome


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (422, {"code": "no_red", "message": f"No red for {CANARIES[0]}."}),
        (409, {"code": "no_red", "message": "No red."}),
        (422, {"code": "no_red"}),
    ],
)
def test_a_plain_no_is_routed_anew_and_its_words_are_sealed(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, status: int, body: dict[str, str]
) -> None:
    a_no(httpserver, status, body)
    _, number, outcome = asked_of(floor, httpserver, monkeypatch)
    assert (outcome.result, outcome.reason) == ("again", "rejected by Workshop")
    assert said_no(floor, number) == (f"status {status}, no_red", body.get("message", ""))


@pytest.mark.parametrize(
    ("status", "body", "cause"),
    [
        (400, {"code": "line", "message": "A line is an object."}, "partner_refuses_order"),
        (401, {"code": "token", "message": "no"}, "workshop-setup"),
        (403, {"code": "elsewhere", "message": "no"}, "workshop-setup"),
        (404, {"code": "unknown_path", "message": "no"}, "partner_refuses_order"),
        (409, {"code": "key_used", "message": "no"}, "partner_refuses_order"),
        (409, {"code": "kind", "message": "no"}, "partner_refuses_order"),
        (409, {"code": "artwork_missing", "message": "no"}, "partner_refuses_order"),
        (413, {"code": "too_large", "message": "no"}, "partner_refuses_order"),
        (422, "<html>a proxy</html>", "partner_refuses_order"),
        (422, {}, "partner_refuses_order"),
    ],
)
def test_what_is_ours_to_mend_is_a_persons_and_goes_nowhere_else(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, status: int, body: object, cause: str
) -> None:
    a_no(httpserver, status, body)
    _, number, outcome = asked_of(floor, httpserver, monkeypatch)
    assert (outcome.result, outcome.cause) == ("sick", cause)
    assert floor.state(number) == ("released", ["open"])
    assert orders_at(floor) == []


@pytest.mark.parametrize("status", [408, 429])
def test_not_now_is_no_no(floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    a_no(httpserver, status, {"code": "later", "message": "later"})
    _, number, outcome = asked_of(floor, httpserver, monkeypatch)
    assert outcome.result == "waiting"
    assert floor.state(number) == ("released", ["open"])


def test_a_no_to_an_order_that_is_there_since_a_try_whose_answer_was_lost_is_none(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_no(httpserver, 422, {"code": "no_red", "message": "No red."}, there=True)
    _, number, _ = asked_of(floor, httpserver, monkeypatch)
    assert floor.state(number) == ("released", ["making"])
    assert orders_at(floor) == [(WORKSHOP, "submitted")]


@pytest.mark.parametrize("left", ["started", "failed"])
def test_a_kill_after_the_no_asks_again_and_routes_anew_once(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    """As after `kill -9` before what follows from it was written: the answer known in the ledger, or not even that."""
    a_no(httpserver, 422, {"code": "no_red", "message": "No red."})
    partnership, number, _ = asked_of(floor, httpserver, monkeypatch)

    def undo(connection: Any) -> None:
        connection.execute(partner_orders.delete())
        connection.execute(update(fulfilment_orders).values(state="open", outstanding=0))
        connection.exec_driver_sql("update orders set state = 'released'")
        connection.execute(update(effects).where(effects.c.kind == "partner").values(state=left, answer=None))

    floor.room.database.write(undo)
    floor.fulfil(WORKSHOP)
    assert floor.state(number) == ("accepted", ["cancelled"])
    assert orders_at(floor) == [(WORKSHOP, "rejected")]
    assert [state for _, state in partnership.floor.effects("partner")] == ["failed"]


def test_what_printful_does_not_take_goes_elsewhere_and_its_words_are_sealed(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakePrintful(httpserver, refuse=400)
    at_printful(floor, monkeypatch, fake)
    number = floor.taken_in((PLAIN, 1))
    (outcome,) = floor.fulfil(WORKSHOP)
    assert (outcome.result, outcome.reason) == ("again", "rejected by Workshop")
    assert said_no(floor, number) == ("status 400", "Recipient: ZIP code of Anna is missing")
    assert fake.orders == {}
    floor.intake()
    assert [part["location"] for part in floor.story(number).parts] == [WORKSHOP, HUB]


def test_a_token_of_printful_without_its_scope_is_a_persons(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_printful(floor, monkeypatch, FakePrintful(httpserver, refuse=403))
    number = floor.taken_in((PLAIN, 1))
    (outcome,) = floor.fulfil(WORKSHOP)
    assert (outcome.result, outcome.cause) == ("sick", "workshop-setup")
    assert floor.state(number) == ("released", ["open"])


@pytest.mark.parametrize(
    ("why", "then"),
    [
        (["/recipient/zip", "#/recipient"], "again"),
        (["/order_items/0/placements/0/layers/0/url"], "again"),
        (["/recipient/zip", "/shipping"], "sick"),
        (["/order_items/0/catalog_variant_id"], "sick"),
        ("Item 0: Variant 4011 does not exist", "sick"),
        ("", "sick"),
    ],
)
def test_what_printful_refuses_of_our_set_up_is_a_persons_and_bars_no_order_from_it(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, why: str | list[str], then: str
) -> None:
    at_printful(floor, monkeypatch, FakePrintful(httpserver, refuse=422, why=why))
    number = floor.taken_in((PLAIN, 1))
    (outcome,) = floor.fulfil(WORKSHOP)
    assert outcome.result == then
    if then == "sick":
        assert outcome.cause == "partner_refuses_order"
        assert (floor.state(number), orders_at(floor)) == (("released", ["open"]), [])


@pytest.mark.parametrize(
    ("outcome", "fails", "then"),
    [
        ("ValidationFailed", {"recipient.address.postalOrZipCode": "MustBeAValidUSZipCodeFormat"}, "again"),
        ("ValidationFailed", {"items[0].assets[0].url": "MustBeAValidUrl"}, "again"),
        ("ValidationFailed", {"items.sku": "SkuNotFound"}, "sick"),
        ("ValidationFailed", {"recipient.address.line1": "MustNotBeEmpty", "items[0].sku": "SkuNotFound"}, "sick"),
        ("ValidationFailed", {"items.assets.printArea": "NotFound"}, "sick"),
        ("ValidationFailed", {"shippingMethod": "NotValid"}, "sick"),
        ("ValidationFailed", {}, "sick"),
        ("NotAvailable", {"recipient.address.line1": "MustNotBeEmpty"}, "sick"),
    ],
)
def test_what_prodigi_finds_not_valid_of_an_order_goes_elsewhere_and_of_our_set_up_is_a_persons(
    floor: Floor,
    httpserver: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    outcome: str,
    fails: dict[str, str],
    then: str,
) -> None:
    fake = FakeProdigi(httpserver, refuse=outcome, fails=fails)
    at_prodigi(floor, monkeypatch, fake)
    number = floor.taken_in((PLAIN, 1))
    (came,) = floor.fulfil(WORKSHOP)
    assert came.result == then
    assert fake.orders == {}
    if then == "sick":
        assert came.cause == "partner_refuses_order"
        assert (floor.state(number), orders_at(floor)) == (("released", ["open"]), [])
    elif "recipient.address.postalOrZipCode" in fails:
        said = "status 400, ValidationFailed, recipient.address.postalOrZipCode"
        assert said_no(floor, number) == (said, "recipient.address.postalOrZipCode: MustBeAValidUSZipCodeFormat")
