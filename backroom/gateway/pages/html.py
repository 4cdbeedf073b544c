"""The staff pages' own way of writing: the frame around every page, and how times and states look.

What belongs here: that. What does not: elements and escaping (`backroom.markup`), and what a page says.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse

from backroom.gateway.access import COOKIE, csrf_token, place_of
from backroom.gateway.front import front_of
from backroom.gateway.place_pages import ways
from backroom.markup import Child, Html, join, tag

__all__ = [
    "Child",
    "Html",
    "button",
    "day",
    "form",
    "join",
    "link",
    "order_link",
    "page",
    "state",
    "table",
    "tag",
    "when",
]


def link(path: str, text: str) -> Html:
    return tag("a", text, href=path)


def order_link(request: Request, number: str) -> Child:
    """An order's number as the way to its page, or alone where the key does not open that."""
    return number if place_of(request) else link(f"/orders/{quote(number, safe='')}", number)


def table(head: Iterable[str], rows: Iterable[Iterable[Child]], empty: str) -> Html:
    """A table, or the sentence `empty` where there are no rows."""
    written = [tag("tr", [tag("td", cell) for cell in row]) for row in rows]
    if not written:
        return tag("p", empty, cls="quiet")
    heading = tag("tr", [tag("th", cell, scope="col") for cell in head])
    return tag("div", tag("table", tag("thead", heading), tag("tbody", written)), cls="wide")


def state(word: str) -> Html:
    """A state as a badge whose colour says whether somebody must act."""
    return tag("span", word.replace("_", " "), cls=f"state {_TONE.get(word, 'calm')}")


def when(request: Request, at: datetime | None) -> Html:
    """A time as the shop's clocks show it, to the second, with its zone: an hour in autumn comes twice."""
    if at is None:
        return Html("–")
    there = at.astimezone(ZoneInfo(front_of(request).room.shop.owner.timezone))
    return tag("time", there.strftime("%Y-%m-%d %H:%M:%S %Z"), datetime=at.strftime("%Y-%m-%dT%H:%M:%SZ"))


def day(request: Request, at: datetime) -> str:
    """The day of a moment by the shop's calendar."""
    return f"{at.astimezone(ZoneInfo(front_of(request).room.shop.owner.timezone)):%Y-%m-%d}"


def form(request: Request, action: str, *children: Child, cls: str | None = None, with_files: bool = False) -> Html:
    """A form that posts back to us with the session's CSRF token; `with_files`, it carries a file (`uploads`)."""
    token = csrf_token(front_of(request).room.seals, request.cookies.get(COOKIE, ""))
    hidden = tag("input", type="hidden", name="csrf", value=token)
    return tag(
        "form",
        hidden,
        children,
        method="post",
        action=action,
        enctype="multipart/form-data" if with_files else None,
        cls=cls,
    )


def button(text: str, *, name: str | None = None, value: str | None = None, cls: str | None = None) -> Html:
    return tag("button", text, type="submit", name=name, value=value, cls=cls)


def page(
    request: Request,
    title: str,
    *body: Child,
    status: int = 200,
    nav: bool = True,
    reload_after: int = 0,
    by_thumb: Iterable[Html] = (),
) -> HTMLResponse:
    """A whole page: title, the way to the other pages, and its body. `reload_after` seconds it is loaded anew.

    A page with links `by_thumb` is for a tablet in one hand: they stay at the lower edge, whatever is scrolled, and the
    way to the other pages is folded up.
    """
    bar = list(by_thumb)
    shop = front_of(request).room.shop
    links = [
        *[link(path, text) for path, text in _ways(request)],
        form(request, "/logout", button("Log out", cls="plain")),
    ]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", http_equiv="refresh", content=str(reload_after)) if reload_after else None,
        tag("title", f"{title} – {shop.owner.name}"),
        tag("link", rel="stylesheet", href="/style.css"),
    )
    clock = tag("p", f"Times are those of {shop.owner.timezone}.", cls="quiet")
    ways = tag("details", tag("summary", "All pages"), tag("nav", links), cls="menu") if bar else tag("nav", links)
    content = tag(
        "body",
        ways if nav else None,
        tag("main", tag("h1", title), body, clock if nav else None),
        tag("nav", bar, cls="bar", aria_label="At this booth") if bar else None,
        cls="booth" if bar else None,
    )
    return HTMLResponse("<!doctype html>" + tag("html", head, content, lang="en"), status)


def _ways(request: Request) -> list[tuple[str, str]]:
    """The pages that the key of whoever looks opens; to somebody we do not know, as on an address that is none of ours,
    only where to begin."""
    shop, place = front_of(request).room.shop, place_of(request)
    if place is None:
        return [("/", "Staff pages")]
    if place:
        return ways(shop, place)
    return [
        ("/orders", "Orders"),
        *[(f"/booths/{quote(x.id, safe='')}", x.name) for x in shop.locations if x.promise],
        *[(f"/prints/{quote(x.id, safe='')}", f"Prints {x.name}") for x in shop.locations if x.printers],
        *[(f"/scan/{quote(x.id, safe='')}", f"Scan {x.name}") for x in shop.locations if x.scan],
        ("/samples", "Samples"),
        ("/parcels", "Parcels"),
        ("/returns", "Returns"),
        ("/events", "Events"),
        ("/transfers", "To the market"),
        ("/effects", "Nobody can tell"),
        ("/conflicts", "Without network"),
        ("/quarantine", "Quarantine"),
    ]


_TONE = {
    "held": "act",
    "blocked": "act",
    "unknown": "act",
    "failed": "bad",
    "undelivered": "bad",
    "sick": "bad",
    "backordered": "act",
    "requested": "act",
    "ask": "act",
    "declined": "over",
    "closed": "good",
    "granted": "good",
    "open": "calm",
    "fulfilled": "good",
    "done": "good",
    "sent": "good",
    "cancelled": "over",
    "ready": "good",
    "live": "good",
    "settled": "over",
}
