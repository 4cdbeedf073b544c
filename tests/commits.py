"""Watching the commits of this process: which tables each of them wrote, and what is to happen around it.

What belongs here: that. What does not: counting them (`print_costs`), and dying at one (`tests.faults.day`).
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.default import DefaultDialect

_WRITE = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)")


def watch_commits(around: Callable[[int, Callable[[], None]], None] = lambda _, make: make()) -> list[set[str]]:
    """The tables that each commit wrote, in their order, from now on. `around` is given the number of each, counted
    from 1, and what makes it."""
    commits: list[set[str]] = []
    writing: dict[Any, set[str]] = defaultdict(set)
    lock = threading.Lock()
    commit = DefaultDialect.do_commit

    @event.listens_for(Engine, "before_cursor_execute")
    def note(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if found := _WRITE.match(statement):
            writing[connection.connection.dbapi_connection].add(found[1])

    def counted(self: DefaultDialect, connection: Any) -> None:
        with lock:
            commits.append(writing.pop(connection.dbapi_connection, set()))
            number = len(commits)
        around(number, lambda: commit(self, connection))

    DefaultDialect.do_commit = counted  # type: ignore[method-assign]
    return commits
