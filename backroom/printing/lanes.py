"""The lanes: which of a booth's jobs goes to which of its printers, and when; one job in flight a printer.

What belongs here: the loop beside the printers, without Prefect. What does not: what happens at one printer (`bench`),
and how a turn is run (`tasks.print_job` makes each a task run).

Everything slow, turns at jobs and looks at printers, runs elsewhere and drops its lane into one queue when it ends; the
loop sleeps at that queue. It ends when nothing can go on by itself: what waits for paper or for a person stays in our
hands with its reason, for the next run.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Protocol

from backroom.domain.locations import PrinterSpec
from backroom.domain.printing import Printer, PrintState, choose_printer
from backroom.printing.bench import Result
from backroom.printing.booth import Booth, Job, JobTaken
from backroom.printing.lane import Ended, Flight, Lane, Look

MOST_IN_HAND = 500
# After a turn that ended so its job's payload is gone, and there is room for another one's.
MAKES_ROOM = frozenset({Result.DONE, Result.FAILED, Result.REFUSED, Result.UNKNOWN, Result.GONE})
# Jobs claimed ahead for each idle printer: few, because a job in hand is given to nobody else, and more for printers
# that use them up before the next claim may come.
AHEAD, MOST_AHEAD = 2, 64
CLAIM_SECONDS, SLOWEST_CLAIM = 0.2, 1.0
# Whoever comes meanwhile and waits goes before what is in our hands already: where a printer is about to take a job
# from there, whose turn it is was asked no longer ago than this.
TURN_SECONDS = 1.0
PAUSE_SECONDS, SHORT_PAUSE = 0.2, 0.02
# How long a printer that is busy with somebody else's job is waited for, when nothing else is left to do.
PATIENCE_SECONDS = 3.0
# Every call has a time-out, so every turn ends; this is far beyond them.
LANDING_SECONDS = 120.0


class Crew(Protocol):
    """Whoever runs turns (`bench.work_on`, `bench.move_away`), and opens printers to be looked at."""

    def work(self, job: Job, spec: PrinterSpec) -> Flight: ...

    def move(self, job: Job, spec: PrinterSpec) -> Flight: ...

    def open(self, spec: PrinterSpec) -> Printer: ...


def run_lanes(booth: Booth, crew: Crew, *, turn_seconds: float = TURN_SECONDS) -> Counter[str]:
    """Print until nothing is left that can go on: how many turns ended how. Whose turn it is was asked no longer than
    `turn_seconds` ago when a printer takes a job from our hands.

    Never leaves a turn behind: whoever holds the bench next must be alone at its printers. Raises GatewayAway,
    KeyRefused, and what the crew raises.
    """
    specs = booth.printers()
    with ThreadPoolExecutor(max(len(specs), 1), thread_name_prefix="look") as lookers:
        return _Lanes(booth, crew, specs, lookers, turn_seconds).run()


class _Lanes:
    """One run's knowledge: what is in our hands, at which printer, and what was tried already."""

    def __init__(
        self,
        booth: Booth,
        crew: Crew,
        specs: Iterable[PrinterSpec],
        lookers: ThreadPoolExecutor,
        turn_seconds: float,
    ) -> None:
        self._booth = booth
        self._turn_seconds = turn_seconds
        self._crew = crew
        self._lookers = lookers
        self._lanes = {spec.name: Lane(spec) for spec in specs}
        self._ended: Ended = SimpleQueue()
        self._hand: dict[int, Job] = {}
        # Tries that are over here; a person may decide on a new one of the same job.
        self._over: set[tuple[int, int]] = set()
        # Those of them that go on once another job is over.
        self._later: set[tuple[int, int]] = set()
        self._moved: set[int] = set()
        self._failed_on: defaultdict[int, set[str]] = defaultdict(set)
        self._refused: defaultdict[int, dict[str, str]] = defaultdict(dict)
        self._counts: Counter[str] = Counter()
        self._claimed_at = 0.0
        self._claim_pause = CLAIM_SECONDS
        self._ahead = AHEAD
        self._aside = 0
        self._drained = False

    def run(self) -> Counter[str]:
        """See `run_lanes`."""
        idle_since = time.monotonic()
        try:
            self._claim(len(self._lanes))
            while True:
                self._fill()
                if self._flying():
                    idle_since = time.monotonic()
                elif not self._may_go_on(patient=time.monotonic() - idle_since < PATIENCE_SECONDS):
                    return self._counts
                self._wait()
        except BaseException:
            # We have to end: no turn waits any longer for what may pass.
            self._booth.over.set()
            raise
        finally:
            self._land_all()

    def _fill(self) -> None:
        """Give every printer that can take one its next job, and see to it that the next is known."""
        self._take_up_parked()
        if self._may_be_overtaken():
            self._claim(0)
        self._place()
        while hungry := self._hungry():
            if not self._claim(hungry):
                break
            self._place()
        self._look_around()
        self._say_why()

    def _place(self) -> None:
        free = sum(lane.free for lane in self._lanes.values())
        for job in list(self._hand.values()):
            if not free:
                return
            lane = self._lane_of(job) if job.started else self._best_lane(job)
            if lane is not None:
                del self._hand[job.id]
                lane.fly(job, self._crew.work(job, lane.spec), self._ended)
                free -= 1

    def _lane_of(self, job: Job) -> Lane | None:
        """Where a begun job lies: only that printer can tell what became of it."""
        lane = self._lanes.get(job.printer)
        return lane if lane is not None and lane.job is None and lane.answers else None

    def _best_lane(self, job: Job) -> Lane | None:
        able = [lane for lane in self._able(job) if lane.ready]
        fresh = [lane for lane in able if lane.name not in self._failed_on[job.id]]
        chosen = choose_printer([lane.load() for lane in fresh or able], job.process)
        return self._lanes[chosen] if chosen else None

    def _able(self, job: Job) -> list[Lane]:
        """The printers that do what this job needs and have not refused it."""
        refused = self._refused.get(job.id, ())
        return [lane for lane in self._lanes.values() if job.process in lane.spec.prints and lane.name not in refused]

    def _hungry(self) -> int:
        """How many printers could work and have nothing to do, when it is time to ask for more."""
        waited = time.monotonic() - self._claimed_at
        if waited < self._claim_pause and (self._drained or self._flying()):
            return 0
        served = {lane.name for job in self._hand.values() if not job.started for lane in self._able(job)}
        return sum(lane.free and lane.hopeful and lane.name not in served for lane in self._lanes.values())

    def _may_be_overtaken(self) -> bool:
        """Whether a printer is free for a job in our hands, and who comes first may have changed since we asked."""
        if time.monotonic() - self._claimed_at < self._turn_seconds:
            return False
        wanted = [job for job in self._hand.values() if not job.started]
        return any(lane.free for job in wanted for lane in self._able(job))

    def _claim(self, hungry: int) -> bool:
        """Claim ahead for so many printers; whether that brought anything new. What is in our hands is in the shop's
        order again."""
        at = time.monotonic()
        if at - self._claimed_at < 2 * CLAIM_SECONDS and not self._drained:
            self._ahead = min(self._ahead * 2, MOST_AHEAD)
        held = len(self._hand) + self._aside + sum(lane.job is not None for lane in self._lanes.values())
        most = min(held + self._ahead * max(hungry, 1), MOST_IN_HAND)
        jobs = self._booth.claim(most)
        self._let_go(jobs)
        at_printers = {lane.job.id for lane in self._lanes.values() if lane.job is not None}
        before = self._hand.keys()
        over = {job.id for job in jobs if (job.id, job.attempt) in self._over}
        self._hand = {job.id: job for job in jobs if job.id not in at_printers | over}
        self._aside = len(over)
        self._drained = len(jobs) < most or most == MOST_IN_HAND
        news = bool(self._hand.keys() - before)
        self._claimed_at = time.monotonic()
        self._claim_pause = CLAIM_SECONDS if news else min(self._claim_pause * 1.5, SLOWEST_CLAIM)
        return news

    def _let_go(self, jobs: Iterable[Job]) -> None:
        """A person decided to print anew what lies at a printer that has stopped: that printer waits with nothing."""
        attempts = {job.id: job.attempt for job in jobs}
        for lane in self._lanes.values():
            job = lane.parked
            if job is not None and attempts.get(job.id, job.attempt) != job.attempt:
                lane.land()

    def _take_up_parked(self) -> None:
        """A job at a printer that goes on is followed again; from one that has stopped it moves where it can."""
        for lane in self._lanes.values():
            job = lane.parked
            if job is None:
                continue
            if lane.recovered:
                lane.fly(job, self._crew.work(job, lane.spec), self._ended)
            elif lane.untouched and any(other.can_take_over for other in self._able(job) if other is not lane):
                # Once a run: it must not wander between printers that stop in turn.
                self._moved.add(job.id)
                lane.fly(job, self._crew.move(job, lane.spec), self._ended)

    def _look_around(self) -> None:
        """Look at the printers on which somebody's next step depends."""
        at, flying = time.monotonic(), self._flying()
        movable = [lane for lane in self._lanes.values() if lane.parked is not None and lane.untouched]
        wanted = {lane.name for job in self._hand.values() if not job.started for lane in self._able(job)}
        wanted |= {job.printer for job in self._hand.values() if job.started}
        for stopped in movable:
            assert stopped.job is not None
            wanted |= {other.name for other in self._able(stopped.job) if other is not stopped}
        for lane in self._lanes.values():
            needed = flying if lane.parked is not None else lane.name in wanted and (lane.job is None or bool(movable))
            if needed and lane.due(at):
                lane.look(self._lookers, self._crew.open, self._ended)

    def _may_go_on(self, *, patient: bool) -> bool:
        """Whether something may happen soon though nothing flies: a look is under way, or a printer busy elsewhere."""
        if any(lane.looking for lane in self._lanes.values()):
            return True
        waiting = [job for job in self._hand.values() if not job.started]
        return patient and any(lane.busy for job in waiting for lane in self._able(job))

    def _flying(self) -> bool:
        return any(lane.flying for lane in self._lanes.values())

    def _wait(self) -> None:
        """Sleep until something ends, and take in all that has."""
        pause = SHORT_PAUSE if any(lane.busy for lane in self._lanes.values()) else PAUSE_SECONDS
        try:
            lane, ended = self._ended.get(timeout=pause)
            while True:
                if isinstance(ended, Look):
                    lane.saw(ended.seen.result())
                else:
                    self._take_in(lane, ended)
                lane, ended = self._ended.get_nowait()
        except Empty:
            return

    def _take_in(self, lane: Lane, flight: Flight) -> None:
        """What a turn came to. An error of the whole bench is raised here, and ends the run."""
        job, turn = lane.land(), flight.result()
        self._counts[turn.result] += 1
        if turn.result in MAKES_ROOM and self._later:
            self._over -= self._later
            self._later.clear()
            self._drained = False
        begun = replace(job, started=True, printer=lane.name, printer_job=turn.printer_job)
        match turn.result:
            case Result.PRINTING:
                begun = replace(begun, state="printing")
                lane.fly(begun, self._crew.work(begun, lane.spec), self._ended)
            case Result.BLOCKED:
                untouched = turn.untouched and job.id not in self._moved
                lane.park(replace(begun, state="blocked", reason=turn.reason), turn.reason, untouched=untouched)
            case Result.FAILED:
                lane.failed(turn.reason, rest=job.started and job.state == "blocked")
                self._failed_on[job.id].add(lane.name)
                self._drained = False
            case Result.REFUSED:
                self._refused[job.id][lane.name] = turn.reason
                self._drained = False
            case _:
                self._over.add((job.id, job.attempt))
                if turn.result is Result.LATER:
                    self._later.add((job.id, job.attempt))
        if turn.result is Result.DONE:
            lane.succeeded()

    def _say_why(self) -> None:
        """Leave a job that no printer will do soon with the reason, in the words of its printers."""
        for job in list(self._hand.values()):
            reason = self._why(job)
            if not reason or (job.state == "blocked" and job.reason == reason):
                continue
            try:
                self._booth.progress(job, PrintState.STOPPED, reason, job.printer_job)
            except JobTaken:
                del self._hand[job.id]  # somebody held or cancelled it meanwhile
            else:
                self._hand[job.id] = replace(job, state="blocked", reason=reason)

    def _why(self, job: Job) -> str:
        """What a job waits for that does not come by itself; empty while it has hope."""
        if job.started:
            lane = self._lanes.get(job.printer)
            if lane is None:
                return f"{job.printer} does not stand here any more"
            return "" if lane.hopeful or lane.looking or lane.answers else lane.trouble
        able = self._able(job)
        if any(lane.hopeful or lane.looking or lane.busy for lane in able):
            return ""
        reasons = [*self._refused.get(job.id, {}).values(), *(lane.trouble for lane in able)]
        return "; ".join(reasons) or f"no printer here does {job.process}"

    def _land_all(self) -> None:
        """Wait for every turn that is still on its way, whatever ended the loop."""
        ends = time.monotonic() + LANDING_SECONDS
        while self._flying() and (left := ends - time.monotonic()) > 0:
            try:
                lane, ended = self._ended.get(timeout=left)
            except Empty:
                return
            if not isinstance(ended, Look):
                lane.land()
