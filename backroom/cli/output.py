"""How commands show what they found: a table for people, one JSON document for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import RowMapping

console = Console()
# What is said beside the answer: a program that reads the answer must not find it there.
aside = Console(stderr=True)


def show_json(value: object) -> None:
    """One JSON document on standard output; times as ISO 8601."""
    print(json.dumps(value, default=_plain, ensure_ascii=False))


def show_table(title: str, rows: Sequence[Mapping[str, Any] | RowMapping], columns: Sequence[str]) -> None:
    """A table of the named columns, with a word where there is nothing."""
    if not rows:
        console.print(f"{title}: nothing")
        return
    table = Table(title=title)
    for column in columns:
        # What does not fit goes on below: a reason that is cut off helps nobody.
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_text(row.get(column)) for column in columns))
    console.print(table)


def show_taken_back(rerouted: Sequence[str], held: Sequence[str]) -> None:
    """The orders that were to be printed as is not approved any more, and what became of them."""
    for said, numbers in (("made elsewhere", rerouted), ("on hold until a new sample is approved", held)):
        if numbers:
            console.print(f"- {said}: {', '.join(numbers)}", highlight=False)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return str(value)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return "(sealed)"
    return str(value)
