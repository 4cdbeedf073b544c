"""Backups forget: whoever was forgotten is opened by nothing that is left, and everybody else comes back whole."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, text

from backroom.cli.prepare import prepare
from backroom.engine import wake
from backroom.privacy import backups, journal, key_file, key_keeping
from backroom.privacy.backups import KeysInside, NoKeys, OthersInside, forget_keys, make
from backroom.privacy.erasure import erase, finish, replay
from backroom.privacy.key_keeping import FolderAway, keep
from backroom.privacy.people import NobodyFound, find
from backroom.privacy.restoring import DatabaseThere, InUse, restore
from backroom.privacy.rotation import StillNeeded, retire, rotate
from backroom.shop import room as rooms
from backroom.shop.room import MASTER_KEY, MASTER_KEY_BEFORE, Room, open_room
from backroom.shop.secrets import Secrets
from backroom.store import keyring, sealing
from backroom.store.backups import KeysApart, NoBackup
from backroom.store.contacts import CONTEXT
from backroom.store.database import Database, now
from backroom.store.forgetting import forget
from backroom.store.migrate import migrate
from backroom.store.people import find_or_add, load
from backroom.store.personal import Whose
from backroom.store.seals import SealBroken, Seals, new_master_key, read_master_key, unseal
from backroom.store.tables import metadata, orders, people
from tests.databases import PostgresServer
from tests.integration.gateway.conftest import only_sqlite
from tests.integration.privacy.test_erasure import OTHER, Prefect, person_of, serve, wrapped_keys
from tests.searching import holding, places
from tests.shops import CANARIES, PLAIN, Floor, reopen_floor
from tests.shops import MASTER_KEY as FLOORS_KEY

SHOP = (Path(__file__).parents[3] / "data" / "shop.toml").read_text(encoding="utf-8")
ADA, BEA = CANARIES[2], str(OTHER["email"])
BRUNHILDE: dict[str, Any] = dict(OTHER)


@pytest.fixture
def shop(floor: Floor) -> Floor:
    """The shop once it was started: its master key is noted."""
    floor.room.database.write(lambda c: sealing.register(c, floor.room.seals))
    return floor


@pytest.fixture
def home(tmp_path: Path, database_url: str) -> Path:
    """The home folder of a shop with a master key of its own in its secrets file."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "shop.toml").write_text(SHOP.replace("postcodes = ", "# postcodes = "), encoding="utf-8")
    Secrets.read(home / "secrets.toml").add({MASTER_KEY: new_master_key(), "database_url": database_url})
    return home


def secret(home: Path) -> bytes:
    return read_master_key(Secrets.read(home / "secrets.toml").get(MASTER_KEY))


@pytest.fixture
def elsewhere_at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[Path], Path]]:
    """Makes a home folder with the files of another one, and an empty database."""
    names: list[str] = []

    def build(home: Path) -> Path:
        new = tmp_path / "new" / "home"
        new.mkdir(parents=True)
        shutil.copy(home / "shop.toml", new)
        secrets = Secrets.read(home / "secrets.toml")
        url = f"sqlite:///{new.parent / 'shop.db'}"
        if not secrets.get("database_url").startswith("sqlite"):
            server: PostgresServer = request.getfixturevalue("postgres_server")
            names.append(server.create("template0"))
            url = server.url(names[-1])
        Secrets.read(new / "secrets.toml").add({MASTER_KEY: secrets.get(MASTER_KEY), "database_url": url})
        return new

    yield build
    for name in names:
        request.getfixturevalue("postgres_server").drop(name)


