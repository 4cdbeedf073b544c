"""Lost, wrong and slow in a past that is read from files, each with its money, and what nobody can know from them.

The definitions are in `docs/audit.md`. What a file does not say is not guessed: the figure is left out with a sentence.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from backroom.domain.audit_money import FailureCosts
from backroom.domain.plan import week_of_a_sku
from backroom.insight.past.orders import SAYS_PAID, SAYS_SHIPPED, Past

LOST_AFTER = timedelta(days=14)
DAYS_PROMISED = 2
LISTED = 200
NOWHERE = "(not said)"
_NUMBER = re.compile(r"(?=.*\d)#?[A-Za-z0-9._/-]{1,40}")


@dataclass(frozen=True, slots=True)
class PastNumber:
    """How many orders failed, of how many it is known of, and what that cost in minor units."""

    count: int
    of: int
    minor: int

    @property
    def per_thousand(self) -> float:
        return self.count * 1000 / self.of if self.of else 0.0


@dataclass(frozen=True, slots=True)
class PastAudit:
    """The audit of a past. A number is None where the files cannot tell; `unknown` says why, and what would."""

    first: datetime | None
    last: datetime | None
    orders: int
    currency: str
    lost: PastNumber | None
    wrong: PastNumber | None
    slow: PastNumber | None
    paid_back: int
    returned: int | None
    median_days: float | None
    p90_days: float | None
    slow_by: dict[str, list[tuple[str, int, int, float]]]
    lost_orders: tuple[tuple[str, str, str, int], ...]
    week_of_a_sku: int | None
    unknown: tuple[str, ...]


def audit_past(past: Past, costs: FailureCosts, days_promised: int = DAYS_PROMISED) -> PastAudit:
    """Count over orders of the past, as of the last moment that the files tell of."""
    orders = past.orders
    unknown = []
    moments = [at for name in ("placed", "shipped_at") if isinstance(at := orders[name].max(), datetime)]
    first, last = orders["placed"].min(), max(moments, default=None)
    currency = _main_currency(orders, costs.currency)
    other = orders.filter(pl.col("currency").is_not_null() & (pl.col("currency") != currency)).height
    if other:
        unknown.append(f"{other} orders were paid in another currency than {currency}: their money is not counted.")
    paid = orders.filter(~pl.col("cancelled").fill_null(value=False))
    if past.fields.isdisjoint(SAYS_PAID):
        unknown.append("No column says what was paid: all orders that were not cancelled count as paid.")
    else:
        paid = paid.filter(pl.col("paid").fill_null(value=False))
    lost = paid_back = None
    if past.fields.isdisjoint(SAYS_SHIPPED):
        unknown.append("No column says what was shipped: lost and slow cannot be known. Add a column `shipped`.")
    elif last is not None:
        lost, paid_back = _lost(paid, last)
    slow_known = _times(paid, days_promised, past.timezone)
    if lost is not None and not slow_known.height:
        unknown.append(
            "No column says when it was shipped: slow cannot be known. Put the time into a column `shipped`."
        )
    elif slow_known.height and "promised" not in past.fields:
        unknown.append(
            f"No column says what was promised: an order counts as late after {days_promised} working days (Monday to "
            "Friday). Another number: --promise-days."
        )
    wrong = None
    if "reason" in past.fields:
        wrongs = orders.filter(pl.col("wrong").fill_null(value=False)).height
        wrong = PastNumber(wrongs, orders.height, wrongs * costs.sent_wrong)
    else:
        unknown.append(
            "No column says why something came back: wrong pieces cannot be known. Give a second file with the columns "
            "`order`, `returned` and `reason`."
        )
    late = slow_known.filter("late").height
    return PastAudit(
        first=first if isinstance(first, datetime) else None,
        last=last,
        orders=orders.height,
        currency=currency,
        lost=None if lost is None else PastNumber(lost.height, paid.height, _sum(lost, currency)),
        wrong=wrong,
        slow=PastNumber(late, slow_known.height, late * costs.late) if slow_known.height else None,
        paid_back=paid_back or 0,
        returned=orders.filter("returned").height if {"returned", "reason"} & past.fields else None,
        median_days=_rank(slow_known, 0.5),
        p90_days=_rank(slow_known, 0.9),
        slow_by={name: _by(slow_known, name) for name in ("channel", "location", "month", "weekday")},
        lost_orders=() if lost is None else _listed(lost, currency, past.timezone),
        week_of_a_sku=_week(past.lines),
        unknown=tuple(unknown),
    )


def _main_currency(orders: pl.DataFrame, otherwise: str) -> str:
    """The currency that most orders were paid in."""
    counted = orders["currency"].drop_nulls().value_counts(sort=True)
    return str(counted["currency"][0]) if counted.height else otherwise


def _lost(paid: pl.DataFrame, last: datetime) -> tuple[pl.DataFrame, int]:
    """Paid and never handed over, two weeks before the files end; and how many of them were paid back."""
    lost = paid.filter(
        ~pl.col("shipped").fill_null(value=False)
        & pl.col("shipped_at").is_null()
        & (pl.col("placed") < last - LOST_AFTER)
    )
    back = lost.filter((pl.col("refunded") > 0) & (pl.col("refunded") >= pl.col("total").fill_null(0)))
    return lost, back.height


def _times(paid: pl.DataFrame, days_promised: int, timezone: str) -> pl.DataFrame:
    """Orders of which both moments are known, with `days` from one to the other and whether that was `late`."""

    def here(name: str) -> pl.Expr:
        return pl.col(name).dt.convert_time_zone(timezone)

    # A promise that is a day lasts until its end.
    whole_day = here("promised").dt.time() == pl.time(0, 0)
    promised = pl.when(whole_day).then(here("promised").dt.offset_by("1d")).otherwise(here("promised"))
    working = pl.business_day_count(here("placed").dt.date(), here("shipped_at").dt.date())
    return paid.filter(pl.col("shipped_at") >= pl.col("placed")).with_columns(
        days=(pl.col("shipped_at") - pl.col("placed")).dt.total_seconds() / 86_400,
        late=(here("shipped_at") > promised).fill_null(working > days_promised),
        month=here("placed").dt.strftime("%Y-%m"),
        weekday=here("placed").dt.strftime("%u %A"),
    )


def _sum(orders: pl.DataFrame, currency: str) -> int:
    same = orders.filter(pl.col("currency").is_null() | (pl.col("currency") == currency))
    return int(same["total"].sum() or 0)


def _rank(times: pl.DataFrame, share: float) -> float | None:
    """By nearest rank, so that it is some order's own time."""
    ranked = times["days"].sort()
    return float(ranked[max(0, math.ceil(len(ranked) * share) - 1)]) if len(ranked) else None


