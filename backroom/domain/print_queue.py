"""When a print queue is through, and what may be promised to whoever waits for it.

What belongs here: who comes first, the queue played forward over its printers, the promise, whether it still holds, and
what holds everything up. What does not: how fast pieces come out (`print_pace`), and where work goes that would be late
(`backroom.store.print_promises`).

The queue is played forward as it is worked: each printer takes the next job that it can print when it is free (list
scheduling). A job is ready after all that its printer has before it; the spreads of independent prints add as squares,
and a promise lies `SURE` of them behind the median, so that about nineteen of twenty are kept.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

from backroom.domain.print_pace import Paces

# The 95th percentile of a normal distribution lies 1.65 of its standard deviations behind the median, the 80th 0.84:
# this many spreads between them.
SURE = 1.65 / 0.84
# People read clocks in these steps.
STEP = timedelta(minutes=5)
# Each job of one printer has less than this of what it takes left to do, however long it was looked at.
LEAST_LEFT = 0.2
# Stands for an order that comes now: it is behind all that came before.
_NEXT = 1 << 62


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A job that has not come out. `part` is what it is for: the work on an order, below zero what is printed to stock
    for a transfer. `waits`: somebody stands there for it. `printer` has it in hand since `began`;
    `in_hand`: the booth has it, at a printer or not."""

    id: int
    part: int
    copies: int
    process: str
    product: str
    colourway: str
    waits: bool
    priority: int = 5
    printer: str = ""
    began: datetime | None = None
    in_hand: bool = False


@dataclass(frozen=True, slots=True)
class PrinterThere:
    """A printer of the location, whether it prints now, and what it waits for where it does not."""

    name: str
    processes: tuple[str, ...]
    ready: bool = True
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """When a job, or the last job of a part, is through: most likely, and as good as certainly."""

    likely: datetime
    sure: datetime
    printer: str = ""


def in_turn(jobs: Iterable[QueuedJob]) -> list[QueuedJob]:
    """The queue in the order it is worked: what is at a printer, then who waits there, then parcels by priority.

    Who waits is served in the order in which they came: a time that was told would break if others were let in before.
    """
    return sorted(jobs, key=lambda job: (not job.printer, not job.waits, 0 if job.waits else job.priority, job.id))


def foresee(
    jobs: Iterable[QueuedJob], printers: Sequence[PrinterThere], paces: Paces, now: datetime
) -> dict[int, Foreseen]:
    """When each job is through; one that no printer here can print now is missing: nobody can say when."""
    free = {one.name: (0.0, 0.0) for one in printers if one.ready}
    able: dict[str, list[str]] = defaultdict(list)
    for one in printers:
        if one.ready:
            for process in one.processes:
                able[process].append(one.name)
    found: dict[int, Foreseen] = {}
    for job in in_turn(jobs):
        names = [job.printer] if job.printer in free else ([] if job.printer else able[job.process])
        if not names:
            continue
        # Whoever is free first takes it; of equals the first of the shop file.
        name = min(names, key=lambda one: free[one][0])
        pace = paces.ask(name, job.process, job.product, job.colourway)
        seconds = pace.usual * job.copies
        if job.began is not None:
            seconds = max(seconds - (now - job.began).total_seconds(), seconds * LEAST_LEFT)
        took, squares = free[name]
        took, squares = took + seconds, squares + pace.spread**2 * job.copies
        free[name] = took, squares
        found[job.id] = Foreseen(
            now + timedelta(seconds=took), now + timedelta(seconds=took + SURE * sqrt(squares)), name
        )
    return found


def foresee_new(
    jobs: Sequence[QueuedJob], printers: Sequence[PrinterThere], paces: Paces, now: datetime, process: str
) -> Foreseen | None:
    """When a piece would be through that somebody asks for now and waits for; None where no printer here prints it."""
    job = QueuedJob(_NEXT, _NEXT, 1, process, "", "", waits=True)
    return foresee([*jobs, job], printers, paces, now).get(_NEXT)


def of_parts(jobs: Iterable[QueuedJob], foreseen: Mapping[int, Foreseen]) -> dict[int, Foreseen]:
    """When each part has its last piece; a part with a job that nobody can foresee is missing."""
    found: dict[int, Foreseen] = {}
    lost = set()
    for job in jobs:
        one = foreseen.get(job.id)
        if one is None:
            lost.add(job.part)
            continue
        known = found.get(job.part)
        found[job.part] = (
            Foreseen(max(known.likely, one.likely), max(known.sure, one.sure), one.printer) if known else one
        )
    return {part: one for part, one in found.items() if part not in lost}


