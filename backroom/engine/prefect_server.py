"""Prefect's server as `backroom up` starts it: the stock one, but for who collects garbage.

Prefect's server awaits SQLite in threads, one a connection. When Python's cyclic collector happens to run on the event
loop and frees a statement of a connection that is just waiting for the write lock, the event loop waits for that
connection's mutex; whoever holds the lock needs the event loop to go on; and the whole server stands still until
SQLite's busy time-out ends it after 60 s. Seen with Prefect 3.8.8, SQLAlchemy 2.0 and Python 3.11 in four of five runs
of the demo. Here a thread of its own collects: it may wait, and nobody waits for it.
`prefect server start` by hand works as well, with that risk; a server on PostgreSQL does not have it.
"""

from __future__ import annotations

import gc
import sys
import threading
import time

COLLECT_SECONDS = 20.0


def collect_aside() -> None:
    """Collect cyclic garbage in a thread of its own, and nowhere else."""
    gc.disable()
    threading.Thread(target=_collect, name="garbage", daemon=True).start()


def _collect() -> None:
    while True:
        time.sleep(COLLECT_SECONDS)
        gc.collect()


def main() -> None:
    """`prefect server start`, with garbage collected aside; takes the same options."""
    from prefect.cli import app

    collect_aside()
    sys.argv = ["prefect", "server", "start", *sys.argv[1:]]
    app()


if __name__ == "__main__":
    main()
