"""Forms of our own pages that carry a file: multipart/form-data (RFC 7578), as a browser sends it.

What belongs here: taking such a body apart. What does not: what the file is (`backroom.shop.photos`), how large a body
may be (`backroom.gateway.middleware`).
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from starlette.requests import ClientDisconnect

from backroom.gateway.access import Staff, check_csrf

MOST_PARTS = 30
# A photo from a field, over what is left of the mobile network.
BODY_SECONDS = 120
LONGEST_FIELD = 5_000
_TYPE = re.compile(r'multipart/form-data;\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s";,]{1,70}))\s*', re.IGNORECASE)
_NAME = re.compile(rb'(?:^|;)\s*name="([^"\r\n]*)"', re.IGNORECASE)
_FILE = re.compile(rb"(?:^|;)\s*filename\*?=", re.IGNORECASE)
_DISPOSITION = re.compile(rb"^content-disposition:\s*form-data\s*(;[^\r\n]*)$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Upload:
    """What a form carried, each by name: fields as text, files as bytes; one that was not chosen is empty."""

    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


def take_apart(body: bytes, content_type: str) -> Upload:
    """The parts of a body; ValueError for one that no browser sends."""
    match = _TYPE.fullmatch(content_type)
    if match is None:
        raise ValueError("no multipart form")
    boundary = (match[1] or match[2]).encode("latin-1")
    before, *parts, rest = (b"\r\n" + body).split(b"\r\n--" + boundary)
    if before or not parts or len(parts) > MOST_PARTS or rest.strip(b"\r\n") != b"--":
        raise ValueError("the parts of the form are broken")
    upload = Upload()
    for part in parts:
        head, gap, content = part.partition(b"\r\n\r\n")
        said = _DISPOSITION.search(head.replace(b"\r\n", b"\n").strip(b"\n"))
        name = _NAME.search(said[1]) if said else None
        if not gap or not head.startswith(b"\r\n") or said is None or name is None:
            raise ValueError("a part of the form has no name")
        if _FILE.search(said[1]):
            upload.files[name[1].decode()] = content
        elif len(content) > LONGEST_FIELD:
            raise ValueError("a field is too long")
        else:
            upload.fields[name[1].decode()] = content.decode().strip()
    return upload


async def staff_upload(request: Request, _staff: Staff) -> Upload:
    """What somebody of the staff sent from a page of this session. Nobody else's body is read at all."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await request.body()
    except TimeoutError as error:
        raise HTTPException(408, "the photo did not come in time") from error
    except ClientDisconnect as error:
        raise HTTPException(400, "the photo broke off") from error
    try:
        upload = take_apart(body, request.headers.get("content-type", ""))
    except ValueError as error:
        raise HTTPException(400, "this is not a form of ours") from error
    check_csrf(request, upload.fields.pop("csrf", ""))
    return upload


StaffUpload = Annotated[Upload, Depends(staff_upload)]