def promise(foreseen: Foreseen, handling: timedelta) -> datetime:
    """The time to tell: as good as certain, with what somebody's hands take, on the next full five minutes."""
    at = foreseen.sure + handling
    past = timedelta(minutes=at.minute % 5, seconds=at.second, microseconds=at.microsecond)
    return at if not past else at - past + STEP


def may_promise(foreseen: Foreseen, handling: timedelta, power_until: datetime | None) -> bool:
    """Whether a time may be told at all: not one at which there is no power any more."""
    return power_until is None or promise(foreseen, handling) <= power_until


def comes_out(foreseen: Foreseen, power_until: datetime | None) -> bool:
    """Whether it will most likely be printed before the power ends."""
    return power_until is None or foreseen.likely <= power_until


def breaks(
    promised: datetime,
    foreseen: Foreseen | None,
    handling: timedelta,
    slack: timedelta,
    now: datetime,
    power_until: datetime | None = None,
) -> bool:
    """Whether a promise is not to be kept any more: most likely later than promised and the slack, or only after the
    power has ended. Where nobody can say, for a printer waits for a hand, once its time has come."""
    if foreseen is None:
        return now + handling > promised + slack
    return not comes_out(foreseen, power_until) or foreseen.likely + handling > promised + slack


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """What holds everything up: printer, paper, ink, blanks, power or staff; `seconds` it costs, and a sentence.

    `at` is when it begins, where that is still to come.
    """

    what: str
    seconds: float
    sentence: str
    at: datetime | None = None


# A printer's own words for what it is out of (`backroom.domain.printing`).
_OUT_OF = (("paper", ("paper", "tray")), ("ink", ("ink", "toner", "cartridge")), ("power", ("shutting down",)))
# What does not come out at all costs as much as an hour.
STUCK_SECONDS = 3600.0
# So long should made pieces lie before somebody packs them.
PACKING = timedelta(minutes=10)


def bottlenecks(
    jobs: Sequence[QueuedJob],
    printers: Sequence[PrinterThere],
    foreseen: Mapping[int, Foreseen],
    now: datetime,
    *,
    short_of: Mapping[str, int] | None = None,
    power_until: datetime | None = None,
    unpacked_since: Sequence[datetime] = (),
) -> list[Bottleneck]:
    """What holds up the queue, the worst first. `short_of`: blanks that lack, by colourway and size; `power_until`:
    when the supply ends; `unpacked_since`: when each part that nobody has packed was made."""
    found: list[Bottleneck] = []
    through = max((one.likely for one in foreseen.values()), default=now)
    left = (through - now).total_seconds()
    by_process = Counter(job.process for job in jobs if job.id not in foreseen)
    for one in printers:
        if not one.ready:
            what = next((name for name, words in _OUT_OF if any(word in one.trouble for word in words)), "printer")
            stuck = sum(by_process[process] for process in one.processes)
            share = STUCK_SECONDS * stuck if stuck else left / 2
            found.append(Bottleneck(what, share, f"{one.name}: {one.trouble or 'does not print'}"))
    if left > 0:
        busiest = Counter(one.printer for one in foreseen.values()).most_common(1)[0]
        found.append(
            Bottleneck(
                "printer", left, f"{busiest[0]} has {busiest[1]} jobs; the queue is through in {left / 60:.0f} min"
            )
        )
    if short_of:
        pieces = sum(short_of.values())
        listed = ", ".join(f"{count} × {name}" for name, count in sorted(short_of.items())[:3])
        found.append(Bottleneck("blanks", 600.0 * pieces, f"blanks run out: {listed} short"))
    if power_until is not None and power_until < through:
        dark = sum(not comes_out(one, power_until) for one in foreseen.values())
        lacking = (through - power_until).total_seconds()
        stay = "1 job does not come out" if dark == 1 else f"{dark} jobs do not come out"
        words = f"the power ends {lacking / 60:.0f} min before the queue is through: {stay}"
        found.append(Bottleneck("power", STUCK_SECONDS * dark, words, power_until))
    waiting = [now - at for at in unpacked_since if now - at > PACKING]
    if waiting:
        longest = max(waiting).total_seconds()
        found.append(
            Bottleneck(
                "staff", longest, f"{len(waiting)} made and not handed over, the oldest for {longest / 60:.0f} min"
            )
        )
    return sorted(found, key=lambda one: -one.seconds)
