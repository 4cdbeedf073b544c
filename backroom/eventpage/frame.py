"""The document around every page that people at an event see: one head, with our style and icon.

What belongs here: that. What does not: what a page says.
"""

from __future__ import annotations

from backroom.eventpage.assets import ICON, STYLE, name_of
from backroom.markup import Child, Html, tag

NO_REFERRER = tag("meta", name="referrer", content="no-referrer")


def document(language: str, title: str, body: Html, *, assets: str, first: Child = None, last: Child = None) -> bytes:
    """A whole page in UTF-8. `assets` is where ours are found from it, such as `../assets`; `first` and `last` stand at
    the ends of its head."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        first,
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("link", rel="icon", type="image/svg+xml", href=f"{assets}/{name_of(ICON)}"),
        tag("link", rel="stylesheet", href=f"{assets}/{name_of(STYLE)}"),
        last,
    )
    return ("<!doctype html>" + tag("html", head, tag("body", body), lang=language)).encode()
