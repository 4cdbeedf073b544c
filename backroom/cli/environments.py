"""The environment of each process of one shop on one machine: what it needs to know, and no more.

What belongs here: variables, and who gets which. What does not: the processes (`processes`), and which settings of
Prefect we choose (`backroom.engine.server`).
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from backroom.cli.prepare import PREFECT_AUTH, booth_key_name
from backroom.domain.shop import QUALITY_POOL, Shop
from backroom.engine.server import api_url, client_environment, server_environment
from backroom.shop.room import Room

# What opens the shop's data, and what opens a booth's door. A process gets of them what is its own.
SECRET, BOOTH_KEY = "BACKROOM_SECRET_", "BACKROOM_BOOTH_KEY"
# In the home folder: where the shop listened when it was last started, for commands in another terminal.
PORTS_FILE = "ports.json"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the two servers listen on this machine; an address says that one of them is on another."""

    prefect: int = 4200
    gateway: int = 8600
    prefect_api: str = ""
    gateway_url: str = ""

    @property
    def api(self) -> str:
        return self.prefect_api.rstrip("/") or api_url(self.prefect)

    @property
    def ui(self) -> str:
        return f"{self.api.removesuffix('/api')}/v2"

    @property
    def pages(self) -> str:
        return self.gateway_url.rstrip("/") or f"http://127.0.0.1:{self.gateway}"


def note_ports(home: Path, ports: Ports) -> None:
    """Leave word of where this shop listens."""
    draft = home / f"{PORTS_FILE}.new"
    draft.write_text(json.dumps(asdict(ports)), encoding="utf-8")
    draft.replace(home / PORTS_FILE)


def noted_ports(home: Path) -> Ports:
    """Where the shop listened when it was last started here; the usual ports where nobody noted any."""
    path = home / PORTS_FILE
    return Ports(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else Ports()


def auth_of(room: Room) -> str:
    """Prefect's auth string; empty where the secrets file says so, which only the demo does, on localhost."""
    return room.secrets.find(PREFECT_AUTH) or ""


def login_of(room: Room) -> tuple[str, str] | None:
    """User and password for Prefect's API; None where it asks for none."""
    user, _, password = auth_of(room).partition(":")
    return (user, password) if user else None


def pools_of(shop: Shop) -> dict[str, list[str]]:
    """The locations that print, by the pool of their worker; the hub's pool stands first."""
    pools: dict[str, list[str]] = {shop.location(shop.hub).pool: []}
    for location in shop.locations:
        pools.setdefault(location.pool, [])
        if location.printers:
            pools[location.pool].append(location.id)
    return pools


def environment_of(room: Room, ports: Ports) -> dict[str, str]:
    """The whole environment of a process that may open the shop: the gateway, and what talks to Prefect for us."""
    return {**os.environ, **shop_variables(room, ports)}


def environment_of_server(room: Room, ports: Ports, database_url: str | None = None) -> dict[str, str]:
    """The whole environment of Prefect's server, which never needs to open the shop."""
    return {**without_secrets(), **_server_variables(room, ports, database_url)}


def environment_of_worker(room: Room, ports: Ports, pool: str) -> dict[str, str]:
    """The whole environment of a pool's worker. Only the hub's and data quality's inherit what opens the shop."""
    if pool == QUALITY_POOL:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(BOOTH_KEY)}
        return {**inherited, **shop_variables(room, ports)}
    inherited = dict(os.environ) if pool == room.shop.location(room.shop.hub).pool else without_secrets()
    return {**inherited, **worker_variables(room, ports, pool)}


def shop_variables(room: Room, ports: Ports) -> dict[str, str]:
    """What a process needs to find Prefect, the gateway and the shop."""
    return {
        **client_environment(ports.api, auth_of(room), room.home / "prefect"),
        "PREFECT_UI_URL": ports.ui,
        "BACKROOM_HOME": str(room.home),
        "BACKROOM_GATEWAY_URL": ports.pages,
        "BACKROOM_PORT": str(ports.gateway),
    }


def worker_variables(room: Room, ports: Ports, pool: str) -> dict[str, str]:
    """What a pool's worker needs: the keys of its own locations; a booth's, a home folder of its own as well."""
    locations = pools_of(room.shop)[pool]
    keys = {location: room.secret(booth_key_name(location)) for location in locations}
    variables = shop_variables(room, ports)
    variables |= {f"{BOOTH_KEY}_{id_.upper().replace('-', '_')}": key for id_, key in keys.items()}
    if pool != room.shop.location(room.shop.hub).pool:
        variables |= {
            "BACKROOM_LOCATION": locations[0] if locations else "",
            BOOTH_KEY: keys[locations[0]] if locations else "",
            "BACKROOM_HOME": str(room.home / "booths" / pool),
        }
    return variables


def variables_by_hand(room: Room, ports: Ports, pool: str) -> dict[str, str]:
    """What a terminal needs in which somebody starts a pool's worker by hand; the hub's pool stands for all else."""
    if pool == QUALITY_POOL:
        return shop_variables(room, ports)
    if pool == room.shop.location(room.shop.hub).pool:
        return {**_server_variables(room, ports), **worker_variables(room, ports, pool)}
    return worker_variables(room, ports, pool)


def without_secrets() -> dict[str, str]:
    """Our own environment without what opens the shop's data or a booth's door."""
    return {name: value for name, value in os.environ.items() if not name.startswith((SECRET, BOOTH_KEY))}


def _server_variables(room: Room, ports: Ports, database_url: str | None = None) -> dict[str, str]:
    return server_environment(room.home / "prefect", ports.prefect, auth_of(room), database_url)
