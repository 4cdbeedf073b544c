"""Orders, rules and places for the routing tests, small ones by hand and random ones by hypothesis."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime

from hypothesis import strategies as st

from backroom.domain.cost_rates import CostRates
from backroom.domain.geo import EARTH_RADIUS_KM
from backroom.domain.locations import Location
from backroom.domain.model import Delivery, LineToRoute, OrderToRoute
from backroom.domain.opening import OpeningHours
from backroom.domain.routing import LocationView
from backroom.domain.routing_filters import SHORTS, SORTS
from backroom.domain.routing_rules import Filter, RoutingRule

HOURS = OpeningHours.parse({"mon": ["09:00-18:00"]}, "Europe/Berlin")
HERE = (52.52, 13.405)
SKUS = ("TEE", "HOOD", "CAP")


def km_north(km: float) -> tuple[float, float]:
    return (HERE[0] + math.degrees(km / EARTH_RADIUS_KM), HERE[1])


def view(
    id_: str,
    stock: Mapping[str, int] | None = None,
    *,
    km: float = 1.0,
    kind: str = "booth",
    prints: tuple[str, ...] = (),
    open_now: bool = True,
    capacity_left: int | None = None,
    load: int = 0,
    print_cost: int = 0,
    pick_cost: int = 0,
    parcel_cost: int = 0,
    event: str = "",
) -> LocationView:
    """A location so many kilometres north of where the orders below go."""
    latitude, longitude = km_north(km)
    costs = CostRates(print=print_cost, picking_minutes=60, wage_per_hour=pick_cost)
    location = Location(
        id_, id_.title(), kind, f"pool-{id_}", latitude, longitude, HOURS, "DE", event=event, costs=costs
    )
    parcels = {"web": parcel_cost}
    return LocationView(location, stock or {}, frozenset(prints), open_now, capacity_left, load, parcels)


def order(
    *wanted: tuple[str, int],
    located: bool = True,
    delivery: Delivery = Delivery.SHIP,
    channel: str = "web",
    location: str = "",
    country: str = "DE",
    event: str = "",
    source: str = "",
    tags: tuple[str, ...] = (),
) -> OrderToRoute:
    lines = tuple(
        LineToRoute(number, sku, quantity, product=sku.lower(), tags=tags)
        for number, (sku, quantity) in enumerate(wanted or (("TEE", 1),), start=1)
    )
    return OrderToRoute(
        "A-1042",
        channel,
        source,
        delivery,
        country,
        datetime(2026, 11, 22, 12, tzinfo=UTC),
        lines,
        event,
        location,
        HERE[0] if located else None,
        HERE[1] if located else None,
    )


def rule(
    name: str = "any",
    *,
    when: tuple[tuple[str, str, object], ...] = (),
    where: tuple[tuple[str, str, object], ...] = (),
    sort: tuple[str, ...] = (),
    split: bool = False,
    short: str = "print",
) -> RoutingRule:
    return RoutingRule(name, tuple(Filter(*x) for x in when), tuple(Filter(*x) for x in where), sort, split, short)


STOCKS = st.dictionaries(st.sampled_from(SKUS), st.integers(-1, 4))
WHERES = st.lists(
    st.one_of(
        st.builds(lambda km: ("distance_km", "<=", km), st.integers(1, 12)),
        st.sampled_from(
            [
                ("in_stock", "==", True),
                ("can_print", "==", True),
                ("can_make", "==", True),
                ("open_now", "==", True),
                ("capacity_left", ">", 0),
                ("kind", "!=", "hub"),
                ("location", "in", ["p0", "p2", "p3"]),
            ]
        ),
    ),
    max_size=2,
).map(tuple)
WHENS = st.lists(
    st.sampled_from([("channel", "==", "web"), ("product", "in", ["tee", "cap"]), ("country", "!=", "FR")]), max_size=2
).map(tuple)


@st.composite
def some_views(draw: st.DrawFn) -> list[LocationView]:
    """Up to five places, no two of them alike in any way a rule could sort by."""
    count = draw(st.integers(0, 5))
    return [
        view(
            f"p{index}",
            draw(STOCKS),
            km=draw(st.integers(1, 12)) + index / 100,
            kind=draw(st.sampled_from(["booth", "hub"])),
            prints=tuple(draw(st.sets(st.sampled_from(SKUS)))),
            open_now=draw(st.booleans()),
            capacity_left=draw(st.none() | st.integers(0, 3)),
            load=draw(st.integers(0, 5)) * 10 + index,
            print_cost=draw(st.integers(0, 300)),
            pick_cost=draw(st.integers(0, 300)),
        )
        for index in range(count)
    ]


def some_rules() -> st.SearchStrategy[list[RoutingRule]]:
    return st.lists(
        st.builds(
            rule,
            st.sampled_from(["first", "second", "third"]),
            when=WHENS,
            where=WHERES,
            sort=st.lists(st.sampled_from(SORTS), max_size=3, unique=True).map(tuple),
            split=st.booleans(),
            short=st.sampled_from(SHORTS),
        ),
        max_size=3,
    )


@st.composite
def some_orders(draw: st.DrawFn) -> OrderToRoute:
    wanted = draw(st.lists(st.tuples(st.sampled_from(SKUS), st.integers(1, 5)), min_size=1, max_size=4))
    delivery = draw(st.sampled_from([Delivery.SHIP, Delivery.SHIP, Delivery.COLLECT, Delivery.CARRY_OUT]))
    return order(
        *wanted,
        located=draw(st.integers(0, 4)) > 0,
        delivery=delivery,
        channel=draw(st.sampled_from(["web", "pos"])),
        location=draw(st.sampled_from(["p0", "p1", ""])),
        country=draw(st.sampled_from(["DE", "FR"])),
    )
