"""Who may come in: bearer keys for programs, a signed session cookie for staff in a browser, and its CSRF token.

A key is looked up in the database at every request, a session's too, so that a revoked one is out at once. 401 without
a key that works, 403 with one of another scope or location.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, HTTPException, Request

from backroom.gateway.front import Front, front_of
from backroom.gateway.place_pages import opens
from backroom.store import api_keys
from backroom.store.api_keys import KeyInfo
from backroom.store.seals import Seals

COOKIE = "backroom_session"
SESSION_SECONDS = 12 * 3600


class LoginNeeded(Exception):
    """A staff page was asked for by nobody we know."""


def bearer(request: Request) -> str | None:
    """The key of an `Authorization: Bearer` header (RFC 6750, section 2.1)."""
    kind, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if kind.lower() == "bearer" and key.strip() else None


def admit(front: Front, key: str | None, scope: str, location: str | None = None) -> KeyInfo:
    """The working key for this door, or 401 or 403."""
    info = None
    if key is not None:
        with front.room.database.read() as connection:
            info = api_keys.find_key(connection, key)
    if info is None:
        raise HTTPException(401, "a key is needed", headers={"WWW-Authenticate": "Bearer"})
    if not api_keys.allows(info, scope, location):
        raise HTTPException(403, f"this key is not for {scope}{' here' if location else ''}")
    return info


def needs(scope: str) -> Callable[[Request], KeyInfo]:
    """A dependency for endpoints that programs call; a `location` in the path must be the key's own."""

    def check(request: Request) -> KeyInfo:
        return admit(front_of(request), bearer(request), scope, request.path_params.get("location"))

    return check


def staff(request: Request) -> KeyInfo:
    """A dependency for staff pages: a bearer key, or a session that was opened with a key which still works. A key of
    one place opens what `place_pages` names, and gets 403 for the rest."""
    front = front_of(request)
    key = bearer(request)
    info = session(request) if key is None else admit(front, key, "staff")
    if info is None:
        raise LoginNeeded
    request.state.staff = info
    if info.location:
        with front.room.database.read() as connection:
            route = request.scope["route"].path
            may = opens(connection, info, request.method, route, request.path_params)
        if not may:
            raise not_of_place(info.location)
    return info


def session(request: Request) -> KeyInfo | None:
    """The staff key that works and that this browser's session was opened with."""
    info = _session(front_of(request), request.cookies.get(COOKIE, ""))
    return info if info is not None and api_keys.allows(info, "staff") else None


def place_of(request: Request) -> str | None:
    """The place that the staff key of this request is bound to: empty for one of the whole shop, None where nobody's
    key was asked for."""
    info: KeyInfo | None = getattr(request.state, "staff", None)
    return None if info is None else info.location


def only_at(request: Request, place: str) -> None:
    """403 where the staff key is bound to another place than this."""
    if (own := place_of(request)) and own != place:
        raise not_of_place(own)


def not_of_place(place: str) -> HTTPException:
    """What a staff key of one place hears at any other page."""
    return HTTPException(403, f"this key opens the pages of {place} only: for this, log in with one of the whole shop")


def open_session(seals: Seals, info: KeyInfo) -> str:
    """The cookie's value: the key's id and the end of the session, signed with the shop's master key."""
    what = f"{info.id}.{int(time.time()) + SESSION_SECONDS}"
    return f"{what}.{seals.digest('staff session', what)}"


def csrf_token(seals: Seals, cookie: str) -> str:
    """What a form must send back; it is bound to the session it was made in."""
    return seals.digest("csrf", cookie)


def check_csrf(request: Request, token: str) -> None:
    """403 unless the form came from a page of ours in this session. A bearer key is not sent by a browser by itself."""
    if bearer(request) is not None:
        return
    wanted = csrf_token(front_of(request).room.seals, request.cookies.get(COOKIE, ""))
    if not hmac.compare_digest(wanted.encode(), token.encode("utf-8", "replace")):
        raise HTTPException(403, "this form is too old: go back, reload the page and send it again")


def _session(front: Front, cookie: str) -> KeyInfo | None:
    what, _, signature = cookie.rpartition(".")
    expected = front.room.seals.digest("staff session", what)
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
        return None
    key_id, _, end = what.partition(".")
    if int(end) <= time.time():
        return None
    with front.room.database.read() as connection:
        return api_keys.key_by_id(connection, int(key_id))


Staff = Annotated[KeyInfo, Depends(staff)]
