"""The robotics check as people read it: the verdict, its reasons, tables, and a page with pictures.

What belongs here: the words. What does not: the check itself (`robotics`).
"""

from __future__ import annotations

from backroom.domain.assumptions import Assumptions
from backroom.domain.demand import Pattern
from backroom.insight import answer_page, pictures
from backroom.insight.robotics import RobotCheck
from backroom.insight.words import count_of

WAY_COLUMNS = ("way", "a_year", "walking_left")
SKU_COLUMNS = ("sku", "pieces", "every", "variation", "sells")
ASSUMED_COLUMNS = ("assumption", "value", "from", "to", "unit", "source")
SKUS_SHOWN = 40


def facts(found: RobotCheck) -> list[str]:
    """What the shop's own figures say."""
    sold, busy, patterns = found.concentration, found.busy, [one for one in Pattern if found.share_of([one])]
    said = [
        f"{found.picked} pieces were picked from shelves in {count_of(round(found.days), 'day')}: "
        f"{found.picking.picks_a_year:,.0f} a year at that rate.",
        f"In an hour in which anything was picked it was {busy[0]:.0f} pieces (median), {busy[1]:.0f} in the busiest "
        f"of twenty, {busy[2]:.0f} at most.",
        f"One person picks {found.pace.per_hour:.0f} an hour ({found.pace.known_by}).",
    ]
    if patterns:
        shares = ", ".join(f"{found.share_of([one]) * 100:.0f} % {one.value}" for one in patterns)
        said.append(f"Of the pieces ordered, by how their SKU sells {found.period} by {found.period}: {shares}.")
    if sold.skus:
        said.append(
            f"The best fifth of {sold.skus} SKUs makes {sold.top_fifth * 100:.0f} % of the picks; "
            f"{sold.skus_for_80} make four fifths of them."
        )
    if found.weekday:
        best = max(found.weekday.indices, key=lambda day: found.weekday.indices[day] if found.weekday else 0)
        said.append(
            f"The weekday explains {found.weekday.explained * 100:.0f} % of the ups and downs; {best} is the "
            f"strongest, {found.weekday.indices[best]:.1f} times the usual."
        )
    else:
        said.append("Too few weeks to tell how weekdays differ.")
    if found.month:
        best = max(found.month.indices, key=lambda month: found.month.indices[month] if found.month else 0)
        said.append(
            f"The month explains {found.month.explained * 100:.0f} % of them; month {best} is the strongest, "
            f"{found.month.indices[best]:.1f} times the usual."
        )
    else:
        said.append("Less than a year of orders: how the seasons differ is not in this.")
    return said


def walking(found: RobotCheck) -> list[str]:
    """What walking there is, and what would save it without a robot."""
    year = found.year
    cheap = year.people - year.slotting
    return [
        f"People walk about {year.walking_hours:,.0f} hours a year for it. A cell would save "
        f"{year.walking_saved_cell:,.0f} of them.",
        f"Without any robot: the best-selling fifth beside the packing table saves about "
        f"{year.walking_saved_slotting:,.0f} hours, {cheap:,.0f} {found.assumptions.currency} a year.",
    ]


def way_rows(found: RobotCheck) -> list[dict[str, object]]:
    """A year each way."""
    year, currency = found.year, found.assumptions.currency
    walked = year.walking_hours
    ways = (
        ("people, as today", year.people, walked),
        ("people, best sellers close by", year.slotting, walked - year.walking_saved_slotting),
        ("a robot cell of your own", year.cell, walked - year.walking_saved_cell),
        ("an integrator's robots", year.integrator, walked - year.walking_saved_cell),
    )
    return [
        {"way": way, "a_year": f"{cost:,.0f} {currency}", "walking_left": f"{hours:,.0f} h"}
        for way, cost, hours in ways
    ]


def sku_rows(found: RobotCheck) -> list[dict[str, object]]:
    """A row a SKU, best sellers first."""
    return [
        {
            "sku": sku,
            "pieces": one.pieces,
            "every": f"{one.interval:.2f} {found.period}s",
            "variation": f"{one.variation:.2f}",
            "sells": one.pattern.value,
        }
        for sku, one in found.demand.items()
    ]


def assumed_rows(assumptions: Assumptions) -> list[dict[str, object]]:
    """A row an assumption, with its source."""
    return [
        {
            "assumption": one.name,
            "value": f"{one.value:g}",
            "from": f"{one.low:g}",
            "to": f"{one.high:g}",
            "unit": one.unit,
            "source": one.source,
        }
        for one in assumptions.each
    ]


def html_page(found: RobotCheck) -> str:
    currency = found.assumptions.currency
    bars = [(str(row["way"]), "a year", cost) for row, cost in zip(way_rows(found), _costs(found), strict=True)]
    return answer_page.page(
        f"{found.shop}: would a robot pay?",
        answer_page.verdict(found.verdict),
        answer_page.sentences("Why", found.because),
        answer_page.sentences("Your picking", facts(found)),
        answer_page.sentences("Walking", walking(found)),
        answer_page.picture("A year, each way", pictures.side_by_side(bars, currency)),
        answer_page.picture(
            "What the answer hangs on: what the better robot saves a year",
            pictures.tornado(found.swings, found.year.best_saving, f"{currency} saved a year"),
        ),
        answer_page.table("A year, each way", way_rows(found), WAY_COLUMNS),
        answer_page.table(
            f"Assumptions, as of {found.assumptions.as_of}", assumed_rows(found.assumptions), ASSUMED_COLUMNS
        ),
        answer_page.table("How SKUs sell", sku_rows(found)[:SKUS_SHOWN], SKU_COLUMNS),
    )


def _costs(found: RobotCheck) -> tuple[float, ...]:
    return found.year.people, found.year.slotting, found.year.cell, found.year.integrator
