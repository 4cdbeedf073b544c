"""What a shop could take to a market: pieces on the hub's shelf, pieces to print first, blanks, ink and paper.

What belongs here: turning catalogue, stock and event into the candidates and limits of `prestaging`, and naming what is
left out. What does not: choosing (`prestaging`), what a market asks for (`forecast`), what a place prints and how fast
(`print_place`), moving pieces (`transfers`).

Room is millilitres, weight grams, time seconds, power watt-hours.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from backroom.domain.blanks import becomes, blanks_of, is_blank
from backroom.domain.events import Event
from backroom.domain.forecast import Thing
from backroom.domain.model import StockLevel, Variant
from backroom.domain.prestaging import LEAST_CHANCE, Candidate, Kind, Material
from backroom.domain.print_place import PrintPlace
from backroom.domain.restock import RestockSpec

VAN_ROOM, VAN_LOAD, BOOTH_ROOM = "room in the van", "what the van carries", "room at the booth"
PRINTING, POWER, HUB_PRINTING = "printing time at the booth", "power for printing", "printing time before leaving"
SPACE = (VAN_ROOM, VAN_LOAD, BOOTH_ROOM, PRINTING, POWER)
# What prints and presses is counted piece by piece; the rest of a stall runs all the time.
PRINTING_LOADS = ("printer", "press")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What a place would print and may not, for want of a sample; `why` is in words."""

    sku: str
    location: str
    why: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What `prestaging.plan` is given besides the forecasts. `left_out` is what is asked for and not printed."""

    candidates: tuple[Candidate, ...]
    limits: Mapping[str, int]
    materials: tuple[Material, ...]
    left_out: tuple[LeftOut, ...] = ()


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
    hub: PrintPlace,
    booth: PrintPlace,
    event: Event,
    hours_left: float,
    hours_until: float,
    free_at_hub: Mapping[str, int],
    there: Mapping[str, int],
    expected: Mapping[str, float],
    spare: Mapping[str, int] | None = None,
    printing: Mapping[str, int] | None = None,
) -> Offer:
    """Candidates, limits and materials for an event.

    `hours_left` is how long its booth will still be open, `hours_until` how long the hub can still print before it;
    `free_at_hub` is what may leave the hub by SKU, `there` what is at the booth or on its way, `expected`
    how many pieces the market asks for, `spare` the units left in the packs there, by material; `printing` pieces are
    printed to stock at the hub already, by SKU: they have its time and their blanks.
    """
    sold = [variant for variant in variants if not is_blank(variant)]
    blanks = {
        blank.sku: [v for v in sold if becomes(blank, v) and booth.prints(v)] for blank in variants if is_blank(blank)
    }
    of_blank = blanks_of(variants)
    begun = [(one, printing[one.sku]) for one in sold if one.sku in printing] if printing else []
    free = Counter(free_at_hub)
    for one, count in begun:
        if one.sku in of_blank:
            free[of_blank[one.sku]] -= count
    limits = {
        VAN_ROOM: spec.van_ml,
        VAN_LOAD: spec.van_g,
        BOOTH_ROOM: max(0, spec.booth_ml - _room(spec, variants, there)) if spec.booth_ml else 0,
    }
    limits = {name: limit for name, limit in limits.items() if limit or (name == BOOTH_ROOM and spec.booth_ml)}
    limits[PRINTING] = int(hours_left * 3600 * spec.print_share) * len(booth.printers)
    busy = sum(count * hub.seconds([one], expected) for one, count in begun if hub.can_print(one))
    limits[HUB_PRINTING] = max(0, int(hours_until * 3600 * spec.print_share) * len(hub.printers) - busy)
    watt_hours = _power(event, hours_left)
    if watt_hours is not None:
        limits[POWER] = watt_hours
    candidates: list[Candidate] = []
    for variant in sold:
        uses = _carried(spec, variant)
        if free[variant.sku] > 0:
            limits[shelf(variant.sku)] = free[variant.sku]
            candidates.append(Candidate(variant.sku, Kind.FINISHED, (variant.sku,), uses | {shelf(variant.sku): 1}))
        if hub.prints(variant):
            printed = uses | {HUB_PRINTING: hub.seconds([variant], expected)}
            if variant.sku in of_blank:
                printed[shelf(of_blank[variant.sku])] = 1
                limits.setdefault(shelf(of_blank[variant.sku]), max(0, free[of_blank[variant.sku]]))
            candidates.append(Candidate(variant.sku, Kind.TO_PRINT, (variant.sku,), printed))
    for blank in variants:
        if blanks.get(blank.sku):
            limits[shelf(blank.sku)] = max(0, free[blank.sku])
            seconds = booth.seconds(blanks[blank.sku], expected)
            power = _watt_hours_a_print(event, len(booth.printers), seconds)
            uses = _carried(spec, blank) | {PRINTING: seconds, POWER: power, shelf(blank.sku): 1}
            processes = {variant.print_process for variant in blanks[blank.sku]}
            takes = {one.id: one.per_print for one in spec.materials if one.process in processes}
            serves = tuple(variant.sku for variant in blanks[blank.sku])
            candidates.append(Candidate(blank.sku, Kind.BLANK, serves, uses, takes))
    materials = tuple(
        Material(
            one.id,
            one.pack,
            one.holds,
            {VAN_ROOM: one.room_ml, VAN_LOAD: one.weight_g, BOOTH_ROOM: one.room_ml},
            (spare or {}).get(one.id, 0),
        )
        for one in spec.materials
    )
    asked = [one for one in sold if expected.get(one.sku, 0.0) >= LEAST_CHANCE]
    left_out = _left_out(booth, [one for one in asked if one.sku in of_blank]) + _left_out(hub, asked)
    return Offer(tuple(candidates), limits, materials, left_out)


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


def _left_out(place: PrintPlace, variants: Iterable[Variant]) -> tuple[LeftOut, ...]:
    able = [one.sku for one in variants if place.can_print(one) and one.sku in place.unsampled]
    return tuple(LeftOut(sku, place.location, place.unsampled[sku]) for sku in sorted(able))


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


def _watt_hours_a_print(event: Event, printers: int, seconds: int) -> int:
    watts = sum(load.watts for load in event.loads if load.kind in PRINTING_LOADS)
    return math.ceil(watts / max(1, printers) * seconds / 3600)
