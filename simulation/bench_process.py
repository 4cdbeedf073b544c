"""The booth's print loop as a process of its own: `python -m simulation.bench_process`, without Prefect.

What belongs here: calling the shop as a booth's worker does, and running the product's lanes with its journal and vault
whenever there is work, with the network or without. What does not: any of these (`backroom.printing`).

An evening of hours goes by in minutes, and this machine's clock does not know it: ages are told to the shop, and heard
from it, in the evening's time, and whose turn it is is asked as often as in an evening.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests

from backroom.domain.errors import BackroomError
from backroom.printing.alone import KeptBooth
from backroom.printing.booth import Job
from backroom.printing.crew import ThreadCrew
from backroom.printing.device import hold_device
from backroom.printing.holder import hold_bench
from backroom.printing.journal import Line
from backroom.printing.kept import Kept
from backroom.printing.lanes import TURN_SECONDS, run_lanes

LOOK_SECONDS = 0.2
POLL_SECONDS = 1.0
THREADS = 16


class EveningBooth(KeptBooth):
    """The product's booth, on an evening that goes `times` as fast as this machine's clock."""

    times = 1.0

    def claim(self, most: int) -> list[Job]:
        return [replace(job, age_s=job.age_s / self.times) for job in super().claim(most)]

    def _told(self, lines: Sequence[Line]) -> dict[str, Any]:
        told = super()._told(lines)
        return told | {"lines": [line | {"age_s": line["age_s"] * self.times} for line in told["lines"]]}


def print_on(gateway: str, key: str, location: str, home: Path, over: threading.Event) -> None:
    """Print until it is over. While the shop cannot be asked, what was fetched ahead goes on (`KeptBooth.claim`)."""
    folder = home / "bench" / location
    while not over.wait(LOOK_SECONDS):
        with suppress(requests.RequestException):
            _poll(gateway, key, location)
        with hold_bench(folder) as holder:
            kept = Kept(folder, hold_device(folder))
            with (
                EveningBooth(gateway=gateway, key=key, location=location, holder=holder, kept=kept) as booth,
                ThreadPoolExecutor(THREADS) as pool,
                suppress(BackroomError),
            ):  # the shop is away, and nothing is left that was fetched ahead
                run_lanes(booth, ThreadCrew(booth, pool, home), turn_seconds=TURN_SECONDS / EveningBooth.times)


def _poll(gateway: str, key: str, location: str) -> None:
    """Call for work, by which the shop hears that we are there."""
    requests.get(
        f"{gateway}/booth/{location}/wake",
        params={"wait": 0},
        headers={"Authorization": f"Bearer {key}"},
        timeout=POLL_SECONDS,
    )


def main() -> int:
    """Print until a signal says stop."""
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    EveningBooth.times = float(os.environ["EVENING_TIMES"])
    home = Path(os.environ["BACKROOM_HOME"])
    print_on(os.environ["BACKROOM_GATEWAY_URL"], os.environ["BACKROOM_BOOTH_KEY"], sys.argv[1], home, over)
    return 0


if __name__ == "__main__":
    sys.exit(main())
