"""A page of a check or a what-if: one HTML file that loads nothing, and tables as CSV that a spreadsheet may open.

What belongs here: how such files are laid out and written. What does not: what stands in them, and the reports of key
figures (`report`).
"""

from __future__ import annotations

import csv
import html
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from backroom.insight import offline
from backroom.insight.charts import data_uri
from backroom.insight.files import formula_safe


def page(title: str, *parts: str) -> str:
    """The whole page; `parts` are HTML already."""
    return offline.offline_page(title, f"<h1>{html.escape(title)}</h1>{''.join(parts)}")


def verdict(text: str) -> str:
    """The first thing to read."""
    return f"<h2>{html.escape(text)}</h2>"


def sentences(title: str, said: Sequence[str]) -> str:
    """A heading and a list; nothing where nothing is to be said."""
    if not said:
        return ""
    return f"<h2>{html.escape(title)}</h2><ul>{''.join(f'<li>{html.escape(one)}</li>' for one in said)}</ul>"


def table(title: str, rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> str:
    """A heading and a table of the named columns; nothing where there are no rows."""
    if not rows:
        return ""
    heads = [column.replace("_", " ") for column in columns]
    cells = [[html.escape(str(row.get(column, ""))) for column in columns] for row in rows]
    return f"<h2>{html.escape(title)}</h2>{offline.table(heads, cells, 'list words')}"


def picture(title: str, svg: str) -> str:
    """A heading and a picture in the page itself; nothing where nothing was drawn."""
    if not svg:
        return ""
    return f'<h2>{html.escape(title)}</h2><img alt="{html.escape(title)}" src="{data_uri(svg)}">'


def write_page(path: Path, text: str) -> None:
    """Whole or not at all."""
    aside = _aside(path)
    aside.write_text(text, encoding="utf-8")
    os.replace(aside, path)  # noqa: PTH105 - one atomic call


def write_csv(path: Path, rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> None:
    """Whole or not at all; text that begins like a formula is marked as text."""
    aside = _aside(path)
    with aside.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            values = (row.get(column) for column in columns)
            writer.writerow([formula_safe(value) if isinstance(value, str) else value for value in values])
    os.replace(aside, path)  # noqa: PTH105 - one atomic call


def _aside(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.part")
