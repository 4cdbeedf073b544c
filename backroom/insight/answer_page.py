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

from backroom.insight.charts import data_uri
from backroom.insight.files import formula_safe
from backroom.insight.offline import offline_page


def page(title: str, *parts: str) -> str:
    """The whole page; `parts` are HTML already."""
    return offline_page(title, f"<h1>{html.escape(title)}</h1>{''.join(parts)}")


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
    head = "".join(f"<th>{html.escape(column.replace('_', ' '))}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(_cell(row.get(column, '')) for column in columns)}</tr>" for row in rows)
    shown = f'<table class="list words"><tr>{head}</tr>{body}</table>'
    # On a phone a wide table moves by itself, and not the whole page.
    return f'<h2>{html.escape(title)}</h2><div style="overflow-x:auto">{shown}</div>'


def _cell(value: object) -> str:
    return f"<td>{html.escape(str(value))}</td>"


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
