"""F8 in backups: one that is damaged, or made by somebody else, is refused in a sentence and leaves what is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect, select

from backroom.domain.errors import BackroomError
from backroom.privacy import backups, key_file
from backroom.privacy.restoring import restore
from backroom.shop.room import Room
from backroom.store import sealing
from backroom.store.database import Database
from backroom.store.tables import orders
from tests.databases import PostgresServer
from tests.faults import poisoned_backups as poison
from tests.faults.table import Fault
from tests.shops import HUB, PLAIN, Floor, reopen_floor


@pytest.fixture
def shop(floor: Floor) -> Floor:
    """A shop that was started and has orders, of which a backup is made."""
    floor.room.database.write(lambda c: sealing.register(c, floor.room.seals))
    floor.taken_in((PLAIN, 1), (PLAIN, 2), at=HUB)
    return floor


@pytest.fixture
def elsewhere(shop: Floor, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Room]:
    """Another computer with the same secrets, and a shop that is there already."""
    home = tmp_path / "elsewhere" / "home"
    home.mkdir(parents=True)
    if shop.room.database.is_sqlite:
        opened = Database(f"sqlite:///{home.parent / 'shop.db'}")
        yield reopen_floor(opened, home).room
        opened.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create("template0")
    opened = Database(server.url(name))
    yield reopen_floor(opened, home).room
    opened.close()
    server.drop(name)


def numbers(room: Room) -> list[str]:
    with room.database.read() as connection:
        return sorted(connection.execute(select(orders.c.number)).scalars())


class Putting:
    """Puts poison back over a shop, again and again, and looks each time at what is left of it."""

    def __init__(self, room: Room, good: Path, keys: Path) -> None:
        self.room, self.good, self.keys = room, good, keys
        self.ends: Counter[str] = Counter()
        restore(room, good, keys)
        self.there = numbers(room)
        assert self.there

    def put(self, name: str, path: Path, keys: Path | None = None) -> None:
        refused = ""
        try:
            done = restore(self.room, path, keys or self.keys, replace=True, older=True)
        except BackroomError as error:
            refused = str(error) if error.remedy else "nothing that helps"
        if refused:
            assert len(refused) < 600, refused
            assert refused.isprintable(), refused
            assert refused != "nothing that helps", name
            assert numbers(self.room) == self.there, f"{name} was refused, and the shop is another one"
            self.ends["refused"] += 1
        else:
            assert done.readable >= 0
            self.ends["taken"] += 1
            self._look(name)
            # What was put back is a shop that works; the next one is put over the same.
            restore(self.room, self.good, self.keys, replace=True)
            assert numbers(self.room) == self.there
        place = Path(str(self.room.database.engine.url.database)) if self.room.database.is_sqlite else None
        if place is not None:
            left = [one.name for one in place.parent.glob("*.restoring*")]
            assert left == [], f"{name} left {left}"

    def _look(self, name: str) -> None:
        tables = inspect(self.room.database.engine)
        assert poison.TABLE not in tables.get_table_names(), f"{name} made a table"
        assert tables.get_view_names() == [], f"{name} brought a view"
        numbers(self.room)


def begun(shop: Floor, elsewhere: Room) -> tuple[Putting, Path]:
    (good,) = backups.make(shop.room).paths
    return Putting(elsewhere, good, good.parent / key_file.NAMES[0]), good


def tried(putting: Putting, poisons: Iterator[tuple[str, bytes]], path: Path, many: int, fault: Fault) -> None:
    every = list(poisons)
    for name, content in fault.chance.sample(every, min(many, len(every))):
        path.write_bytes(content)
        try:
            if path.suffix == ".keys":
                putting.put(name, putting.good, path)
            else:
                putting.put(name, path)
        except Exception as error:
            error.add_note(f"{path.name}: {name}")
            raise


ALL = 10_000
Told = Callable[[Putting], None]


@pytest.fixture
def tell(fault: Fault) -> Told:
    def tell(putting: Putting) -> None:
        fault.tell(inputs=putting.ends.total(), **dict(sorted(putting.ends.items())))
        assert putting.ends["refused"]

    return tell


@pytest.mark.fault("F8 backups")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_poisoned_copy_of_sqlite_is_refused_or_put_back_whole(
    shop: Floor, elsewhere: Room, fault: Fault, tmp_path: Path, tell: Told
) -> None:
    putting, good = begun(shop, elsewhere)
    path = tmp_path / "shop-20261120T100000000Z.db"
    tried(putting, poison.bytes_of(good.read_bytes(), fault.chance), path, fault.volume(3, ALL, ALL), fault)
    every = poison.statements()
    for name in fault.chance.sample(sorted(every), fault.volume(5, len(every), len(every))):
        poison.by_sql(good, path, every[name])
        try:
            putting.put(name, path)
        except Exception as error:
            error.add_note(name)
            raise
    tell(putting)


@pytest.mark.fault("F8 keys")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_poisoned_file_of_keys_opens_nobody_else_and_breaks_nothing(
    shop: Floor, elsewhere: Room, fault: Fault, tmp_path: Path, tell: Told
) -> None:
    putting, _ = begun(shop, elsewhere)
    whole = putting.keys.read_bytes()
    path = tmp_path / "people.keys"
    tried(putting, poison.key_files(whole), path, fault.volume(10, 60, ALL), fault)
    tried(putting, poison.bytes_of(whole, fault.chance), path, fault.volume(3, ALL, ALL), fault)
    tell(putting)


@pytest.mark.fault("F8 archives")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_a_poisoned_archive_of_postgresql_is_refused_or_put_back_whole(
    shop: Floor, elsewhere: Room, fault: Fault, tmp_path: Path, tell: Told
) -> None:
    putting, good = begun(shop, elsewhere)
    path = tmp_path / "shop-20261120T100000000Z.zip"
    tried(putting, poison.archives(good.read_bytes()), path, fault.volume(8, 60, ALL), fault)
    tried(putting, poison.bytes_of(good.read_bytes(), fault.chance), path, fault.volume(3, ALL, ALL), fault)
    tell(putting)
