"""A crew of plain threads for the lanes. It imports little, since tests start it in processes of its own."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from backroom.domain.locations import PrinterSpec
from backroom.domain.printing import Printer
from backroom.printing.bench import Turn, move_away, work_on
from backroom.printing.booth import Booth, Job
from backroom.printing.connect import connect


@dataclass
class Threads:
    """A crew of plain threads, one object of a printer a turn; it notes which turns it was given."""

    booth: Booth
    pool: ThreadPoolExecutor

    def __post_init__(self) -> None:
        self.turns: list[tuple[str, str, str]] = []

    def work(self, job: Job, spec: PrinterSpec) -> Future[Turn]:
        self.turns.append(("work", job.order_number, spec.name))
        return self.pool.submit(lambda: work_on(job, spec, self.open(spec), self.booth))

    def move(self, job: Job, spec: PrinterSpec) -> Future[Turn]:
        self.turns.append(("move", job.order_number, spec.name))
        return self.pool.submit(lambda: move_away(job, self.open(spec), self.booth))

    def open(self, spec: PrinterSpec) -> Printer:
        return connect(spec.uri, name=spec.name, fingerprint=spec.fingerprint or None, over=self.booth.over)
