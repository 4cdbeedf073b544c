"""What a shop could take to a market: pieces on the hub's shelf, pieces to print first, blanks, ink and paper.

What belongs here: turning catalogue, stock and event into the candidates and limits of `prestaging`. What does not:
choosing (`prestaging`), what a market asks for (`forecast`), moving pieces (`transfers`).

Room is millilitres, weight grams, time seconds, power watt-hours.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from backroom.domain.blanks import becomes, is_blank
from backroom.domain.events import Event
from backroom.domain.forecast import Thing
from backroom.domain.model import StockLevel, Variant
from backroom.domain.prestaging import Candidate, Kind, Material
from backroom.domain.restock import RestockSpec
from backroom.domain.shop import Location

VAN_ROOM, VAN_LOAD, BOOTH_ROOM = "room in the van", "what the van carries", "room at the booth"
PRINTING, POWER, HUB_PRINTING = "printing time at the booth", "power for printing", "printing time before leaving"
SPACE = (VAN_ROOM, VAN_LOAD, BOOTH_ROOM, PRINTING, POWER)
# What prints and presses is counted piece by piece; the rest of a stall runs all the time.
PRINTING_LOADS = ("printer", "press")


@dataclass(frozen=True, slots=True)
class Offer:
    """What `prestaging.plan` is given besides the forecasts."""

    candidates: tuple[Candidate, ...]
    limits: Mapping[str, int]
    materials: tuple[Material, ...]


def thing_of(variant: Variant) -> Thing:
    """A variant as the forecast sees it: its design and colourway are one style."""
    return Thing(variant.sku, f"{variant.product}/{variant.colourway}", variant.size)


def shelf(sku: str) -> str:
    """The limit that is the pieces of a SKU at the hub."""
    return f"{sku} at the hub"


def offer(
    spec: RestockSpec,
    variants: Sequence[Variant],
    *,
    hub: Location,
    booth: Location,
    event: Event,
    hours_left: float,
    hours_until: float,
    free_at_hub: Mapping[str, int],
    there: Mapping[str, int],
) -> Offer:
    """Candidates, limits and materials for an event.

    `hours_left` is how long its booth will still be open, `hours_until` how long the hub can still print before it;
    `free_at_hub` is what may leave the hub by SKU, `there` what is at the booth or on its way.
    """
    sold = [variant for variant in variants if not is_blank(variant)]
    blanks = {
        blank.sku: tuple(v.sku for v in sold if becomes(blank, v) and booth.can_print(v.print_process))
        for blank in variants
        if is_blank(blank)
    }
    of_blank = {v.sku: blank.sku for blank in variants if is_blank(blank) for v in sold if becomes(blank, v)}
    printers = [one for one in booth.printers if not event.printers or one.name in event.printers]
    limits = {
        VAN_ROOM: spec.van_ml,
        VAN_LOAD: spec.van_g,
        BOOTH_ROOM: max(0, spec.booth_ml - _room(spec, variants, there)) if spec.booth_ml else 0,
    }
    limits = {name: limit for name, limit in limits.items() if limit or (name == BOOTH_ROOM and spec.booth_ml)}
    limits[PRINTING] = int(hours_left * 3600 * spec.print_share) * len(printers)
    limits[HUB_PRINTING] = int(hours_until * 3600 * spec.print_share) * len(hub.printers)
    watt_hours = _power(event, hours_left)
    if watt_hours is not None:
        limits[POWER] = watt_hours
    candidates: list[Candidate] = []
    for variant in sold:
        uses = _carried(spec, variant)
        if free_at_hub.get(variant.sku, 0) > 0:
            limits[shelf(variant.sku)] = free_at_hub[variant.sku]
            candidates.append(Candidate(variant.sku, Kind.FINISHED, (variant.sku,), uses | {shelf(variant.sku): 1}))
        if hub.can_print(variant.print_process) and variant.artwork:
            printed = uses | {HUB_PRINTING: spec.print_seconds}
            if variant.sku in of_blank:
                printed[shelf(of_blank[variant.sku])] = 1
                limits.setdefault(shelf(of_blank[variant.sku]), max(0, free_at_hub.get(of_blank[variant.sku], 0)))
            candidates.append(Candidate(variant.sku, Kind.TO_PRINT, (variant.sku,), printed))
    per_print = _watt_hours_a_print(spec, event, len(printers))
    for blank in variants:
        if blanks.get(blank.sku):
            limits[shelf(blank.sku)] = max(0, free_at_hub.get(blank.sku, 0))
            uses = _carried(spec, blank) | {PRINTING: spec.print_seconds, POWER: per_print, shelf(blank.sku): 1}
            processes = {variant.print_process for variant in sold if variant.sku in blanks[blank.sku]}
            takes = {one.id: one.per_print for one in spec.materials if one.process in processes}
            candidates.append(Candidate(blank.sku, Kind.BLANK, blanks[blank.sku], uses, takes))
    materials = tuple(
        Material(one.id, one.pack, one.holds, {VAN_ROOM: one.room_ml, VAN_LOAD: one.weight_g, BOOTH_ROOM: one.room_ml})
        for one in spec.materials
    )
    return Offer(tuple(candidates), limits, materials)


def free_at_hub(
    spec: RestockSpec, levels: Iterable[StockLevel], hub: str, online: Mapping[str, int], online_weeks: float
) -> dict[str, int]:
    """What may leave the hub, by SKU: what is free there, less what the online shops will want meanwhile."""
    share = spec.keep_weeks / online_weeks if online_weeks else 0.0
    return {
        level.sku: max(0, level.available - math.ceil(online.get(level.sku, 0) * share))
        for level in levels
        if level.location == hub and not level.kept
    }


def _carried(spec: RestockSpec, variant: Variant) -> dict[str, int]:
    room = math.ceil(variant.weight_g * spec.ml_per_g)
    return {VAN_ROOM: room, VAN_LOAD: variant.weight_g, BOOTH_ROOM: room}


def _room(spec: RestockSpec, variants: Iterable[Variant], there: Mapping[str, int]) -> int:
    return sum(_carried(spec, variant)[BOOTH_ROOM] * there.get(variant.sku, 0) for variant in variants)


def _power(event: Event, hours_left: float) -> int | None:
    """Watt-hours for printing: what the supply holds less what else is on; None for mains. It is filled up between two
    sessions, so that each has as much."""
    if event.supply is None or not event.supply.energy:
        return None
    rest = sum(load.watts * load.duty for load in event.loads if load.kind not in PRINTING_LOADS)
    sessions = max(1, math.ceil(hours_left / event.longest_hours)) if event.longest_hours else 1
    return max(0, int(event.supply.energy * sessions - rest * hours_left))


def _watt_hours_a_print(spec: RestockSpec, event: Event, printers: int) -> int:
    watts = sum(load.watts for load in event.loads if load.kind in PRINTING_LOADS)
    return math.ceil(watts / max(1, printers) * spec.print_seconds / 3600)
