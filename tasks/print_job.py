"""Print jobs beside the printers: each a task run named after order and printer, one in flight per printer.

This file knows the gateway and the printers, and no database: a booth's worker runs it with the booth's own key.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from prefect import get_run_logger, task
from prefect.futures import PrefectFuture, wait

from backroom.domain.errors import AskPerson, BackroomError
from backroom.domain.printing import Printer, PrinterLoad, PrinterStatus, PrintNeeds, choose_printer
from backroom.domain.shop import PrinterSpec
from backroom.printing.bench import Turn, work_on
from backroom.printing.booth import Booth, Job
from backroom.printing.connect import connect

AHEAD = 2
PDF = "application/pdf"


class BoothNotSetUp(AskPerson):
    """The worker does not know the gateway or has no key for this location."""

    cause = "booth_not_set_up"


@dataclass(slots=True)
class Lanes:
    """What is in flight: at most one job a printer; `parked` are jobs that wait for a person or a free printer."""

    flying: dict[str, tuple[Job, PrefectFuture[Turn]]] = field(default_factory=dict)
    parked: dict[int, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, turn: Turn) -> None:
        self.counts[turn.result] = self.counts.get(turn.result, 0) + 1


def bench_folder(location: str) -> Path:
    """Where this machine keeps what belongs to its bench at a location."""
    return Path(os.environ.get("BACKROOM_HOME") or ".backroom").resolve() / "bench" / location


def open_booth(location: str, holder: str) -> Booth:
    """The gateway as this location's worker may use it, from the environment."""
    gateway = os.environ.get("BACKROOM_GATEWAY_URL", "")
    own = "BACKROOM_BOOTH_KEY_" + location.upper().replace("-", "_")
    key = os.environ.get(own) or os.environ.get("BACKROOM_BOOTH_KEY", "")
    if not gateway or not key:
        raise BoothNotSetUp(
            f"the worker at {location} lacks the gateway's address or its key",
            remedy=f"Set BACKROOM_GATEWAY_URL and BACKROOM_BOOTH_KEY (or {own}).",
        )
    return Booth(gateway=gateway, key=key, location=location, holder=holder)


@task(name="print", task_run_name="{job.order_number} on {spec.name}", retries=0)
def print_job(job: Job, spec: PrinterSpec, gateway: Booth) -> Turn:
    """One turn at one job on one printer. It is not retried here: the next turn asks the printer first."""
    turn = work_on(job, spec, _printer(spec), gateway)
    if turn.result not in ("done", "printing"):
        get_run_logger().warning("%s at %s: %s, %s", job.order_number, spec.name, turn.result, turn.reason)
    return turn


def run_lanes(booth: Booth) -> dict[str, int]:
    """Print until nothing is left that can go on: returns how many turns ended how.

    A job that a printer is busy with is looked at again and again; one that waits for paper, or for a person, is left
    in our hands and taken up by the next run.
    """
    specs = {spec.name: spec for spec in booth.printers()}
    lanes = Lanes()
    while True:
        jobs = [job for job in booth.claim(AHEAD * max(len(specs), 1)) if job.id not in lanes.parked]
        _fill(lanes, jobs, specs, booth)
        if not lanes.flying:
            return lanes.counts
        done, _ = wait([future for _, future in lanes.flying.values()], timeout=0.2)
        for name, (job, future) in list(lanes.flying.items()):
            if future not in done:
                continue
            del lanes.flying[name]
            turn = future.result()
            lanes.count(turn)
            if turn.result == "blocked":
                lanes.parked[job.id] = name
                specs.pop(name, None)
            elif turn.result in ("unknown", "gone"):
                lanes.parked[job.id] = name


def _fill(lanes: Lanes, jobs: Sequence[Job], specs: dict[str, PrinterSpec], booth: Booth) -> None:
    flying = {job.id for job, _ in lanes.flying.values()}
    for job in jobs:
        if job.id in flying:
            continue
        name = _place(lanes, job, specs)
        if name is None:
            continue
        spec = specs[name]
        run = print_job.with_options(task_run_name=f"{job.order_number} on {name}")
        lanes.flying[name] = (job, run.submit(job, spec, booth))


def _place(lanes: Lanes, job: Job, specs: dict[str, PrinterSpec]) -> str | None:
    """The printer for a job now: the one it was begun on, else the least busy that is free and can do it."""
    if job.started:
        return job.printer if job.printer in specs and job.printer not in lanes.flying else None
    loads = [
        load
        for name, spec in specs.items()
        if name not in lanes.flying and job.process in spec.prints and (load := _load(spec)) is not None
    ]
    return choose_printer(loads, PrintNeeds(job.process, PDF))


def _load(spec: PrinterSpec) -> PrinterLoad | None:
    """A printer as the choice sees it; None while it cannot be reached."""
    try:
        status: PrinterStatus = _printer(spec).status()
    except BackroomError:
        return None
    return PrinterLoad(
        name=spec.name,
        processes=frozenset(spec.prints),
        accepts=frozenset(status.accepts),
        jobs=status.queued,
        ready=status.ready,
    )


def _printer(spec: PrinterSpec) -> Printer:
    scheme, _, path = spec.uri.partition(":")
    home = Path(os.environ.get("BACKROOM_HOME") or ".backroom").resolve()
    uri = f"folder:{home / path}" if scheme == "folder" and not path.startswith("/") else spec.uri
    return connect(uri, name=spec.name, fingerprint=spec.fingerprint or None)
