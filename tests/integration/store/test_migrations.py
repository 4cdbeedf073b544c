"""The migrations make exactly the schema that the tables describe, on both databases."""

from __future__ import annotations

import subprocess
import sys

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from backroom.store.database import Database
from backroom.store.migrate import migrate
from backroom.store.tables import metadata


def differences(database: Database) -> list[object]:
    with database.read() as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))


def test_the_migrated_schema_equals_the_tables(database: Database) -> None:
    assert differences(database) == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    migrate(database.engine)
    assert differences(database) == []


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
