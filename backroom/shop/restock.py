"""How the shop goes to market: the table `[restock]` of the shop file, and the materials in it."""

from __future__ import annotations

from backroom.domain.locations import PRINT_PROCESSES
from backroom.domain.restock import MaterialSpec, RestockSpec
from backroom.shop.section import Section

LITRE = KILO = 1000


def read_restock(root: Section) -> RestockSpec:
    """Litres and kilograms as people write them; without the table nothing limits a plan but the printers' hours."""
    usual = RestockSpec()
    if not root.has("restock"):
        return usual
    section = root.section("restock")
    spec = RestockSpec(
        van_ml=_thousandths(section, "van_litres", 0),
        van_g=_thousandths(section, "van_kg", 0),
        booth_ml=_thousandths(section, "booth_litres", 0),
        # Litres a kilogram are millilitres a gram.
        ml_per_g=section.number("litres_per_kg", usual.ml_per_g, low=0.1, high=1000),
        print_seconds=round(section.number("print_minutes", usual.print_seconds / 60, low=0.1, high=600) * 60),
        print_share=section.number("print_share", usual.print_share, low=0.01, high=1),
        keep_weeks=section.number("keep_weeks", usual.keep_weeks, low=0, high=52),
        days_before=section.whole("days_before", usual.days_before, low=1, high=60),
        materials=tuple(_material(id_, one) for id_, one in section.sections("materials", required=False)),
    )
    section.done()
    return spec


def _material(id_: str, section: Section) -> MaterialSpec:
    spec = MaterialSpec(
        id=id_,
        process=section.choice("process", PRINT_PROCESSES),
        pack=section.text("pack"),
        holds=section.whole("holds", low=1),
        per_print=section.whole("per_print", low=1),
        room_ml=_thousandths(section, "litres", 0),
        weight_g=_thousandths(section, "kg", 0),
        unit=section.text("unit", "units"),
        code=section.text("code", ""),
    )
    section.done()
    return spec


def _thousandths(section: Section, key: str, default: int) -> int:
    return round(section.number(key, default / LITRE, low=0, high=100_000) * LITRE)
