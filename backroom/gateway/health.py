"""`GET /health` for whoever watches the process, `GET /metrics` for Prometheus."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from backroom.domain.errors import Retry
from backroom.gateway.access import needs
from backroom.gateway.front import front_of
from backroom.store.api_keys import KeyInfo
from backroom.store.figures import prove_writable

WRITE_SECONDS = 2.0

router = APIRouter()


@router.get("/health")
def health(request: Request) -> Response:
    """200 when a commit reaches the disk within two seconds, else 503; it says which, and nothing about the shop."""

    def write(connection: Connection) -> None:
        prove_writable(connection, int(time.time()))

    try:
        front_of(request).room.database.write_grouped(write).result(WRITE_SECONDS)
    except (SQLAlchemyError, Retry, TimeoutError) as error:
        return JSONResponse({"status": "unavailable", "database": type(error).__name__}, 503, {"Retry-After": "5"})
    return JSONResponse({"status": "ok", "database": "writable"})


@router.get("/metrics")
def metrics(request: Request, _key: Annotated[KeyInfo, Depends(needs("metrics"))]) -> Response:
    return Response(front_of(request).meters.page(), media_type=CONTENT_TYPE_LATEST)
