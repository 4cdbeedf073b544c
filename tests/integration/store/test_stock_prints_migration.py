"""A shop that has printed and sealed before jobs could belong to a transfer keeps every row, on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, MetaData, Table, insert, select

from backroom.store.database import Database, now
from backroom.store.migrate import migrate, migrate_to

BEFORE = "0036"


@pytest.fixture
def old(empty_database_url: str) -> Iterator[Database]:
    """A database as it was before, with a print job that was sealed and rejected."""
    database = Database(empty_database_url)
    database.write(lambda connection: migrate_to(connection, BEFORE))
    database.write(fill)
    yield database
    database.close()


def fill(connection: Connection) -> None:
    at = now(connection)
    seen = MetaData()

    def add(name: str, **given: object) -> None:
        """A row with what is given; what else it must have is empty."""
        table = Table(name, seen, autoload_with=connection)
        empty = {"INTEGER": 0, "BIGINT": 0, "TEXT": "", "BLOB": b"", "BYTEA": b"", "BOOLEAN": False, "TIMESTAMP": at}
        needed = {
            column.name: empty.get(str(column.type).split("(")[0], "")
            for column in table.columns
            if not column.nullable and column.name not in ("id", *given) and column.server_default is None
        }
        connection.execute(insert(table).values(**needed, **given))

    add("people", id=1)
    add("orders", id=1, person_id=1, number="A-1")
    add("fulfilment_orders", id=1, order_id=1, key="k")
    add("print_jobs", id=7, fulfilment_order_id=1, line_no=1, order_number="A-1", state="done", copies=1)
    add("booth_devices", id=1)
    add("print_seals", id=3, print_job_id=7, device_id=1, document_digest="d")
    add("print_rejects", id=5, print_job_id=7, attempt=1)


def test_print_jobs_and_what_points_at_them_are_kept(old: Database) -> None:
    migrate(old.engine)
    seen = MetaData()
    with old.read() as connection:
        rows = {
            name: connection.execute(select(Table(name, seen, autoload_with=connection))).mappings().one()
            for name in ("print_jobs", "print_seals", "print_rejects")
        }
        assert "put_by_print_seals" not in connection.dialect.get_table_names(connection)
    assert (rows["print_jobs"]["id"], rows["print_jobs"]["fulfilment_order_id"]) == (7, 1)
    assert rows["print_jobs"]["transfer_id"] is None
    assert [rows[name]["print_job_id"] for name in ("print_seals", "print_rejects")] == [7, 7]
    assert rows["print_seals"]["document_digest"] == "d"
