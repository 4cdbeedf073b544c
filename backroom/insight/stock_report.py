"""Other stock as people read it: thresholds, and print or buy.

What belongs here: the words. What does not: the sums (`stock_what_if`), orders beside each other (`what_if_report`).
"""

from __future__ import annotations

from collections.abc import Sequence

from backroom.domain.demand import Pattern
from backroom.domain.money import exponent
from backroom.insight import answer_page, pictures
from backroom.insight.stock_what_if import PrintOrBuy, StockSide, Thresholds
from backroom.insight.what_if_report import said_money, summary
from backroom.insight.words import count_of

SKU_COLUMNS = ("sku", "pieces", "sells", "printed_on_demand", "bought_in", "printed_anyway", "left_over", "cheaper")
UNEVEN = (Pattern.LUMPY, Pattern.ERRATIC, Pattern.INTERMITTENT)
DRAWN, NAMED = 20, 8


def thresholds_summary(found: Thresholds) -> list[str]:
    """What buying by the other rule comes to, in plain words."""
    currency = found.answer.currency
    was, would = found.was, found.would
    before, after, difference = (
        said_money(minor, currency) for minor in (was.total, would.total, abs(would.total - was.total))
    )
    return [
        f"All in all it would have cost {after} instead of {before}: {difference} "
        f"{'more' if would.total > was.total else 'less'}.",
        *(_said_side(word, side, currency) for word, side in (("As it was", was), ("As it would be", would))),
        *summary(found.answer),
    ]


def _said_side(word: str, side: StockSide, currency: str) -> str:
    making, ordering, holding = (said_money(minor, currency) for minor in (side.making, side.ordering, side.holding))
    ordered = count_of(side.purchases, "time")
    return (
        f"{word}: {side.picked} pieces from the shelf and {side.printed} printed, made for {making}; stock was ordered "
        f"{ordered} ({ordering}); holding it cost {holding}; {side.left} lie there at the end."
    )


def sku_rows(rows: Sequence[PrintOrBuy], currency: str) -> list[dict[str, object]]:
    """A row a SKU, for people."""
    return [
        {
            "sku": row.sku,
            "pieces": row.pieces,
            "sells": row.pattern.value,
            "printed_on_demand": said_money(row.printed, currency),
            "bought_in": said_money(row.bought, currency),
            "printed_anyway": row.printed_anyway,
            "left_over": row.left,
            "cheaper": row.verdict,
        }
        for row in rows
    ]


def print_or_buy_summary(rows: Sequence[PrintOrBuy], currency: str) -> list[str]:
    """Which SKUs to buy in and which to print, and what that comes to."""
    if not rows:
        return ["Nothing that can be printed was sold in this time."]
    buy, make, even = ([row for row in rows if row.verdict == word] for word in ("buy", "print", "even"))
    printed, bought, best = (
        said_money(minor, currency)
        for minor in (
            sum(row.printed for row in rows),
            sum(row.bought for row in rows),
            sum(min(row.printed, row.bought) for row in rows),
        )
    )
    said = [
        f"Of {count_of(len(rows), 'SKU')} that can be printed, {len(buy)} would have been cheaper bought in, "
        f"{len(make)} printed on demand, {len(even)} the same either way.",
        f"All printed: {printed}. All bought in: {bought}. Each as it is cheaper: {best}.",
    ]
    uneven = [row.sku for row in buy if row.pattern in UNEVEN]
    if uneven:
        rest = f" and {len(uneven) - NAMED} more" if len(uneven) > NAMED else ""
        said.append(f"Buy with care, because they do not sell evenly: {', '.join(uneven[:NAMED])}{rest}.")
    if any(row.pattern is Pattern.TOO_SHORT for row in rows):
        said.append("The time is too short to tell how evenly they sell: ask for more days with --since.")
    return said


def print_or_buy_page(rows: Sequence[PrintOrBuy], shop: str, currency: str, since: str) -> str:
    """The page of print or buy."""
    said = print_or_buy_summary(rows, currency)
    unit = 10 ** exponent(currency)
    drawn = [
        (row.sku, way, minor / unit)
        for row in rows[:DRAWN]
        for way, minor in (("printed on demand", row.printed), ("bought in", row.bought))
    ]
    return answer_page.page(
        f"{shop}: print or buy, since {since}",
        answer_page.verdict(said[0]),
        answer_page.sentences("In words", said),
        answer_page.picture(f"The {min(DRAWN, len(rows))} that sell most", pictures.side_by_side(drawn, currency)),
        answer_page.table("SKU by SKU", sku_rows(rows, currency), SKU_COLUMNS),
    )
