"""What routing sees of a place: its stock and room, and what one order would be there.

What belongs here: locations' views, an order seen from one, and sharing an order out over places. What does not: the
conditions of a rule (`routing_filters`), which place is chosen (`routing`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from backroom.domain.geo import distance_m
from backroom.domain.locations import Location
from backroom.domain.model import Assignment, Delivery, OrderToRoute, Variant
from backroom.domain.shop import Shop


@dataclass(frozen=True, slots=True)
class LocationView:
    """A location as it stands when a wave is routed.

    `available` counts pieces that may still be promised, by SKU (a missing SKU is 0, and not kept here); `printable`
    are the SKUs that can be made here; `capacity_left` is None without a limit; `load` counts open fulfilment orders;
    `parcel_minor` is what a parcel from here costs by the order's channel, which may ask for a carrier of its own.
    `shut` says why no order is routed here now, "" where they are; `kept` are SKUs for this booth's own orders only.
    `unsampled` are SKUs that could be made here and are not, each with why: no sample of it is approved.
    """

    location: Location
    available: Mapping[str, int]
    printable: frozenset[str] = frozenset()
    open_now: bool = True
    capacity_left: int | None = None
    load: int = 0
    parcel_minor: Mapping[str, int] = field(default_factory=dict)
    shut: str = ""
    kept: frozenset[str] = frozenset()
    unsampled: Mapping[str, str] = field(default_factory=dict)

    def standing(self, available: Mapping[str, int], load: int, at: datetime) -> LocationView:
        """The same location at another moment: what is there then, and how busy it is."""
        return replace(
            self,
            available=available,
            open_now=self.location.hours.is_open(at),
            capacity_left=self.location.capacity - load if self.location.capacity else None,
            load=load,
        )


@dataclass(frozen=True, slots=True)
class Place:
    """One order seen from one location.

    `metres` is how far it goes, None when nobody knows; `pieces` is how many the order has, `in_stock` how many of
    them are in stock here, and `can_make` how many are in stock here or can be printed here.
    """

    view: LocationView
    order: OrderToRoute
    metres: int | None
    pieces: int
    in_stock: int
    can_make: int

    @property
    def id(self) -> str:
        return self.view.location.id

    @property
    def name(self) -> str:
        return self.view.location.name

    @property
    def cannot_print(self) -> list[str]:
        """The order's SKUs that cannot be made here, each once, in its order."""
        return [sku for sku in dict.fromkeys(x.sku for x in self.order.lines) if sku not in self.view.printable]

    @property
    def no_sample(self) -> str:
        """Why what could be printed here is not, "" where samples stand in nobody's way; each reason once."""
        skus = dict.fromkeys(x.sku for x in self.order.lines)
        return "; ".join(dict.fromkeys(self.view.unsampled[sku] for sku in skus if sku in self.view.unsampled))

    @property
    def short_of(self) -> list[str]:
        """The SKUs kept here of which fewer pieces are left than the order wants, each once, in its order."""
        if self.in_stock == self.pieces:
            return []
        wanted = Counter[str]()
        for line in self.order.lines:
            wanted[line.sku] += line.quantity
        return [sku for sku, count in wanted.items() if self.view.available.get(sku, count) < count]

    @property
    def refusal(self) -> str:
        """Why this order cannot be shipped from here whatever a rule says, "" where it can."""
        partner = self.view.location.partner
        if self.view.shut:
            return f"shut: {self.view.shut}"
        if self.id in self.order.refused_at:
            return "it refused this order, or would be late with it"
        if partner and self.view.location.partner_ships and partner.countries and not self.order.country:
            return "nobody knows to which country it goes"
        if partner and self.view.location.partner_ships and partner.countries:
            return "" if self.order.country in partner.countries else f"it does not send to {self.order.country}"
        return ""

    @property
    def cost_minor(self) -> int:
        """What making all of the order here and sending it would cost, in minor units of the shop's currency.

        Every piece is handled, what is not in stock is printed, and only a shipped order is a parcel. A partner has
        prices of its own.
        """
        if self.view.location.partner_ships and self.view.location.partner:
            wanted = Counter[str]()
            for line in self.order.lines:
                wanted[line.sku] += line.quantity
            return self.view.location.partner.price_minor(wanted)
        rates = self.view.location.costs
        made = self.pieces * rates.handled_piece + (self.pieces - self.in_stock) * rates.printed_piece
        if self.order.delivery is Delivery.SHIP:
            made += rates.packaging + self.view.parcel_minor.get(self.order.channel, 0)
        return round(made)


@dataclass(frozen=True, slots=True)
class Share:
    """An order shared out: assignments by place, then line; `missing` counts pieces of each line that found none."""

    assignments: tuple[Assignment, ...]
    missing: tuple[int, ...]

    @property
    def complete(self) -> bool:
        return not any(self.missing)


