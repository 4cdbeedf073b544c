"""A what-if as people read it: sentences, a table order by order, and a page with pictures.

What belongs here: the words. What does not: the comparing (`what_if`), other stock (`stock_report`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from backroom.domain.model import RoutingDecision
from backroom.domain.money import exponent, format_money
from backroom.domain.replay_costs import OrderCost
from backroom.insight import answer_page, pictures
from backroom.insight.what_if import Answer, Compared
from backroom.insight.words import count_of, say_seconds

COLUMNS = ("order", "channel", "was", "would_be", "cost_was", "cost_would_be", "took", "would_take", "why")
CSV_COLUMNS = (
    "order", "channel", "placed_at", "outcome_was", "rule_was", "places_was", "cost_minor_was", "seconds_was",
    "outcome_would", "rule_would", "places_would", "cost_minor_would", "seconds_would", "seconds_low", "seconds_high",
    "moved", "counts",
)  # fmt: skip
TIME_COLUMNS = ("location", "work", "measured", "making", "packing", "announcing", "p10", "median", "p90")
_WAITS = {"backorder": "waits for stock", "hold": "waits for a person"}


def summary(answer: Answer) -> list[str]:
    """The answer in plain words."""
    sums, currency = answer.sums, answer.currency
    days = max(1, round((answer.until - answer.since).total_seconds() / 86_400))
    said = [
        f"{len(answer.rows)} orders were routed in the last {count_of(days, 'day')}; {sums.orders} of them are made on "
        f"both sides and compared, and {sums.moved} of those would have been made elsewhere or otherwise."
    ]
    if sums.orders:
        said.append(_said_cost(sums.was, sums.would, currency, sums.orders))
    if sums.was_times and sums.would_times:
        (was_median, was_p90), (median, p90) = sums.was_times, sums.would_times
        said.append(
            f"Half of {count_of(sums.timed, 'order')} left within {say_seconds(was_median)}; it would have been "
            f"{_spread(median)}. Nine in ten left within {say_seconds(was_p90)}; it would have been {_spread(p90)}."
        )
    elif sums.orders:
        said.append("How fast they would have been, nobody can say yet: too few orders are done.")
    for (was, would), count in sorted(answer.outcomes.items()):
        if was != would:
            said.append(f"Orders that {_outcome(was, 'was')} and {_outcome(would, 'would')}: {count}.")
    if answer.left_out:
        said.append(
            f"{count_of(len(answer.left_out), 'order')} of customers who were erased cannot be routed again: nobody "
            "knows where they went. What they took from the shelves is counted."
        )
    return [*said, *answer.warnings]


def _said_cost(was: OrderCost, would: OrderCost, currency: str, orders: int) -> str:
    more = would.total - was.total
    share = f" ({abs(more) / was.total * 100:.1f} %)" if was.total else ""
    word = "more" if more > 0 else "less"
    difference = f"{said_money(abs(more), currency)}{share} {word}" if round(more) else "the same"
    before, after, each_before, each_after = (
        said_money(minor, currency) for minor in (was.total, would.total, was.total / orders, would.total / orders)
    )
    each = f"{each_after} an order instead of {each_before}"
    return f"They would have cost {after} instead of {before}: {difference}, {each}."


def order_rows(answer: Answer, *, every: bool = False) -> list[dict[str, str]]:
    """A row an order, those that would have gone otherwise first by what it changes; all of them where asked for."""
    rows = [row for row in answer.rows if every or row.moved]
    rows.sort(key=lambda row: (-abs(row.would_cost.total - row.was_cost.total), row.one.past.id))
    return [_order_row(row, answer.currency) for row in rows]


def _order_row(row: Compared, currency: str) -> dict[str, str]:
    past, now = row.one.past, row.one.decision
    made = past.decision.outcome == "assigned", now.outcome == "assigned"
    return {
        "order": past.order.number,
        "channel": past.order.channel,
        "was": places(past.decision),
        "would_be": places(now),
        "cost_was": said_money(row.was_cost.total, currency) if made[0] else "",
        "cost_would_be": said_money(row.would_cost.total, currency) if made[1] else "",
        "took": say_seconds(row.was_seconds) if row.was_seconds is not None else "",
        "would_take": _estimate(row),
        "why": f"{now.rule}: {now.reasons[0]}" if now.rule and now.reasons else " ".join(now.reasons[:1]),
    }


def csv_rows(answer: Answer) -> list[dict[str, object]]:
    """Every order with its figures as they are: minor units and seconds."""
    return [
        {
            "order": row.one.past.order.number,
            "channel": row.one.past.order.channel,
            "placed_at": row.one.past.order.placed_at.isoformat(),
            "outcome_was": row.one.past.decision.outcome,
            "rule_was": row.one.past.decision.rule,
            "places_was": places(row.one.past.decision),
            "cost_minor_was": round(row.was_cost.total, 2),
            "seconds_was": row.was_seconds,
            "outcome_would": row.one.decision.outcome,
            "rule_would": row.one.decision.rule,
            "places_would": places(row.one.decision),
            "cost_minor_would": round(row.would_cost.total, 2),
            "seconds_would": row.would.median if row.would else None,
            "seconds_low": row.would.low if row.would else None,
            "seconds_high": row.would.high if row.would else None,
            "moved": int(row.moved),
            "counts": int(row.counts),
        }
        for row in answer.rows
    ]


def places(decision: RoutingDecision) -> str:
    """Where a decision makes an order, and what it prints there: `main-hub (1 printed), booth-a`."""
    if decision.outcome != "assigned":
        return _WAITS[decision.outcome]
    printed = dict.fromkeys((one.location for one in decision.assignments), 0)
    for one in decision.assignments:
        printed[one.location] += one.to_print
    return ", ".join(f"{place} ({count} printed)" if count else place for place, count in printed.items())


def html_page(answer: Answer, title: str, more: Sequence[str] = ()) -> str:
    """The page of a what-if; `more` are parts of its own that come before the orders."""
    said = summary(answer)
    return answer_page.page(
        f"{answer.shop}: {title}",
        answer_page.verdict(said[1] if answer.sums.orders else said[0]),
        answer_page.sentences("In words", said),
        answer_page.picture("What it costs", _cost_picture(answer)),
        answer_page.picture("How soon it leaves", _time_picture(answer)),
        *more,
        answer_page.table("Orders that would have gone otherwise", order_rows(answer), COLUMNS),
        answer_page.table("What the times are from", time_rows(answer), TIME_COLUMNS),
    )


def time_rows(answer: Answer) -> list[dict[str, object]]:
    """The measured times behind the answer, said in words."""
    return [
        {name: say_seconds(value) if isinstance(value, float) else value for name, value in row.items()}
        for row in answer.times.table()
    ]


def _cost_picture(answer: Answer) -> str:
    sides = (("as it was", answer.sums.was), ("as it would be", answer.sums.would))
    rows = [
        (part.name, side, getattr(cost, part.name) / _unit(answer))
        for part in fields(OrderCost)
        for side, cost in sides
        if answer.sums.was.total and any(getattr(one, part.name) for _, one in sides)
    ]
    return pictures.side_by_side(rows, answer.currency)


def _time_picture(answer: Answer) -> str:
    sums = answer.sums
    if not (sums.was_times and sums.would_times):
        return ""
    longest = max(*sums.was_times, sums.would_times[0][2], sums.would_times[1][2])
    divisor, unit = (3600.0, "hours") if longest >= 7200 else (60.0, "minutes") if longest >= 120 else (1.0, "seconds")
    rows = []
    for name, was, would in zip(
        ("half left within", "nine in ten within"), sums.was_times, sums.would_times, strict=True
    ):
        rows.append((name, "as it was", was / divisor))
        for side, value in zip(("would be, low", "would be", "would be, high"), would, strict=True):
            rows.append((name, side, value / divisor))
    return pictures.side_by_side(rows, unit)


def _outcome(outcome: str, side: str) -> str:
    if side == "was":
        return {"assigned": "were made", "backorder": "waited for stock", "hold": "waited for a person"}[outcome]
    return {
        "assigned": "would have been made",
        "backorder": "would still wait for stock",
        "hold": "would wait for a person",
    }[outcome]


def _estimate(row: Compared) -> str:
    if row.would is None:
        return ""
    if row.would.own:
        return say_seconds(row.would.median)
    return _spread((row.would.low, row.would.median, row.would.high))


def _spread(of: tuple[float, float, float]) -> str:
    low, middle, high = (say_seconds(value) for value in of)
    return middle if low == high else f"{middle} ({low} to {high})"


def said_money(minor: float, currency: str) -> str:
    """An amount that was computed, rounded to the minor unit."""
    return format_money(round(minor), currency)


def _unit(answer: Answer) -> int:
    return int(10 ** exponent(answer.currency))
