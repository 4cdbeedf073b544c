"""`python -m backroom.engine.run_worker --pool P [--queue Q] [--name N] [--limit N]`: the worker by itself.

It is what the supervisor starts: unlike `prefect worker start` it does not need the server to be there yet.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from functools import partial

from backroom.domain.errors import BackroomError
from backroom.engine.worker import BackroomWorker


async def _work(pool: str, queues: list[str], name: str | None, limit: int | None) -> None:
    # Said at once, because whoever started us reads it in a file.
    await BackroomWorker(pool, queues, name, limit=limit).start(printer=partial(print, flush=True))


def main(arguments: list[str] | None = None) -> int:
    """Work until a signal says stop. Returns the exit code: 0 after a drain, 1 when it could not start."""
    parser = argparse.ArgumentParser(prog="backroom worker")
    parser.add_argument("--pool", required=True)
    parser.add_argument("--queue", action="append", default=[], help="serve this work queue only; all without it")
    parser.add_argument("--name")
    parser.add_argument("--limit", type=int)
    chosen = parser.parse_args(arguments)
    try:
        asyncio.run(_work(chosen.pool, chosen.queue, chosen.name, chosen.limit))
    except BackroomError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