@pytest.fixture
def elsewhere(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Floor], Floor]]:
    """Makes a second, empty shop with the same secrets: the new computer after the old one has burnt."""
    opened: list[Database] = []
    names: list[str] = []

    def build(floor: Floor) -> Floor:
        home = tmp_path / f"elsewhere-{len(opened)}" / "home"
        home.mkdir(parents=True)
        if floor.room.database.is_sqlite:
            url = f"sqlite:///{home.parent / 'shop.db'}"
        else:
            server: PostgresServer = request.getfixturevalue("postgres_server")
            names.append(server.create("template0"))
            url = server.url(names[-1])
        opened.append(Database(url))
        new = reopen_floor(opened[-1], home)
        # From now on it is this process's room, as `floor` was.
        monkeypatch.setenv("BACKROOM_HOME", str(home))
        monkeypatch.setitem(rooms._open, home.resolve(), new.room)
        monkeypatch.setitem(vars(wake), "_this", new.waker)
        return new

    yield build
    for database in opened:
        database.close()
    for name in names:
        request.getfixturevalue("postgres_server").drop(name)


def folder_of(floor: Floor) -> Path:
    return floor.room.home / "backups"


def unpacked(folder: Path, into: Path) -> Path:
    """The backups of a folder with what they hold laid open, and the keys beside them."""
    shutil.copytree(folder, into)
    for packed in into.glob("*.zip"):
        with zipfile.ZipFile(packed) as opened:
            opened.extractall(into / packed.stem)
    return into


def held(folder: Path, value: bytes) -> list[str]:
    """Where bytes stand: as they are, in hex (as COPY tells them) or in base64 (as the keys do)."""
    coded = key_file._coded(value).encode()
    return [one for way in (value, value.hex().encode(), coded) for one in holding(folder, way)]


