"""What a process does beside its main work, in tasks of its event loop.

What belongs here: that such a task is kept while it runs, and that its error is told. What does not: what they do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


class Background:
    """Tasks of one event loop; `owner` is who an error is told of."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        # The loop itself holds its tasks by weak references only.
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin it; nobody need wait for it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._let_go)
        return task

    def cancel(self) -> None:
        """Cancel whatever still runs."""
        for task in self._tasks:
            task.cancel()

    def _let_go(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s: a part of it ended with an error", self._owner, exc_info=error)
