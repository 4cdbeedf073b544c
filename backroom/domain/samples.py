"""Samples: what may be printed on demand, because somebody has looked at one and said that it is good.

What belongs here: what a sample stands for, and what the word on it is worth now. What does not: how many prints came
out bad (`reject_rates`), rows and photos (`backroom.store.samples`), which place an order goes to (`routing`).

A sample stands for a combination: an artwork on a fabric in a colourway, by a process on a kind of printer, whatever
the size. It is worth something for the batches of fabric and ink that it was printed with. Where nobody named the
batch that is in use, any sample does: nothing is known to be new. Of several samples the newest word counts.

A picture that is one buyer's own is printed for them alone, and nobody approves it: all such pictures are one artwork,
`OWN_PICTURES`. They are printed where somebody approved any design on that fabric in that colourway, by that process on
that kind of printer; where too many of them came out bad, only once another one was approved after that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from backroom.domain.blanks import BLANK, is_blank
from backroom.domain.locations import Location, PrinterSpec
from backroom.domain.model import Variant
from backroom.domain.own_artwork import is_own


class SampleState(StrEnum):
    """WAITING to be looked at, then APPROVED or REJECTED; CLOSED when too many prints came out bad after it."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    CLOSED = "closed"


class Standing(StrEnum):
    """What stands in the way of printing, if anything does: nothing but APPROVED is printed on demand."""

    NONE = "none"
    WAITING = "waiting"
    APPROVED = "approved"
    EXPIRED = "expired"
    NEW_BATCH = "new_batch"
    REJECTED = "rejected"
    CLOSED = "closed"


# Stands for every picture that is one buyer's own. No file has this name.
OWN_PICTURES = "own pictures"
# What was to be printed, and is not for now: somebody has to do something before it is again.
UNSETTLED = frozenset({Standing.WAITING, Standing.EXPIRED, Standing.NEW_BATCH})


@dataclass(frozen=True, slots=True, order=True)
class Combination:
    """What one sample stands for. `fabric` is the product of the blank, or of what is sold where the catalogue has no
    blank of it; `kind` is the printer's profile, or its own name where it has none."""

    artwork: str
    fabric: str
    colourway: str
    process: str
    kind: str

    @property
    def name(self) -> str:
        """In words, for people: `night-moth.png on blank-tee Ink, dtg on booth-left`."""
        on = f"{self.fabric} {self.colourway}".strip()
        return f"{self.artwork} on {on}, {self.process} on {self.kind}"

    @property
    def of_own_pictures(self) -> Combination:
        """Buyers' own pictures on the same fabric, printed alike."""
        return replace(self, artwork=OWN_PICTURES)


@dataclass(frozen=True, slots=True)
class Batches:
    """The batches of fabric and ink in use, or used; "" where nobody named one."""

    fabric: str = ""
    ink: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of a combination. `decided_at` and `good_until` are set once somebody has looked at it."""

    id: int
    state: SampleState
    batches: Batches
    printed_at: datetime
    decided_at: datetime | None = None
    good_until: datetime | None = None

    def is_of(self, batches: Batches) -> bool:
        """Whether it was printed with what is in use, as far as that is named."""
        return batches.fabric in ("", self.batches.fabric) and batches.ink in ("", self.batches.ink)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a combination stands. `why` says it in words that may be told to anybody; `until` is how long it lasts;
    `sample` is the one that decides it, None without any."""

    standing: Standing
    why: str = ""
    until: datetime | None = None
    sample: int | None = None

    @property
    def approved(self) -> bool:
        return self.standing is Standing.APPROVED


@dataclass(frozen=True, slots=True)
class AtPrinter:
    """A combination at one printer of a place, with the batches in use there, and how it stands."""

    location: str
    printer: str
    combination: Combination
    batches: Batches
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class InUse:
    """The batches in use: of fabric by (location, fabric, colourway), of ink by (location, printer)."""

    fabric: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    ink: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def at(self, location: str, printer: str, combination: Combination) -> Batches:
        return Batches(
            self.fabric.get((location, combination.fabric, combination.colourway), ""),
            self.ink.get((location, printer), ""),
        )


def kind_of(printer: PrinterSpec) -> str:
    """Printers of one profile print alike; one without a profile is a kind of its own."""
    return printer.profile.id if printer.profile else printer.name


def fabric_of(variant: Variant, blanks: Iterable[Variant]) -> str:
    """What a variant is printed on, in any size: the product of its blank, the first by SKU where there are several."""
    wanted = set(variant.tags)
    found = [
        one
        for one in blanks
        if is_blank(one) and one.colourway == variant.colourway and (set(one.tags) - {BLANK}) & wanted
    ]
    return min(found, key=lambda one: one.sku).product if found else variant.product


def artwork_of(variant: Variant) -> str:
    """The artwork that a print of it is a case of: its file's name, and one for every buyer's own picture."""
    return OWN_PICTURES if is_own(variant.sku) else variant.artwork


def combination_of(variant: Variant, printer: PrinterSpec, blanks: Iterable[Variant]) -> Combination:
    """What a print of this variant on this printer is a case of."""
    return Combination(
        artwork_of(variant), fabric_of(variant, blanks), variant.colourway, variant.print_process, kind_of(printer)
    )


