"""Where what would be late goes: the rule of the place, its limits, and never where it cannot be made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from backroom.domain.diverting import Diverted, Here, divert
from backroom.domain.explain import explain
from backroom.domain.locations import BY_ROUTING, PromiseSpec
from backroom.domain.model import Assignment, Delivery, OrderToRoute
from backroom.domain.partners import PartnerProduct, PartnerSpec
from backroom.domain.routing import WOULD_BE_LATE, LocationView, compile_rules, route
from backroom.domain.routing_rules import RoutingRule
from tests.unit.domain.routing_cases import order, rule, some_orders, some_rules, some_views, view

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
BOOTH = Here("booth", NOON, NOON + HOUR, "EUR")
PRINTS = ("TEE",)
VIEWS = [
    view("booth", prints=PRINTS, print_cost=200),
    view("hub", prints=PRINTS, kind="hub", print_cost=500),
    view("shelf", {"TEE": 1}, kind="local_hub"),
]


def sent(
    *late: str,
    views: Sequence[LocationView] = VIEWS,
    here: Here = BOOTH,
    ready: Mapping[str, datetime | None] | None = None,
    wanted: OrderToRoute | None = None,
    **limits: int | bool,
) -> Diverted:
    def ready_there(place: str, share: Sequence[Assignment]) -> datetime | None:
        assert {one.location for one in share} == {place}
        return (ready or {}).get(place, NOON)

    spec = PromiseSpec(late=late, **limits)
    return divert(wanted or order(("TEE", 2)), spec, here, compile_rules([rule()]), views, ready_there)


def test_it_goes_to_the_first_place_of_the_rule_that_can_make_all_of_it() -> None:
    assert sent("hub", "shelf").to == "hub"
    found = sent("shelf", "hub")
    assert (found.to, found.places) == ("hub", ("hub",))
    assert found.why_not == "shelf: 1 of 2 pieces neither in stock nor printable there"
    assert sent() == Diverted()


def test_by_routing_it_goes_where_the_rules_find_another_place_and_nowhere_if_they_find_none() -> None:
    assert sent(BY_ROUTING).places == ("hub",)
    alone = sent(BY_ROUTING, views=VIEWS[:1])
    assert alone.to == ""
    assert "no other place by the routing rules" in alone.why_not


def test_a_place_that_is_shut_full_or_gone_is_passed_over() -> None:
    shut = [VIEWS[0], replace(VIEWS[1], shut="its event is over")]
    assert sent("hub", views=shut).why_not == "hub: shut: its event is over"
    full = [VIEWS[0], replace(VIEWS[1], capacity_left=0)]
    assert sent("hub", views=full).why_not == "hub: it has no room for another order"
    assert sent("moon").why_not == "moon: there is no such place"


def test_a_place_that_costs_more_than_the_limit_is_passed_over() -> None:
    assert sent("hub", late_extra_minor=600).to == "hub"
    assert sent("hub", late_extra_minor=599).why_not == "hub: it costs 6.00 EUR more"


def test_a_place_is_taken_only_if_it_is_sooner_where_the_rule_says_so() -> None:
    soon, late = {"hub": NOON + HOUR - timedelta(minutes=1)}, {"hub": NOON + HOUR}
    assert sent("hub", late_sooner=True, ready=soon).to == "hub"
    assert sent("hub", late_sooner=True, ready=late).to == ""
    assert sent("hub", late_sooner=True, ready={"hub": None}).to == ""
    assert sent("hub", late_sooner=True, ready=late, here=replace(BOOTH, ready=None)).to == "hub"
    assert sent("hub", late_hours=2, ready={"hub": NOON + 2 * HOUR}).to == "hub"
    assert sent("hub", late_hours=2, ready={"hub": NOON + 3 * HOUR}).to == ""


def test_a_partner_makes_what_it_lists_and_sends_where_it_goes() -> None:
    partner = view("atelier", kind="partner", prints=PRINTS)
    spec = PartnerSpec("microfactory", "", "", products=(PartnerProduct("TEE", "t"),), countries=("FR",))
    place = replace(partner, location=replace(partner.location, partner=spec))
    assert sent("atelier", views=[VIEWS[0], place]).why_not == "atelier: it does not send to DE"


def test_an_order_that_was_sent_on_is_made_there_whatever_the_rules_say_and_says_why() -> None:
    away = replace(order(("TEE", 2)), late_at=frozenset({"booth"}), sent_to="hub")
    decision = route(away, [rule("booths", where=(("kind", "==", "booth"),))], VIEWS)
    assert [(one.location, one.to_print) for one in decision.assignments] == [("hub", 2)]
    assert decision.rule == WOULD_BE_LATE
    said = explain(decision, "A-1042")
    assert said.startswith("A-1042 is made at the hub, because it would be late where it was and it has no stock")
    assert "the booth was not taken: it refused this order, or would be late with it" in said


def test_the_rules_decide_where_the_place_cannot_make_it_any_more() -> None:
    away = replace(order(("TEE", 2)), late_at=frozenset({"booth"}), sent_to="shelf")
    decision = route(away, [rule("any")], VIEWS)
    assert decision.rule == "any"
    assert ("shelf", "1 of 2 pieces neither in stock nor printable there") in [
        (one.location, one.reason) for one in decision.rejected
    ]


def test_it_goes_back_where_it_was_late_only_if_no_other_place_makes_it() -> None:
    away = replace(order(("TEE", 2)), late_at=frozenset({"booth"}), sent_to="shelf")
    assert [one.location for one in route(away, [rule("any")], VIEWS).assignments] == ["hub"]
    alone = route(away, [rule("any")], [VIEWS[0], VIEWS[2]])
    assert [one.location for one in alone.assignments] == ["booth"]
    assert "it would be late there, but no other place can make it" in explain(alone, "A-1042")
    shut = [replace(VIEWS[0], shut="its event is over"), VIEWS[2]]
    assert route(away, [rule("any")], shut).outcome == "backorder"


@settings(max_examples=200)
@given(some_orders(), some_rules(), some_views(), st.sampled_from(["", "p1", "p2"]))
def test_nothing_waits_because_it_was_sent_on_that_would_be_made_if_it_was_not(
    wanted: OrderToRoute, rules: list[RoutingRule], views: list[LocationView], to: str
) -> None:
    compiled = compile_rules(rules)
    at_first = route(wanted, compiled, views)
    away = route(replace(wanted, late_at=frozenset({"p0"}), sent_to=to), compiled, views)
    refused = route(replace(wanted, refused_at=frozenset({"p0"}), sent_to=to), compiled, views)
    if refused.outcome == "assigned":
        assert away == refused
    elif at_first.outcome == "assigned":
        assert away.assignments == at_first.assignments
    else:
        if refused.hold_reason == "no_taker":
            # What would be late nobody refused: it is held for want of a rule.
            refused = replace(refused, hold_reason="no_rule", reasons=("no routing rule fits the order",))
        assert away == refused


LATES = st.lists(st.sampled_from(["p0", "p1", "p2", "p3", "p4", BY_ROUTING]), max_size=4, unique=True).map(tuple)
READY = st.none() | st.integers(-3, 3).map(lambda hours: NOON + hours * HOUR)


@settings(max_examples=200)
@given(some_orders(), some_rules(), some_views(), LATES, st.dictionaries(st.sampled_from("01234"), READY), st.data())
def test_it_is_never_sent_where_it_cannot_be_made_and_who_waits_there_is_sent_nowhere(
    wanted: OrderToRoute,
    rules: list[RoutingRule],
    views: list[LocationView],
    late: tuple[str, ...],
    ready: dict[str, datetime | None],
    data: st.DataObject,
) -> None:
    here = Here("p0", NOON, data.draw(READY, "ready here"), "EUR")
    limits = PromiseSpec(
        late=tuple(word for word in late if word != here.location),
        late_sooner=data.draw(st.booleans()),
        late_extra_minor=data.draw(st.none() | st.integers(0, 200)),
        late_hours=data.draw(st.none() | st.integers(1, 2)),
    )
    compiled = compile_rules(rules)
    found = divert(wanted, limits, here, compiled, views, lambda place, _: ready.get(place[1:]))
    if wanted.delivery is not Delivery.SHIP:
        assert found == Diverted()
    if not found.to:
        assert found.places == ()
        return
    assert found.to in limits.late
    assert here.location not in found.places
    # The very way that routing takes afterwards makes all of it, at these places and without a person.
    to = "" if found.to == BY_ROUTING else found.to
    decision = route(replace(wanted, late_at=frozenset({here.location}), sent_to=to), compiled, views)
    assert decision.outcome == "assigned"
    assert tuple(dict.fromkeys(one.location for one in decision.assignments)) == found.places
    if limits.late_sooner and here.ready is not None:
        assert all((at := ready.get(place[1:])) is not None and at < here.ready for place in found.places)
    if limits.late_hours is not None:
        latest = NOON + limits.late_hours * HOUR
        assert all((at := ready.get(place[1:])) is not None and at <= latest for place in found.places)
