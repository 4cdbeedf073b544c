"""Print jobs beside the printers: each turn at one is a task run named after order and printer.

This file knows the gateway and the printers, and no database: a booth's worker runs it with the booth's own key. Which
job goes where is decided in `backroom.printing.lanes`, what happens at a printer in `backroom.printing.bench`.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from backroom.domain.errors import AskPerson
from backroom.domain.locations import PrinterSpec
from backroom.domain.printing import Printer
from backroom.printing.alone import KeptBooth
from backroom.printing.bench import Result, Turn, move_away, work_on
from backroom.printing.booth import Booth, Job
from backroom.printing.connect import connect_from
from backroom.printing.device import hold_device
from backroom.printing.kept import Kept
from backroom.printing.lane import Flight


class BoothNotSetUp(AskPerson):
    """The worker does not know the gateway or has no key for this location."""

    cause = "booth_not_set_up"


def bench_folder(location: str) -> Path:
    """Where this machine keeps what belongs to its bench at a location."""
    return _home() / "bench" / location


def open_booth(location: str, holder: str) -> KeptBooth:
    """The gateway as this location's worker may use it, from the environment, with what this machine knows by itself;
    for whoever holds the bench, to be closed."""
    gateway = os.environ.get("BACKROOM_GATEWAY_URL", "")
    own = "BACKROOM_BOOTH_KEY_" + location.upper().replace("-", "_")
    key = os.environ.get(own) or os.environ.get("BACKROOM_BOOTH_KEY", "")
    if not gateway or not key:
        raise BoothNotSetUp(
            f"the worker at {location} lacks the gateway's address or its key",
            remedy=f"Set BACKROOM_GATEWAY_URL and BACKROOM_BOOTH_KEY (or {own}).",
        )
    folder = bench_folder(location)
    kept = Kept(folder, hold_device(folder))
    return KeptBooth(gateway=gateway, key=key, location=location, holder=holder, kept=kept)


def open_printer(spec: PrinterSpec, over: threading.Event) -> Printer:
    """The printer of a description; a folder without a leading slash lies in this machine's home folder. Once `over` is
    set, one whose disk fails is not waited for."""
    return connect_from(_home(), spec, over)


# Not cached: a print is an effect, and the gateway knows whether it happened. Not retried here: the next turn asks the
# printer first.
@task(name="print", task_run_name="{job.order_number} on {spec.name}", retries=0, cache_policy=NO_CACHE)
def print_job(job: Job, spec: PrinterSpec, booth: Booth) -> Turn:
    """One turn at one job on one printer."""
    return _told(job, spec, work_on(job, spec, open_printer(spec, booth.over), booth))


@task(name="move", task_run_name="{job.order_number} off {spec.name}", retries=0, cache_policy=NO_CACHE)
def move_job(job: Job, spec: PrinterSpec, booth: Booth) -> Turn:
    """Take one job off a printer that has stopped, so that another one may print it."""
    return _told(job, spec, move_away(job, open_printer(spec, booth.over), booth))


# What was done while nobody heard of it: a task run for each, so that the run shows it where people look for it.
@task(name="printed alone", task_run_name="{order_number} on {printer}, without the shop", cache_policy=NO_CACHE)
def printed_alone(order_number: str, printer: str, outcome: str, at: str) -> str:
    """What became of one job while the gateway was away."""
    get_run_logger().info("%s at %s: %s at %s, told afterwards", order_number, printer, outcome, at)
    return outcome


@dataclass(frozen=True, slots=True)
class TaskCrew:
    """Runs turns as task runs of the flow run it is used in. Implements `backroom.printing.lanes.Crew`."""

    booth: Booth

    def work(self, job: Job, spec: PrinterSpec) -> Flight:
        return print_job.submit(job, spec, self.booth)

    def move(self, job: Job, spec: PrinterSpec) -> Flight:
        return move_job.submit(job, spec, self.booth)

    def open(self, spec: PrinterSpec) -> Printer:
        return open_printer(spec, self.booth.over)


def tell_of_what_was_printed_alone(booth: KeptBooth) -> None:
    """Show in this run what was printed while the gateway was away, where nobody has yet."""
    if not booth.answers:
        return
    for one in booth.printed_alone():
        printed_alone(one["order_number"], one["printer"], one["outcome"], one["at"])


def _told(job: Job, spec: PrinterSpec, turn: Turn) -> Turn:
    if turn.result not in (Result.DONE, Result.PRINTING):
        get_run_logger().warning("%s at %s: %s, %s", job.order_number, spec.name, turn.result, turn.reason)
    return turn


def _home() -> Path:
    return Path(os.environ.get("BACKROOM_HOME") or ".backroom").resolve()
