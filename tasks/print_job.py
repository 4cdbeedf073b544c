"""Print jobs beside the printers: each turn at one is a task run named after order and printer.

This file knows the gateway and the printers, and no database: a booth's worker runs it with the booth's own key. Which
job goes where is decided in `backroom.printing.lanes`, what happens at a printer in `backroom.printing.bench`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from backroom.domain.errors import AskPerson
from backroom.domain.printing import Printer
from backroom.domain.shop import PrinterSpec
from backroom.printing.bench import Result, Turn, move_away, work_on
from backroom.printing.booth import Booth, Job
from backroom.printing.connect import connect
from backroom.printing.device import hold_device
from backroom.printing.lane import Flight


class BoothNotSetUp(AskPerson):
    """The worker does not know the gateway or has no key for this location."""

    cause = "booth_not_set_up"


def bench_folder(location: str) -> Path:
    """Where this machine keeps what belongs to its bench at a location."""
    return _home() / "bench" / location


def open_booth(location: str, holder: str) -> Booth:
    """The gateway as this location's worker may use it, from the environment, for whoever holds its bench."""
    gateway = os.environ.get("BACKROOM_GATEWAY_URL", "")
    own = "BACKROOM_BOOTH_KEY_" + location.upper().replace("-", "_")
    key = os.environ.get(own) or os.environ.get("BACKROOM_BOOTH_KEY", "")
    if not gateway or not key:
        raise BoothNotSetUp(
            f"the worker at {location} lacks the gateway's address or its key",
            remedy=f"Set BACKROOM_GATEWAY_URL and BACKROOM_BOOTH_KEY (or {own}).",
        )
    device = hold_device(bench_folder(location))
    return Booth(gateway=gateway, key=key, location=location, holder=holder, device=device)


def open_printer(spec: PrinterSpec) -> Printer:
    """The printer of a description; a folder without a leading slash lies in this machine's home folder."""
    scheme, _, path = spec.uri.partition(":")
    uri = f"folder:{_home() / path}" if scheme == "folder" and not path.startswith("/") else spec.uri
    return connect(uri, name=spec.name, fingerprint=spec.fingerprint or None)


# Not cached: a print is an effect, and the gateway knows whether it happened. Not retried here: the next turn asks the
# printer first.
@task(name="print", task_run_name="{job.order_number} on {spec.name}", retries=0, cache_policy=NO_CACHE)
def print_job(job: Job, spec: PrinterSpec, booth: Booth) -> Turn:
    """One turn at one job on one printer."""
    return _told(job, spec, work_on(job, spec, open_printer(spec), booth))


@task(name="move", task_run_name="{job.order_number} off {spec.name}", retries=0, cache_policy=NO_CACHE)
def move_job(job: Job, spec: PrinterSpec, booth: Booth) -> Turn:
    """Take one job off a printer that has stopped, so that another one may print it."""
    return _told(job, spec, move_away(job, open_printer(spec), booth))


@dataclass(frozen=True, slots=True)
class TaskCrew:
    """Runs turns as task runs of the flow run it is used in. Implements `backroom.printing.lanes.Crew`."""

    booth: Booth

    def work(self, job: Job, spec: PrinterSpec) -> Flight:
        return print_job.submit(job, spec, self.booth)

    def move(self, job: Job, spec: PrinterSpec) -> Flight:
        return move_job.submit(job, spec, self.booth)

    def open(self, spec: PrinterSpec) -> Printer:
        return open_printer(spec)


def _told(job: Job, spec: PrinterSpec, turn: Turn) -> Turn:
    if turn.result not in (Result.DONE, Result.PRINTING):
        get_run_logger().warning("%s at %s: %s, %s", job.order_number, spec.name, turn.result, turn.reason)
    return turn


def _home() -> Path:
    return Path(os.environ.get("BACKROOM_HOME") or ".backroom").resolve()
