"""`python -m backroom.printing.keeper`: the print loop of a booth's worker that needs neither Prefect nor the shop.

What belongs here: when it prints, which is while the gateway is away and jobs are there that were fetched ahead, and
that the shop hears of it afterwards. What does not: printing itself (`lanes`), and how the shop is told (`alone`).

It stands beside the worker of Prefect's runs, in a process of its own, under the same supervisor. Of both only one has
the bench at a time; a run that comes while this one prints waits for what is begun.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from backroom.domain.errors import BackroomError
from backroom.printing.alone import KeptBooth, LoneBooth
from backroom.printing.booth import KeyRefused
from backroom.printing.crew import ThreadCrew
from backroom.printing.device import hold_device
from backroom.printing.holder import BenchTaken, hold_bench
from backroom.printing.kept import Kept
from backroom.printing.lanes import run_lanes

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
HOLD_SECONDS = 0.2
MOST_PRINTERS = 16


@dataclass(frozen=True, slots=True)
class Keeper:
    """One bench, and the gateway it asks with the booth's own key."""

    gateway: str
    key: str
    location: str
    home: Path

    @property
    def folder(self) -> Path:
        return self.home / "bench" / self.location

    def look(self) -> Counter[str]:
        """Look once: tell the shop what it has not heard, or print what is there while it is away.

        Returns how many turns ended how. Nothing is done while somebody else has the bench.
        """
        if not self.folder.exists():
            return Counter()  # this machine has fetched nothing yet, and has no key of its own
        try:
            with hold_bench(self.folder, wait_seconds=HOLD_SECONDS) as holder:
                return self._look(holder)
        except BenchTaken:
            return Counter()

    def _look(self, holder: str) -> Counter[str]:
        kept = Kept(self.folder, hold_device(self.folder))
        with (
            KeptBooth(gateway=self.gateway, key=self.key, location=self.location, holder=holder, kept=kept) as booth,
            ThreadPoolExecutor(MOST_PRINTERS) as pool,
        ):
            if not kept.untold() and not kept.remaining():
                return Counter()
            if booth.is_back():
                booth.catch_up()
                return Counter()
            if not kept.remaining():
                return Counter()
            lone = LoneBooth(like=booth)
            return run_lanes(lone, ThreadCrew(lone, pool, self.home))

    def run(self, over: threading.Event) -> None:
        """Look for ever."""
        while not over.wait(LOOK_SECONDS):
            try:
                printed = self.look()
            except KeyRefused as error:
                log.warning("%s", error)
            except (BackroomError, OSError) as error:
                log.warning("the bench at %s: %s", self.location, error)
            else:
                if printed:
                    log.warning("printed at %s without the shop: %s", self.location, dict(printed))


def main(arguments: list[str] | None = None) -> int:
    """Look until a signal says stop."""
    parser = argparse.ArgumentParser(prog="backroom keeper")
    parser.add_argument("--location", required=True)
    location = parser.parse_args(arguments).location
    home = Path(os.environ.get("BACKROOM_HOME") or ".backroom").resolve()
    keeper = Keeper(os.environ["BACKROOM_GATEWAY_URL"], os.environ["BACKROOM_BOOTH_KEY"], location, home)
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    keeper.run(over)
    return 0


if __name__ == "__main__":
    sys.exit(main())
