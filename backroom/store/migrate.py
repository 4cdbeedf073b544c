"""Bringing a database to today's schema with Alembic, from inside the program: no command, no configuration file."""

from __future__ import annotations

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from backroom.store.connections import WRITES
from backroom.store.tables import metadata

FOLDER = Path(__file__).parent / "migrations"

# Any number that nobody else uses in this database: processes that start together migrate one after the other.
LOCK = 0x6261636B726F6F6D

# Alembic keeps the running migration in a global.
_one_at_a_time = threading.Lock()


def is_made(engine: Engine) -> bool:
    """Whether anybody has brought this database to a schema of ours."""
    return inspect(engine).has_table("alembic_version")


def newest() -> str:
    """The newest migration that this program brings along."""
    head: str | None = ScriptDirectory(str(FOLDER)).get_current_head()
    assert head is not None
    return head


def is_known(revision: str) -> bool:
    """Whether this program has such a migration."""
    return revision in {known.revision for known in ScriptDirectory(str(FOLDER)).walk_revisions()}


def standing(engine: Engine) -> str:
    """The migration that this database has seen last; empty for one that nobody made yet."""
    if not is_made(engine):
        return ""
    with engine.connect() as connection:
        return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none() or "")


def check_whole(engine: Engine) -> None:
    """Raise ValueError where a table or a column is missing of those that this program works with."""
    seen = inspect(engine)
    for table in metadata.sorted_tables:
        if not seen.has_table(table.name):
            raise ValueError(f"there is no table {table.name}")
        if missing := {column.name for column in table.columns} - {one["name"] for one in seen.get_columns(table.name)}:
            raise ValueError(f"table {table.name} lacks {', '.join(sorted(missing))}")


def migrate(engine: Engine) -> None:
    """Run the migrations that this database has not seen, in one transaction. Safe to call at every start."""
    with engine.connect().execution_options(**WRITES) as connection, connection.begin():
        migrate_to(connection, "head")


def migrate_to(connection: Connection, revision: str) -> None:
    """Run the migrations up to this one, in a transaction of the caller's."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    with _one_at_a_time:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
