"""Readiness: what must be there before an event may open, what of it is missing, and who has it in hand.

What belongs here: the items of a list, and whether each is green. What does not: the lists of a parking lot or a market
hall (`backroom.shop.event_lists`), the sums of the power (`power`), reminding people (`tasks`).

An item is green when somebody said that it is there, and it is still good at the event's end: an insurance that runs
out the day before is none. Power is not a matter of opinion: it is counted from the watts of all that is plugged in.
Nor are samples where the shop asks for them: the shop writes into the list how they stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from backroom.domain.events import Event
from backroom.domain.power import power_lacks

POWER, SAMPLES = "power", "samples"
MEASURES = ("", POWER, SAMPLES)


class CheckState(StrEnum):
    """MISSING until somebody says DONE, or FAILED: looked at, and not good."""

    MISSING = "missing"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a template. It is due `days_before` the event; `who` is who usually does it; `measure` counts it."""

    item: str
    title: str
    required: bool
    days_before: int
    help: str = ""
    who: str = ""
    measure: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A kind of ground and its list."""

    id: str
    name: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """An item of one event. `note` and `file` are its evidence; `good_until` is when that runs out."""

    item: str
    title: str
    required: bool
    who: str
    due_at: datetime
    state: CheckState = CheckState.MISSING
    help: str = ""
    measure: str = ""
    note: str = ""
    file: str = ""
    good_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """An item that is not green, and why, which may be told to anybody; `overdue` once it should have been there."""

    check: Check
    why: str
    overdue: bool

    @property
    def sentence(self) -> str:
        """Who owes what until when, for people: it may name somebody, so it never goes to Prefect."""
        who = self.check.who or "nobody yet"
        told = self.check.state is CheckState.FAILED and self.check.measure != SAMPLES
        saw = f" ({self.check.note})" if told and self.check.note else ""
        return f"{self.check.title}: {self.why}{saw}. Who: {who}, until {self.check.due_at:%Y-%m-%d}."


@dataclass(frozen=True, slots=True)
class Readiness:
    """What is not green: `missing` is required and keeps the booth shut, `open` is not."""

    missing: tuple[Gap, ...]
    open: tuple[Gap, ...]

    @property
    def green(self) -> bool:
        return not self.missing

    @property
    def missing_items(self) -> tuple[str, ...]:
        """The missing items by their ids, which may be told to anybody."""
        return tuple(gap.check.item for gap in self.missing)


def checks_of(template: Template, starts_at: datetime, *, samples: bool = False) -> tuple[Check, ...]:
    """The list of an event that begins at this instant; without `samples` the shop counts none, and people say it."""
    return tuple(
        Check(
            item=item.item,
            title=item.title,
            required=item.required,
            who=item.who,
            due_at=starts_at - timedelta(days=item.days_before),
            help=item.help,
            measure=item.measure if samples or item.measure != SAMPLES else "",
        )
        for item in template.items
    )


def judge(event: Event, checks: Iterable[Check], at: datetime) -> Readiness:
    """Which items of an event are not green at this instant, each with its reason, in the order of the list."""
    gaps = []
    for check in checks:
        why = _why_not(event, check)
        if why:
            gaps.append(Gap(check, why, at >= check.due_at))
    return Readiness(
        tuple(gap for gap in gaps if gap.check.required), tuple(gap for gap in gaps if not gap.check.required)
    )


def due_for_reminder(readiness: Readiness, at: datetime, ahead: timedelta) -> Sequence[Gap]:
    """The gaps that somebody is reminded of: those that are due within `ahead`, or overdue."""
    return [gap for gap in (*readiness.missing, *readiness.open) if gap.check.due_at - ahead <= at]


def _why_not(event: Event, check: Check) -> str:
    if check.measure == POWER:
        devices = (*event.printers, *event.tills)
        return "; ".join(power_lacks(event.loads, event.supply, event.longest_hours, devices))
    if check.measure == SAMPLES and check.state is not CheckState.DONE:
        return check.note or "no sample is approved"
    match check.state:
        case CheckState.MISSING:
            return "it is missing"
        case CheckState.FAILED:
            return "it was looked at and is not good"
        case CheckState.DONE:
            if check.good_until is not None and check.good_until < event.ends_at:
                return f"it is good until {check.good_until:%Y-%m-%d} only, and the event ends later"
    return ""
