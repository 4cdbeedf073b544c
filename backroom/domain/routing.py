"""Routing: at which location an order is made, by the shop's ordered rules, with reasons.

What belongs here: the choice. What does not: what a rule may say (`routing_filters`), what a place has
(`routing_places`), how places compare and how that is said (`routing_words`), taking the pieces
(`backroom.store.stock`: a decision is a plan, the reservation settles it).

The first rule wins whose `when` holds of the order and whose `where` leaves a place. Its sorts order the places, ties
go by the shop file. The best place that can make the whole order alone makes it: from stock, and, where the rule says
short = print, by printing what is short. Only a rule with `split` goes on: several places in the sorts' order, or,
when fewest_splits is its first sort, the fewest places that have everything. When pieces are still short, `short`
decides: `print` and `backorder` wait for stock, `hold` asks a person, `next` tries the next rule.

An order that would be late where it was first may say where it goes instead (`sent_to`): the rules are asked only where
that place cannot make all of it. Where they find no other place either, it goes back: late is better than not at all.

Distances are never guessed: a rule whose answer hangs on one holds an order that nobody could locate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations

from backroom.domain.model import Delivery, OrderToRoute, RejectedAlternative, RoutingDecision
from backroom.domain.routing_filters import CompiledRule, CompiledRules, compile_rules, pieces
from backroom.domain.routing_places import LocationView, Place, Share, see, share
from backroom.domain.routing_rules import RoutingRule
from backroom.domain.routing_words import (
    beaten_by,
    for_want_of_a_sample,
    makes_alone,
    making,
    missing_here,
    reasons_for,
    sort_key,
)

__all__ = ["CompiledRules", "LocationView", "compile_rules", "makes_all", "route", "route_all"]

NO_COORDINATES = "no_coordinates"
NO_EVENT = "no_event"
NO_PLACE = "no_place"
NO_RULE = "no_rule"
# Not by routing itself: too many prints of its kind came out bad after it was routed.
NO_SAMPLE = "no_sample"
# No rule is left since those that fit were refused, each once: an address or an artwork that nobody takes ends here.
NO_TAKER = "no_taker"
SHORT_STOCK = "short_stock"
# Stands for a rule where a place sends on what it would be late with.
WOULD_BE_LATE = "what would be late"
NOWHERE_ELSE = "it would be late there, but no other place can make it"


def route(
    order: OrderToRoute, rules: CompiledRules | Sequence[RoutingRule], views: Sequence[LocationView]
) -> RoutingDecision:
    """Decide where an order is made. Pure: the same order, rules and views give the same decision.

    Outcome `assigned`: the assignments together are exactly the order, and distance_km is how far its first place is
    from a shipped order's address. `backorder`: pieces are missing and nothing is assigned. `hold`: a person decides;
    hold_reason is no_coordinates, no_place (there is no location where the customer should be), no_event (that location
    is shut, and the customer has not carried it out already), no_rule, no_taker (partners refused it, and nobody is
    left) or short_stock. Raises BadRule for rules that were not compiled and cannot be.
    """
    compiled = rules if isinstance(rules, CompiledRules) else compile_rules(rules)
    decision = _route_on_time(order, compiled, views)
    if decision.hold_reason == NO_RULE and order.refused_at:
        return _hold("", NO_TAKER, "who could make it refused it, and no rule finds another place", decision.rejected)
    return decision


def _route_on_time(order: OrderToRoute, compiled: CompiledRules, views: Sequence[LocationView]) -> RoutingDecision:
    """Elsewhere than where it would be late, unless no other place can make it."""
    if not order.late_at:
        return _route(order, compiled, views)
    away = replace(order, refused_at=order.refused_at | order.late_at, late_at=frozenset())
    elsewhere = _route(away, compiled, views)
    if elsewhere.outcome == "assigned":
        return elsewhere
    back = _route(replace(order, late_at=frozenset(), sent_to=""), compiled, views)
    if back.outcome != "assigned":
        return elsewhere
    made_at = {assignment.location for assignment in back.assignments}
    passed = tuple(one for one in elsewhere.rejected if one.location not in made_at)
    return replace(back, reasons=(*back.reasons, NOWHERE_ELSE), rejected=(*passed, *back.rejected))


def _route(order: OrderToRoute, compiled: CompiledRules, views: Sequence[LocationView]) -> RoutingDecision:
    places = see(order, views)
    rejected: list[RejectedAlternative] = []
    short: dict[tuple[str, str], None] = {}
    if not places and order.delivery is not Delivery.SHIP:
        return _hold("", NO_PLACE, f"no location {order.location!r} hands anything over", rejected)
    if order.delivery is not Delivery.SHIP and places[0].view.shut and not _is_gone_already(places[0]):
        return _hold("", NO_EVENT, f"{places[0].name} is shut: {places[0].view.shut}", rejected)
    if sent := _as_sent(order, places, rejected):
        return sent
    passed_by = ""
    for rule in compiled.rules:
        if not all(test(order) for test in rule.when):
            continue
        candidates = _candidates(rule, places, rejected)
        if not candidates:
            continue
        if _needs_distance(rule, candidates) and candidates[0].metres is None:
            reason = "the rule needs a distance, and neither coordinates nor the postcode say where the order goes"
            return _hold(rule.name, NO_COORDINATES, reason, rejected)
        if len(candidates) > 1:
            candidates.sort(key=partial(sort_key, rule))
        short |= dict.fromkeys(_found_short(rule, candidates))
        decision = _assign(rule, order, candidates, rejected)
        if decision is not None:
            return replace(decision, short=tuple(short)) if short else decision
        passed_by = rule.name
    if passed_by:
        held = _hold(passed_by, SHORT_STOCK, "no rule found a place that has all of it", rejected)
        return replace(held, short=tuple(short))
    return _hold("", NO_RULE, "no routing rule fits the order", rejected)


def route_all(
    orders: Sequence[OrderToRoute], rules: CompiledRules | Sequence[RoutingRule], views: Sequence[LocationView]
) -> tuple[RoutingDecision, ...]:
    """Decide for a wave, first come first served: each order sees what those before it left of stock and room.

    Give the orders by priority: that is who gets the last piece.
    """
    compiled = rules if isinstance(rules, CompiledRules) else compile_rules(rules)
    stock = {view.location.id: dict(view.available) for view in views}
    left = {view.location.id: replace(view, available=stock[view.location.id]) for view in views}
    decisions = []
    for order in orders:
        decision = route(order, compiled, list(left.values()))
        decisions.append(decision)
        for assignment in decision.assignments:
            if assignment.from_stock:
                stock[assignment.location][assignment.sku] -= assignment.from_stock
        for id_ in {assignment.location for assignment in decision.assignments}:
            room = left[id_].capacity_left
            left[id_] = replace(left[id_], load=left[id_].load + 1, capacity_left=None if room is None else room - 1)
    return tuple(decisions)


def makes_all(order: OrderToRoute, place: Place) -> str:
    """Why a place cannot make all of an order alone, from stock or by printing; empty where it can."""
    refusal = place.refusal if order.delivery is Delivery.SHIP else ""
    if not refusal and place.view.capacity_left is not None and place.view.capacity_left < 1:
        refusal = "it has no room for another order"
    return refusal or missing_here(place, printing=True)


def _as_sent(
    order: OrderToRoute, places: Sequence[Place], rejected: list[RejectedAlternative]
) -> RoutingDecision | None:
    """The decision where the order was sent, if that place makes all of it."""
    place = next((one for one in places if one.id == order.sent_to), None)
    if place is None:
        return None
    if why := makes_all(order, place):
        rejected.append(RejectedAlternative(WOULD_BE_LATE, place.id, why))
        return None
    shared = share(order, [place], printing=True)
    reasons = ("it would be late where it was", f"it has {making(place, shared)}")
    passed = (RejectedAlternative(WOULD_BE_LATE, one.id, one.refusal) for one in places if one.id in order.refused_at)
    return RoutingDecision(
        "assigned",
        WOULD_BE_LATE,
        shared.assignments,
        reasons,
        (*rejected, *passed),
        distance_km=_distance(order, place),
    )


def _candidates(rule: CompiledRule, places: Sequence[Place], rejected: list[RejectedAlternative]) -> list[Place]:
    """The places that pass `where`; a distance that nobody knows fails none here, `route` holds the order for it."""
    candidates = []
    for place in places:
        if place.order.delivery is Delivery.SHIP and (refusal := place.refusal):
            rejected.append(RejectedAlternative(rule.name, place.id, refusal))
            continue
        for test in rule.where:
            if not test.holds(place) and not (test.field == "distance_km" and place.metres is None):
                rejected.append(RejectedAlternative(rule.name, place.id, test.why_not(place)))
                break
        else:
            candidates.append(place)
    return candidates


def _is_gone_already(place: Place) -> bool:
    """Whether the customer has walked away with all of it: a sale of the till that is only to be booked."""
    return place.order.delivery is Delivery.CARRY_OUT and place.in_stock == place.pieces


def _needs_distance(rule: CompiledRule, candidates: Sequence[Place]) -> bool:
    """Whether the answer hangs on a distance; sorting a single place does not."""
    filtered = any(test.field == "distance_km" for test in rule.where)
    return filtered or ("nearest" in rule.sort and len(candidates) > 1)


def _found_short(rule: CompiledRule, candidates: Sequence[Place]) -> Iterator[tuple[str, str]]:
    """(location, sku) where the rule asked in vain: it asks in order, up to the place that can make all of it alone."""
    for place in candidates:
        yield from ((place.id, sku) for sku in place.short_of)
        if makes_alone(place, printing=rule.short == "print"):
            return


def _assign(
    rule: CompiledRule, order: OrderToRoute, candidates: list[Place], rejected: list[RejectedAlternative]
) -> RoutingDecision | None:
    """The decision of a rule for its sorted candidates; None when it is short and leaves the order to the next one."""
    printing = rule.short == "print"
    alone = [place for place in candidates if makes_alone(place, printing=printing)]
    if alone:
        chosen, shared = [alone[0]], share(order, alone[:1], printing=printing)
    else:
        shared = share(order, candidates, printing=printing)
        if not (rule.split and shared.complete):
            return _short(rule, order, candidates, shared, rejected)
        if rule.sort[:1] == ("fewest_splits",):
            shared = _fewest(order, candidates, printing=printing)
        used = {assignment.location for assignment in shared.assignments}
        chosen = [place for place in candidates if place.id in used]
    for place in candidates:
        if place not in chosen:
            reason = missing_here(place, printing=printing) or beaten_by(rule, place, chosen[0])
            rejected.append(RejectedAlternative(rule.name, place.id, reason))
    return RoutingDecision(
        outcome="assigned",
        rule=rule.name,
        assignments=shared.assignments,
        reasons=tuple(reasons_for(rule, chosen, shared, len(alone))),
        rejected=tuple(rejected),
        distance_km=_distance(order, chosen[0]),
    )


def _fewest(order: OrderToRoute, candidates: Sequence[Place], *, printing: bool) -> Share:
    """The share over the fewest places, the earliest of those in sorted order; all candidates together suffice.

    It tries every pair, then every three, and so on: a shop has a handful of places, and few orders need three.
    """
    useful = [place for place in candidates if (place.can_make if printing else place.in_stock)]
    for size in range(2, len(useful)):
        for places in combinations(useful, size):
            shared = share(order, places, printing=printing)
            if shared.complete:
                return shared
    return share(order, useful, printing=printing)


def _short(
    rule: CompiledRule,
    order: OrderToRoute,
    candidates: Sequence[Place],
    shared: Share,
    rejected: list[RejectedAlternative],
) -> RoutingDecision | None:
    printing = rule.short == "print"
    for place in candidates:
        rejected.append(RejectedAlternative(rule.name, place.id, missing_here(place, printing=printing)))
    if rule.short == "next":
        return None
    if shared.complete:
        reasons = ["no single place has all of it, and the rule does not split"]
    else:
        nowhere = "neither in stock nor printable" if printing else "not in stock"
        reasons = [
            f"{count} of {pieces(line.quantity)} of {line.sku} {'is' if count == 1 else 'are'} {nowhere}"
            f"{for_want_of_a_sample(candidates, line.sku) if printing else ''}"
            for line, count in zip(order.lines, shared.missing, strict=True)
            if count
        ]
    if rule.short == "hold":
        return _hold(rule.name, SHORT_STOCK, reasons, rejected)
    return RoutingDecision("backorder", rule.name, (), tuple(reasons), tuple(rejected))


def _hold(
    rule: str, hold_reason: str, reasons: str | Sequence[str], rejected: Sequence[RejectedAlternative]
) -> RoutingDecision:
    said = (reasons,) if isinstance(reasons, str) else tuple(reasons)
    return RoutingDecision("hold", rule, (), said, tuple(rejected), hold_reason)


def _distance(order: OrderToRoute, place: Place) -> float | None:
    if order.delivery is not Delivery.SHIP or place.metres is None:
        return None
    return place.metres / 1000
