"""Events at the routing: a shut booth gets no order, and what is kept for its event goes to nobody else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backroom.domain.locations import PrinterSpec
from backroom.domain.model import Delivery, OrderToRoute, RejectedAlternative
from backroom.domain.routing import route, route_all
from backroom.domain.routing_gates import Gate, ask_for_samples, at_events, pass_gates
from backroom.domain.routing_places import is_local
from tests.shops import a_shop
from tests.unit.domain.routing_cases import order, rule, view

_PRINTERS = (PrinterSpec("left", "folder:left", ("dtg",)), PrinterSpec("right", "folder:right", ("transfer",)))
SHOP = replace(
    a_shop(), locations=(replace(view("booth").location, printers=_PRINTERS), view("hub", kind="hub").location)
)
SHUT = Gate("its event market is planned")
OPEN = Gate("", open_now=True)
RULES = [
    rule("market", when=(("event", "==", "market"),), where=(("kind", "==", "booth"),)),
    rule("all", sort=("nearest",)),
]


def places(gate: Gate | None = None, *, kept: bool = False) -> list:  # type: ignore[type-arg]
    booth = view("booth", {"TEE": 2}, km=1, prints=("TEE",), event="market")
    hub = view("hub", {"TEE": 2}, km=5, kind="hub")
    keeps = {"booth": frozenset({"TEE"})} if kept else {}
    return pass_gates([booth, hub], {"booth": gate} if gate else {}, keeps)


def made_at(asked: OrderToRoute, gate: Gate | None = None, *, kept: bool = False) -> str:
    decision = route(asked, RULES, places(gate, kept=kept))
    return decision.assignments[0].location if decision.assignments else decision.hold_reason


def test_a_booth_without_events_is_as_it_was() -> None:
    assert made_at(order(event="market")) == "booth"
    assert pass_gates(places(), {}, {}) == places()


def test_a_parcel_goes_past_a_booth_that_is_shut_and_the_decision_says_why() -> None:
    assert made_at(order(event="market"), OPEN) == "booth"
    decision = route(order(event="market"), RULES, places(SHUT))
    assert decision.assignments[0].location == "hub"
    reason = "shut: its event market is planned"
    assert decision.rejected == (
        RejectedAlternative("market", "booth", reason),
        RejectedAlternative("market", "hub", "the rule asks for kind booth"),
        RejectedAlternative("all", "booth", reason),
    )


def test_what_is_collected_at_a_shut_booth_waits_for_its_event() -> None:
    asked = order(event="market", delivery=Delivery.COLLECT, location="booth")
    assert made_at(asked, SHUT) == "no_event"
    assert route(asked, RULES, places(SHUT)).reasons == ("Booth is shut: its event market is planned",)
    assert made_at(asked, OPEN) == "booth"


@pytest.mark.parametrize(("pieces", "expected"), [(2, "booth"), (3, "no_event")])
def test_what_was_carried_out_is_booked_even_when_the_booth_is_shut(pieces: int, expected: str) -> None:
    asked = order(("TEE", pieces), event="market", delivery=Delivery.CARRY_OUT, location="booth")
    assert made_at(asked, SHUT) == expected
    assert made_at(asked, OPEN) == "booth"


def test_pieces_kept_for_an_event_go_to_its_own_orders_only() -> None:
    assert made_at(order(), OPEN) == "booth"
    web = route(order(), [rule("stock", sort=("nearest",), short="hold")], places(OPEN, kept=True))
    assert web.assignments[0].location == "hub"
    own = order(event="market")
    assert route(own, RULES, places(OPEN, kept=True)).assignments[0].from_stock == 1
    at_the_till = order(delivery=Delivery.CARRY_OUT, location="booth")
    assert route(at_the_till, RULES, places(OPEN, kept=True)).assignments[0].from_stock == 1


def test_a_wave_takes_kept_and_free_pieces_from_one_pile() -> None:
    orders = [order(event="market"), order(), order(event="market"), order(event="market")]
    decisions = route_all(orders, [rule("stock", sort=("nearest",), short="backorder")], places(OPEN, kept=True))
    made = [decision.assignments[0].location if decision.assignments else decision.outcome for decision in decisions]
    assert made == ["booth", "hub", "booth", "hub"]


def test_an_event_stands_where_it_stands_and_not_where_the_shop_file_has_its_booth() -> None:
    (booth, hub) = at_events(SHOP, {"booth": replace(OPEN, latitude=48.1, longitude=11.6)}).locations
    assert (booth.latitude, booth.longitude) == (48.1, 11.6)
    assert hub == SHOP.locations[1]
    assert at_events(SHOP, {}) is SHOP


def test_only_the_printers_that_came_along_print_at_an_event() -> None:
    (booth, _) = at_events(SHOP, {"booth": replace(OPEN, printers=("left",))}).locations
    assert [printer.name for printer in booth.printers] == ["left"]
    assert booth.can_print("dtg")
    assert not booth.can_print("transfer")
    assert at_events(SHOP, {"booth": OPEN}).locations == SHOP.locations


def test_an_order_is_a_booths_own_by_its_till_or_by_its_event() -> None:
    booth = view("booth", event="market").location
    assert is_local(booth, "market", "")
    assert is_local(booth, "", "booth")
    assert not is_local(booth, "", "")
    assert not is_local(view("plain").location, "", "")


def test_what_has_no_approved_sample_is_made_elsewhere_and_the_reason_is_told() -> None:
    booth = view("booth", km=1, prints=("TEE",), event="market")
    hub = view("hub", km=5, kind="hub", prints=("TEE",))
    missing = {"booth": {"TEE": "no sample of it was printed", "OTHER": "of no account"}, "moon": {"TEE": "never"}}
    views = ask_for_samples([booth, hub], missing)
    assert views[0].printable == frozenset()
    assert dict(views[0].unsampled) == {"TEE": "no sample of it was printed"}
    assert views[1] is hub
    asked = order(("TEE", 1))
    decision = route(asked, [rule("print", sort=("nearest",), short="print")], views)
    assert decision.assignments[0].location == "hub"
    said = [x.reason for x in decision.rejected if x.location == "booth"]
    assert any("neither in stock nor printable there: no sample of it was printed" in reason for reason in said)
    backordered = route(asked, [rule("print", sort=("nearest",), short="print")], views[:1])
    assert backordered.outcome == "backorder"
    assert backordered.reasons == (
        "1 of 1 piece of TEE is neither in stock nor printable: no sample of it was printed",
    )
    wants = rule("print", where=(("can_print", "==", True),), sort=("nearest",), short="print")
    refused = route(asked, [wants], views)
    assert "cannot print TEE: no sample of it was printed" in [x.reason for x in refused.rejected]


def test_pieces_that_are_in_stock_need_no_sample() -> None:
    booth = view("booth", {"TEE": 2}, km=1, prints=("TEE",), event="market")
    views = ask_for_samples([booth], {"booth": {"TEE": "no sample of it was printed"}})
    assert route(order(("TEE", 2)), [rule("all", sort=("nearest",))], views).outcome == "assigned"
