"""Where a parcel goes that would be late: the rule of the place that would be late with it, and its limits.

What belongs here: the choice among the places that the rule names, with the reasons against each one that was passed
over. What does not: whether it would be late (`print_queue`), when another place would have it ready
(`backroom.store.diverting`), and the way that an order takes then (`routing`).

Nothing is sent where it cannot be made: each place is asked before the parcel is taken back, by the same rules that
routing goes by afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backroom.domain.locations import BY_ROUTING, PromiseSpec
from backroom.domain.model import Assignment, Delivery, OrderToRoute
from backroom.domain.money import format_money
from backroom.domain.routing import CompiledRules, LocationView, makes_all, route
from backroom.domain.routing_places import Place, see, share

# When a place would hand over its share of an order; None where nobody can say.
ReadyThere = Callable[[str, Sequence[Assignment]], datetime | None]


@dataclass(frozen=True, slots=True)
class Here:
    """The place that would be late: when it `promised` the parcel, and when it would have it, None for never."""

    location: str
    promised: datetime
    ready: datetime | None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Diverted:
    """What the rule says of one parcel. `to` is a location's id, or BY_ROUTING; empty where it stays.

    `places` is where it is made then, `assignments` which share of it where, `passed` why each place before, or
    every place, was not taken.
    """

    to: str = ""
    places: tuple[str, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    passed: tuple[tuple[str, str], ...] = ()

    @property
    def why_not(self) -> str:
        """Why nothing else was taken, for the order's history: `hub: it cannot print it; …`."""
        return "; ".join(f"{place}: {why}" for place, why in self.passed)


def divert(
    order: OrderToRoute,
    spec: PromiseSpec,
    here: Here,
    rules: CompiledRules,
    views: Sequence[LocationView],
    ready_there: ReadyThere,
) -> Diverted:
    """Where an order goes that would be late at `here`; it stays for whoever waits there, and where nothing is better.

    `spec.late` holds locations' ids and BY_ROUTING (`Shop.late_place`), the one to be tried first coming first.
    """
    if order.delivery is not Delivery.SHIP:
        return Diverted()
    away = replace(order, refused_at=order.refused_at | {here.location})
    seen = {place.id: place for place in see(away, views)}
    passed: list[tuple[str, str]] = []
    for word in spec.late:
        places, assignments, why = _made_at(word, away, rules, views, seen)
        why = why or _too_much(spec, here, [seen[one] for one in places], seen.get(here.location))
        why = why or _too_late(spec, here, places, assignments, ready_there)
        if not why:
            return Diverted(word, places, assignments, tuple(passed))
        passed.append((word, why))
    return Diverted(passed=tuple(passed))


def _made_at(
    word: str, order: OrderToRoute, rules: CompiledRules, views: Sequence[LocationView], seen: dict[str, Place]
) -> tuple[tuple[str, ...], tuple[Assignment, ...], str]:
    """Where it is made if it goes that way, which share of it where; or why it cannot be."""
    if word == BY_ROUTING:
        decision = route(order, rules, views)
        if decision.outcome != "assigned":
            return (), (), f"no other place by the routing rules: {' and '.join(decision.reasons)}"
        return tuple(dict.fromkeys(one.location for one in decision.assignments)), decision.assignments, ""
    place = seen.get(word)
    if place is None:
        return (), (), "there is no such place"
    if why := makes_all(order, place):
        return (), (), why
    return (word,), share(order, [place], printing=True).assignments, ""


def _too_much(spec: PromiseSpec, here: Here, places: Sequence[Place], booth: Place | None) -> str:
    """Why it costs too much there: by how much more than here, or that it would be several parcels."""
    if spec.late_extra_minor is None or booth is None:
        return ""
    if len(places) > 1:
        return "it would be made at several places, and nobody knows what that costs"
    extra = places[0].cost_minor - booth.cost_minor
    return f"it costs {format_money(extra, here.currency)} more" if extra > spec.late_extra_minor else ""


def _too_late(
    spec: PromiseSpec, here: Here, places: Sequence[str], assignments: Sequence[Assignment], ready_there: ReadyThere
) -> str:
    """Why it is no help there: nobody knows when it would be ready, or it would be no sooner, or beyond the limit."""
    if not spec.late_sooner and spec.late_hours is None:
        return ""
    ready: list[datetime] = []
    for place in places:
        at = ready_there(place, [one for one in assignments if one.location == place])
        if at is None:
            return "nobody can say when it would be ready there"
        ready.append(at)
    last = max(ready)
    if spec.late_sooner and here.ready is not None and last >= here.ready:
        return f"it would be ready there no sooner, at {last:%Y-%m-%d %H:%M} UTC"
    if spec.late_hours is not None and last > here.promised + timedelta(hours=spec.late_hours):
        return f"it would be ready there at {last:%Y-%m-%d %H:%M} UTC, more than {spec.late_hours} h late"
    return ""
