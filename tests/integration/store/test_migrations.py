"""The migrations make exactly the schema that the tables describe, on both databases."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, Table, insert, select

from backroom.store.connections import WRITES
from backroom.store.database import Database
from backroom.store.migrate import migrate, migrate_to
from backroom.store.tables import metadata, refunds
from backroom.store.tables.base import FORMAT

AT = datetime(2026, 11, 1, 10, tzinfo=UTC)


def differences(database: Database) -> list[object]:
    with database.read() as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))


def test_the_migrated_schema_equals_the_tables(database: Database) -> None:
    assert differences(database) == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    migrate(database.engine)
    assert differences(database) == []


def put(connection: Connection, name: str, **values: Any) -> int:
    """A row of a table as it stands now, with something in every column that must hold something; returns its id."""
    table = Table(name, MetaData(), autoload_with=connection)
    row = dict(values)
    for column in table.columns:
        if column.name in row or column.nullable or column.server_default is not None or column.primary_key:
            continue
        kind = column.type.python_type
        made = {int: 1, bytes: b"x", bool: False, datetime: AT, dict: {}}
        row[column.name] = made.get(kind, AT.strftime(FORMAT) if column.name.endswith("_at") else "x")
    id_: int = connection.execute(insert(table).values(row).returning(table.c.id)).scalar_one()
    return id_


def test_refunds_that_were_there_before_are_kept_when_cancelled_orders_get_theirs(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    with database.engine.connect().execution_options(**WRITES) as connection, connection.begin():
        migrate_to(connection, "0035")
        person = put(connection, "people")
        order = put(connection, "orders", person_id=person)
        back = put(connection, "returns", order_id=order, person_id=person, shipment_id=None)
        owed = put(connection, "refunds", return_id=back, order_id=order, goods_minor=2900, state="waiting")
    migrate(database.engine)
    with database.read() as connection:
        row = connection.execute(select(refunds)).mappings().one()
    kept = {"id": owed, "key": "x", "return_id": back, "order_id": order, "goods_minor": 2900, "planned_at": AT}
    assert {name: row[name] for name in kept} == kept
    assert (row["state"], row["by_hand"], row["priority"], row["attempts"]) == ("waiting", "", 5, 0)
    assert differences(database) == []
    database.close()


def test_processes_that_start_together_migrate_once(empty_database_url: str) -> None:
    program = (
        "import sys; from backroom.store.database import Database; from backroom.store.migrate import migrate; "
        "migrate(Database(sys.argv[1]).engine)"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program, empty_database_url], stderr=subprocess.PIPE) for _ in range(3)
    ]
    for process in started:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors.decode()
    database = Database(empty_database_url)
    assert differences(database) == []
    database.close()