def contents(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, sorted."""
    with database.read() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }


def sealed_contact(floor: Floor, number: str) -> bytes:
    with floor.room.database.read() as connection:
        return bytes(connection.execute(select(orders.c.contact).where(orders.c.number == number)).scalar_one())


def test_a_backup_comes_back_as_it_was_to_the_last_row(shop: Floor, elsewhere: Callable[[Floor], Floor]) -> None:
    serve(shop)
    before = contents(shop.room.database)
    made = make(shop.room)
    (path,) = made.paths
    assert made.left == []
    assert path.parent == folder_of(shop)
    new = elsewhere(shop)
    done = restore(new.room, path)
    assert (done.readable, done.forgotten) == (made.people, 0)
    assert contents(new.room.database) == before
    # It goes on from there: new numbers come after the old ones, and the same customer is known again.
    assert find(new.room, ADA)[0].person_id == find(shop.room, ADA)[0].person_id
    new.deliveries = iter(range(1000, 2000))
    new.ids = iter(range(9001, 9100))
    number = new.taken_in((PLAIN, 1), **BRUNHILDE)
    assert number not in {row[0] for row in before["orders"]}
    assert replay(new.room).people == []


def test_no_key_and_no_lookup_is_in_a_backups_bytes(shop: Floor, tmp_path: Path) -> None:
    serve(shop)
    with shop.room.database.read() as connection:
        ring = keyring.read(connection)
    assert ring is not None
    assert len(ring.people) == 2
    assert all(one.lookups for one in ring.people)
    (path,) = make(shop.room).paths
    laid_open = unpacked(folder_of(shop), tmp_path / "laid-open")
    secrets = [one.wrapped for one in ring.people] + [ring.hash_key]
    for secret in secrets:
        assert set(held(laid_open, secret)) == set(key_file.NAMES)
    for digest in {digest for one in ring.people for _, digest in one.lookups}:
        if kind_is_only_a_lookup(shop.room, digest):
            assert set(holding(laid_open, digest.encode())) == set(key_file.NAMES)
    assert places(laid_open, CANARIES) == []
    assert path.stat().st_mode & 0o077 == 0
    assert all((folder_of(shop) / name).stat().st_mode & 0o077 == 0 for name in key_file.NAMES)
    assert {one.name for one in folder_of(shop).iterdir()} == {path.name, *key_file.NAMES}


def kind_is_only_a_lookup(room: Room, digest: str) -> bool:
    """Who said STOP is in `suppressions` by the same keyed hash, which stays when they are forgotten."""
    with room.database.read() as connection:
        query = text("SELECT count(*) FROM suppressions WHERE digest = :digest")
        return not connection.execute(query, {"digest": digest}).scalar_one()


def test_an_old_backup_opens_nothing_of_whoever_was_forgotten_since(
    shop: Floor, elsewhere: Callable[[Floor], Floor], tmp_path: Path
) -> None:
    """Old backup, today's master key and today's keys, and no journal: nothing is replayed to bring this about."""
    numbers = serve(shop)
    person = person_of(shop, numbers[0])
    (key,) = wrapped_keys(shop.room.database, [person])
    contact = sealed_contact(shop, numbers[0])
    plain = shop.room.seals.unwrap(key)
    assert CANARIES[0].encode() in unseal(plain, contact, CONTEXT)
    (path,) = make(shop.room).paths
    assert erase(shop.room, [Whose(person)], "Ada", Prefect().forget).left == []

    laid_open = unpacked(folder_of(shop), tmp_path / "laid-open")
    # The sealed words are still there, and nothing that opens them.
    assert held(laid_open, contact) != []
    assert held(laid_open, key) == held(laid_open, plain) == []
    assert places(laid_open, CANARIES) == []
    seals = Seals(FLOORS_KEY)
    for name in key_file.NAMES:
        ring = key_file.read(laid_open / name)
        assert [one.person_id for one in ring.people] == [find(shop.room, BEA)[0].person_id]
        for one in ring.people:
            with pytest.raises(SealBroken):
                unseal(seals.unwrap(one.wrapped), contact, CONTEXT)

    new = elsewhere(shop)
    done = restore(new.room, path, folder_of(shop) / key_file.NAMES[0])
    assert (done.readable, done.forgotten) == (1, 1)
    assert not (new.room.home / journal.NAME).exists()
    assert person not in readable(new.room)
    with pytest.raises(NobodyFound):
        find(new.room, ADA)
    # The others are whole.
    (other,) = find(new.room, BEA)
    with new.room.database.read() as connection:
        opened = load(connection, new.room.seals, [other.person_id])[other.person_id]
        theirs = connection.execute(select(orders.c.contact).where(orders.c.person_id == other.person_id)).scalar_one()
    assert b"Brunhilde" in unseal(opened.key, theirs, CONTEXT)


def readable(room: Room) -> set[int]:
    """Whom the database has a key of, each of which opens."""
    with room.database.read() as connection:
        ids = connection.execute(select(people.c.id).where(people.c.wrapped_key.is_not(None))).scalars().all()
        return set(load(connection, room.seals, ids))


def test_the_next_start_empties_what_a_backup_still_had_of_them(
    shop: Floor, elsewhere: Callable[[Floor], Floor]
) -> None:
    """Their rows as well, though the journal is lost: what was open of theirs is closed, nothing of others is."""
    number = shop.taken_in((PLAIN, 1))
    person = person_of(shop, number)
    other = shop.taken_in((PLAIN, 1), **BRUNHILDE)
    (path,) = make(shop.room).paths
    for location in shop.room.shop.locations:
        shop.fulfil(location.id)
    assert erase(shop.room, [Whose(person)], "Ada", Prefect().forget).still == []
    new = elsewhere(shop)
    assert restore(new.room, path, folder_of(shop) / key_file.NAMES[0]).forgotten == 1
    assert replay(new.room, Prefect().forget).people == [person]
    assert sealed_contact(new, number) == b""
    assert sealed_contact(new, other) != b""
    assert [new.state(one)[0] for one in (number, other)] == ["cancelled", "released"]
    assert len(journal.read(new.room.home)) == 1
    assert replay(new.room).people == []


@pytest.mark.whole
def test_whoever_came_after_a_backup_does_no_harm_and_a_newer_backup_still_opens_them(
    shop: Floor, elsewhere: Callable[[Floor], Floor], monkeypatch: pytest.MonkeyPatch
) -> None:
    early = shop.taken_in((PLAIN, 1))
    (old,) = make(shop.room).paths
    late = person_of(shop, shop.taken_in((PLAIN, 1), **BRUNHILDE))
    (newer,) = make(shop.room).paths
    new = elsewhere(shop)
    shutil.copytree(folder_of(shop), folder_of(new))
    done = restore(new.room, folder_of(new) / old.name)
    assert (done.readable, done.forgotten) == (1, 0)
    assert readable(new.room) == {person_of(new, early)}
    # The old one was a slip: after a start, a customer with the same number and a backup the newer one is whole still.
    assert replay(new.room).people == []
    new.deliveries, new.ids = iter(range(2000, 2100)), iter(range(9001, 9100))
    again = person_of(new, new.taken_in((PLAIN, 1), email="carla@example.org", phone="+4915123450000"))
    assert again == late
    make(new.room)
    third = elsewhere(shop)
    assert restore(third.room, newer, folder_of(new) / key_file.NAMES[0]).forgotten == 0
    assert find(third.room, BEA)[0].person_id == late
    # For three weeks, not for ever: nobody could ask for it to be forgotten.
    monkeypatch.setattr(key_keeping, "LOST_FOR", key_keeping.LOST_FOR * 0)
    make(new.room)
    assert len(key_file.read(folder_of(new) / key_file.NAMES[0]).people) == 2


@pytest.mark.whole
def test_only_today_s_keys_open_a_backup_and_every_error_says_what_to_do(
    shop: Floor, elsewhere: Callable[[Floor], Floor], tmp_path: Path
) -> None:
    serve(shop)
    first, second = (folder_of(shop) / name for name in key_file.NAMES)
    make(shop.room)
    older = Path(shutil.copy(first, tmp_path / "older.keys"))
    (path,) = make(shop.room).paths
    new = elsewhere(shop)
    alone = Path(shutil.copy(path, tmp_path / path.name))
    with pytest.raises(NoKeys, match="none is beside it") as missing:
        restore(new.room, alone)
    assert "--keys" in missing.value.remedy
    with pytest.raises(NoKeys, match="older") as stale:
        restore(new.room, alone, older)
    assert "--with-older-keys" in stale.value.remedy
    strange = replace(new.room, seals=Seals(bytes(32)))
    with pytest.raises(NoKeys, match="master key"):
        restore(strange, path)
    first.write_bytes(first.read_bytes()[:-100])
    assert keyring_of(folder_of(shop)).at == key_file.read(second).at
    second.write_text("no keys")
    with pytest.raises(key_file.KeyFileDamaged):
        restore(new.room, path)
    # The shop that made them writes them again by itself, and says so meanwhile.
    with pytest.raises(key_file.KeyFileDamaged):
        backups.check(shop.room, folder_of(shop))
    assert keep(shop.room) == []
    backups.check(shop.room, folder_of(shop))
    assert restore(new.room, path).forgotten == 0
    with pytest.raises(DatabaseThere, match="already"):
        restore(new.room, path)
    assert restore(new.room, path, replace=True).forgotten == 0
    assert restore(new.room, alone, older, replace=True, older=True).readable == 2


def keyring_of(folder: Path) -> keyring.Keyring:
    ring = key_keeping.newest_ring(folder)
    assert ring is not None
    return ring


@pytest.mark.whole
def test_a_database_that_somebody_works_in_is_not_replaced(shop: Floor, elsewhere: Callable[[Floor], Floor]) -> None:
    serve(shop)
    (path,) = make(shop.room).paths
    new = elsewhere(shop)
    restore(new.room, path)
    working = Database(new.room.database.engine.url.render_as_string(False))
    with working.read() as connection:
        connection.execute(text("SELECT count(*) FROM people"))
        with pytest.raises(InUse, match="work"):
            restore(new.room, path, replace=True)
    working.close()
    assert len(readable(new.room)) == 2
    assert sorted(one.name for one in new.room.home.parent.iterdir() if "restoring" in one.name) == []
    restore(new.room, path, replace=True)


def test_somebody_who_is_just_leaving_the_database_is_waited_for(
    shop: Floor, elsewhere: Callable[[Floor], Floor]
) -> None:
    serve(shop)
    (path,) = make(shop.room).paths
    new = elsewhere(shop)
    leaving = Database(new.room.database.engine.url.render_as_string(False))
    with leaving.read() as connection:
        connection.execute(text("SELECT 1"))
    going = threading.Timer(0.3, leaving.close)
    going.start()
    assert restore(new.room, path, replace=True).readable == 2
    going.join()


@pytest.mark.whole
def test_a_damaged_backup_is_refused_and_leaves_the_database_that_is_there(
    shop: Floor, elsewhere: Callable[[Floor], Floor], tmp_path: Path
) -> None:
    serve(shop)
    (path,) = make(shop.room).paths
    new = elsewhere(shop)
    restore(new.room, path)
    whole = path.read_bytes()
    broken = tmp_path / path.name
    keys = folder_of(shop) / key_file.NAMES[0]
    for damaged in (whole[: len(whole) // 2], b"nothing of ours", b""):
        broken.write_bytes(damaged)
        with pytest.raises(NoBackup, match="damaged"):
            restore(new.room, broken, keys, replace=True)
    assert len(readable(new.room)) == 2


def test_folders_elsewhere_get_backup_and_keys_and_one_that_is_away_forgets_when_it_is_back(
    shop: Floor, tmp_path: Path
) -> None:
    number = serve(shop)[0]
    person = person_of(shop, number)
    (key,) = wrapped_keys(shop.room.database, [person])
    disk = tmp_path / "disk"
    disk.mkdir()
    shop.room = replace(shop.room, shop=replace(shop.room.shop, backups=("backups", str(disk))))
    assert {path.parent for path in make(shop.room).paths} == {folder_of(shop), disk}
    assert [len(held(folder, key)) for folder in (folder_of(shop), disk)] == [2, 2]
    unplugged = disk.rename(tmp_path / "drawer")
    made = make(shop.room)
    assert [path.parent for path in made.paths] == [folder_of(shop)]
    assert "disk is not there" in made.left[0]
    report = erase(shop.room, [Whose(person)], "Ada", Prefect().forget)
    assert any("disk is not there" in left for left in report.left)
    assert held(folder_of(shop), key) == []
    assert not disk.exists()
    with pytest.raises(FolderAway):
        backups.check(shop.room, disk)
    unplugged.rename(disk)
    with pytest.raises(NoKeys, match="not current"):
        backups.check(shop.room, disk)
    assert finish(shop.room, Prefect().forget).left == []
    assert held(disk, key) == []
    backups.check(shop.room, disk)
    shop.room = replace(shop.room, shop=replace(shop.room.shop, backups=(str(tmp_path / "nowhere"),)))
    with pytest.raises(FolderAway):
        make(shop.room)


def test_nothing_is_written_where_no_backup_was_ever_made(shop: Floor) -> None:
    number = serve(shop)[0]
    assert erase(shop.room, [Whose(person_of(shop, number))], "Ada", Prefect().forget).left == []
    assert not folder_of(shop).exists()
    folder_of(shop).mkdir()
    assert keep(shop.room, always=True) == []
    assert list(folder_of(shop).iterdir()) == []


@pytest.mark.whole
@only_sqlite
def test_keys_of_another_database_are_left_alone(shop: Floor, tmp_path: Path) -> None:
    """A new computer on which the shop was begun anew, before somebody put the backup back."""
    serve(shop)
    make(shop.room)
    before = (folder_of(shop) / key_file.NAMES[0]).read_bytes()
    empty = Database(f"sqlite:///{tmp_path / 'other' / 'shop.db'}")
    (tmp_path / "other").mkdir()
    migrate(empty.engine)
    other = replace(shop.room, database=empty, seals=Seals(bytes(32)))
    empty.write(lambda c: sealing.register(c, other.seals))
    (left,) = keep(other)
    assert "another database" in left
    assert (folder_of(shop) / key_file.NAMES[0]).read_bytes() == before
    empty.close()


def test_whoever_is_forgotten_while_the_keys_are_being_written_is_seen(
    shop: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup had read everybody's key, an erasure came and went, then the backup wrote what it had read."""
    number = serve(shop)[0]
    person = person_of(shop, number)
    (key,) = wrapped_keys(shop.room.database, [person])
    make(shop.room)
    real, written = key_file.write, list[int]()

    def late(folder: Path, ring: keyring.Keyring) -> None:
        if not written:
            shop.room.database.write(lambda c: forget(c, Whose(person)))
        written.append(len(ring.people))
        real(folder, ring)

    monkeypatch.setattr(key_file, "write", late)
    make(shop.room)
    assert written == [2, 1]
    assert held(folder_of(shop), key) == []


def test_a_new_master_key_reaches_old_backups_and_the_old_one_opens_nothing_more(
    home: Path, elsewhere_at: Callable[[Path], Path]
) -> None:
    room = open_room(home)
    ids = add(room, 1, 2, 3)
    room.database.write(lambda c: sealing.register(c, room.seals))
    (path,) = make(room).paths
    before = Seals(secret(home))
    list(rotate(room))
    retire(room)
    ring = keyring_of(home / "backups")
    for one in ring.people:
        with pytest.raises(SealBroken):
            before.unwrap(one.wrapped)
    room.close()
    again = open_room(elsewhere_at(home))
    assert restore(again, path).readable == 3
    assert readable(again) == set(ids)
    assert add(again, 1, 2, 3) == ids
    again.close()


@pytest.mark.whole
def test_the_old_master_key_is_not_retired_while_a_folder_s_keys_may_need_it(home: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    path = home / "shop.toml"
    path.write_text(path.read_text() + f'\n[backups]\nfolders = ["{disk}"]\n')
    room = open_room(home)
    add(room, 1)
    room.database.write(lambda c: sealing.register(c, room.seals))
    make(room)
    away = disk.rename(tmp_path / "drawer")
    list(rotate(room))
    with pytest.raises(StillNeeded, match="disk is not there"):
        retire(room)
    assert Secrets.read(home / "secrets.toml").find(MASTER_KEY_BEFORE)
    away.rename(disk)
    retire(room)
    assert Seals(secret(home)).unwrap(keyring_of(disk).people[0].wrapped)
    room.close()


KILLED = """
import os, signal, sys
from backroom.privacy import key_file, key_keeping
from backroom.privacy.erasure import erase
from backroom.shop.room import open_room
from backroom.store.personal import Whose

def killed(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

module, name = sys.argv[1].split(".")
setattr({"key_keeping": key_keeping, "key_file": key_file}[module], name, killed)
erase(open_room(), [Whose(int(sys.argv[2]))], "Ada", None)
"""


# Before the first file is replaced, and between the two.
BEFORE, BETWEEN = "key_keeping.keep", "key_file.flush_names"


LATER = [pytest.param(BEFORE, later, marks=pytest.mark.whole) for later in ("backup", "start", "next")]


@pytest.mark.parametrize(("at", "later"), [(BEFORE, "night"), (BETWEEN, "night"), *LATER])
def test_kill_between_an_erasure_and_the_keys_is_made_up_for(home: Path, at: str, later: str) -> None:
    room = prepare(home)
    person, other, third = add(room, 1, 2, 3)
    make(room)
    (key,) = wrapped_keys(room.database, [person])
    command = [sys.executable, "-c", KILLED, at, str(person)]
    done = subprocess.run(command, env=os.environ | {"BACKROOM_HOME": str(home)}, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert person not in readable(room)
    assert held(home / "backups", key) != []
    with pytest.raises(NoKeys, match="not current"):
        backups.check(room, home / "backups")
    match later:
        case "night":
            finish(room, Prefect().forget)
        case "backup":
            make(room)
        case "start":
            room.close()
            room = prepare(home)
        case "next":
            erase(room, [Whose(third)], "Ada", Prefect().forget)
    assert held(home / "backups", key) == []
    assert other in {one.person_id for one in keyring_of(home / "backups").people}
    backups.check(room, home / "backups")
    room.close()


@only_sqlite
def test_a_backup_put_in_the_database_s_place_by_hand_does_not_start(home: Path) -> None:
    room = open_room(home)
    prepare(home).close()
    add(room, 1)
    (path,) = make(room).paths
    place = Path(str(room.database.engine.url.database))
    room.close()
    for old in place.parent.glob("shop.db*"):
        old.unlink()
    shutil.copy(path, place)
    with pytest.raises(KeysApart) as refused:
        prepare(home)
    assert "backroom backup restore" in refused.value.remedy
    again = open_room(home)
    assert restore(again, path, replace=True).readable == 1
    again.close()
    prepare(home).close()


@only_sqlite
def test_a_copy_made_by_hand_still_comes_back_and_can_be_made_to_forget(shop: Floor, tmp_path: Path) -> None:
    number = serve(shop)[0]
    person = person_of(shop, number)
    (key,) = wrapped_keys(shop.room.database, [person])
    folder_of(shop).mkdir()
    copy = folder_of(shop) / "shop-copy.db"
    living = Path(str(shop.room.database.engine.url.database))
    with sqlite3.connect(living) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    make(shop.room)
    with pytest.raises(KeysInside, match=r"shop-copy\.db"):
        backups.check(shop.room, folder_of(shop))
    erase(shop.room, [Whose(person)], "Ada", Prefect().forget)
    assert held(folder_of(shop), key) == ["shop-copy.db"]

    second = tmp_path / "second" / "home"
    second.mkdir(parents=True)
    put_back = reopen_floor(Database(f"sqlite:///{second.parent / 'shop.db'}"), second)
    assert restore(put_back.room, copy).keys_inside
    assert person in readable(put_back.room)
    # The journal is what makes such a one forget.
    shutil.copy(shop.room.home / journal.NAME, second)
    assert replay(put_back.room).people == [person]

    assert forget_keys(shop.room, copy) == 2
    assert held(folder_of(shop), key) == []
    assert forget_keys(shop.room, copy) == 2
    backups.check(shop.room, folder_of(shop))
    done = restore(put_back.room, copy, replace=True)
    assert (done.readable, done.forgotten, done.keys_inside) == (1, 1, False)
    put_back.room.close()


@only_sqlite
def test_a_copy_with_people_nobody_else_knows_keeps_their_keys(shop: Floor, tmp_path: Path) -> None:
    serve(shop)
    living = Path(str(shop.room.database.engine.url.database))
    copy = tmp_path / "of-another-shop.db"
    with sqlite3.connect(living) as source, sqlite3.connect(copy) as target:
        source.backup(target)
        target.execute("UPDATE people SET created_at = '2020-01-01T00:00:00.000000Z' WHERE id = 1")
    target.close()
    before = copy.read_bytes()
    with pytest.raises(OthersInside, match="1 people"):
        forget_keys(shop.room, copy)
    assert copy.read_bytes() == before
    with pytest.raises(NoBackup, match="own database"):
        forget_keys(shop.room, living)


@pytest.mark.whole
def test_so_many_backups_are_kept_and_the_oldest_go(shop: Floor) -> None:
    made = [make(shop.room).paths[0] for _ in range(3)]
    (newest,) = make(shop.room, keep=2).paths
    assert list(key_keeping.backups_in(folder_of(shop))) == [newest, made[2]]


def add(room: Room, *names: int | str) -> list[int]:
    """People known by their e-mails."""

    def work(connection: Connection) -> list[int]:
        lookups = [[("email", f"{name}@example.org")] for name in names]
        return [find_or_add(connection, room.seals, one, now(connection)).id for one in lookups]

    return room.database.write(work)
