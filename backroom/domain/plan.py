"""The first 30 days: four weeks of steps, each done when the shop's own data shows it, and what the figures say.

What belongs here: the steps and when each is done. What does not: reading the shop's data (`backroom.insight.plan`),
and showing (`backroom.cli.plan`, `tasks.audit`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from backroom.domain.audit import Action

WEEKS = {1: "Audit", 2: "Rules", 3: "One event with a print partner", 4: "Measure"}
PLAN_DAYS = 30
# Fewer orders than these tell nothing about rules, or about an evening.
_COVERED = 0.9
LEAST_ROUTED, LEAST_AT_AN_EVENT, LEAST_DAYS = 20, 10, 7

# What the shop's data cannot say: the question, by the name under which its answer is kept.
QUESTIONS: Mapping[str, str] = {
    "partner": "Who prints with you at the event? (a name, or `nobody`)",
    "partner_price": "What does the partner charge for a printed piece? (such as 6.50)",
    "event_date": "On which day is the event? (such as 2026-12-12)",
    "decision": "What do you make of it? (go_on, change, or stop)",
}
DECISIONS = ("go_on", "change", "stop")


@dataclass(frozen=True, slots=True)
class Rates:
    """The three failures as rates that two spans can be compared by; None is not known."""

    lost_in_1000: float | None = None
    wrong_in_1000: float | None = None
    late_share: float | None = None
    median_days: float | None = None


@dataclass(frozen=True, slots=True)
class EventDay:
    """One day on which orders of an event were served: how many, the median from order to hand-over in seconds, and
    the share of prints that failed."""

    day: str
    orders: int
    median_s: float
    rejects: float


@dataclass(frozen=True, slots=True)
class Known:
    """What the shop's data and its people say, as far as the plan asks; `routed` counts orders of the last 30 days by
    rule, `used` by location. Without a shop file most of it is empty."""

    today: str
    started: str = ""
    has_shop: bool = False
    orders: int = 0
    channels: tuple[str, ...] = ()
    compared: frozenset[str] = frozenset()
    lost_now: int | None = None
    costs: bool = False
    rules: tuple[str, ...] = ()
    routed: Mapping[str, int] = field(default_factory=dict)
    locations: tuple[str, ...] = ()
    used: Mapping[str, int] = field(default_factory=dict)
    no_rule: int = 0
    low_stock: int = 0
    week_of_a_sku: int | None = None
    booths: tuple[str, ...] = ()
    event_days: Sequence[EventDay] = ()
    days_since: int = 0
    answers: Mapping[str, str] = field(default_factory=dict)
    before: Rates | None = None
    after: Rates = Rates()

    @property
    def day(self) -> int:
        """Which day of the plan it is, from 1."""
        return (date.fromisoformat(self.today) - date.fromisoformat(self.started)).days + 1 if self.started else 1


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a week: whether it is done, what the data says, and what is next."""

    name: str
    week: int
    title: str
    done: bool
    says: str
    action: Action


def week_of_a_sku(sold: Sequence[float], weeks: float) -> int:
    """How many pieces a week nine in ten SKUs sell at the most (nearest rank, rounded up), of pieces sold a SKU.

    A threshold of so many covers a week.
    """
    ranked = sorted(sold)
    return math.ceil(ranked[math.ceil(len(ranked) * _COVERED) - 1] / weeks)


def steps(known: Known) -> list[Step]:
    """All steps, in order."""
    return [*_audit(known), *_rules(known), *_event(known), *_measure(known)]


def next_step(found: Sequence[Step]) -> Step | None:
    """The first that is not done; None when all are."""
    return next((step for step in found if not step.done), None)


def _audit(known: Known) -> Iterator[Step]:
    read = known.before is not None
    yield Step(
        "past",
        1,
        "Audit the past year",
        read,
        "The past year is read." if read else "No past was read yet: nothing to compare with later.",
        Action(
            "Export the orders of the past year from each channel, and let them be read.", "backroom audit --csv FILE"
        ),
    )
    yield Step(
        "shop",
        1,
        "Move in",
        known.orders > 0,
        f"{known.orders} orders came in." if known.orders else "No order came in yet.",
        Action(
            "Start Backroom and connect a channel (docs/guide/first-day.md)."
            if known.has_shop
            else "Describe the shop.",
            "backroom up" if known.has_shop else "backroom init",
        ),
    )
    left = [channel for channel in known.channels if channel not in known.compared]
    yield Step(
        "paid",
        1,
        "Compare what was paid with what came",
        known.has_shop and not left,
        f"Not compared in the last 30 days: {', '.join(left)}." if left else "Every channel with a list was compared.",
        Action(
            "Export the channel's orders of the last weeks, and compare.",
            f"backroom audit lost --paid FILE --channel {left[0] if left else 'CHANNEL'}",
        ),
    )
    lost = known.lost_now
    yield Step(
        "list",
        1,
        "Work through the list",
        lost == 0,
        "No audit was made yet." if lost is None else f"{lost} paid orders are lost or stuck now.",
        Action("Do what the list says, until nothing is lost.", "backroom audit", "/v2/artifacts/key/audit"),
    )


