"""Print jobs at one location, by the worker beside its printers.

It fetches jobs from the gateway with the booth's own key and reports their outcome there; it has no path to the shop's
database. Counterpart: `flows/fulfilment.py`, which opens the jobs and is woken when the last piece is printed.
"""

from __future__ import annotations

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from backroom.printing.holder import BenchTaken, hold_bench
from backroom.printing.lanes import run_lanes
from tasks.print_job import TaskCrew, bench_folder, open_booth, tell_of_what_was_printed_alone


# A gateway that restarts is back in seconds. No job is lost meanwhile: the next try asks the printers first.
@flow(
    name="print-jobs",
    validate_parameters=False,
    task_runner=ThreadPoolTaskRunner(max_workers=16),  # type: ignore[arg-type]  # Prefect types its own runner too narrowly
    retries=2,
    retry_delay_seconds=3,
)
def print_jobs(location: str) -> str:
    """Print what waits at a location until nothing can go on. While the gateway is away, what was fetched ahead."""
    try:
        with hold_bench(bench_folder(location)) as holder, open_booth(location, holder) as booth:
            counts = run_lanes(booth, TaskCrew(booth))
            tell_of_what_was_printed_alone(booth)
    except BenchTaken:
        # It claims again before it ends, so that what woke this run is printed by that one.
        return f"prints at {location}: another run prints here"
    said = ", ".join(f"{count} {result}" for result, count in sorted(counts.items()))
    return f"prints at {location}: {said or 'nothing waited'}"
