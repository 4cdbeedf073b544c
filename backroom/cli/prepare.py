"""Getting a home folder ready to run: its database at today's schema, its secrets complete, its catalogue loaded.

Safe to do at every start: what is there stays as it is.
"""

from __future__ import annotations

import secrets as random
from pathlib import Path

from sqlalchemy import Connection, func, select

from backroom.shop.catalogue import read_catalogue, read_stock
from backroom.shop.room import Room, database_url, open_room
from backroom.shop.secrets import Secrets
from backroom.store import api_keys, catalogue, stock
from backroom.store.database import Database, now
from backroom.store.migrate import migrate
from backroom.store.seals import new_master_key
from backroom.store.tables import variants

PREFECT_AUTH = "prefect.auth"


def prepare(home: Path) -> Room:
    """Open the shop in `home`, ready to run. Raises what `open_room` raises, with what to do."""
    make_secrets(home)
    secrets = Secrets.read(home / "secrets.toml")
    database = Database(database_url(home, secrets))
    migrate(database.engine)
    database.close()
    room = open_room(home)
    _load_catalogue(room)
    _make_booth_keys(room)
    return room


def make_secrets(home: Path) -> None:
    """Make the secrets that are ours to make: the master key, and Prefect's auth string."""
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    secrets = Secrets.read(home / "secrets.toml")
    made = {}
    if secrets.find("master_key") is None:
        made["master_key"] = new_master_key()
    if secrets.find(PREFECT_AUTH) is None:
        made[PREFECT_AUTH] = f"backroom:{random.token_urlsafe(24)}"
    if made:
        secrets.add(made)


def booth_key_name(location: str) -> str:
    return f"booth_key.{location}"


def _load_catalogue(room: Room) -> None:
    """The first time only: `catalogue.csv` and `stock.csv` of the home folder."""
    with room.database.read() as connection:
        known = connection.execute(select(func.count()).select_from(variants)).scalar_one()
    listed = room.home / "catalogue.csv"
    if known or not listed.exists():
        return
    sold = read_catalogue(listed)
    counted = read_stock(room.home / "stock.csv") if (room.home / "stock.csv").exists() else []

    def work(connection: Connection) -> None:
        catalogue.save_variants(connection, sold)
        stock.receive(connection, "first count", counted, "counted", now(connection))

    room.database.write(work)


def _make_booth_keys(room: Room) -> None:
    """A key to the gateway for every location that prints, kept with the secrets of this machine's workers."""
    made = {}
    for location in room.shop.locations:
        if not location.printers:
            continue
        name = booth_key_name(location.id)
        have = room.secrets.find(name)
        with room.database.read() as connection:
            works = have is not None and api_keys.check_key(connection, have, "booth", location.id) is not None
        if not works:
            made[name] = room.database.write(
                lambda c, at=location.id: api_keys.make_key(c, f"worker at {at}", "booth", at)
            )
    if made:
        room.secrets.add(made)
