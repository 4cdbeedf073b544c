"""A new master key: everybody comes under it while others work, it can be stopped anywhere, and nobody is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, text

from backroom.cli.prepare import MasterKeyLost, prepare
from backroom.privacy.rotation import Busy, SecretsElsewhere, StillNeeded, retire, rotate, standing
from backroom.privacy.rotation import prepare as prepare_key
from backroom.shop.room import MASTER_KEY, MASTER_KEY_BEFORE, MASTER_KEY_NEXT, Room, open_room
from backroom.shop.secrets import Secrets
from backroom.store import sealing
from backroom.store.database import now
from backroom.store.forgetting import forget
from backroom.store.inbox_door import Delivery
from backroom.store.people import find_or_add, load
from backroom.store.personal import Whose
from backroom.store.seals import SealBroken, Seals, new_master_key, read_master_key
from backroom.store.spool import Spool
from backroom.store.tables import people
from tests.integration.gateway.conftest import only_sqlite

SHOP = (Path(__file__).parents[3] / "data" / "shop.toml").read_text(encoding="utf-8")


@pytest.fixture
def home(tmp_path: Path, database_url: str) -> Path:
    """The home folder of a shop with a database and a master key in its secrets file."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "shop.toml").write_text(SHOP.replace("postcodes = ", "# postcodes = "), encoding="utf-8")
    Secrets.read(home / "secrets.toml").add({MASTER_KEY: new_master_key(), "database_url": database_url})
    return home


@pytest.fixture
def room(home: Path) -> Iterator[Room]:
    opened = open_room(home)
    yield opened
    opened.close()


def add(room: Room, *names: int | str) -> list[int]:
    """People known by their e-mails."""

    def work(connection):  # type: ignore[no-untyped-def]
        return [
            find_or_add(connection, room.seals, [("email", f"{name}@example.org")], now(connection)).id
            for name in names
        ]

    return room.database.write(work)  # type: ignore[no-any-return]


def opened(room: Room, seals: Seals) -> int:
    """How many people these seals open; all of them, or SealBroken."""
    with room.database.read() as connection:
        ids = connection.execute(select(people.c.id).where(people.c.wrapped_key.is_not(None))).scalars().all()
        return len(load(connection, seals, ids))


def secret(room: Room, name: str = MASTER_KEY) -> bytes:
    return read_master_key(Secrets.read(room.home / "secrets.toml").get(name))


def test_everybody_comes_under_the_new_key_and_is_found_again(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 4)
    ids = add(room, *range(10))
    before = secret(room)
    assert list(rotate(room)) == [4, 8, 10, 10]
    assert secret(room) != before
    assert secret(room, MASTER_KEY_BEFORE) == before
    assert Secrets.read(room.home / "secrets.toml").find(MASTER_KEY_NEXT) is None
    assert opened(room, Seals(secret(room))) == 10
    with pytest.raises(SealBroken):
        opened(room, Seals(before))
    # Whoever starts now, and whoever was started before, find the same people.
    fresh = open_room(room.home)
    assert add(fresh, *range(10)) == ids == add(room, *range(10))
    assert fresh.seals.digest("order", "x") == room.seals.digest("order", "x") == Seals(before).digest("order", "x")
    fresh.close()


def test_it_can_stop_after_any_step_and_goes_on_when_asked_again(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 3)
    add(room, *range(8))
    steps = len(list(rotate(room)))
    retire(room)
    for stopped_after in range(steps):
        target = None
        other = open_room(room.home)
        change = rotate(other)
        for _ in range(stopped_after + 1):
            next(change)
        change.close()
        target = other.database.write(lambda c, r=other: sealing.register(c, r.seals))
        other.close()
        # Meanwhile somebody works who was started when the key before was the only one, and one who starts now.
        late = open_room(room.home)
        add(late, f"late-{stopped_after}")
        add(room, f"early-{stopped_after}")
        list(rotate(late))
        assert standing(late).key_id == target
        assert (standing(late).left, standing(late).changing) == (0, False)
        assert opened(late, Seals(secret(late))) == 8 + 2 * (stopped_after + 1)
        retire(late)
        late.close()


