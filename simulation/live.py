"""One night with real printers: the same evening, some fifty times as fast as a clock, over the product's processes.

What runs: three `ippeveprinter`s; the gateway on a socket; the booth's print loop in a process of its own, with its
journal and its vault; the till's box and its telling; and between booth and gateway a cable that is cut for half an
hour. The hub's waves run here, as the flows run them: Prefect's server does not. What does not belong here: what
happens when (`live_night`), chance (`evening`), people (`market`, `booth`), and whether it went well (`judge`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from math import log
from pathlib import Path
from random import Random

from backroom.cli.prepare import booth_key_name
from backroom.gateway.serve import server
from backroom.parent_death import ends_with_us, from_one_that_stays
from backroom.printing.virtual import PrivateBus, VirtualPrinter
from backroom.shop.catalogue import read_catalogue
from backroom.shop.room import Room
from backroom.store.api_keys import make_key
from backroom.till.sales_box import SalesBox
from backroom.till.telling import Telling
from simulation.booth import Staff, Table
from simulation.cable import Cable
from simulation.clock import RunningClock
from simulation.evening import OPENS, Evening, evening
from simulation.hub import Hub
from simulation.live_night import PAUSE_SECONDS, LiveDoor, LiveNight
from simulation.press import EIGHTIETH
from simulation.stall import BOOTH, PRESSES, blanks_of, build_home, open_stall

# Blanks of each kind in the van: presses that print for real cannot be told that there is none.
BLANKS = 20
START_SECONDS = 20.0
STOP_SECONDS = 10.0


@contextmanager
def open_live(
    home: Path,
    seed: int,
    times: float,
    tell: Callable[[str], None],
    pass_time: Callable[[datetime, int], None],
) -> Iterator[LiveNight]:
    """A night with all its processes, on an empty folder; they end with it. Raises NoVirtualPrinter."""
    with ExitStack() as stack:
        bus = PrivateBus()
        stack.callback(bus.stop)
        printers = {name: VirtualPrinter(name, home / "virtual" / name, bus) for name in PRESSES}
        for printer in printers.values():
            printer.start()
            stack.callback(printer.stop)
        build_home(home, {name: printer.uri for name, printer in printers.items()})
        chances = _more_blanks(evening(seed, read_catalogue(home / "catalogue.csv"), len(PRESSES)))
        clock = RunningClock(OPENS - timedelta(minutes=3), times)
        with clock.standing():
            room = open_stall(home, clock, chances)
            stack.callback(room.close)
            for spec in room.shop.location(BOOTH).printers:
                assert spec.profile is not None, "a press of the evening has a profile"
                spread = log(spec.profile.slow / spec.profile.usual) / EIGHTIETH
                printers[spec.name].set_pace(spec.profile.usual / times, spread)
            hub = Hub(room)
            gateway = stack.enter_context(_gateway(room, hub))
            cable = stack.enter_context(Cable(int(gateway.rsplit(":", 1)[1])))
            stack.enter_context(_bench(room, cable.url, times))
            key = room.database.write(lambda connection: make_key(connection, "till", "pos", BOOTH))
            box = SalesBox(home / "till")
            stack.callback(box.close)
            telling = Telling(gateway=cable.url, key=key, box=box, folder=home / "till")
            telling.look()
            table = Table(Counter(chances.lent))
            chance = Random(seed + 1)  # noqa: S311 - an evening, not a secret
            night = LiveNight(
                evening=chances,
                hub=hub,
                door=LiveDoor(room, gateway, box, telling, chance),
                table=table,
                clock=clock,
                lent=Counter(chances.lent),
                staff=Staff(hub, table),
                printers=printers,
                cable=cable,
                blank_of=blanks_of(room),
                tell=tell,
                pass_time=pass_time,
            )
        yield night


def _more_blanks(chances: Evening) -> Evening:
    return replace(chances, lent={sku: BLANKS if sku.startswith("BLANK") else n for sku, n in chances.lent.items()})


@contextmanager
def _gateway(room: Room, hub: Hub) -> Iterator[str]:
    """The product's gateway on a port of its own, in a thread; its address."""
    running = server(room, hub.bell, port=0)
    thread = threading.Thread(target=running.run, name="gateway", daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not running.started:
        if time.monotonic() > deadline:
            raise TimeoutError("the gateway did not start")
        time.sleep(PAUSE_SECONDS)
    port = running.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        running.should_exit = True
        thread.join(STOP_SECONDS)


@contextmanager
def _bench(room: Room, gateway: str, times: float) -> Iterator[None]:
    """The booth's print loop in a process of its own, with a home folder of its own."""
    home = room.home / "booth"
    home.mkdir()
    words = {
        "BACKROOM_HOME": str(home),
        "BACKROOM_GATEWAY_URL": gateway,
        "BACKROOM_BOOTH_KEY": room.secrets.get(booth_key_name(BOOTH)),
        "EVENING_TIMES": str(times),
    }

    def start() -> subprocess.Popen[bytes]:
        with (room.home / "bench.log").open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - nothing in it comes from outside
                [sys.executable, "-m", "simulation.bench_process", BOOTH],
                env=os.environ | words,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=ends_with_us(),
            )

    process = from_one_that_stays(start)
    try:
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        process.kill()
        process.wait()
