"""`GET /artworks/{sha256}.png`: an artwork for a partner who was given its address, signed and for a while.

404 for an address that is not ours or whose time is over, and for a file that was changed or taken away since: whoever
asks learns nothing else.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response

from backroom.gateway.front import front_of
from backroom.partners.artwork_urls import BadArtworkUrl, check
from backroom.printing.artwork import MOST_BYTES

router = APIRouter()


@router.get("/artworks/{sha256}.png")
def artwork(
    request: Request,
    sha256: str,
    name: Annotated[str, Query(max_length=200)],
    until: Annotated[int, Query(ge=0, le=2**40)],
    sign: Annotated[str, Query(max_length=200)],
) -> Response:
    """The file, as long as its bytes are those that were asked for."""
    room = front_of(request).room
    try:
        check(room.seals, sha256, name, until, sign, datetime.now(UTC))
        content = _read(room.artwork(), name)
    except (BadArtworkUrl, OSError):
        raise HTTPException(404, "there is nothing at this address") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise HTTPException(404, "there is nothing at this address")
    headers = {"Cache-Control": "private, max-age=3600", "Content-Disposition": "inline"}
    return Response(content, media_type="image/png", headers=headers)


def _read(folder: Path, name: str) -> bytes:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or path.stat().st_size > MOST_BYTES:
        raise BadArtworkUrl("there is nothing at this address")
    return path.read_bytes()
