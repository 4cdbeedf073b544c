"""Copies of an honest shop, lived once a session, and an inspector: both are slow to make."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from backroom.quality.validate import Inspector
from backroom.store.database import Database
from tests.databases import PostgresServer
from tests.integration.quality.honest import live_a_day


@pytest.fixture(scope="session")
def inspector() -> Inspector:
    return Inspector()


@pytest.fixture(scope="session")
def honest_file(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An honest shop's SQLite database, closed."""
    folder = tmp_path_factory.mktemp("honest")
    path = folder / "shop.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    live_a_day(database, folder / "home")
    database.close()
    return path


@pytest.fixture(scope="session")
def honest_name(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of an honest shop's PostgreSQL database that nobody is connected to."""
    name = postgres_server.create()
    database = Database(postgres_server.url(name))
    live_a_day(database, tmp_path_factory.mktemp("honest") / "home")
    database.close()
    return name


@pytest.fixture
def shop_on_sqlite(honest_file: Path, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "shop.db"
    shutil.copy(honest_file, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture
def shop_on_postgres(honest_name: str, postgres_server: PostgresServer) -> Iterator[Database]:
    name = postgres_server.create(honest_name)
    database = Database(postgres_server.url(name))
    yield database
    database.close()
    postgres_server.drop(name)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def honest(request: pytest.FixtureRequest) -> Database:
    """An honest shop of the test's own: once on SQLite, once on PostgreSQL."""
    database: Database = request.getfixturevalue(f"shop_on_{request.param}")
    return database
