"""A crew of plain threads for the lanes, for printing without Prefect.

What belongs here: running turns. What does not: which job goes where (`lanes`). Where Prefect is at hand each turn is a
task run instead (`tasks.print_job`).
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from backroom.domain.locations import PrinterSpec
from backroom.domain.printing import Printer
from backroom.printing.bench import Turn, move_away, work_on
from backroom.printing.booth import Booth, Job
from backroom.printing.connect import connect_from


@dataclass(frozen=True, slots=True)
class ThreadCrew:
    """Runs turns in a pool of threads. Implements `backroom.printing.lanes.Crew`. `home` is this machine's folder."""

    booth: Booth
    pool: ThreadPoolExecutor
    home: Path

    def work(self, job: Job, spec: PrinterSpec) -> Future[Turn]:
        return self.pool.submit(lambda: work_on(job, spec, self.open(spec), self.booth))

    def move(self, job: Job, spec: PrinterSpec) -> Future[Turn]:
        return self.pool.submit(lambda: move_away(job, self.open(spec), self.booth))

    def open(self, spec: PrinterSpec) -> Printer:
        return connect_from(self.home, spec, self.booth.over)
