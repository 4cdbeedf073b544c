"""Files of assumptions: a table for each figure, with its ends and its source.

What belongs here: reading and checking them. What does not: what they mean (`backroom.domain.assumptions`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from backroom.domain.assumptions import Assumption, Assumptions
from backroom.shop.check import Report
from backroom.shop.reading import read_toml
from backroom.shop.section import Section

MOST = 1_000_000_000.0


def read_assumptions(path: Path, names: Sequence[str], currency: str) -> Assumptions:
    """The figures of these names, in the order of the names; raises ShopFileInvalid with every problem.

    Amounts must be in the shop's currency: a rate of exchange would be one more assumption, and a hidden one.
    """
    report = Report(path.name)
    raw = read_toml(path, report, "The demo shop's is in data/; copy it into your home folder.")
    report.done()
    root = Section(raw, "", report)
    theirs = root.text("currency")
    if theirs and theirs != currency:
        root.problem("currency", f"{theirs} is not the shop's", f"Write the amounts in {currency}, and say so here.")
    as_of = raw.get("as_of")
    if not root.has("as_of") or not isinstance(as_of, date) or isinstance(as_of, datetime):
        root.problem("as_of", "is not a day", "Write the day the figures are of, without quotes: as_of = 2026-11-25.")
        as_of = date.min
    table = root.section("assumptions")
    each = tuple(_read(name, table.section(name)) for name in names)
    table.done()
    root.done()
    report.done()
    return Assumptions(as_of, theirs, each)


def _read(name: str, section: Section) -> Assumption:
    value = section.number("value", low=0, high=MOST)
    one = Assumption(
        name=name,
        value=value,
        low=section.number("low", value, low=0, high=MOST),
        high=section.number("high", value, low=0, high=MOST),
        unit=section.text("unit"),
        source=section.text("source"),
    )
    if not one.low <= value <= one.high:
        section.problem("value", f"{value:g} is not between its ends", "Write low <= value <= high.")
    section.done()
    return one
