"""What holds for every request and answer: how much may come in, and what a browser may do with what goes out."""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_MOST = 1024 * 1024
# A photo, and the few words beside it, as a camera makes it: only where staff send one.
PHOTO_MOST = 16 * 1024 * 1024
_PHOTO = re.compile(r"/samples/[^/]+/[0-9]+/word")

# Pages need one style sheet and forms that come back to us; nothing else may load or run.
POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class BodyLimit:
    """413 for a body of more than `most` bytes, or of PHOTO_MOST where a photo is sent: at once where its length is
    told, else as soon as it is passed."""

    def __init__(self, app: ASGIApp, most: int = BODY_MOST) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = PHOTO_MOST if _PHOTO.fullmatch(scope["path"]) else self._most
        told = Headers(scope=scope).get("content-length", "")
        too_long = told.isascii() and told.isdigit() and (len(told) > 18 or int(told) > most)
        refused = f"the body is larger than {most // 1024**2} MiB"
        got = 0

        async def counted() -> Message:
            nonlocal got
            if too_long:
                raise HTTPException(413, refused)
            message = await receive()
            if message["type"] == "http.request":
                got += len(message.get("body", b""))
                if got > most:
                    raise HTTPException(413, refused)
            return message

        await self._app(scope, counted, send)


class PlainAddresses:
    """404 for an address with a NUL in it: nothing of ours has such a name, and PostgreSQL takes no text with one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "\0" in scope["path"]:
            nowhere = JSONResponse({"detail": "there is nothing at this address"}, 404)
            await nowhere(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class SafeHeaders:
    """Adds the headers that keep pages closed to other sites, to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)
