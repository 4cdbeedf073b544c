"""The room: everything that one shop's processes share, opened from its home folder.

The home folder holds `shop.toml`, `secrets.toml`, the database (unless it is a PostgreSQL) and the folders that
`folder:` printers and the mail folder write to. BACKROOM_HOME names it; `.backroom` in the current folder otherwise.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backroom.domain.errors import AskPerson
from backroom.domain.locations import PrinterSpec
from backroom.domain.shop import Shop
from backroom.outgoing.circuit import keep_in
from backroom.shop.load import load_shop
from backroom.shop.secrets import Secrets
from backroom.store import sealing
from backroom.store.asked_waits import WaitsBook
from backroom.store.database import Clock, Database
from backroom.store.seals import Seals, read_master_key

DEFAULT_HOME = ".backroom"
# The folder of the offline reports in the home folder.
REPORTS = "reports"
# Secrets: the shop's master key; the one that takes over; the one that it took over from.
MASTER_KEY, MASTER_KEY_NEXT, MASTER_KEY_BEFORE = "master_key", "master_key_next", "master_key_before"


class NoShop(AskPerson):
    """There is no shop file in the home folder."""

    cause = "no_shop"


@dataclass(frozen=True, slots=True)
class Room:
    """One shop, open: its file, its database, its seals and its secrets. Safe to share between threads."""

    home: Path
    shop: Shop
    database: Database
    seals: Seals
    secrets: Secrets

    def secret(self, name: str) -> str:
        return self.secrets.get(name)

    def folder(self, name: str) -> Path:
        """A folder in the home folder, for what `folder:` printers and the mail folder write."""
        return self.home / name

    def printer_folder(self, spec: PrinterSpec) -> Path | None:
        """The folder of a `folder:` printer, a relative one in the home folder; None for any other printer."""
        scheme, _, path = spec.uri.partition(":")
        return self.folder(path) if scheme == "folder" else None

    def artwork(self) -> Path:
        return self.home / (self.shop.artwork_folder or "artwork")

    def event_pages(self) -> Path | None:
        """The folder in which the pages of events are kept as files; None where nobody asked for them."""
        folder = self.shop.event_pages_folder
        return self.home / folder if folder else None

    def close(self) -> None:
        self.database.close()


def home_folder() -> Path:
    return Path(os.environ.get("BACKROOM_HOME") or DEFAULT_HOME).resolve()


def database_url(home: Path, secrets: Secrets) -> str:
    """The shop's database: `database_url` from the secrets (a PostgreSQL URL), else SQLite in the home folder."""
    return secrets.find("database_url") or f"sqlite:///{home / 'shop.db'}"


def open_room(home: Path | None = None, *, door: bool = False, clock: Clock | None = None) -> Room:
    """Open the shop in `home`, at its `door` where deliveries are answered; raises NoShop, ShopFileInvalid or
    SecretMissing with what to do. `clock` tells the time in the database's stead."""
    home = home or home_folder()
    path = home / "shop.toml"
    if not path.exists():
        raise NoShop(f"there is no shop file in {home.name}", remedy="Run `backroom init`, or set BACKROOM_HOME.")
    secrets = Secrets.read(home / "secrets.toml")
    database = Database(database_url(home, secrets), door=door, clock=clock)
    seals = Seals(
        *master_keys(secrets),
        reread=lambda: master_keys(Secrets.read(home / "secrets.toml")),
        find_hash_key=lambda: read_hash_key(database),
    )
    return Room(home, load_shop(path), database, seals, secrets)


def master_keys(secrets: Secrets) -> list[bytes]:
    """The master keys that the secrets hold: the shop's own first, then those of a change that is under way or over."""
    others = (secrets.find(name) for name in (MASTER_KEY_NEXT, MASTER_KEY_BEFORE))
    return [read_master_key(text) for text in (secrets.get(MASTER_KEY), *others) if text]


def read_hash_key(database: Database) -> bytes | None:
    """The wrapped key of the hashes, where the database keeps one."""
    with database.read() as connection:
        return sealing.hash_key(connection)


_open: dict[Path, Room] = {}
_opening = threading.Lock()


def this_room() -> Room:
    """The room of this process: opened at first use, then shared, because a database is opened once a process."""
    home = home_folder()
    with _opening:
        if home not in _open:
            _open[home] = open_room(home)
            keep_in(WaitsBook(_open[home].database))
        return _open[home]


@contextmanager
def working_in(room: Room) -> Iterator[Room]:
    """Make an open room this process's own while the body runs: whatever asks for `this_room` gets it."""
    before = os.environ.get("BACKROOM_HOME")
    os.environ["BACKROOM_HOME"] = str(room.home)
    with _opening:
        _open[room.home] = room
    book = keep_in(WaitsBook(room.database))
    try:
        yield room
    finally:
        keep_in(book)
        with _opening:
            _open.pop(room.home, None)
        if before is None:
            os.environ.pop("BACKROOM_HOME")
        else:
            os.environ["BACKROOM_HOME"] = before