def views_of(shop: Shop, variants: Mapping[str, Variant]) -> list[LocationView]:
    """Every location of the shop file with nothing in it: what can be printed there, and what a parcel costs."""
    return [
        LocationView(
            location=location,
            available={},
            printable=frozenset(sku for sku, one in variants.items() if can_make(location, one)),
            parcel_minor={
                channel.id: shop.carrier_for(location.id, channel.id).price_minor for channel in shop.channels
            },
        )
        for location in shop.locations
    ]


def can_make(location: Location, variant: Variant) -> bool:
    """Whether a variant that is not in stock can be made at a location: by its printers, or by the partner there."""
    if location.partner is not None:
        return location.partner.can_make(variant.sku, has_artwork=bool(variant.artwork))
    return bool(variant.artwork) and location.can_print(variant.print_process)


def views_at(
    views: Sequence[LocationView],
    available: Mapping[tuple[str, str], int],
    load: Mapping[str, int],
    at: datetime,
) -> list[LocationView]:
    """The locations as they stand at a moment: pieces available by (location, SKU), open fulfilment orders by id."""
    places = {view.location.id: view.location for view in views}
    pieces: dict[str, dict[str, int]] = {id_: {} for id_ in places}
    for (location, sku), count in available.items():
        if location in pieces and _knows(places[location], sku):
            pieces[location][sku] = count
    return [view.standing(pieces[view.location.id], load.get(view.location.id, 0), at) for view in views]


def _knows(location: Location, sku: str) -> bool:
    """Whether what lies there can be asked for: a partner picks only what it has a name for."""
    return location.partner is None or location.partner.product(sku) is not None


def see(order: OrderToRoute, views: Sequence[LocationView]) -> list[Place]:
    """The places an order could be made at, in the order of the views, which is the shop file's.

    What the customer collects or carries out is made where the customer is: that location alone, at no distance.
    Nobody collects at a partner's.
    """
    wanted: dict[str, int] = {}
    for line in order.lines:
        wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    pieces = sum(wanted.values())
    shipped = order.delivery is Delivery.SHIP
    places = []
    for view in views:
        if not shipped and (view.location.id != order.location or view.location.partner is not None):
            continue
        if view.kept and not is_local(view.location, order.event, order.location):
            view = replace(view, available={sku: n for sku, n in view.available.items() if sku not in view.kept})
        in_stock = can_make = 0
        for sku, count in wanted.items():
            stocked = min(count, max(0, view.available.get(sku, 0)))
            in_stock += stocked
            can_make += count if sku in view.printable else stocked
        metres = _metres(order, view.location) if shipped else 0
        places.append(Place(view, order, metres, pieces, in_stock, can_make))
    return places


def is_local(location: Location, event: str, taken_at: str) -> bool:
    """Whether an order is a booth's own: taken or collected there, or of the event that the booth stands at."""
    return taken_at == location.id or (bool(location.event) and event == location.event)


def share(order: OrderToRoute, places: Sequence[Place], *, printing: bool) -> Share:
    """Share an order out over places: stock first, place by place; then, where allowed, what is left is printed.

    It is printed where something is picked already, before another place makes a parcel of its own.
    """
    need = [line.quantity for line in order.lines]
    picks = [_pick(order, place, need) for place in places]
    prints = [[0] * len(need) for _ in places]
    if printing and any(need):
        for at in sorted(range(len(places)), key=lambda at: not any(picks[at])):
            for index, line in enumerate(order.lines):
                if need[index] and line.sku in places[at].view.printable:
                    prints[at][index], need[index] = need[index], 0
    assignments = tuple(
        Assignment(place.view.location.id, line.line_no, line.sku, picked, printed)
        for place, taken, made in zip(places, picks, prints, strict=True)
        for line, picked, printed in zip(order.lines, taken, made, strict=True)
        if picked or printed
    )
    return Share(assignments, tuple(need))


def _pick(order: OrderToRoute, place: Place, need: list[int]) -> list[int]:
    """Take what a place has in stock off `need`, line by line; two lines of one SKU share the same pieces."""
    picked: dict[str, int] = {}
    taken = []
    for index, line in enumerate(order.lines):
        before = picked.get(line.sku, 0)
        count = max(0, min(need[index], place.view.available.get(line.sku, 0) - before))
        picked[line.sku] = before + count
        need[index] -= count
        taken.append(count)
    return taken


def _metres(order: OrderToRoute, location: Location) -> int | None:
    if order.latitude is None or order.longitude is None:
        return None
    return distance_m((order.latitude, order.longitude), (location.latitude, location.longitude))
