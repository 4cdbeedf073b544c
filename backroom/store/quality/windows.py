"""Windows on the rows of a subject: read in pieces that fit into memory, whatever the size of its table.

What belongs here: what a subject's rows are read by, and the reading. What does not: which columns a subject has (the
modules beside this one), and what must be true of them (`backroom.quality`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, select, true

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows: those with `after < id <= upto`, those of some orders, or those with some ids; all where none of
    them says anything."""

    after: int = 0
    upto: int | None = None
    orders: Sequence[int] | None = None
    ids: Sequence[int] | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """How the rows of a subject are read.

    `query` makes the statement, as of an instant. Its rows carry `key`, by which a row is known for good, and `number`,
    that of the order it belongs to (or empty). `id` is what they are walked by, None for a subject that is small and
    always read whole; `of_orders` says which belong to some orders, None where none do. `complete` adds to the rows
    what no join can find.
    """

    query: Callable[[datetime], Select[Any]]
    id: ColumnElement[int] | None = None
    of_orders: Callable[[Sequence[int]], ColumnElement[bool]] | None = None
    complete: Callable[[Connection, Rows], None] | None = None


def read(connection: Connection, source: Source, window: Window, at: datetime) -> Rows:
    """The rows of a window, ids, codes and figures only."""
    query = source.query(at).where(_condition(source, window))
    rows = [dict(row) for row in connection.execute(query).mappings()]
    if source.complete is not None:
        source.complete(connection, rows)
    return rows


def upto(connection: Connection, source: Source, after: int, most: int) -> int | None:
    """The last id of the next `most` rows behind `after`; None when there are none, or the subject has no ids."""
    if source.id is None:
        return None
    following = select(source.id.label("id")).where(source.id > after).order_by(source.id).limit(most).subquery()
    last: int | None = connection.execute(select(func.max(following.c.id))).scalar_one()
    return last


def when(condition: ColumnElement[bool], value: ColumnElement[Any]) -> ColumnElement[Any]:
    """`value` where the condition holds; NULL elsewhere, which says that the check does not apply to the row."""
    return case((condition, value))


def holds(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """1 where the condition holds, else 0, on both databases; never NULL."""
    return case((condition, 1), else_=0)


def _condition(source: Source, window: Window) -> ColumnElement[bool]:
    if source.id is None:
        return true()
    if window.orders is not None and source.of_orders is not None:
        return source.of_orders(window.orders)
    if window.ids is not None:
        return source.id.in_(window.ids)
    if window.upto is not None:
        return (source.id > window.after) & (source.id <= window.upto)
    return true()