def _rules(known: Known) -> Iterator[Step]:
    yield Step(
        "costs",
        2,
        "Say what things cost",
        known.costs,
        "The shop file has costs." if known.costs else "The shop file has no [costs]: money is assumed.",
        Action("Write what a parcel, a print and an hour cost into [costs] of shop.toml.", "backroom shop check"),
    )
    routed = sum(known.routed.values())
    idle = [rule for rule in known.rules if not known.routed.get(rule)]
    empty = [place for place in known.locations if not known.used.get(place)]
    says = f"{routed} orders were routed in 30 days by {len(known.rules) - len(idle)} of {len(known.rules)} rules."
    if known.no_rule:
        says += f" {known.no_rule} wait because no rule fits."
    if idle and routed:
        says += f" Never used: {', '.join(idle)}."
    if empty and routed:
        says += f" Nothing was made at {', '.join(empty)}."
    yield Step(
        "rules",
        2,
        "Routing rules that fit",
        routed >= LEAST_ROUTED and not known.no_rule and not idle,
        says,
        Action(
            "Change the rules in a copy of shop.toml, and ask the last month what they would have come to. A rule that "
            "is never used has a condition that never holds.",
            "backroom route replay --rules FILE --since 30d",
        ),
    )
    week = known.week_of_a_sku
    yield Step(
        "stock",
        2,
        "A stock threshold that covers a week",
        week is not None and known.low_stock >= week,
        "Nothing was sold yet that would tell."
        if week is None
        else f"Nine in ten SKUs sell at most {week} a week; stock is called low at {known.low_stock}.",
        Action(
            f"Write low_stock = {week if week is not None else 'PIECES'} into [stock] of shop.toml.",
            "backroom stock list --low",
        ),
    )


def _event(known: Known) -> Iterator[Step]:
    booths = ", ".join(known.booths)
    yield Step(
        "booth",
        3,
        "A booth that prints",
        bool(known.booths),
        f"{booths} takes orders of an event and prints them." if booths else "No booth has an event and a printer.",
        Action("Add a booth with its event and printer to shop.toml (docs/guide/booth.md).", "backroom shop check"),
    )
    asked = ("partner", "partner_price", "event_date")
    missing = [name for name in asked if name not in known.answers]
    told = ", ".join(f"{name.replace('_', ' ')} {known.answers[name]}" for name in asked if name in known.answers)
    yield Step(
        "partner",
        3,
        "Agree with a print partner",
        not missing,
        f"Told: {told}." if told else "Nobody told yet who prints, for how much, and when.",
        Action("Say who prints with you, for how much a piece, and when.", "backroom plan tell"),
    )
    best = max(known.event_days, key=lambda one: one.orders, default=None)
    yield Step(
        "evening",
        3,
        "Hold the event",
        best is not None and best.orders >= LEAST_AT_AN_EVENT,
        f"On {best.day} {best.orders} orders were served, half of them within {best.median_s / 60:.0f} min; "
        f"{best.rejects * 100:.0f} % of the prints failed."
        if best
        else "No order of an event was served yet.",
        Action(
            f"Take at least {LEAST_AT_AN_EVENT} orders at the event's till and print them there.",
            f"backroom print queue {known.booths[0] if known.booths else 'BOOTH'}",
            f"/prints/{known.booths[0]}" if known.booths else "",
        ),
    )


def _measure(known: Known) -> Iterator[Step]:
    held = any(day.orders >= LEAST_AT_AN_EVENT for day in known.event_days)
    yield Step(
        "week",
        4,
        "A week of figures",
        held and known.days_since >= LEAST_DAYS,
        f"{known.days_since} full days since the event." if held else "The week begins with the event.",
        Action(
            "Let it run; the figures of each day come by themselves.",
            "backroom kpi show",
            "/v2/artifacts/key/kpi-report",
        ),
    )
    decision = known.answers.get("decision", "")
    yield Step(
        "decision",
        4,
        "Before and after, and what you make of it",
        decision in DECISIONS,
        f"Decided: {decision}." if decision else "; ".join(compared(known)) or "Nothing to compare yet.",
        Action(
            "Look at both columns, then say whether you go on, change, or stop.", "backroom plan tell decision go_on"
        ),
    )


def compared(known: Known) -> list[str]:
    """What was and what is, a sentence a rate that both spans know."""
    if known.before is None:
        return []
    rates = (
        ("lost", "lost_in_1000", "{:.1f} in a thousand"),
        ("wrong", "wrong_in_1000", "{:.1f} in a thousand"),
        ("late", "late_share", "{:.1%}"),
        ("half handed over within", "median_days", "{:.1f} days"),
    )
    said = []
    for word, name, form in rates:
        was, is_ = getattr(known.before, name), getattr(known.after, name)
        if was is not None and is_ is not None:
            said.append(f"{word}: was {form.format(was)}, is {form.format(is_)}")
    return said
