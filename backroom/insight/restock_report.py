"""What to take to an event, and afterwards how it went, as people read it: tables and a picture, for Prefect's UI.

What belongs here: how it is laid out. What does not: computing it (`restocking`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backroom.domain.prestaging import Kind
from backroom.domain.restock_review import Carried, Outcome, Review
from backroom.insight.charts import data_uri
from backroom.insight.restocking import Compared
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


def outcome_rows(found: Outcome, titles: Mapping[str, str]) -> list[dict[str, str]]:
    """A row a SKU, finished or blank: what was to be brought and printed first, and what became of it."""
    return [
        {
            "sku": one.item,
            "what": titles.get(one.item, one.item),
            "planned": str(one.planned),
            "printed first": f"{one.printed} of {one.to_print}" if one.to_print or one.printed else "",
            "brought": str(one.brought),
            "asked": "" if one.asked is None else str(one.asked),
            "sold or used": str(one.gone),
            "back": _back(one) if found.settled else "not settled",
            "short": "" if one.short is None else str(one.short),
        }
        for one in found.items
    ]


def pack_rows(found: Outcome) -> list[dict[str, str]]:
    """A row a material: packs planned, sent, and seen at the booth."""
    return [
        {
            "material": one.material,
            "pack": one.pack,
            "planned": str(one.planned),
            "sent": str(one.sent),
            "arrived": str(one.arrived),
        }
        for one in found.packs
    ]


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


def review_sentences(found: Compared) -> list[str]:
    """The sums of a plan and what happened, those of its forecast last."""
    review = found.review
    return [
        f"Asked for: {sum(line.asked for line in review.lines)} pieces; {review.short} of them beyond what was there, "
        f"and {review.naive_short} beyond what sold the last time.",
        *_outcome_sentences(found.outcome, review.short),
        f"The forecast was off by {review.off:.1f} pieces in all, last time's sales by {review.naive_off:.1f}.",
        f"{review.inside:.0%} of the SKUs lay within their range, which four in five should.",
        f"{review.too_many} pieces and blanks were brought for nobody.",
    ]


def _outcome_sentences(became: Outcome, short: int) -> list[str]:
    """The sums of what was planned. `short` pieces were asked for beyond what was there, blanks reckoned in."""
    said = [
        f"Planned to bring: {became.planned} pieces and blanks; {became.as_planned} of them were brought, and "
        f"{became.besides} that no plan had named."
    ]
    if became.to_print or became.printed:
        said.append(f"{became.to_print} pieces were to be printed before leaving; {became.printed} were.")
    rest = f", of what was left with {became.open_share:.0%} of the hours over" if became.open_share else ""
    said.append(
        f"Lost sales that were expected: {became.lost_with:.1f} with all that was planned, {became.lost_without:.1f} "
        f"without it{rest}. Asked for beyond what was there: {short}; who left without ordering nobody counted."
    )
    left = f"Sold, or printed on as a blank: {became.gone}"
    if became.settled:
        said.append(f"{left}; {became.back} came back, {became.missing} are missing.")
    else:
        said.append(f"{left} so far; what came back is known when the event is settled.")
    if became.packs:
        planned, sent = sum(one.planned for one in became.packs), sum(one.sent for one in became.packs)
        said.append(
            f"Packs of ink and paper: {planned} planned, {sent} sent, {sum(one.arrived for one in became.packs)} seen "
            "at the booth; how much of it was used nobody counts."
        )
    return said


def review_markdown(code: str, found: Compared, titles: Mapping[str, str]) -> str:
    """How the plan of an event went, for an artifact."""
    lines = [f"# How the plan for {code} went", "", *(f"- {sentence}" for sentence in review_sentences(found))]
    tables = {
        "What was planned, and what became of it": outcome_rows(found.outcome, titles),
        "Ink and paper": pack_rows(found.outcome),
        "What was expected": review_rows(found.review, titles),
    }
    for title, rows in tables.items():
        if rows:
            lines += ["", f"## {title}", "", *_table(rows)]
    return "\n".join(lines)


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


def _back(one: Carried) -> str:
    """What came back and what is missing, in words; empty where the settlement does not name it."""
    if one.back is None or one.missing is None:
        return ""
    if one.missing < 0:
        return f"{one.back}, {-one.missing} more than by the books"
    return f"{one.back}, {one.missing} missing" if one.missing else str(one.back)


def _table(rows: Sequence[Mapping[str, str]]) -> list[str]:
    columns = list(rows[0]) if rows else []
    head = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return head + [f"| {' | '.join(row[column].replace('|', '/') for column in columns)} |" for row in rows]
