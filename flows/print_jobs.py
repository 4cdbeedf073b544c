"""Print jobs at one location, by the worker beside its printers.

It fetches jobs from the gateway with the booth's own key and reports their outcome there; it has no path to the shop's
database. Counterpart: `flows/fulfilment.py`, which opens the jobs and is woken when the last piece is printed.
"""

from __future__ import annotations

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from backroom.printing.holder import hold_bench
from tasks.print_job import bench_folder, open_booth, run_lanes


@flow(name="print-jobs", validate_parameters=False, task_runner=ThreadPoolTaskRunner(max_workers=16))
def print_jobs(location: str) -> str:
    """Print what waits at a location until nothing can go on."""
    with hold_bench(bench_folder(location)) as holder:
        counts = run_lanes(open_booth(location, holder))
    said = ", ".join(f"{count} {result}" for result, count in sorted(counts.items()))
    return f"prints at {location}: {said or 'nothing waited'}"