def samples_for(combination: Combination, samples: Mapping[Combination, Sequence[Sample]]) -> list[Sample]:
    """The samples that have a say in a combination: its own, and for buyers' pictures each design's good one there."""
    found = list(samples.get(combination, ()))
    if combination.artwork == OWN_PICTURES:
        for other, theirs in samples.items():
            if other != combination and other.of_own_pictures == combination:
                found += [one for one in theirs if one.state is SampleState.APPROVED]
    return found


def judge(samples: Iterable[Sample], batches: Batches, at: datetime) -> Verdict:
    """How a combination stands at this instant, by all samples of it and the batches in use."""
    every = list(samples)
    waiting = [one for one in every if one.state is SampleState.WAITING and one.is_of(batches)]
    decided = [one for one in every if one.decided_at is not None]
    here = [one for one in decided if one.is_of(batches)]
    newest = max(here, key=_decided, default=None)
    if newest is not None and newest.state is SampleState.APPROVED and _still_good(newest, at):
        return Verdict(Standing.APPROVED, "", newest.good_until, newest.id)
    if waiting:
        last = max(waiting, key=lambda one: (one.printed_at, one.id))
        return Verdict(Standing.WAITING, f"its sample {last.id} waits for somebody to look at it", None, last.id)
    if newest is not None:
        return _fallen(newest)
    before = max((one for one in decided if one.state is SampleState.APPROVED), key=_decided, default=None)
    if before is not None:
        return Verdict(Standing.NEW_BATCH, _new_batch(before, batches), None, before.id)
    return Verdict(Standing.NONE, "no sample of it was printed")


def judge_at(
    location: Location,
    variant: Variant,
    blanks: Sequence[Variant],
    samples: Mapping[Combination, Sequence[Sample]],
    in_use: InUse,
    at: datetime,
) -> tuple[AtPrinter, ...]:
    """How a variant stands at each printer of a place that does its process."""
    if not variant.artwork or location.partner is not None:
        return ()
    found = []
    for printer in location.printers:
        if variant.print_process not in printer.prints:
            continue
        combination = combination_of(variant, printer, blanks)
        batches = in_use.at(location.id, printer.name, combination)
        verdict = judge(samples_for(combination, samples), batches, at)
        found.append(AtPrinter(location.id, printer.name, combination, batches, verdict))
    return tuple(found)


def not_to_print(there: Sequence[AtPrinter]) -> str:
    """Why a place prints a variant not on demand, "" where it does.

    Any printer there that does its process may get the job: so each kind of them needs its sample.
    """
    missing = next((one for one in there if not one.verdict.approved), None)
    return f"{missing.verdict.why} ({missing.combination.name})" if missing else ""


def lacks_for_event(there: Iterable[Sequence[AtPrinter]], ends_at: datetime) -> str:
    """What the samples of an event's booth lack, "" where nothing; each of `there` is one variant at its printers.

    What was never sampled is not printed there, and keeps nobody from opening; nor does what was found bad. But
    something must be approved until the end, and what was approved before, or waits to be, is settled either way.
    """
    every = [one for variant in there for one in variant]
    if not every:
        return ""
    owing = {
        one.combination: one.verdict.why
        if not one.verdict.approved
        else f"its sample {one.verdict.sample} is good until {one.verdict.until:%Y-%m-%d} only"
        for one in every
        if one.verdict.standing in UNSETTLED or (one.verdict.until is not None and one.verdict.until < ends_at)
    }
    if owing:
        first, why = min(owing.items())
        others = f", and {len(owing) - 1} more" if len(owing) > 1 else ""
        return f"{first.name}: {why}{others}"
    return "" if any(one.verdict.approved for one in every) else "no sample of what is printed there is approved"


def good_until(decided_at: datetime, valid_days: int) -> datetime:
    """Until when an approval of this instant lasts."""
    return decided_at + timedelta(days=valid_days)


def _decided(one: Sample) -> tuple[datetime, int]:
    assert one.decided_at is not None
    return one.decided_at, one.id


def _still_good(one: Sample, at: datetime) -> bool:
    return one.good_until is not None and at < one.good_until


def _fallen(newest: Sample) -> Verdict:
    match newest.state:
        case SampleState.APPROVED:
            assert newest.good_until is not None
            why = f"its sample {newest.id} was good until {newest.good_until:%Y-%m-%d}"
            return Verdict(Standing.EXPIRED, why, newest.good_until, newest.id)
        case SampleState.CLOSED:
            return Verdict(Standing.CLOSED, f"too many came out bad after its sample {newest.id}", None, newest.id)
    return Verdict(Standing.REJECTED, f"its sample {newest.id} was not good", None, newest.id)


def _new_batch(before: Sample, batches: Batches) -> str:
    fabric = batches.fabric not in ("", before.batches.fabric)
    what, now = ("fabric", batches.fabric) if fabric else ("ink", batches.ink)
    was = (before.batches.fabric if fabric else before.batches.ink) or "an unnamed one"
    return f"the batch of {what} is {now}, and its sample {before.id} was printed with {was}"
