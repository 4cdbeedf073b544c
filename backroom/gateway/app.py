"""The gateway as one FastAPI application: its routers, its middleware, and how errors become answers.

There is no generated documentation page: it would load scripts from another site.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from starlette.exceptions import HTTPException

from backroom.domain.errors import BackroomError, Retry
from backroom.domain.opening import zone
from backroom.gateway import artworks, booth, carrier_events, event_page, health, messages, pos, push, webhooks
from backroom.gateway.access import LoginNeeded
from backroom.gateway.bell import Bell
from backroom.gateway.carrier_doors import carrier_doors
from backroom.gateway.doors import webhook_doors
from backroom.gateway.event_sms import router as event_sms_router
from backroom.gateway.front import Front, Waker, front_of
from backroom.gateway.message_door import message_door
from backroom.gateway.meters import Meters
from backroom.gateway.middleware import BodyLimit, PlainAddresses, SafeHeaders
from backroom.gateway.page_files import PageFiles
from backroom.gateway.pages import (
    booths,
    effects,
    event_count,
    event_overdue,
    events,
    hand_over,
    labels,
    login,
    order,
    orders,
    parcels,
    prints,
    quarantine,
    return_station,
    returns,
    samples,
    scan,
    style,
    transfers,
)
from backroom.gateway.pages.conflicts import router as conflicts_router
from backroom.gateway.pages.html import page, tag
from backroom.gateway.partners import partner_doors
from backroom.gateway.partners import router as partner_messages
from backroom.gateway.prefect import router as prefect_router
from backroom.gateway.prefect_door import PrefectDoor
from backroom.gateway.spooling import Spooling
from backroom.gateway.tills import router as tills_router
from backroom.shop.room import Room
from backroom.store.api_keys import KeyEnded
from backroom.store.booth_wakes import BoothWork, look
from backroom.store.desk import NoSuchOrder
from backroom.store.events import NoSuchEvent
from backroom.store.parcels import NoSuchParcel
from backroom.store.returns import NoSuchReturn
from backroom.store.samples import NoSuchSample
from backroom.store.transfer_rows import NoSuchTransfer

log = logging.getLogger(__name__)

RETRY_AFTER = {"Retry-After": "5"}
LONGEST_DETAIL = 1_000


def create_app(room: Room, waker: Waker | None, stopping: Callable[[], bool] = lambda: False) -> FastAPI:
    """The application for one room. `stopping` says that the server wants to end, so that long polls answer at once.

    Raises SecretMissing for a webhook channel whose secret is not there.
    """
    app = FastAPI(
        title="Backroom", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, lifespan=_lifespan
    )

    def look_for_booths() -> dict[str, BoothWork]:
        with room.database.read() as connection:
            return look(connection)

    door = Spooling(room)
    app.state.front = Front(
        room=room,
        waker=waker,
        bell=Bell(look_for_booths, stopping),
        doors=webhook_doors(room),
        meters=Meters(room.database, zone(room.shop.owner.timezone), door.waiting),
        messages=message_door(room),
        partner_doors=partner_doors(room),
        carrier_doors=carrier_doors(room),
        spooling=door,
    )
    # Before the booths: its address would be one of theirs.
    app.include_router(prefect_router)
    for part in (
        webhooks,
        messages,
        push,
        pos,
        booth,
        health,
        login,
        orders,
        order,
        labels,
        prints,
        effects,
        quarantine,
        scan,
        style,
    ):
        app.include_router(part.router)
    for part in (
        returns,
        return_station,
        event_overdue,
        events,
        event_count,
        transfers,
        booths,
        samples,
        carrier_events,
        parcels,
        hand_over,
    ):
        app.include_router(part.router)
    app.include_router(conflicts_router)
    app.include_router(tills_router)
    app.include_router(partner_messages)
    app.include_router(artworks.router)
    app.include_router(event_page.router)
    app.include_router(event_sms_router)
    app.add_middleware(BodyLimit)
    app.add_middleware(PlainAddresses)
    app.add_middleware(SafeHeaders)
    app.add_exception_handler(BackroomError, _refused)
    for failure in (OperationalError, PoolExhausted, TimeoutError):
        app.add_exception_handler(failure, _database_failed)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(LoginNeeded, login.ask)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.prefect = PrefectDoor.from_environment()
    front: Front = app.state.front
    # Whatever one of them does at the end, the others get theirs.
    async with AsyncExitStack() as ends:
        if app.state.prefect is not None:
            ends.push_async_callback(app.state.prefect.close)
        ends.push_async_callback(front.spooling.end)
        await front.spooling.begin(front.send)
        folder = front.room.event_pages()
        if folder is not None:
            pages = asyncio.create_task(PageFiles(front.room, folder).keep())
            ends.push_async_callback(_cancel, pages)
        yield


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _refused(request: Request, error: Exception) -> Response:
    """Errors of ours carry ids only, so what they say may be shown to whoever holds a key."""
    assert isinstance(error, BackroomError)
    if isinstance(error, KeyEnded):
        # As at the door (`access`): a booth destroys what it has fetched when it hears this.
        return _said(request, 401, str(error), error.cause, {"WWW-Authenticate": "Bearer"})
    gone = isinstance(error, NoSuchOrder | NoSuchReturn | NoSuchEvent | NoSuchTransfer | NoSuchParcel | NoSuchSample)
    status = 404 if gone else 503 if isinstance(error, Retry) else 409
    return _said(request, status, str(error), error.cause)


async def _database_failed(request: Request, error: Exception) -> Response:
    # One line each: they come as often as deliveries, and a log may lie on the disk that is full.
    log.error("the database did not take a commit: %s", getattr(error, "orig", None) or type(error).__name__)
    return _said(request, 503, "the database is busy or full", "database")


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _said(request, error.status_code, error.detail, "http", error.headers)


async def _malformed(request: Request, error: Exception) -> Response:
    """Where it is malformed and how, not what was sent: no answer can hold half of a surrogate pair."""
    assert isinstance(error, RequestValidationError)
    wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
    return _said(request, 422, wrong[:LONGEST_DETAIL].encode("utf-8", "backslashreplace").decode(), "malformed")


def _said(request: Request, status: int, detail: str, cause: str, headers: Mapping[str, str] | None = None) -> Response:
    more = dict(headers or {}) | (RETRY_AFTER if status == 503 else {})
    html = "text/html" in request.headers.get("accept", "")
    if event_page.is_public(request.url.path) and (html or request.method in ("GET", "HEAD")):
        answer: Response = event_page.refused(front_of(request).room.shop, status)
    elif html:
        answer = page(request, "That did not work", tag("p", detail, cls="bad", role="alert"), status=status)
        # It holds the token of this session, and is nobody else's.
        more["Cache-Control"] = "no-store"
    else:
        answer = JSONResponse({"detail": detail, "cause": cause}, status)
    answer.headers.update(more)
    return answer
