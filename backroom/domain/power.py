"""Power at an event: what draws it, what gives it, and whether that suffices.

What belongs here: the watts and their sums, and how people write them. What does not: what else an event needs
(`readiness`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from backroom.domain.errors import Refuse

LOAD_KINDS = ("printer", "press", "till", "light", "other")
SUPPLY_KINDS = ("mains", "generator", "battery")
# What runs for three hours and more may take four fifths of a supply (NEC 210.20(A): 125 % of a continuous load).
CONTINUOUS_SHARE = 0.8

_NUMBER = r"(\d+(?:\.\d+)?)"
_LOAD = re.compile(rf"({'|'.join(LOAD_KINDS)}):([^:]+):{_NUMBER}[Ww]?(?::(\d{{1,3}})%)?")
_SUPPLY = re.compile(rf"({'|'.join(SUPPLY_KINDS)}):{_NUMBER}[Ww]?(?::{_NUMBER}(h|Wh))?", re.IGNORECASE)


class BadPower(Refuse):
    """A load or a supply that nobody could plug in; the message quotes what was written."""

    cause = "bad_power"


@dataclass(frozen=True, slots=True)
class Load:
    """Something that draws power: `watts` while it works, for the `duty` share of the time it is switched on."""

    kind: str
    name: str
    watts: float
    duty: float = 1.0


@dataclass(frozen=True, slots=True)
class Supply:
    """Where the power comes from. `watts` is what it gives without a pause.

    `hours` is how long a generator's fuel lasts at those watts, `watt_hours` what a battery holds; both 0 for mains.
    """

    kind: str
    watts: float
    hours: float = 0.0
    watt_hours: float = 0.0

    @property
    def energy(self) -> float:
        """Watt hours until it is empty; 0 for mains, which never are."""
        return self.watt_hours or self.watts * self.hours


def read_load(text: str) -> Load:
    """A load as people write it, `press:heat press:1400:25%`; without a share it draws all the time."""
    match = _LOAD.fullmatch(text.strip())
    duty = int(match[4]) if match and match[4] else 100
    if match is None or not float(match[3]) or not 1 <= duty <= 100:
        raise BadPower(
            f"{text!r} is no load",
            remedy=f"Write kind:name:watts, such as press:heat press:1400:25%. A kind is {', '.join(LOAD_KINDS)}.",
        )
    return Load(match[1], match[2].strip(), float(match[3]), duty / 100)


def read_supply(text: str) -> Supply:
    """A supply as people write it: `mains:3680`, `generator:2000:8h`, `battery:3000:2200Wh`."""
    match = _SUPPLY.fullmatch(text.strip())
    kind = match[1].lower() if match else ""
    lasts = float(match[3]) if match and match[3] else 0.0
    if match is None or not float(match[2]) or (kind == "mains") != (not lasts):
        raise BadPower(f"{text!r} is no supply", remedy="Write mains:3680, generator:2000:8h or battery:3000:2200Wh.")
    in_hours = lasts if match[4] and match[4].lower() == "h" else 0.0
    return Supply(kind, float(match[2]), in_hours, 0.0 if in_hours else lasts)


def power_lacks(
    loads: Sequence[Load], supply: Supply | None, hours: float, devices: Collection[str]
) -> tuple[str, ...]:
    """What is wrong with the power, in sentences without a full stop; empty when it suffices for so many hours.

    All that is plugged in may draw at once, and then takes at most four fifths of the supply. A battery or a
    generator must last at the average draw. Of each of `devices` somebody must have said its watts.
    """
    lacks = []
    known = {load.name for load in loads}
    if unknown := [name for name in devices if name not in known]:
        lacks.append(f"nobody has said how many watts {', '.join(unknown)} draw{'s' if len(unknown) == 1 else ''}")
    if supply is None:
        return (*lacks, "nobody has said where the power comes from")
    peak, average = peak_watts(loads), average_watts(loads)
    carries = supply.watts * CONTINUOUS_SHARE
    if peak > carries:
        lacks.append(
            f"{peak:.0f} W are plugged in, and a {supply.watts:.0f} W {supply.kind} carries {carries:.0f} W for hours"
        )
    lasts = hours_of(loads, supply)
    if lasts is not None and lasts < hours:
        lacks.append(f"the {supply.kind} lasts {lasts:.1f} h at {average:.0f} W, and the longest day has {hours:.1f} h")
    return tuple(lacks)


def hours_of(loads: Sequence[Load], supply: Supply | None) -> float | None:
    """How long a full supply lasts at the average draw; None for mains, and where nobody said what draws it."""
    average = average_watts(loads)
    return None if supply is None or supply.kind == "mains" or not average else supply.energy / average


def peak_watts(loads: Sequence[Load]) -> float:
    """All that is plugged in, working at once."""
    return sum(load.watts for load in loads)


def average_watts(loads: Sequence[Load]) -> float:
    """What is drawn over the hours: each load for its share of the time."""
    return sum(load.watts * load.duty for load in loads)


def in_words(loads: Sequence[Load], supply: Supply | None) -> str:
    """What is plugged in and what gives it, without a full stop: `180 W plugged in, 90 W on average; supply: battery of
    500 W, for 8.3 h`."""
    drawn = (
        f"{peak_watts(loads):.0f} W plugged in, {average_watts(loads):.0f} W on average" if loads else "nothing named"
    )
    if supply is None:
        return f"{drawn}; supply: none named"
    lasts = hours_of(loads, supply)
    return f"{drawn}; supply: {supply.kind} of {supply.watts:.0f} W" + ("" if lasts is None else f", for {lasts:.1f} h")
