"""A bench for tests: the shop's real gateway on a socket, and its booth's printers.

What belongs here: what the tests of the bench and of its flow share. What does not: the shop itself (`tests.shops`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import RowMapping, select

from backroom.domain.locations import PrinterSpec
from backroom.printing.booth import Booth
from backroom.printing.device import Device, hold_device
from backroom.printing.holder import hold_bench
from backroom.printing.lanes import run_lanes
from backroom.shop.secrets import Secrets
from backroom.store import print_jobs
from backroom.store.api_keys import make_key
from backroom.store.claims import Wakeup
from backroom.store.tables import print_jobs as jobs_table
from tests.crews import Threads
from tests.gateways import listening
from tests.shops import BOOTH, SCARCE, Floor


class Nobody:
    """Stands in for the engine's waker, which needs Prefect."""

    def wake(self, wakeup: Wakeup) -> None:
        return


@dataclass
class Bench:
    """The booth of a floor, behind its gateway at `url`, with the booth's own key."""

    floor: Floor
    url: str
    key: str
    device: Device = field(default_factory=Device)
    keys: dict[Path, str] = field(default_factory=dict)

    def booth(self, holder: str = "bench") -> Booth:
        return Booth(gateway=self.url, key=self.key, location=BOOTH, holder=holder, device=self.device)

    def new_key(self) -> str:
        return self.floor.room.database.write(lambda connection: make_key(connection, "booth", "booth", BOOTH))

    def key_at(self, folder: Path) -> str:
        """The key of the machine of this folder: no two machines may have the same."""
        if folder not in self.keys:
            self.keys[folder] = self.new_key()
        return self.keys[folder]

    def booth_at(self, folder: Path, holder: str) -> Booth:
        """The booth as the machine of this folder has it, whose bench is held."""
        device = hold_device(folder)
        return Booth(gateway=self.url, key=self.key_at(folder), location=BOOTH, holder=holder, device=device)

    def run(self, folder: Path) -> tuple[Counter[str], list[tuple[str, str, str]]]:
        """One run of the lanes on the machine of this folder: how its turns ended, and which they were."""
        with hold_bench(folder) as holder, ThreadPoolExecutor(16) as pool:
            crew = Threads(self.booth_at(folder, holder), pool)
            return run_lanes(crew.booth, crew), crew.turns

    def orders(self, *copies: int) -> list[str]:
        """Orders of so many pieces each, that the booth has to print; their numbers."""
        ids = [self.floor.order((SCARCE, count), at=BOOTH) for count in copies]
        self.floor.intake()
        self.floor.fulfil(BOOTH)
        return [self.floor.number(one) for one in ids]

    def jobs(self) -> dict[str, RowMapping]:
        """The print jobs as the store has them, by order."""
        with self.floor.room.database.read() as connection:
            rows = connection.execute(select(jobs_table).order_by(jobs_table.c.id)).mappings()
            return {row["order_number"]: row for row in rows}

    def key_of(self, number: str) -> str:
        """What a job is called at its printer."""
        row = self.jobs()[number]
        return print_jobs.job_key(number, row["part_key"], row["line_no"], row["attempt"])

    def queue(self) -> list[tuple[str, str, str]]:
        """What the gateway's page shows as not ended: order, state, why."""
        with self.floor.room.database.read() as connection:
            return [(r["order_number"], r["state"], r["reason"]) for r in print_jobs.queue(connection, BOOTH)]


@contextmanager
def open_bench(floor: Floor, specs: Sequence[PrinterSpec]) -> Iterator[Bench]:
    """The floor's gateway, with these printers at the booth."""
    shop = floor.room.shop
    places = tuple(replace(one, printers=tuple(specs)) if one.id == BOOTH else one for one in shop.locations)
    secrets = Secrets(floor.room.home / "secrets.toml", {"webhook.web": "hush"})
    floor.room = replace(floor.room, shop=replace(shop, locations=places), secrets=secrets)
    key = floor.room.database.write(lambda connection: make_key(connection, "booth", "booth", BOOTH))
    with listening(floor.room, Nobody()) as url:
        yield Bench(floor, url, key)
