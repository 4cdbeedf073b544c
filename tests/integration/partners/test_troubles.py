"""What goes otherwise than asked: refusals, differences, cancellations, jams, and pieces that are not there."""

from __future__ import annotations

import json
from dataclasses import replace
from re import compile as pattern
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import select, update
from werkzeug import Request, Response

from backroom.domain.routing_rules import Filter, RoutingRule
from backroom.outgoing.errors import AnswerUnreadable
from backroom.partners.microfactory import read_order
from backroom.store import amending, cancelling, desk, stock
from backroom.store.database import now
from backroom.store.tables import effects, fulfilment_orders
from backroom.store.tables import partner_orders as table
from tests.shops import CANARIES, GTIN_TEE, HUB, PLAIN, SCARCE, SOUTH, Floor, an_order
from tests.workshops import CELL, WORKSHOP, Partnership, Workshop, a_partner, a_place, with_partners


@pytest.fixture
def made_there(floor: Floor, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Partnership:
    return with_partners(floor, monkeypatch, a_place(a_partner(workshop.url)))


def cancel(floor: Floor, number: str, reason: str = "asked_by_staff") -> None:
    floor.room.database.write(lambda c: cancelling.cancel(c, number, "Ada", reason))


def release(floor: Floor, number: str) -> None:
    floor.room.database.write(lambda c: desk.release(c, number, "Ada", HUB))


def hold_of(floor: Floor, number: str) -> str:
    reason: str = floor.story(number).order["hold_reason"]
    return reason


# A part is refused


def test_a_refused_part_leaves_the_others_where_they_are(
    floor: Floor, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The red shirts lie at the workshop, the white ones at the local hub, who picks them meanwhile."""
    rule = RoutingRule("split", (), (Filter("location", "in", (WORKSHOP, SOUTH)),), (), split=True, short="next")
    partnership = with_partners(floor, monkeypatch, a_place(a_partner(workshop.url)), rules=(rule,))
    floor.room.database.write(lambda c: stock.receive(c, "red", [(WORKSHOP, SCARCE, 2)], "delivered", now(c)))
    number = floor.taken_in((SCARCE, 2), (GTIN_TEE, 3))
    assert sorted(part["location"] for part in floor.story(number).parts) == [SOUTH, WORKSHOP]
    floor.fulfil(WORKSHOP)
    floor.fulfil(SOUTH)
    workshop.press(partnership.reference(number), "rejected", reason="no red")
    partnership.ask_about(number)
    assert (floor.available(SOUTH, GTIN_TEE), floor.available(WORKSHOP, SCARCE)) == ((20, 3), (2, 0))
    floor.intake()
    parts = {(part["location"], part["state"]) for part in floor.story(number).parts}
    assert parts == {(WORKSHOP, "cancelled"), (SOUTH, "making"), (HUB, "open")}
    for _ in range(3):
        assert floor.scan(SOUTH, number, GTIN_TEE).accepted
    floor.fulfil(SOUTH)
    assert floor.story(number).order["state"] == "released"
    floor.fulfil(HUB)
    for job in floor.hand_out(HUB):
        floor.print(job)
    floor.fulfil(HUB)
    assert floor.story(number).order["state"] == "fulfilled"
    assert floor.available(SOUTH, GTIN_TEE) == (17, 0)
    floor.check_sums()


def test_partners_who_all_refuse_leave_an_order_for_the_next_rule_and_none_is_asked_twice(
    floor: Floor, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [a_place(a_partner(workshop.url), id_) for id_ in (WORKSHOP, "atelier", "manufactory")]
    partnership = with_partners(floor, monkeypatch, *places)
    number = floor.taken_in((PLAIN, 1))
    asked = []
    for place in places:
        floor.fulfil(place.id)
        reference = [key for key, _ in floor.effects("partner")][-1]
        asked.append(reference)
        workshop.press(reference, "rejected", reason="no")
        partnership.ask_about(number, place.id)
        floor.intake()
    assert len(set(asked)) == 3
    assert [part["location"] for part in floor.story(number).parts] == [place.id for place in places] + [HUB]


# The answer differs


def a_fake(httpserver: HTTPServer, change: dict[str, Any], *, may_cancel: bool = True) -> dict[str, Any]:
    """A workshop that has something else than it was asked."""
    orders: dict[str, Any] = {}

    def place(request: Request) -> Response:
        order = json.loads(request.get_data())
        lines = [line | change for line in order["lines"]]
        orders[order["reference"]] = order | {"lines": lines, "state": "received", "revision": 1}
        return answer(orders[order["reference"]])

    def cancelled(request: Request) -> Response:
        if not may_cancel:
            return Response("{}", 409)
        order = orders[request.path.split("/")[2]]
        order |= {"state": "cancelled", "revision": 2}
        return answer(order)

    def answer(order: dict[str, Any]) -> Response:
        told = {name: value for name, value in order.items() if name != "recipient"}
        return Response(json.dumps(told), content_type="application/json")

    httpserver.expect_request("/orders", method="POST").respond_with_handler(place)
    httpserver.expect_request(pattern("/artworks/.*")).respond_with_json({})
    httpserver.expect_request(pattern("/orders/.*/cancel"), method="POST").respond_with_handler(cancelled)
    httpserver.expect_request(pattern("/orders/[^/]*$"), method="GET").respond_with_handler(
        lambda request: answer(orders[request.path.split("/")[2]])
    )
    return orders


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"quantity": 1}, "line 1 has pieces 1 where 2 was asked"),
        ({"code": "shirt-black-s"}, "line 1 has code shirt-black-s where shirt-black-m was asked"),
        ({"artwork": "0" * 64}, "line 1 has artwork"),
        ({"placement": "back"}, "line 1 has print area back where front was asked"),
        ({"line": 7}, "line 1 has pieces 0 where 2 was asked"),
        ({"print": {"width_mm": 10}}, "line 1 has width in mm 10 where"),
    ],
)
def test_an_answer_that_differs_is_a_hold_that_says_what_and_is_cancelled_over_there(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], said: str
) -> None:
    there = a_fake(httpserver, change)
    partnership = with_partners(floor, monkeypatch, a_place(a_partner(httpserver.url_for("").rstrip("/"))))
    number = partnership.placed((PLAIN, 2))
    assert (floor.story(number).order["state"], hold_of(floor, number)) == ("held", "partner_differs")
    (differs,) = [entry for entry in floor.story(number).history if entry["event"] == "partner.differs"]
    assert said in differs["data"]["differences"][0]
    partnership.ask()
    assert [order["state"] for order in there.values()] == ["cancelled"]
    assert floor.state(number) == ("held", ["cancelled"])
    release(floor, number)
    floor.intake()
    assert [part["location"] for part in floor.story(number).parts] == [WORKSHOP, HUB]


def test_what_differs_and_cannot_be_cancelled_waits_for_a_person_and_then_goes_on(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = a_fake(httpserver, {"quantity": 1}, may_cancel=False)
    partnership = with_partners(floor, monkeypatch, a_place(a_partner(httpserver.url_for("").rstrip("/"))))
    number = partnership.placed((PLAIN, 2))
    partnership.ask()
    assert floor.state(number) == ("held", ["held"])
    assert "partner.cancel_refused" in floor.events(number)
    release(floor, number)
    assert floor.state(number) == ("released", ["making"])
    for order in there.values():
        order["lines"][0] |= {"done": 2}
        order |= {"state": "shipped", "revision": 3, "parcels": [{"carrier": "DHL", "tracking": "1"}]}
    partnership.ask_about(number)
    floor.fulfil(WORKSHOP)
    assert floor.state(number) == ("fulfilled", ["done"])


def test_what_is_sent_and_is_not_what_was_asked_waits_for_a_person_before_the_customer_is_told(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = a_fake(httpserver, {})
    partnership = with_partners(floor, monkeypatch, a_place(a_partner(httpserver.url_for("").rstrip("/"))))
    number = partnership.placed((PLAIN, 2))
    (order,) = there.values()
    order["lines"][0] |= {"quantity": 1, "done": 2}
    order |= {"state": "shipped", "revision": 2, "parcels": [{"carrier": "DHL", "tracking": "1"}]}
    (outcome,) = partnership.ask_about(number)
    assert (outcome.result, outcome.reason) == ("held", "partner_differs")
    floor.fulfil(WORKSHOP)
    assert (floor.story(number).order["state"], hold_of(floor, number)) == ("held", "partner_differs")
    (differs,) = [entry for entry in floor.story(number).history if entry["event"] == "partner.differs"]
    assert "line 1 has pieces 1 where 2 was asked" in differs["data"]["differences"][0]
    assert "partner.shipped" in floor.events(number)
    assert floor.effects("partner_cancel") == [], "nothing is to be cancelled any more"
    assert floor.effects("message") == []
    release(floor, number)
    floor.fulfil(WORKSHOP)
    assert floor.state(number) == ("fulfilled", ["done"])


@pytest.mark.parametrize("done", [{}, {"done": None}])
def test_what_is_shipped_and_not_counted_waits_for_a_person_before_the_customer_is_told(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, done: dict[str, Any]
) -> None:
    there = a_fake(httpserver, {})
    partnership = with_partners(floor, monkeypatch, a_place(a_partner(httpserver.url_for("").rstrip("/"))))
    number = partnership.placed((PLAIN, 2))
    (order,) = there.values()
    order["lines"][0] |= done
    order |= {"state": "shipped", "revision": 2, "parcels": [{"carrier": "DHL", "tracking": "1"}]}
    (outcome,) = partnership.ask_about(number)
    assert (outcome.result, outcome.reason) == ("held", "partner_differs")
    (differs,) = [entry for entry in floor.story(number).history if entry["event"] == "partner.differs"]
    assert differs["data"]["differences"] == ["line 1 does not say its pieces done, where 2 was asked"]
    floor.fulfil(WORKSHOP)
    assert floor.effects("message") == []
    assert floor.effects("partner_cancel") == [], "nothing is to be cancelled any more"
    release(floor, number)
    floor.fulfil(WORKSHOP)
    assert floor.state(number) == ("fulfilled", ["done"])


def test_what_a_cell_picked_and_did_not_count_waits_for_a_person(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = a_fake(httpserver, {})
    partnership = at_a_cell(floor, httpserver.url_for("").rstrip("/"), monkeypatch)
    number = partnership.placed((PLAIN, 3), at=CELL)
    (order,) = there.values()
    order |= {"state": "picked", "revision": 2}
    (outcome,) = partnership.ask_about(number, CELL)
    assert (outcome.result, outcome.reason) == ("held", "partner_differs")
    (differs,) = [entry for entry in floor.story(number).history if entry["event"] == "partner.differs"]
    assert differs["data"]["differences"] == ["line 1 does not say its pieces done, where 3 was asked"]
    release(floor, number)
    floor.fulfil(CELL)
    assert floor.state(number) == ("fulfilled", ["done"])


def test_a_workshop_that_leaves_out_what_is_printed_is_asked_to_cancel_and_a_person_reads_which_line(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = a_fake(httpserver, {"print": None, "technique": None})
    products = tuple(replace(one, technique="dtg") for one in a_partner("").products)
    spec = a_partner(httpserver.url_for("").rstrip("/"), products=products)
    partnership = with_partners(floor, monkeypatch, a_place(spec))
    number = partnership.placed((PLAIN, 2))
    assert (floor.story(number).order["state"], hold_of(floor, number)) == ("held", "partner_differs")
    (differs,) = [entry for entry in floor.story(number).history if entry["event"] == "partner.differs"]
    assert "line 1 does not say its technique, where dtg was asked" in differs["data"]["differences"]
    partnership.ask()
    assert [order["state"] for order in there.values()] == ["cancelled"]


def test_an_order_with_a_piece_that_a_partner_does_not_list_is_not_submitted_at_all(
    floor: Floor, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    partnership = with_partners(floor, monkeypatch, a_place(a_partner(workshop.url)))
    number = floor.taken_in((PLAIN, 1), (SCARCE, 1))
    # The list lost a piece after the order was routed.
    only = a_partner(workshop.url, products=a_partner("").products[:1])
    with_partners(floor, monkeypatch, a_place(only, WORKSHOP))
    (outcome,) = floor.fulfil(WORKSHOP)
    assert (outcome.result, outcome.cause) == ("sick", "partner_cannot_be_asked")
    assert f"{SCARCE} is not among its products" in outcome.reason
    assert workshop.page().count("<article>") == 0
    assert floor.effects("partner") == []
    assert number
    assert partnership


# Cancelling


def test_a_cancelled_order_waits_for_its_partners_yes(made_there: Partnership, workshop: Workshop) -> None:
    floor = made_there.floor
    number = made_there.placed((PLAIN, 1))
    cancel(floor, number, "changed_mind")
    assert (floor.story(number).order["state"], hold_of(floor, number)) == ("held", "cancelling_at_partner")
    made_there.ask()
    assert floor.state(number) == ("cancelled", ["cancelled"])
    assert workshop.order(made_there.reference(number))["state"] == "cancelled"
    (last,) = [entry for entry in floor.story(number).history if entry["event"] == "order.cancelled"]
    assert last["data"]["reason"] == "changed_mind"
    assert floor.events(number).count("order.cancelled") == 1
    floor.check_sums()


def test_a_partner_that_has_begun_is_not_cancelled_and_its_order_goes_on(
    made_there: Partnership, workshop: Workshop
) -> None:
    floor = made_there.floor
    number = made_there.placed((PLAIN, 1))
    reference = made_there.reference(number)
    workshop.press(reference, "accepted")
    workshop.press(reference, "in_progress")
    cancel(floor, number)
    made_there.ask()
    assert (floor.story(number).order["state"], hold_of(floor, number)) == ("held", "partner_cannot_cancel")
    workshop.press(reference, "shipped", carrier="DHL", tracking="42")
    made_there.ask_about(number)
    with pytest.raises(desk.NotPossibleNow, match="sent by its partner"):
        cancel(floor, number)
    release(floor, number)
    floor.fulfil(WORKSHOP)
    assert floor.state(number) == ("fulfilled", ["done"])


def test_an_order_that_is_let_go_on_after_all_is_not_cancelled_over_there(
    made_there: Partnership, workshop: Workshop
) -> None:
    floor = made_there.floor
    number = made_there.placed((PLAIN, 1))
    cancel(floor, number)
    release(floor, number)
    made_there.ask_about(number)
    assert workshop.order(made_there.reference(number))["state"] == "received"
    assert floor.state(number) == ("released", ["making"])


def test_a_cancellation_by_the_channel_goes_to_the_partner(made_there: Partnership, workshop: Workshop) -> None:
    floor = made_there.floor
    external_id = floor.order((PLAIN, 1))
    floor.intake()
    number = floor.number(external_id)
    floor.fulfil(WORKSHOP)
    news = an_order(external_id, [(PLAIN, 1)], minute=5, cancelled_at="2026-11-01T10:05:00+00:00")
    floor.deliver(news, topic="orders/cancelled")
    floor.intake()
    made_there.ask()
    assert floor.state(number) == ("cancelled", ["cancelled"])
    assert workshop.order(made_there.reference(number))["state"] == "cancelled"


def test_an_address_is_not_changed_behind_the_partners_back(made_there: Partnership) -> None:
    floor = made_there.floor
    number = made_there.placed((PLAIN, 1))
    with pytest.raises(desk.NotPossibleNow, match="at its partner"):
        floor.room.database.write(
            lambda c: amending.amend(c, floor.room.seals, number, "address.city", "Berlin", "Ada"),
        )


def test_a_crash_after_the_partner_cancelled_cancels_nothing_twice(made_there: Partnership, workshop: Workshop) -> None:
    floor = made_there.floor
    number = made_there.placed((PLAIN, 1))
    cancel(floor, number)
    reference = made_there.reference(number)
    workshop.api("POST", f"orders/{reference}/cancel")
    made_there.ask()
    assert floor.state(number) == ("cancelled", ["cancelled"])
    assert floor.effects("partner_cancel") == [(f"{reference}-cancel", "done")]


# Stuck, and a cell


def test_what_is_stuck_is_held_with_its_reason_sealed_and_goes_on_by_itself(
    made_there: Partnership, workshop: Workshop
) -> None:
    floor = made_there.floor
    number = made_there.placed((PLAIN, 1))
    reference = made_there.reference(number)
    workshop.press(reference, "accepted")
    workshop.press(reference, "stuck", reason=f"what does {CANARIES[0]} want?")
    made_there.ask_about(number)
    assert hold_of(floor, number) == "partner_stuck"
    workshop.press(reference, "in_progress")
    made_there.ask_about(number)
    assert floor.state(number) == ("released", ["making"])
    with floor.room.database.read() as connection:
        rows = connection.exec_driver_sql("select * from partner_orders").mappings().all()
    assert CANARIES[0] not in str(rows)


def at_a_cell(floor: Floor, url: str, monkeypatch: pytest.MonkeyPatch) -> Partnership:
    """A cell that picks what lies there, by our own names."""
    spec = a_partner(url, adapter="integrator", products=(), ships_to="hub")
    partnership = with_partners(floor, monkeypatch, a_place(spec, CELL, "robot_cell"))
    floor.room.database.write(lambda c: stock.receive(c, "cell", [(CELL, PLAIN, 5)], "delivered", now(c)))
    return partnership


def test_a_cell_picks_into_a_tote_and_the_parcel_is_packed_and_labelled_as_ours(
    floor: Floor, cell: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    partnership = at_a_cell(floor, cell.url, monkeypatch)
    number = partnership.placed((PLAIN, 2), at=CELL)
    reference = partnership.reference(number)
    (line,) = cell.order(reference)["lines"]
    assert (line["code"], line["quantity"]) == (PLAIN, 2)
    assert not any(canary in cell.page() for canary in CANARIES)
    cell.press(reference, "accepted")
    cell.press(reference, "picked")
    partnership.ask_about(number, CELL)
    floor.fulfil(CELL)
    assert floor.state(number) == ("fulfilled", ["done"])
    assert floor.available(CELL, PLAIN) == (3, 0)
    assert len(floor.effects("label")) == 1
    floor.check_sums()


def test_a_cell_that_is_short_leaves_the_order_to_a_person_who_counts(
    floor: Floor, cell: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    partnership = at_a_cell(floor, cell.url, monkeypatch)
    number = partnership.placed((PLAIN, 3), at=CELL)
    reference = partnership.reference(number)
    cell.press(reference, "accepted")
    cell.press(reference, "short", **{"done-1": "1"})
    partnership.ask_about(number, CELL)
    assert (floor.story(number).order["state"], hold_of(floor, number)) == ("held", "partner_short")
    (short,) = [entry for entry in floor.story(number).history if entry["event"] == "partner.short"]
    assert short["data"]["missing"] == {PLAIN: 2}
    assert floor.available(CELL, PLAIN) == (5, 0)
    release(floor, number)
    floor.intake()
    assert [part["location"] for part in floor.story(number).parts] == [CELL, HUB]


def test_the_totes_of_an_order_are_known_from_when_they_are_set_aside_to_what_is_in_each(
    floor: Floor, cell: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    partnership = at_a_cell(floor, cell.url, monkeypatch)
    number = partnership.placed((PLAIN, 3), at=CELL)
    reference = partnership.reference(number)

    def totes() -> list[dict[str, Any]]:
        with floor.room.database.read() as connection:
            found: list[dict[str, Any]] = connection.execute(select(table.c.totes)).scalar_one()
            return found

    assert totes() == []
    cell.press(reference, "accepted")
    cell.press(reference, "in_progress", tote="T-7", at="lift 2")
    partnership.ask_about(number, CELL)
    assert totes() == [{"tote": "T-7", "at": "lift 2", "pieces": {}}]
    cell.press(reference, "picked", **{"tote-1": "T-7:2 T-8:1", "at": "lift 2"})
    partnership.ask_about(number, CELL)
    counted = [
        {"tote": "T-7", "at": "lift 2", "pieces": {PLAIN: 2}},
        {"tote": "T-8", "at": "lift 2", "pieces": {PLAIN: 1}},
    ]
    assert totes() == counted
    (made,) = [entry for entry in floor.story(number).history if entry["event"] == "partner.made"]
    assert made["data"]["totes"] == counted, "whoever packs it reads on its page which to open"
    floor.fulfil(CELL)
    assert floor.state(number) == ("fulfilled", ["done"])


def test_a_tote_that_was_set_aside_comes_back_with_all_of_it_where_nobody_says_otherwise(
    floor: Floor, cell: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    partnership = at_a_cell(floor, cell.url, monkeypatch)
    number = partnership.placed((PLAIN, 2), at=CELL)
    reference = partnership.reference(number)
    cell.press(reference, "accepted")
    cell.press(reference, "in_progress", tote="T-7")
    cell.press(reference, "picked")
    assert cell.order(reference)["totes"] == [{"id": "T-7", "lines": [{"line": 1, "quantity": 2}]}]
    partnership.ask_about(number, CELL)
    assert floor.story(number).order["state"] == "released"


def test_totes_that_come_back_with_less_than_was_asked_wait_for_somebody_who_looks_into_them(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = a_fake(httpserver, {})
    partnership = at_a_cell(floor, httpserver.url_for("").rstrip("/"), monkeypatch)
    number = partnership.placed((PLAIN, 3), at=CELL)
    (order,) = there.values()
    totes = [{"id": "T-7", "lines": [{"line": 1, "quantity": 2}]}]
    order["lines"][0] |= {"done": 3}
    order |= {"state": "picked", "revision": 2, "totes": totes}
    (outcome,) = partnership.ask_about(number, CELL)
    assert (outcome.result, outcome.reason) == ("held", "partner_differs")
    (differs,) = [entry for entry in floor.story(number).history if entry["event"] == "partner.differs"]
    assert differs["data"]["differences"] == ["line 1 has pieces in totes 2 where 3 was asked"]
    release(floor, number)
    floor.fulfil(CELL)
    assert floor.state(number) == ("fulfilled", ["done"])


@pytest.mark.parametrize(
    "totes", ["T-7", [{}], [{"id": 7}], [{"id": "T-7", "lines": [{"line": 1}]}], [{"id": "T-7", "lines": 2}]]
)
def test_totes_that_nobody_can_read_are_no_answer(totes: object) -> None:
    body = {
        "reference": "r",
        "kind": "pick",
        "state": "picked",
        "revision": 2,
        "lines": [{"line": 1, "code": "x", "quantity": 1}],
    }
    assert read_order(body, "Cell", "r", "pick").totes == ()
    with pytest.raises(AnswerUnreadable):
        read_order(body | {"totes": totes}, "Cell", "r", "pick")


def test_a_jam_is_a_persons(floor: Floor, cell: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    partnership = at_a_cell(floor, cell.url, monkeypatch)
    number = partnership.placed((PLAIN, 1), at=CELL)
    cell.press(partnership.reference(number), "accepted")
    cell.press(partnership.reference(number), "stuck", reason="tote jammed at the lift")
    partnership.ask_about(number, CELL)
    assert hold_of(floor, number) == "partner_stuck"


# Faults


def test_a_start_without_an_outcome_is_placed_again_under_its_key_and_is_one_order(
    made_there: Partnership, workshop: Workshop
) -> None:
    """As after `kill -9` between the call and its outcome."""
    floor = made_there.floor
    number = made_there.placed((PLAIN, 1))
    reference = made_there.reference(number)

    def undo(connection: Any) -> None:
        connection.execute(table.delete())
        connection.execute(update(fulfilment_orders).values(state="open", outstanding=0))
        connection.execute(update(effects).where(effects.c.key == reference).values(state="started", answer=None))

    floor.room.database.write(undo)
    floor.fulfil(WORKSHOP)
    assert floor.state(number) == ("released", ["making"])
    assert workshop.page().count("<article>") == 1


def test_an_answer_that_is_nonsense_may_be_an_order_that_is_there(
    floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/orders", method="POST").respond_with_data("<html>hello</html>", status=200)
    httpserver.expect_request(pattern("/artworks/.*")).respond_with_json({})
    partnership = with_partners(floor, monkeypatch, a_place(a_partner(httpserver.url_for("").rstrip("/"))))
    number = floor.taken_in((PLAIN, 1))
    (outcome,) = floor.fulfil(WORKSHOP)
    assert (outcome.result, outcome.cause) == ("waiting", "workshop-unreadable")
    assert floor.effects("partner") == [(partnership.reference(number), "started")]
    with pytest.raises(desk.NotPossibleNow, match="may be at its partner"):
        cancel(floor, number)
