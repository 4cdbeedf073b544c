"""Gates: how events and samples change what routing sees of a place.

What belongs here: a booth's event in the shop as it is routed by, and in its view; what is not printed for want of a
sample. What does not: whether a booth is shut (`events.shut_because`), what a sample is worth (`samples`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from backroom.domain.locations import Location
from backroom.domain.routing_places import LocationView
from backroom.domain.shop import Shop


@dataclass(frozen=True, slots=True)
class Gate:
    """A booth that has events. `shut` says why no order is routed there now, "" where they are.

    `open_now` is whether its event's doors are open; `printers` are those that came along, all of the booth's
    where it names none; the coordinates are the event's own, None for the shop file's.
    """

    shut: str
    open_now: bool = False
    printers: tuple[str, ...] = ()
    latitude: float | None = None
    longitude: float | None = None


def at_events(shop: Shop, gates: Mapping[str, Gate]) -> Shop:
    """The shop with its booths where their events are, and with the printers that came along."""
    locations = tuple(_set_up(location, gates.get(location.id)) for location in shop.locations)
    return replace(shop, locations=locations) if gates else shop


def pass_gates(
    views: Sequence[LocationView], gates: Mapping[str, Gate], kept: Mapping[str, frozenset[str]]
) -> list[LocationView]:
    """The views as events leave them; `kept` are SKUs by booth. A booth without events is as it was."""
    return [_gated(view, gates.get(view.location.id), kept.get(view.location.id, frozenset())) for view in views]


def ask_for_samples(views: Sequence[LocationView], missing: Mapping[str, Mapping[str, str]]) -> list[LocationView]:
    """The views without what is not printed on demand; `missing` are SKUs by location, each with why."""
    return [_sampled(view, missing.get(view.location.id, {})) for view in views]


def _set_up(location: Location, gate: Gate | None) -> Location:
    if gate is None:
        return location
    if gate.latitude is not None and gate.longitude is not None:
        location = replace(location, latitude=gate.latitude, longitude=gate.longitude)
    if not gate.printers:
        return location
    return replace(location, printers=tuple(one for one in location.printers if one.name in gate.printers))


def _gated(view: LocationView, gate: Gate | None, kept: frozenset[str]) -> LocationView:
    if kept:
        view = replace(view, kept=kept)
    return view if gate is None else replace(view, shut=gate.shut, open_now=gate.open_now)


def _sampled(view: LocationView, missing: Mapping[str, str]) -> LocationView:
    fell = {sku: why for sku, why in missing.items() if sku in view.printable}
    return replace(view, printable=view.printable - fell.keys(), unsampled=fell) if fell else view