def test_stopped_before_the_database_knows_the_new_key_it_uses_that_key(room: Room) -> None:
    add(room, 1)
    made = new_master_key()
    Secrets.read(room.home / "secrets.toml").add({MASTER_KEY_NEXT: made})
    list(rotate(room))
    assert secret(room) == read_master_key(made)


def test_a_key_can_be_prepared_and_copied_to_other_machines_first(room: Room) -> None:
    add(room, 1)
    before, key_id = secret(room), prepare_key(room)
    assert (secret(room), standing(room).changing) == (before, True)
    assert prepare_key(room) == key_id
    list(rotate(room))
    assert standing(room).key_id == key_id


def test_two_who_change_it_at_once_are_one_too_many(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 1)
    add(room, 1, 2)
    change = rotate(room)
    next(change)
    with pytest.raises(Busy):
        next(rotate(room))
    list(change)
    assert opened(room, Seals(secret(room))) == 2


def test_a_secrets_file_that_was_overwritten_meanwhile_still_gets_the_new_key(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor that was open, say: nothing may be sealed under a key that stands nowhere."""
    monkeypatch.setattr(sealing, "BATCH", 1)
    add(room, 1, 2)
    file = room.home / "secrets.toml"
    told = file.read_text()
    change = rotate(room)
    next(change)
    file.write_text(told)
    list(change)
    assert opened(room, Seals(secret(room))) == 2


def test_secrets_that_two_processes_write_are_both_kept(room: Room) -> None:
    one, other = (Secrets.read(room.home / "secrets.toml") for _ in range(2))
    one.add({"a.b": "1"})
    other.add({"c.d": "2"}, without=["a.x"])
    kept = Secrets.read(room.home / "secrets.toml")
    assert (kept.find("a.b"), kept.find("c.d"), other.find("a.b")) == ("1", "2", "1")


def test_people_who_come_while_it_changes_are_under_the_new_key_whoever_takes_them_in(room: Room) -> None:
    """Others work beside it, each as a process that was started before: none of their people is left behind."""
    add(room, *range(30))
    stop, errors = threading.Event(), []

    def work(number: int) -> None:
        mine = open_room(room.home)
        try:
            count = 0
            while not stop.is_set():
                add(mine, f"{number}-{count}")
                opened(mine, mine.seals)
                count += 1
        except BaseException as error:  # noqa: BLE001 - whatever it was, the test fails with it
            errors.append(error)
        finally:
            mine.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    changing = open_room(room.home)
    try:
        for _ in range(3):
            list(rotate(changing))
            retire(changing)
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert errors == []
    list(rotate(changing))
    assert standing(changing).left == 0
    assert opened(changing, Seals(secret(changing))) > 30
    changing.close()


def test_whoever_is_erased_while_it_changes_stays_erased(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 2)
    ids = add(room, *range(5))
    change = rotate(room)
    next(change)
    for gone in (ids[0], ids[4]):
        room.database.write(lambda c, g=gone: forget(c, Whose(g)))
    list(change)
    with room.database.read() as connection:
        kept = connection.execute(select(people.c.id).where(people.c.wrapped_key.is_not(None))).scalars().all()
    assert sorted(kept) == ids[1:4]


def test_a_database_from_before_keys_had_names_is_taken_as_it_is(room: Room) -> None:
    ids = add(room, 1, 2)
    room.database.write(lambda c: c.execute(text("UPDATE people SET key_id = NULL")))
    list(rotate(room))
    assert opened(room, Seals(secret(room))) == 2
    assert add(room, 1, 2) == ids


def test_a_backup_from_before_the_change_is_opened_by_the_key_that_is_kept_and_comes_under_the_new_one(
    room: Room,
) -> None:
    """What `backroom up` does with a database that was put back: names, look-ups and hashes are what they were."""
    ids = add(room, 1, 2)
    with room.database.read() as connection:
        rows = [dict(row) for row in connection.execute(select(people)).mappings()]
        note = connection.execute(text("SELECT count(*) FROM sealing")).scalar_one()
    assert note == 0
    list(rotate(room))
    after = secret(room)

    def put_back(connection):  # type: ignore[no-untyped-def]
        connection.execute(text("DELETE FROM sealing"))
        for row in rows:
            connection.execute(people.update().where(people.c.id == row["id"]).values(row))

    room.database.write(put_back)
    restarted = open_room(room.home)
    standing(restarted)
    assert add(restarted, 1, 2) == ids
    list(rotate(restarted))
    assert secret(restarted) == after
    assert opened(restarted, Seals(after)) == 2
    restarted.close()


def test_two_keys_before_the_present_one_are_not_kept(room: Room) -> None:
    add(room, 1)
    list(rotate(room))
    with pytest.raises(StillNeeded):
        list(rotate(room))
    retire(room)
    assert Secrets.read(room.home / "secrets.toml").find(MASTER_KEY_BEFORE) is None
    list(rotate(room))


def test_nothing_is_retired_while_somebody_needs_it(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 1)
    add(room, 1, 2)
    next(rotate(room))
    with pytest.raises(StillNeeded):
        retire(room)


def test_the_old_key_is_kept_while_a_message_in_the_spool_is_under_it(room: Room) -> None:
    left = Spool(room.home, room.seals)
    number = left.keep(Delivery("web", "d", "orders/create", "5", 2, (), b"{}"), datetime.now(UTC)).result(10)
    list(rotate(room))
    with pytest.raises(StillNeeded, match="on their way"):
        retire(room)
    left.drop([number]).result(10)
    left.close()
    retire(room)


def test_secrets_from_the_environment_are_changed_by_whoever_gives_them(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(room, 1)
    own = Secrets.read(room.home / "secrets.toml").get(MASTER_KEY)
    monkeypatch.setenv("BACKROOM_SECRET_MASTER_KEY", own)
    with pytest.raises(SecretsElsewhere, match="MASTER_KEY_NEXT"):
        list(rotate(room))
    made = new_master_key()
    monkeypatch.setenv("BACKROOM_SECRET_MASTER_KEY_NEXT", made)
    with pytest.raises(SecretsElsewhere, match="MASTER_KEY_BEFORE"):
        list(rotate(room))
    assert opened(room, Seals(read_master_key(made))) == 1
    monkeypatch.delenv("BACKROOM_SECRET_MASTER_KEY_NEXT")
    monkeypatch.setenv("BACKROOM_SECRET_MASTER_KEY", made)
    monkeypatch.setenv("BACKROOM_SECRET_MASTER_KEY_BEFORE", own)
    now = standing(room)
    assert (now.left, now.changing, now.before) == (0, False, True)


def test_a_shop_does_not_start_with_another_master_key(home: Path) -> None:
    room = prepare(home)
    add(room, 1)
    room.close()
    Secrets.read(home / "secrets.toml").add({MASTER_KEY: new_master_key()})
    with pytest.raises(MasterKeyLost):
        prepare(home)


@only_sqlite
@pytest.mark.slow
def test_killed_in_the_middle_it_goes_on_and_ends(room: Room) -> None:
    many = 12_000
    key_id = room.seals.key_id

    def fill(connection):  # type: ignore[no-untyped-def]
        rows = [
            {"wrapped_key": room.seals.new_key()[1], "key_id": key_id, "created_at": now(connection)}
            for _ in range(many)
        ]
        connection.execute(people.insert(), rows)

    room.database.write(fill)
    argv = [sys.executable, "-c", "from backroom.cli.app import main; main()", "master-key", "rotate"]
    environment = os.environ | {"BACKROOM_HOME": str(room.home)}
    running = subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 60
        left = many
        while not 0 < left < many:
            assert running.poll() is None, "it was over before it could be killed"
            assert time.monotonic() < deadline
            with room.database.read() as connection:
                current = sealing.current_key(connection)
                left = sealing.left(connection, current) if current not in (None, key_id) else many
    finally:
        running.send_signal(signal.SIGKILL)
        running.communicate()
    assert Secrets.read(room.home / "secrets.toml").find(MASTER_KEY_NEXT)
    add(room, "meanwhile")
    subprocess.run(argv, env=environment, check=True, capture_output=True, timeout=120)
    now_ = standing(room)
    assert (now_.left, now_.changing, now_.before) == (0, False, True)
    assert opened(room, Seals(secret(room))) == many + 1
