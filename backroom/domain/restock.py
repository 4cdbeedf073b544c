"""How the shop goes to market, as its owner describes it in `[restock]` of the shop file.

What belongs here: the frozen description. What does not: what could be taken (`offers`), what should be (`prestaging`).
Room is millilitres, weight grams.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MaterialSpec:
    """What prints need: a `pack` holds so many units (millilitres, sheets), a print of `process` takes `per_print`.

    `unit` is what the units are called, `code` what a scanner reads on a pack."""

    id: str
    process: str
    pack: str
    holds: int
    per_print: int
    room_ml: int
    weight_g: int
    unit: str = "units"
    code: str = ""


@dataclass(frozen=True, slots=True)
class RestockSpec:
    """How the shop goes to market. A limit of 0 is none.

    `ml_per_g` is the room that a gram of folded goods takes; `print_seconds` how long a piece is on a printer, until
    enough were measured; `print_share` the share of the open hours in which a printer prints; `keep_weeks` for how many
    weeks of online demand pieces stay at the hub; `days_before` when the first plan is made.
    """

    van_ml: int = 0
    van_g: int = 0
    booth_ml: int = 0
    ml_per_g: float = 6.0
    print_seconds: int = 240
    print_share: float = 0.7
    keep_weeks: float = 1.0
    days_before: int = 7
    materials: tuple[MaterialSpec, ...] = ()
