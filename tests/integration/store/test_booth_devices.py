"""Which machines a booth's key lets in, on both databases."""

from __future__ import annotations

from functools import partial

from sqlalchemy import func, select

from backroom.store.api_keys import KeyInfo, find_key, make_key
from backroom.store.booth_devices import OtherMachine, let_in
from backroom.store.database import Database
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