def _by(times: pl.DataFrame, name: str) -> list[tuple[str, int, int, float]]:
    """(which, late, of, median days), in the order of their names."""
    found = (
        times.with_columns(pl.col(name).fill_null(NOWHERE))
        .group_by(name)
        .agg(pl.col("late").sum(), pl.len().alias("of"), pl.col("days").median())
        .sort(name)
    )
    return [(str(row[0]), int(row[1]), int(row[2]), float(row[3])) for row in found.iter_rows()]


def _listed(lost: pl.DataFrame, currency: str, timezone: str) -> tuple[tuple[str, str, str, int], ...]:
    """(order, channel, day it was ordered, minor units) of the dearest."""
    money = pl.when(pl.col("currency").is_null() | (pl.col("currency") == currency)).then("total").fill_null(0)
    day = pl.col("placed").dt.convert_time_zone(timezone).dt.strftime("%Y-%m-%d")
    ranked = lost.select("order", "channel", day, money.alias("minor"))
    rows = ranked.sort("minor", "order", descending=[True, False]).head(LISTED).iter_rows()
    return tuple((said_order(str(row[0])), row[1] or "", row[2] or "", int(row[3])) for row in rows)


def said_order(order: str) -> str:
    """An order's number as a list may show it; what does not look like one may name somebody, and is left out."""
    return order if _NUMBER.fullmatch(order) else "(no number)"


def _week(lines: pl.DataFrame) -> int | None:
    """How many pieces a week nine in ten SKUs sell at the most; None where the files say nothing of SKUs."""
    if not lines.height:
        return None
    span: Any = lines["placed"].max() - lines["placed"].min()  # type: ignore[operator]
    weeks = max(1.0, span.total_seconds() / (7 * 86_400))
    return week_of_a_sku(lines.group_by("sku").agg(pl.col("quantity").sum())["quantity"].to_list(), weeks)
