"""Prefect's server as `backroom up` starts it: the stock one, with more SQLite connections than its fifteen.

Prefect 3.8 gives SQLite the default pool of 5 + 10 connections whatever its settings say. When as many requests wait
for the write lock, the one that holds it may need another connection to finish, and gets none before a time-out of 30 s
or the lock's 60 s: the whole server stands still meanwhile. With enough connections it never has to wait for one.
`prefect server start` by hand works as well, with that limit.
"""

from __future__ import annotations

import sys
from typing import Any

from prefect.server.database import configurations

CONNECTIONS = 100


def widen_pool() -> None:
    """Have Prefect make SQLite engines with `CONNECTIONS` connections."""
    make = configurations.create_async_engine

    def create(url: Any, **options: Any) -> Any:
        if str(url).startswith("sqlite") and "poolclass" not in options:
            options |= {"pool_size": CONNECTIONS, "max_overflow": 0}
        return make(url, **options)

    configurations.create_async_engine = create


def main() -> None:
    """`prefect server start`, with the wider pool; takes the same options."""
    from prefect.cli import app

    widen_pool()
    sys.argv = ["prefect", "server", "start", *sys.argv[1:]]
    app()


if __name__ == "__main__":
    main()
