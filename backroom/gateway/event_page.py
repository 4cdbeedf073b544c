"""`/e/{code}/`: an event's page for everybody, without a key, made to stand behind a CDN.

What belongs here: addresses, caching, and looking no more often than needed. What does not: what stands there
(`backroom.eventpage`). The answer to each question is looked up after it was asked, so it is right as soon as stock has
changed; what a cache may keep of it, and for how long, is said in its headers.
"""

from __future__ import annotations

import asyncio
import re
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from backroom.domain.shop import Shop
from backroom.eventpage import looking
from backroom.eventpage.assets import TYPES
from backroom.eventpage.page import LIVE, etag, policy
from backroom.eventpage.refusing import refusal
from backroom.gateway.conditional import names
from backroom.gateway.front import front_of
from backroom.store.events import NoSuchEvent

# A cache answers by itself for `max-age` seconds, and for as long again with what it has while it asks us; it goes on
# answering for a day when we are away. Counts are asked for more often than the page around them.
LIVE_CACHE = "public, max-age=5, stale-while-revalidate=10, stale-if-error=86400"
PAGE_CACHE = "public, max-age=30, stale-while-revalidate=60, stale-if-error=86400"
FOR_EVER = "public, max-age=31536000, immutable"
NOT_THERE = {"Cache-Control": "public, max-age=30"}
_CODE = re.compile(r"[a-z0-9-]{1,80}")
_ASSET = re.compile(r"[a-z-]{1,20}\.[0-9a-f]{16}\.(css|js|svg|webp)")

router = APIRouter()
Code = Annotated[str, Path(max_length=80)]


@router.api_route("/e/assets/{name}", methods=["GET", "HEAD"])
async def asset(name: str, request: Request) -> Response:
    """Style, script and pictures: a name that is known never means anything else."""
    match = _ASSET.fullmatch(name)
    found = await asyncio.to_thread(looking.find_asset, front_of(request).room, name) if match else None
    if match is None or found is None:
        raise HTTPException(404, "there is nothing at this address", NOT_THERE)
    headers = {"Cache-Control": FOR_EVER, "ETag": f'"{name}"'}
    return Response(found, media_type=TYPES[match[1]], headers=headers)


@router.api_route("/e/{code}", methods=["GET", "HEAD"])
async def without_slash(code: Code) -> Response:
    """What people type; what a page loads is found from its folder."""
    check_code(code)
    return RedirectResponse(f"/e/{code}/", 308, {"Cache-Control": PAGE_CACHE})


@router.api_route("/e/{code}/", methods=["GET", "HEAD"])
async def index(code: Code, request: Request) -> Response:
    """The page in the shop's language."""
    return await _answer(request, code, looking.INDEX)


@router.api_route("/e/{code}/{name}", methods=["GET", "HEAD"])
async def file(code: Code, name: str, request: Request) -> Response:
    """The page in a language, such as `de.html`; or `live.json`, what changes."""
    if name not in looking.names():
        raise HTTPException(404, "there is nothing at this address", NOT_THERE)
    return await _answer(request, code, name)


async def _answer(request: Request, code: str, name: str) -> Response:
    check_code(code)
    front = front_of(request)
    try:
        seen = await front.looks.ask(front.room, code)
    except NoSuchEvent:
        raise HTTPException(404, "there is no such event", NOT_THERE) from None
    content = await asyncio.to_thread(looking.content, front.room, seen, name)
    tag = etag(content)
    headers = {
        "ETag": tag,
        "Cache-Control": LIVE_CACHE if name == LIVE else PAGE_CACHE,
    } | _guards()
    if names(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    kind = "application/json" if name == LIVE else "text/html; charset=utf-8"
    return Response(content, media_type=kind, headers=headers)


def check_code(code: str) -> None:
    """404 for what is no code of ours."""
    if not _CODE.fullmatch(code):
        raise HTTPException(404, "there is no such event", NOT_THERE)


def is_public(path: str) -> bool:
    """Whether everybody may ask for this address, through a cache that others share."""
    return path == "/e" or path.startswith("/e/")


def refused(shop: Shop, status: int) -> Response:
    """The answer below `/e/` where there is none: the same for everybody, whoever asks and however."""
    content = refusal(shop.owner.name, shop.owner.language, status)
    return HTMLResponse(content, status, _guards())


def _guards() -> dict[str, str]:
    """What a browser may do with a page of an event."""
    return {"Content-Security-Policy": f"{policy()}; frame-ancestors 'none'", "Referrer-Policy": "no-referrer"}
