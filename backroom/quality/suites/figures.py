"""Suites of key figures, the facts they are made of, and the traffic of the shop: how fresh, and how much as usual."""

from __future__ import annotations

from backroom.domain.kpi import BY_NAME, WAYS
from backroom.quality.rules import CRITICAL, INFO, WARNING, Writer, suite
from backroom.quality.suites.orders import CLOCK_S
from backroom.quality.traffic import traffic_rows
from backroom.store.quality import figures

REFRESH = "Run `backroom kpi refresh`. If it stays, tell whoever keeps the program."


def _figures(rules: Writer) -> None:
    rules.matches("day", r"^\d{4}-\d{2}(?:-\d{2})?$", "day", WARNING, "It is of no day and no month.", REFRESH)
    rules.one_of("name", sorted(BY_NAME), "name", INFO, "It is a figure that nobody defines.", REFRESH)
    rules.one_of("way", WAYS, "way", INFO, "It is of a way that there is not.", REFRESH)
    rules.within("value", 0, None, "value", WARNING, "It is below zero.", REFRESH, shown=("value",))
    rules.within("share", None, 1, "share", WARNING, "It is a share of more than all.", REFRESH, shown=("value",))
    rules.within("orders", 0, None, "orders", WARNING, "It is over fewer than no orders.", REFRESH)
    rules.within(
        "computed_at_age_s",
        -CLOCK_S,
        None,
        "ahead",
        WARNING,
        "It was computed in the future.",
        "Set this machine's clock right.",
        shown=("computed_at",),
    )
    rules.equal(
        "shipped",
        "shipped_by_facts",
        "shipped",
        WARNING,
        "It counts more or fewer orders than were shipped on that day.",
        "`backroom quality repair` has the day computed again.",
        repair="day_is_due",
    )


def _facts(rules: Writer) -> None:
    rules.there("order_found", "order", WARNING, "The figures count an order that is not there.", REFRESH)
    rules.equal(
        "is_shipped",
        "is_fulfilled",
        "shipped",
        WARNING,
        "The figures count it as shipped and it is not, or the other way round.",
        REFRESH,
    )
    rules.within("ship_s", 0, None, "time", WARNING, "It was shipped before it was ordered.", REFRESH)
    rules.within("pieces", 0, None, "pieces", WARNING, "It counts fewer than no pieces.", REFRESH)
    rules.within("label_minor", 0, None, "label", WARNING, "Its labels cost less than nothing.", REFRESH)


def _traffic(rules: Writer) -> None:
    rules.at_least(
        "orders",
        "usual_low",
        "few",
        WARNING,
        "Yesterday brought far fewer orders than usual.",
        "Order something there yourself; look whether its webhooks arrive.",
        shown=("usual_high",),
    )
    rules.at_least(
        "usual_high",
        "orders",
        "many",
        INFO,
        "Yesterday brought far more orders than usual.",
        "Look whether they are real: a sale, a market, or somebody who tries cards.",
        shown=("usual_low",),
    )
    rules.at_least(
        "longest_silence_days",
        "silence_days",
        "silent",
        WARNING,
        "No order came for longer than ever before in eight weeks.",
        "Order something there yourself; look whether its webhooks arrive.",
    )
    rules.at_least(
        "unread_at_most_s",
        "unread_s",
        "unread",
        CRITICAL,
        "Messages of channels wait at the front door, and nobody reads them.",
        "Look in the UI whether the hub's worker runs, and whether order-intake fails.",
    )
    rules.at_least(
        "uncounted_at_most_s",
        "uncounted_s",
        "uncounted",
        WARNING,
        "The key figures are hours behind.",
        "Look in the UI whether the flow kpi fails.",
    )


FIGURES = suite("key_figures", "every key figure", figures.FIGURES, _figures)
FACTS = suite("order_facts", "what the key figures know of every order", figures.FACTS, _facts)
TRAFFIC = suite("traffic", "what came in by each channel", traffic_rows, _traffic)
