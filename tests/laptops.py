"""A booth's machine for tests: its folder, its line to the gateway, and its presses.

What belongs here: what the tests of a booth without network share. What does not: the shop and its gateway (`benches`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from backroom.domain.locations import PrinterSpec
from backroom.domain.printing import Printer
from backroom.printing.alone import KeptBooth, LoneBooth
from backroom.printing.bench import Turn, move_away, work_on
from backroom.printing.booth import Booth, Job
from backroom.printing.device import hold_device
from backroom.printing.holder import hold_bench
from backroom.printing.kept import Kept
from backroom.printing.lanes import run_lanes
from tests.fake_press import CountingPress
from tests.shops import BOOTH


@dataclass(frozen=True)
class Crew:
    """Turns in threads, at printers that the test made."""

    booth: Booth
    pool: ThreadPoolExecutor
    press: Callable[[PrinterSpec], Printer]

    def work(self, job: Job, spec: PrinterSpec) -> Future[Turn]:
        return self.pool.submit(lambda: work_on(job, spec, self.open(spec), self.booth))

    def move(self, job: Job, spec: PrinterSpec) -> Future[Turn]:
        return self.pool.submit(lambda: move_away(job, self.open(spec), self.booth))

    def open(self, spec: PrinterSpec) -> Printer:
        return self.press(spec)


class Keys(Protocol):
    """What gives each machine its own key: a bench."""

    def key_at(self, folder: Path) -> str: ...


@dataclass
class Laptop:
    """The machine beside the presses: `url` is where it reaches the gateway, through a line that a test may cut."""

    bench: Keys
    url: str
    folder: Path
    forgets: bool = False
    off: set[str] = field(default_factory=set)

    def press(self, spec: PrinterSpec) -> CountingPress:
        return CountingPress(spec.name, self.folder / f"tray-{spec.name}", self.forgets, spec.name in self.off)

    @property
    def bench_folder(self) -> Path:
        return self.folder / "bench" / BOOTH

    @contextmanager
    def open(self) -> Iterator[KeptBooth]:
        """The machine's memory and its way to the gateway, while its bench is held."""
        with hold_bench(self.bench_folder) as holder:
            kept = Kept(self.bench_folder, hold_device(self.bench_folder))
            key = self.bench.key_at(self.folder)
            with KeptBooth(gateway=self.url, key=key, location=BOOTH, holder=holder, kept=kept) as booth:
                yield booth

    def fetch(self) -> int:
        """Claim and fetch ahead, and print nothing; how many jobs can be printed without the shop."""
        with self.open() as booth:
            booth.printers()
            booth.claim(1)
            if booth.fetcher is not None:
                booth.fetcher.join()
            return booth.kept.remaining()

    def run(self) -> Counter[str]:
        """One run as the flow makes it."""
        with self.open() as booth, ThreadPoolExecutor(8) as pool:
            return run_lanes(booth, Crew(booth, pool, self.press))

    def run_alone(self) -> Counter[str]:
        """One run as the keeper makes it."""
        with self.open() as booth, ThreadPoolExecutor(8) as pool:
            lone = LoneBooth(like=booth)
            return run_lanes(lone, Crew(lone, pool, self.press))

    def catch_up(self) -> int:
        with self.open() as booth:
            return booth.catch_up()

    def came_out(self) -> Counter[str]:
        """What lies in the trays: each key as often as it came out."""
        trays = self.folder.glob("tray-*")
        return Counter(line for tray in trays for line in tray.read_text(encoding="utf-8").splitlines())
