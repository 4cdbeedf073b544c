"""Which machines a booth's key lets in, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Connection, func, select, update

from backroom.store import api_keys, tables
from backroom.store.api_keys import KeyEnded, KeyInfo, find_key, make_key
from backroom.store.booth_devices import OtherMachine, let_in, revoke
from backroom.store.database import Database, now
from backroom.store.tables import booth_devices
from tests.shops import BOOTH
from tests.together import run_together

KEYS, LANES = 10, 6


def new_key(database: Database) -> KeyInfo:
    key = database.write(lambda connection: make_key(connection, "booth", "booth", BOOTH))
    with database.read() as connection:
        found = find_key(connection, key)
    assert found is not None
    return found


def machines(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(booth_devices)).scalar_one()


def test_lanes_of_one_machine_that_call_for_the_first_time_at_once_are_all_let_in(database: Database) -> None:
    for number in range(1, KEYS + 1):
        key = new_key(database)

        def call(_: int, key: KeyInfo = key) -> int:
            return database.write(lambda connection: let_in(connection, key, "one machine", alone=True))

        assert len(set(run_together([partial(call, lane) for lane in range(LANES)]))) == 1
        assert machines(database) == number


def test_of_machines_that_come_at_once_with_a_key_that_is_for_one_exactly_one_is_let_in(database: Database) -> None:
    for number in range(1, KEYS + 1):
        key = new_key(database)

        def call(machine: int, key: KeyInfo = key) -> bool:
            try:
                database.write(lambda connection: let_in(connection, key, f"machine {machine}", alone=True))
            except OtherMachine:
                return False
            return True

        assert sorted(run_together([partial(call, lane) for lane in range(LANES)])) == [False] * (LANES - 1) + [True]
        assert machines(database) == number


def expire(connection: Connection, key: KeyInfo) -> None:
    ended = now(connection) - timedelta(seconds=1)
    table = tables.api_keys
    connection.execute(update(table).where(table.c.id == key.id).values(expires_at=ended))


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    "end",
    [lambda c, key: api_keys.revoke(c, key.id), lambda c, key: revoke(c, key.location), expire],
    ids=["revoked", "its booth was revoked", "expired"],
)
def test_a_key_that_ended_after_its_request_came_in_lets_no_machine_in(
    database: Database, end: Callable[[Connection, KeyInfo], object], known: bool
) -> None:
    key = new_key(database)
    if known:
        database.write(lambda connection: let_in(connection, key, "machine", alone=True))
    database.write(lambda connection: end(connection, key))
    with pytest.raises(KeyEnded):
        database.write(lambda connection: let_in(connection, key, "machine", alone=True))
    assert machines(database) == int(known)


def test_a_key_is_not_revoked_in_the_middle_of_what_it_lets_in(database: Database) -> None:
    key = new_key(database)
    database.write(lambda connection: let_in(connection, key, "machine", alone=True))
    inside, done, order = threading.Event(), threading.Event(), list[str]()

    def print_something(connection: Connection) -> None:
        let_in(connection, key, "machine", alone=True)
        inside.set()
        done.wait(0.3)
        order.append("let in")

    def take_away() -> None:
        assert inside.wait(20)
        database.write(lambda connection: revoke(connection, BOOTH))
        order.append("revoked")
        done.set()

    run_together([lambda: database.write(print_something), take_away])
    assert order == ["let in", "revoked"]
