"""What a staff key that is bound to one place opens: the pages that whoever stands there needs, of that place only.

What belongs here: which pages those are, and whose place what they show belongs to. What does not: who comes in at all
(`access`), and what a page leaves out for such a key (the page itself).

Whatever is not named here stays shut for it, a page that is written tomorrow too. None of these pages shows a name, an
address or a list of customers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import quote

from sqlalchemy import Connection

from backroom.domain.shop import Shop
from backroom.store import events, returns, transfer_rows
from backroom.store.api_keys import KeyInfo

# The place that what is asked for belongs to, from the names in its path; None where nobody's page is asked for.
Owner = Callable[[Connection, Mapping[str, str]], str | None]


def _named(_connection: Connection, asked: Mapping[str, str]) -> str | None:
    return asked["location"]


def _of_event(connection: Connection, asked: Mapping[str, str]) -> str | None:
    return str(events.find(connection, asked["code"])["location"])


def _of_transfer(connection: Connection, asked: Mapping[str, str]) -> str | None:
    """Where it goes: whoever stands there scans what arrives."""
    return transfer_rows.read(connection, asked["number"]).to_location


def _arrived(connection: Connection, asked: Mapping[str, str]) -> str | None:
    return _of_transfer(connection, asked) if asked["act"] == ARRIVED else None


def _of_return(connection: Connection, asked: Mapping[str, str]) -> str | None:
    return returns.find(connection, asked["number"])["location"] or None


def _of_piece(connection: Connection, asked: Mapping[str, str]) -> str | None:
    back = returns.find(connection, asked["number"])
    ours = {str(line["id"]) for line in returns.lines_of(connection, [back["id"]])[back["id"]]}
    return back["location"] if asked["piece"] in ours else None


ARRIVED = "arrived"

# By method and path as the route has it.
OPENS: Mapping[tuple[str, str], Owner] = {
    ("GET", "/booths/{location}"): _named,
    ("POST", "/booths/{location}/power"): _named,
    ("GET", "/scan/{location}"): _named,
    ("POST", "/scan/{location}"): _named,
    ("GET", "/collect/{location}"): _named,
    ("POST", "/collect/{location}"): _named,
    ("GET", "/prints/{location}"): _named,
    ("POST", "/prints/{location}/{job_id}/decision"): _named,
    ("POST", "/prints/{location}/{job_id}/bad"): _named,
    ("GET", "/returns/at/{location}"): _named,
    ("POST", "/returns/at/{location}"): _named,
    ("GET", "/returns/{number}"): _of_return,
    ("POST", "/returns/{number}/decline"): _of_return,
    ("POST", "/returns/{number}/cancel"): _of_return,
    ("POST", "/returns/{number}/complete"): _of_return,
    ("POST", "/returns/{number}/pieces/{piece}/say"): _of_piece,
    ("POST", "/returns/{number}/pieces/{piece}/decide"): _of_piece,
    ("POST", "/returns/{number}/pieces/{piece}/dispose"): _of_piece,
    ("GET", "/events/{code}"): _of_event,
    ("GET", "/events/{code}/evidence/{item}"): _of_event,
    ("POST", "/events/{code}/checks/{item}"): _of_event,
    ("POST", "/events/{code}/open"): _of_event,
    ("POST", "/events/{code}/close"): _of_event,
    ("GET", "/events/{code}/count"): _of_event,
    ("POST", "/events/{code}/count"): _of_event,
    ("GET", "/transfers/{number}"): _of_transfer,
    ("POST", "/transfers/{number}/scan"): _of_transfer,
    ("POST", "/transfers/{number}/{act}"): _arrived,
}

# These show what is at the key's place only, and ending a session shows nothing.
OPENS_ITS_OWN = {("GET", "/events"), ("GET", "/transfers"), ("POST", "/logout")}


def opens(connection: Connection, info: KeyInfo, method: str, route: str, asked: Mapping[str, str]) -> bool:
    """Whether a staff key of one place opens this route for what is asked. The error of whatever is asked for where
    there is no such thing (NoSuchEvent, NoSuchReturn, NoSuchTransfer)."""
    if (method, route) in OPENS_ITS_OWN:
        return True
    owner = OPENS.get((method, route))
    # Nothing of ours has such a name.
    plain = all(str(word).isprintable() for word in asked.values())
    return owner is not None and plain and owner(connection, asked) == info.location


def ways(shop: Shop, place: str) -> list[tuple[str, str]]:
    """The pages of a place by path and name, the one to begin with first."""
    here = next((one for one in shop.locations if one.id == place), None)
    if here is None:
        return []
    at = quote(here.id, safe="")
    return [
        *([(f"/booths/{at}", here.name)] if here.promise else []),
        (f"/scan/{at}", "Scan"),
        (f"/collect/{at}", "Hand over"),
        (f"/returns/at/{at}", "Take back"),
        *([(f"/prints/{at}", "Prints")] if here.printers else []),
        ("/events", "Events"),
        ("/transfers", "To the market"),
    ]
