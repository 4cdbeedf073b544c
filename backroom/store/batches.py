"""Statements over many rows at once, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, bindparam, insert, select, update
from sqlalchemy.dialects.postgresql import dml as postgres_dml
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import dml as sqlite_dml
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

T = TypeVar("T")

# Below SQLite's 32,766 bound variables and PostgreSQL's 65,535, with room to spare.
CHUNK = 5_000


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    batch: list[T] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def update_by_id(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Set, for each row, the columns it names where `id` matches. Every row must name the same columns."""
    if not rows:
        return
    columns = [name for name in rows[0] if name != "id"]
    statement = (
        update(table)
        .where(table.c.id == bindparam("row_id"))
        .values({name: bindparam(f"new_{name}") for name in columns})
    )
    connection.execute(
        statement, [{"row_id": row["id"]} | {f"new_{name}": row[name] for name in columns} for row in rows]
    )


def insert_each(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], by: str) -> list[int]:
    """Insert rows; returns their ids in the order given, found again by their unique column `by`.

    SQLite promises no order of what RETURNING tells, so SQLAlchemy would insert row by row there.
    """
    connection.execute(insert(table), rows)
    ids: dict[Any, int] = {}
    for batch in chunks([row[by] for row in rows]):
        ids |= {
            row[1]: row[0] for row in connection.execute(select(table.c.id, table.c[by]).where(table.c[by].in_(batch)))
        }
    return [ids[row[by]] for row in rows]


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert what is not there yet by any unique key of `table`; returns how many rows were new.

    Every row must name the same columns.
    """
    if not rows:
        return 0
    if connection.dialect.name == "sqlite":
        return connection.execute(_inserting(table, "sqlite"), rows).rowcount
    # Counted by what comes back: psycopg's rowcount is -1 where SQLAlchemy asks for the new ids by itself.
    statement = _inserting(table, "postgresql").returning(*table.primary_key.columns)
    return sum(len(connection.execute(statement, batch).all()) for batch in chunks(rows, 500))


@cache
def _inserting(table: Table, dialect: str) -> sqlite_dml.Insert | postgres_dml.Insert:
    """For rows that are handed over beside it: a statement with 500 rows in it would be compiled each time."""
    make = sqlite_insert if dialect == "sqlite" else postgres_insert
    return make(table).on_conflict_do_nothing()


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> None:
    """Insert rows, or change the other columns where `keys` are there already."""
    if not rows:
        return
    make = sqlite_insert if connection.dialect.name == "sqlite" else postgres_insert
    for batch in chunks(rows, 500):
        statement = make(table).values([dict(row) for row in batch])
        changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
        connection.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=changed))
