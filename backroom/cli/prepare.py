"""Getting a home folder ready to run: its database at today's schema, its secrets complete, its catalogue loaded.

Safe to do at every start: what is there stays as it is.
"""

from __future__ import annotations

import secrets as random
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, func, select

from backroom.domain.errors import AskPerson
from backroom.domain.shop import Shop
from backroom.privacy.erasure import replay
from backroom.shop.catalogue import read_catalogue, read_stock
from backroom.shop.load import load_shop
from backroom.shop.room import NoShop, Room, database_url, open_room
from backroom.shop.secrets import Secrets
from backroom.store import api_keys, catalogue, sealing, stock
from backroom.store.backups import refuse_backup
from backroom.store.database import Database, now
from backroom.store.migrate import migrate
from backroom.store.seals import new_master_key
from backroom.store.spool import FILE
from backroom.store.tables import variants

PREFECT_AUTH = "prefect.auth"


class MasterKeyLost(AskPerson):
    """A new key would open nothing of what the old one sealed."""

    cause = "master_key_lost"


def prepare(home: Path) -> Room:
    """Open the shop in `home`, ready to run. Raises what `open_room` and `load_shop` raise, with what to do."""
    if not (home / "shop.toml").exists():
        raise NoShop(f"there is no shop file in {home.name}", remedy="Run `backroom init`, or set BACKROOM_HOME.")
    make_secrets(home, load_shop(home / "shop.toml"))
    secrets = Secrets.read(home / "secrets.toml")
    database = Database(database_url(home, secrets))
    try:
        refuse_backup(database.engine)
        migrate(database.engine)
    finally:
        database.close()
    room = open_room(home)
    _check_master_key(room)
    # A database that was put back must forget again before anybody works with it.
    replay(room)
    _load_catalogue(room)
    _make_booth_keys(room)
    return room


def make_secrets(home: Path, shop: Shop) -> None:
    """Make the secrets that are missing: the master key, Prefect's auth string, and one for each signing channel.

    A channel's secret is then shown to the channel, or replaced by the one that the channel shows.
    """
    home.chmod(0o700)
    secrets = Secrets.read(home / "secrets.toml")
    if secrets.find("master_key") is None and ((home / "shop.db").exists() or (home / FILE).exists()):
        raise MasterKeyLost(
            "the database, or its spool, is here and its master key is not",
            remedy="Put secrets.toml back from your backup.",
        )
    wanted = {"master_key": new_master_key(), PREFECT_AUTH: f"backroom:{random.token_urlsafe(24)}"}
    wanted |= {channel.secret: random.token_urlsafe(32) for channel in shop.channels if channel.secret}
    made = {name: value for name, value in wanted.items() if secrets.find(name) is None}
    if made:
        secrets.add(made)


def booth_key_name(location: str) -> str:
    return f"booth_key.{location}"


def _check_master_key(room: Room) -> None:
    """Note which master key the database is sealed under, and refuse to run with another one."""
    if not room.seals.knows(room.database.write(lambda connection: sealing.register(connection, room.seals))):
        raise MasterKeyLost(
            "the database is sealed under a master key that secrets.toml does not have",
            remedy="Put the secrets.toml back that belongs to it, or add its key as master_key_before.",
        )


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
            made[name] = room.database.write(_booth_key(location.id))
    if made:
        room.secrets.add(made)


def _booth_key(location: str) -> Callable[[Connection], str]:
    return lambda connection: api_keys.make_key(connection, f"worker at {location}", "booth", location)
