"""`backroom up` and `backroom worker`: the system for real use, kept alive until Ctrl-C, and stopped losing nothing."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Annotated

import requests
import typer

from backroom.cli.environments import BOOTH_KEY, Ports, login_of, note_ports, without_secrets
from backroom.cli.output import console
from backroom.cli.prepare import prepare
from backroom.cli.processes import (
    check_free,
    gateway_child,
    keeper_child,
    make_known,
    server_child,
    worker_child,
    worker_children,
)
from backroom.cli.shop import warn_of_stranded
from backroom.domain.errors import AskPerson
from backroom.engine.server import THROUGH_THE_GATEWAY, client_environment
from backroom.engine.supervise import Supervisor
from backroom.shop.room import Room, home_folder

LOOK_SECONDS = 5.0
# While Prefect is away: whoever waits for it has waited long enough.
AWAY_SECONDS = 1.0


class WorkerNotSetUp(AskPerson):
    """The worker was not told where the shop is."""

    cause = "worker_not_set_up"


def up(
    prefect_port: Annotated[int, typer.Option(help="Where Prefect listens")] = 4200,
    gateway_port: Annotated[int, typer.Option(help="Where webhooks, tills and pages are served")] = 8600,
    without: Annotated[list[str] | None, typer.Option(help="Pools whose worker runs on another machine")] = None,
    hub_workers: Annotated[int, typer.Option(min=1, help="How many share the hub's waves; more want PostgreSQL")] = 1,
) -> None:
    """Run the whole back room on this machine, until Ctrl-C."""
    ports = Ports(prefect_port, gateway_port)
    check_free(ports)
    room = prepare(home_folder())
    warn_of_stranded(room.database, room.shop)
    note_ports(room.home, ports)
    logs = room.home / "logs"
    with Supervisor([server_child(room, ports)], logs) as server:
        server.stop_on_signals()
        make_known(room, ports)
        workers = worker_children(room, ports, without=frozenset(without or ()), hub_workers=hub_workers)
        children = [gateway_child(room, ports), *workers]
        with Supervisor(children, logs):
            say_where(room, ports)
            keeper = threading.Thread(target=keep_known, args=(room, ports, server), daemon=True)
            keeper.start()
            server.wait()
            console.print("Stopping: what is under way is finished or handed back …")
    room.close()
    console.print("Stopped. Nothing is lost: what waited waits in the database.")


def keep_known(room: Room, ports: Ports, server: Supervisor) -> None:
    """Make everything known again when Prefect came back without its database."""
    pause = LOOK_SECONDS
    while not server.is_asked_within(pause):
        try:
            answer = requests.get(
                f"{ports.api}/deployments/name/sweep/sweep", auth=login_of(room), timeout=LOOK_SECONDS
            )
            if answer.status_code == requests.codes.not_found:
                make_known(room, ports)
            pause = LOOK_SECONDS
        except Exception as error:  # noqa: BLE001 - whatever it was, the next look comes in a moment
            if pause != AWAY_SECONDS:
                console.log(f"Prefect does not answer ({type(error).__name__}): asking it every second.")
            pause = AWAY_SECONDS


def say_where(room: Room, ports: Ports) -> None:
    """Where to look, and with which words to get in."""
    console.print(f"[bold green]{room.shop.owner.name} is open.[/]")
    console.print(f"  Prefect UI   {ports.ui}")
    console.print("               the UI asks once for the auth string: `backroom shop auth` shows it")
    console.print(f"  Staff pages  {ports.pages}/orders    (a key: `backroom key make staff`)")
    console.print(f"  Webhooks     {ports.pages}/webhooks/CHANNEL")
    console.print("Ctrl-C stops it.")


def worker(
    location: Annotated[str, typer.Option(help="Where this machine stands, such as booth-a")],
    pool: Annotated[str, typer.Option(help="Its work pool, where it differs from the location")] = "",
) -> None:
    """Run the worker beside the printers of one location, and start it again whatever happens to it. While the shop
    cannot be reached, it prints what it has fetched ahead, and tells the shop afterwards.

    It needs the gateway's address and its own key (BACKROOM_GATEWAY_URL, BACKROOM_BOOTH_KEY), and reaches Prefect
    through the gateway; PREFECT_API_URL names a Prefect that it may reach itself.
    """
    for name in ("BACKROOM_GATEWAY_URL", "BACKROOM_BOOTH_KEY"):
        if not os.environ.get(name):
            raise WorkerNotSetUp(f"{name} is not set", remedy="See docs/guide/booth.md, or `backroom key make booth`.")
    # A key for each location, where this worker serves several, is its own; what opens the shop is not.
    keys = {name: value for name, value in os.environ.items() if name.startswith(BOOTH_KEY)}
    environment = {**without_secrets(), **keys, "BACKROOM_LOCATION": location}
    environment.setdefault("PREFECT_WORKER_QUERY_SECONDS", "10")
    if not os.environ.get("PREFECT_API_URL"):
        environment |= client_environment(
            os.environ["BACKROOM_GATEWAY_URL"].rstrip("/") + THROUGH_THE_GATEWAY, f"booth:{os.environ[BOOTH_KEY]}"
        )
        # One batch of its log must fit into one body that the gateway takes.
        environment |= {"PREFECT_LOGGING_TO_API_BATCH_SIZE": "500000", "PREFECT_LOGGING_TO_API_MAX_LOG_SIZE": "250000"}
    home = Path(os.environ.get("BACKROOM_HOME") or ".backroom").resolve()
    environment["BACKROOM_HOME"] = str(home)
    # Order numbers stand in what Prefect writes of runs: it goes to the shop, and not to this machine's disk.
    environment["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "CRITICAL"
    children = [worker_child(pool or location, environment), keeper_child(location, environment)]
    with Supervisor(children, home / "logs") as supervisor:
        supervisor.stop_on_signals()
        console.print(f"The worker at {location} runs. Ctrl-C stops it.")
        supervisor.wait()
