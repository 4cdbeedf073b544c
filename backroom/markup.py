"""Writing HTML that cannot be broken by what it shows: every text is escaped, unless it was made here.

What belongs here: elements. What does not: what any page says or looks like.
"""

from __future__ import annotations

import html
from collections.abc import Iterable


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = Html | str | int | None | Iterable["Child"]
VOID = {"input", "meta", "link", "br", "img"}


def tag(name: str, /, *children: Child, **attributes: str | int | bool | None) -> Html:
    """An element. Strings among `children` are escaped; `cls` and `for_` stand for class and for; True is a bare
    attribute, None and False leave it out."""
    written = ""
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = {"cls": "class", "for_": "for"}.get(key, key).replace("_", "-")
        written += f" {key}" if value is True else f' {key}="{html.escape(str(value))}"'
    opening = f"<{name}{written}>"
    return Html(opening if name in VOID else f"{opening}{join(children)}</{name}>")


def join(children: Iterable[Child]) -> Html:
    return Html("".join(_text(child) for child in children))


def _text(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child
    if isinstance(child, (str, int)):
        return html.escape(str(child))
    return join(child)
