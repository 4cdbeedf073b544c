"""Statements over many rows mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

from sqlalchemy import select

from backroom.store.batches import chunks, insert_new, update_by_id, upsert
from backroom.store.database import Database, now
from backroom.store.tables import generations, stock_movements


def a_movement(database: Database, key: str) -> dict[str, object]:
    with database.read() as connection:
        at = now(connection)
    return {"key": key, "location": "hub", "sku": "x", "pieces": 1, "reason": "", "at": at}


def test_only_rows_that_are_new_are_counted(database: Database) -> None:
    rows = [a_movement(database, key) for key in "abc"]
    assert database.write(lambda c: insert_new(c, stock_movements, rows[:2])) == 2
    assert database.write(lambda c: insert_new(c, stock_movements, rows)) == 1
    assert database.write(lambda c: insert_new(c, stock_movements, rows)) == 0
    assert database.write(lambda c: insert_new(c, stock_movements, [])) == 0


def test_more_rows_than_one_statement_takes_are_all_written(database: Database) -> None:
    rows = [a_movement(database, str(number)) for number in range(1201)]
    assert database.write(lambda c: insert_new(c, stock_movements, rows)) == 1201


def test_each_row_gets_its_own_values(database: Database) -> None:
    database.write(lambda c: insert_new(c, stock_movements, [a_movement(database, key) for key in "ab"]))
    with database.read() as connection:
        ids = dict(connection.execute(select(stock_movements.c.key, stock_movements.c.id)).all())
    changed = [{"id": ids["a"], "pieces": 5}, {"id": ids["b"], "pieces": 7}]
    database.write(lambda c: update_by_id(c, stock_movements, changed))
    with database.read() as connection:
        query = select(stock_movements.c.key, stock_movements.c.pieces)
        assert dict(connection.execute(query).all()) == {"a": 5, "b": 7}


def test_what_is_there_is_changed_and_what_is_not_is_added(database: Database) -> None:
    for number in (1, 2):
        row = {"stage": "s", "location": "l", "number": number}
        database.write(lambda c, row=row: upsert(c, generations, [row | {"at": now(c)}], ["stage", "location"]))
    with database.read() as connection:
        assert connection.execute(select(generations.c.number)).scalars().all() == [2]


def test_chunks_hold_everything_in_order() -> None:
    assert list(chunks(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(chunks([], 2)) == []
