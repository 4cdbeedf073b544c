"""Logging in: the key is typed once, and a signed cookie that scripts cannot read stands for it afterwards."""

from __future__ import annotations

import re

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from backroom.gateway.access import COOKIE, SESSION_SECONDS, admit, open_session, session
from backroom.gateway.front import front_of
from backroom.gateway.pages.forms import Fields, StaffFields
from backroom.gateway.pages.html import Html, button, page, tag
from backroom.gateway.place_pages import ways
from backroom.store.api_keys import KeyInfo

HOME = "/orders"
_OWN_PATH = re.compile(r"/(?![/\\])[\x21-\x7e]*")

router = APIRouter()


async def ask(request: Request, _error: Exception) -> Response:
    """The answer to somebody we do not know: 401 with the login page, and back to where they wanted to go.

    A link on another site (Prefect's UI at another host name) arrives without the SameSite=Strict cookie, so a visit
    from there is asked to come once more, from here.
    """
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"detail": "a key is needed"}, 401, {"WWW-Authenticate": "Bearer"})
    if _comes_from_elsewhere(request):
        return _once_more(_asked(request))
    return _form(request, _asked(request) if request.method == "GET" else HOME, "")


@router.get("/")
def home(request: Request) -> Response:
    """Where whoever comes begins; who is not known yet, at the login: a booth's address leads to no other page."""
    info = session(request)
    if info is None:
        return _once_more("/") if _comes_from_elsewhere(request) else RedirectResponse("/login", 303)
    return RedirectResponse(_home_of(request, info), 303)


@router.get("/login")
def login(request: Request, next: str = HOME) -> Response:
    return _form(request, own_path(next), "", status=200)


@router.post("/login")
def open_(request: Request, given: Fields) -> Response:
    """Takes the key once; 401 for one that does not work, 403 for one that is not for staff, both with the form."""
    front = front_of(request)
    back = own_path(given.get("next", HOME))
    try:
        info = admit(front, given.get("key") or None, "staff")
    except HTTPException as error:
        said = "This key does not work." if error.status_code == 401 else "This key is not for staff pages."
        return _form(request, back, said, status=error.status_code)
    response = RedirectResponse(_home_of(request, info) if back == HOME else back, 303)
    response.set_cookie(
        COOKIE,
        open_session(front.room.seals, info),
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


@router.post("/logout")
def close(_given: StaffFields) -> Response:
    response = RedirectResponse("/login", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


def _form(request: Request, back: str, said: str, status: int = 401) -> Response:
    return page(
        request,
        "Log in",
        tag("p", said, cls="bad", role="alert") if said else None,
        tag(
            "form",
            tag("input", type="hidden", name="next", value=back),
            tag("label", "Staff key", for_="key"),
            tag("input", id="key", name="key", type="password", autocomplete="current-password", autofocus=True),
            Html(" "),
            button("Log in"),
            method="post",
            action="/login",
        ),
        tag("p", "Whoever runs the shop makes one with: backroom key make staff", cls="quiet"),
        status=status,
        nav=False,
    )


def _comes_from_elsewhere(request: Request) -> bool:
    return request.method == "GET" and request.headers.get("sec-fetch-site") == "cross-site"


def _once_more(path: str) -> Response:
    again = tag("meta", http_equiv="refresh", content=f"0;url={own_path(path)}")
    return HTMLResponse("<!doctype html>" + tag("html", tag("head", again)), 401)


def _home_of(request: Request, info: KeyInfo) -> str:
    """Where somebody begins: with all orders, or at the place that their key is bound to."""
    own = ways(front_of(request).room.shop, info.location) if info.location else []
    return own[0][0] if own else HOME


def _asked(request: Request) -> str:
    query = request.url.query
    return request.url.path + (f"?{query}" if query else "")


def own_path(path: str) -> str:
    """A path on this gateway, never another site."""
    return path if _OWN_PATH.fullmatch(path) else HOME
