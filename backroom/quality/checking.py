"""A run of data quality: subject by subject, in pieces that each commit, so that it needs little memory and a run that
was broken off goes on where it stood.

What belongs here: going through the rows, and writing down what failed. What does not: what is expected (`suites`),
carrying it out (`validate`), telling people (`telling`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import dropwhile
from typing import Any

from sqlalchemy import Connection

from backroom.domain.quality import Scope
from backroom.domain.shop import Shop
from backroom.quality.batch import completed
from backroom.quality.rules import Rule, Suite
from backroom.quality.suites import SUITES
from backroom.quality.validate import Checked, Inspector
from backroom.store.batches import chunks
from backroom.store.database import Database, now
from backroom.store.quality import findings, runs
from backroom.store.quality.findings import Failure
from backroom.store.quality.runs import Count, Standing
from backroom.store.quality.windows import Rows, Window, upto

# So many rows are in memory at a time, as a batch and its answers: about 100 MB.
ROWS_AT_ONCE = 20_000
ORDERS_AT_ONCE = 2_000
_CODE = re.compile(r"[\w.:+-]{0,40}")


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of a run, committed: how many rows of a subject, and how many failures of checks."""

    subject: str
    rows: int
    failed: int


@dataclass(frozen=True, slots=True)
class Check:
    """One run: of a shop, with an inspector, in one thread."""

    database: Database
    shop: Shop
    inspector: Inspector
    run: Standing

    @classmethod
    def begin(cls, database: Database, shop: Shop, scope: Scope, inspector: Inspector) -> Check:
        """A new run, or the one over every row that was broken off lately."""
        run = database.write(lambda connection: runs.begin(connection, scope, now(connection)))
        return cls(database, shop, inspector, run)

    def steps(self, suites: Sequence[Suite] = SUITES) -> Iterator[Step]:
        """Go through the suites to the end; yields after each commit."""
        run = self.run
        orders: list[int] = []
        if run.scope is Scope.CHANGED:
            with self.database.read() as connection:
                orders, newest = runs.changed_orders(connection, run.upto, now(connection))
            run = replace(run, upto=newest)
        left = dropwhile(lambda suite: bool(run.subject) and suite.subject != run.subject, suites)
        for suite in left:
            yield from self._walk(suite, run) if run.scope is Scope.FULL else self._look_at(suite, run, orders)
        self.database.write(lambda connection: runs.end(connection, run, now(connection)))

    def _walk(self, suite: Suite, run: Standing) -> Iterator[Step]:
        """Every row of a subject, in windows of ids."""
        begun, walked = suite.subject == run.subject, suite.walked
        if walked is None and not begun:
            yield self._piece(suite, run, Window(), 0)
        after = run.after if begun else 0
        while walked is not None:
            with self.database.read() as connection:
                last = upto(connection, walked, after, ROWS_AT_ONCE)
            if last is None:
                break
            yield self._piece(suite, run, Window(after=after, upto=last), last)
            after = last
        self.database.write(lambda c: findings.vanished(c, suite.subject, run.id, now(c)))

    def _look_at(self, suite: Suite, run: Standing, orders: Sequence[int]) -> Iterator[Step]:
        """The rows of some orders; a small subject whole, and a large one that belongs to no orders not now."""
        walked = suite.walked
        if walked is None:
            yield self._piece(suite, run, Window(), 0)
        elif walked.of_orders is not None:
            for batch in chunks(orders, ORDERS_AT_ONCE):
                yield self._piece(suite, run, Window(orders=batch), 0)

    def _piece(self, suite: Suite, run: Standing, window: Window, after: int) -> Step:
        with self.database.read() as connection:
            at = now(connection)
            rows = completed(suite.subject, suite.read(connection, window, at, self.shop), self.shop, at)
        checked = self.inspector.check(suite, rows)
        failures = [failure for one in checked for failure in failures_of(suite, one, rows)]
        counts = [Count(one.rule.code, suite.subject, one.rule.severity, one.rows, len(one.failed)) for one in checked]
        keys = {str(row["key"]) for row in rows}

        def commit(connection: Connection) -> None:
            findings.note(connection, run.id, failures, at)
            findings.passed(connection, suite.subject, keys, run.id, at)
            runs.save(connection, run, counts, suite.subject, after, run.upto)

        self.database.write(commit)
        return Step(suite.subject, len(rows), len(failures))


def failures_of(suite: Suite, checked: Checked, rows: Rows) -> Iterator[Failure]:
    """The rows that failed a rule, each with what was seen of it."""
    for place in checked.failed:
        row = rows[place]
        yield Failure(
            checked.rule.code,
            str(row["key"]),
            suite.subject,
            checked.rule.severity,
            str(row["number"] or ""),
            seen(checked.rule, row),
        )


def seen(rule: Rule, row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a row that its rule keeps, as JSON has them; times as ISO 8601.

    Of a text that is no code only its length is kept: where a row is damaged, anything may stand in it.
    """
    return {name: _plain(row.get(name)) for name in dict.fromkeys(rule.shown)}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and not _CODE.fullmatch(value):
        return f"({len(value)} characters)"
    return value
