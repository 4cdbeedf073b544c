"""What to take to an event, and afterwards how it went, as people read it: tables and a picture, for Prefect's UI.

What belongs here: how it is laid out. What does not: computing it (`restocking`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backroom.domain.prestaging import Kind
from backroom.domain.restock_review import Review
from backroom.insight.charts import data_uri
from backroom.store.restock_plans import StoredPlan

# A picture of more bars is a barcode.
BARS = 24
NOTHING_KNOWN = (
    "Nothing was sold yet, at a market or online, so nothing can be expected. Take what you like best: the next plan "
    "knows more."
)


def plan_rows(stored: StoredPlan, titles: Mapping[str, str]) -> list[dict[str, str]]:
    """A row an item: what to bring, what is expected of it, and why."""
    rows = []
    for line in stored.plan.lines:
        one = stored.expected.get(line.item)
        rows.append(
            {
                "bring": str(line.pieces),
                "sku": line.item,
                "what": titles.get(line.item, line.item),
                "how": line.kind.value,
                "expected": f"{one.mean:.1f} ({one.low} to {one.high})" if one else "for all on it",
                "last time": f"{one.naive:.0f}" if one else "",
                "by SBA": f"{one.sba:.1f}" if one else "",
                "why": line.reason,
            }
        )
    rows += [
        {
            "bring": str(packs.packs),
            "sku": packs.material,
            "what": packs.pack,
            "how": "material",
            "expected": "",
            "last time": "",
            "by SBA": "",
            "why": packs.reason,
        }
        for packs in stored.plan.packs
    ]
    return rows


def left_out_rows(stored: StoredPlan, titles: Mapping[str, str]) -> list[dict[str, str]]:
    """A row for what is asked for and not printed for want of a sample: where, and why."""
    return [
        {"sku": one.sku, "what": titles.get(one.sku, one.sku), "where": one.location, "why": one.why}
        for one in stored.left_out
    ]


def plan_markdown(
    code: str,
    stored: StoredPlan,
    transfer: str,
    titles: Mapping[str, str],
    printing: Mapping[str, int] | None = None,
) -> str:
    """The plan of an event, for an artifact. `printing` is how many pieces of its transfers have not come out of the
    hub's printers yet, by their numbers."""
    rows = plan_rows(stored, titles)
    when = "before it opens" if not stored.open_share else f"with {stored.open_share:.0%} of its hours over"
    lines = [f"# What to take to {code}", "", f"Planned {stored.at:%Y-%m-%d %H:%M} UTC, {when}.", ""]
    if transfer:
        lines += [f"**Transfer {transfer} waits for your yes**: its form is among the paused runs of `transfer`.", ""]
    for number, count in (printing or {}).items():
        lines += [f"**Still to be printed for {number}: {count}.** Each joins it as it comes out.", ""]
    lines += [
        f"Without these pieces about {stored.plan.lost_without:.1f} sales would be lost, with them "
        f"{stored.plan.lost_with:.1f}.",
        "",
    ]
    if not any(one.mean for one in stored.expected.values()):
        return "\n".join([*lines, NOTHING_KNOWN])
    unsampled = left_out_rows(stored, titles)
    if unsampled:
        lines += ["## Not printed for want of a sample", "", *_table(unsampled), "", "## What to take", ""]
    if stored.plan.full:
        lines += [f"More would be worth taking, but this is used up: {', '.join(stored.plan.full)}.", ""]
    if not rows:
        return "\n".join([*lines, "Nothing more is to be taken."])
    lines += _table(rows)
    to_print = [line for line in stored.plan.lines if line.kind is Kind.TO_PRINT]
    if to_print:
        lines += ["", "What is to be printed first is printed at the hub with your yes to its transfer, and joins it."]
    picture = plan_chart(stored)
    if picture:
        lines += ["", "## Expected and brought", "", f"![Expected and brought]({data_uri(picture)})"]
        lines += ["", "Bars: expected pieces; thin lines: four markets in five ask for a number within; dots: bring."]
    return "\n".join(lines)


def review_rows(found: Review, titles: Mapping[str, str]) -> list[dict[str, str]]:
    """A row a SKU: expected, brought, asked for."""
    return [
        {
            "sku": line.sku,
            "what": titles.get(line.sku, line.sku),
            "expected": f"{line.expected:.1f} ({line.low} to {line.high})",
            "last time": f"{line.naive:.0f}",
            "brought": str(line.brought),
            "asked": str(line.asked),
            "within": "yes" if line.inside else "no",
        }
        for line in found.lines
    ]


def review_sentences(found: Review) -> list[str]:
    """The sums of a review."""
    return [
        f"Asked for: {sum(line.asked for line in found.lines)} pieces; {found.short} of them beyond what was brought, "
        f"and {found.naive_short} beyond what sold the last time.",
        f"The forecast was off by {found.off:.1f} pieces in all, last time's sales by {found.naive_off:.1f}.",
        f"{found.inside:.0%} of the SKUs lay within their range, which four in five should.",
        f"{found.too_many} pieces and blanks were brought for nobody.",
    ]


def review_markdown(code: str, found: Review, titles: Mapping[str, str]) -> str:
    """How the plan of an event went, for an artifact."""
    said = [f"- {sentence}" for sentence in review_sentences(found)]
    return "\n".join([f"# How the plan for {code} went", "", *said, "", *_table(review_rows(found, titles))])


def plan_chart(stored: StoredPlan) -> str:
    """What is expected and what to bring of the things that sell best, as SVG; empty where nothing is expected."""
    bring: dict[str, int] = {}
    for line in stored.plan.lines:
        bring[line.item] = bring.get(line.item, 0) + line.pieces
    best = sorted(stored.expected.values(), key=lambda one: (-one.mean, one.sku))[:BARS]
    rows = [(one.sku, one.mean, one.low, one.high, bring.get(one.sku, 0)) for one in best if one.mean >= 0.05]
    if not rows:
        return ""
    # They cost seconds to load, and most processes of a shop draw nothing.
    import altair
    import polars as pl
    import vl_convert

    base = altair.Chart(pl.DataFrame(rows, schema=["sku", "mean", "low", "high", "bring"], orient="row")).encode(
        y=altair.Y("sku:N", sort=None, title=None)
    )
    bars = base.mark_bar(color="#c7d3e3").encode(x=altair.X("mean:Q", title="pieces"))
    spread = base.mark_rule(color="#56708f").encode(x="low:Q", x2="high:Q")
    dots = base.mark_point(color="#b3451f", filled=True, size=60).encode(x="bring:Q")
    chart = altair.layer(bars, spread, dots).properties(width=560)
    svg: str = vl_convert.vegalite_to_svg(chart.to_json())
    return svg


def _table(rows: Sequence[Mapping[str, str]]) -> list[str]:
    columns = list(rows[0]) if rows else []
    head = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return head + [f"| {' | '.join(row[column].replace('|', '/') for column in columns)} |" for row in rows]
