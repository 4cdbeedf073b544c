"""The frame of every page that is a file: one document that loads nothing, to be read, mailed or printed anywhere."""

from __future__ import annotations

import html
from collections.abc import Sequence

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    ".wide{overflow-x:auto}table{border-collapse:collapse;margin:1rem 0}"
    "th,td{padding:.3rem .8rem;border-bottom:1px solid #ddd;"
    "text-align:right}th:first-child,td:first-child{text-align:left}img{max-width:100%}small{color:#666}"
    ".list th,.list td{text-align:left;vertical-align:top}.list td:first-child,.list td:last-child{white-space:nowrap}"
    ".list.words td:first-child,.list.words td:last-child{white-space:normal}"
    ".wall{display:flex;flex-wrap:wrap;gap:1rem}.tile{flex:1;min-width:11rem;padding:1rem;border-radius:.5rem}"
    ".tile strong{display:block;font-size:4rem;line-height:1}.tile span,.tile small{display:block}"
    ".good{background:#e4f3e4}.bad{background:#fbe9e2}"
)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], cls: str = "") -> str:
    """A table of heads as text and cells as HTML. Where a phone is too narrow for it, it moves by itself, and not the
    whole page: the page's style has `.wide`."""
    head = "".join(f"<th>{html.escape(one)}</th>" for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    named = f' class="{cls}"' if cls else ""
    return f'<div class="wide"><table{named}><tr>{head}</tr>{body}</table></div>'


def offline_page(title: str, body: str) -> str:
    """A whole page around `body`, which is HTML already; the title is text."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>{body}</body></html>'
    )
