"""Prefect's server as `backroom up` starts it: the stock one, but for what stopped it under load or cost too much.

Prefect's server awaits SQLite in threads, one a connection. When Python's cyclic collector happens to run on the event
loop and frees a statement of a connection that is just waiting for the write lock, the event loop waits for that
connection's mutex; whoever holds the lock needs the event loop to go on; and the whole server stands still until
SQLite's busy time-out ends it after 60 s. Seen with Prefect 3.8.8, SQLAlchemy 2.0 and Python 3.11 in four of five runs
of the demo. Here a thread of its own collects: it may wait, and nobody waits for it. What was there at the start stays,
and is looked through once: that had kept everything else waiting for 0.2 to 0.4 s, every 20 s.

Prefect begins most writing transactions as readers. SQLite refuses the first write of a reader that somebody overtook
at once, whatever the busy time-out (SQLITE_BUSY_SNAPSHOT, https://www.sqlite.org/rescode.html): the API answers 503, a
run is not created and waits for the sweep, a button in the UI does nothing. Here they begin as writers, and wait. In a
wave of 500 orders ten "database is locked" became none.

Each action of an automation asks for the application of its server, and Prefect finds that by all its settings,
written out and hashed: 0.7 s in which the server answers nobody, for every alert. Here it is asked for once.

Each look at a schedule reads the machine's whole folder of time zones, 40 ms of processor, though none of ours names
one: a fifteenth of what an idle server takes. Here it is read once.

`prefect server start` by hand works as well, with those risks; a server on PostgreSQL does not have them.
"""

from __future__ import annotations

import functools
import gc
import sys
import threading
import time
from typing import Any

from prefect._internal.schemas import validators
from prefect.server.api import server
from prefect.server.database.configurations import AioSqliteConfiguration
from prefect.types._datetime import get_timezones
from sqlalchemy.ext.asyncio import AsyncSession

COLLECT_SECONDS = 20.0


def collect_aside() -> None:
    """Collect cyclic garbage in a thread of its own, and nowhere else."""
    gc.disable()
    threading.Thread(target=_collect, name="garbage", daemon=True).start()


def _collect() -> None:
    time.sleep(COLLECT_SECONDS)
    gc.collect()
    gc.freeze()
    while True:
        time.sleep(COLLECT_SECONDS)
        gc.collect()


def write_as_writer() -> None:
    """Begin SQLite's transactions with the write lock, as Prefect does where it is asked `with_for_update`."""
    begin = AioSqliteConfiguration.begin_transaction

    def begin_as_writer(self: AioSqliteConfiguration, session: AsyncSession, with_for_update: bool = True) -> Any:
        return begin(self, session, with_for_update=True)

    AioSqliteConfiguration.begin_transaction = begin_as_writer  # type: ignore[method-assign]


def make_one_application() -> None:
    """Make the application once for each set of arguments: a server's settings stay as they are while it lives."""
    server.create_app = functools.cache(server.create_app)


def read_time_zones_once() -> None:
    """Keep the names of the time zones: they do not change while a server lives."""
    validators.get_timezones = functools.cache(get_timezones)  # type: ignore[attr-defined]


def main() -> None:
    """`prefect server start`, with all of these; takes the same options."""
    from prefect.cli import app

    collect_aside()
    write_as_writer()
    make_one_application()
    read_time_zones_once()
    sys.argv = ["prefect", "server", "start", *sys.argv[1:]]
    app()


if __name__ == "__main__":
    main()
