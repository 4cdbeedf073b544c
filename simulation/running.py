"""Many nights: each in a home folder of its own that is gone afterwards, several side by side.

What belongs here: making the first home, copying it for each seed, and processes. What does not: one night (`night`).
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from backroom.shop.catalogue import read_catalogue
from simulation.evening import evening
from simulation.judge import judge
from simulation.night import open_night
from simulation.stall import PRESSES, build_home
from simulation.verdict import Verdict

# A home that lives for seconds belongs into memory, where there is such a folder.
_MEMORY = Path("/dev/shm")  # noqa: S108 - names of our own are made in it


@dataclass(frozen=True, slots=True)
class Played:
    """A night's verdict, and what was told of it."""

    verdict: Verdict
    story: tuple[str, ...]


@contextmanager
def first_home() -> Iterator[Path]:
    """A home folder to copy from, with the shop in it and no order yet."""
    with tempfile.TemporaryDirectory(prefix="backroom-market-", dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        home = Path(folder) / "first"
        home.mkdir()
        yield build_home(home)


def play_one(first: Path, seed: int) -> Played:
    """Play the night of a seed; whatever breaks it is a violation with its traceback."""
    # A booth that is cut off is part of the evening: what the product says of it is no news here.
    logging.disable(logging.WARNING)
    home = Path(tempfile.mkdtemp(prefix=f"seed-{seed}-", dir=first.parent))
    shutil.copytree(first, home, dirs_exist_ok=True)
    chances = evening(seed, read_catalogue(home / "catalogue.csv"), len(PRESSES))
    story: list[str] = []
    try:
        with open_night(home, chances) as night:
            try:
                night.play()
                verdict = judge(night.happened())
            finally:
                story = [f"{at.astimezone(night.local):%H:%M} {what}" for at, what in night.story]
    except Exception:  # noqa: BLE001 - a night that breaks off is what is looked for
        verdict = Verdict(seed, violations=[f"the night broke off: {traceback.format_exc()}"])
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return Played(verdict, tuple(story))


def play_many(first: Path, seeds: Iterable[int], jobs: int) -> Iterator[Played]:
    """Play the nights of many seeds, as they are through."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(play_one, first, seed) for seed in seeds]):
            yield done.result()
