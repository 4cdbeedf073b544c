"""Answers that are sent only when they changed (RFC 9110, section 13): a tag of the bytes, and 304 for who has them.

What belongs here: the tag, and comparing it. What does not: what caches may keep, which each door says for itself.
"""

from __future__ import annotations

import json

from fastapi import Request, Response

from backroom.eventpage.page import etag


def answer_once(request: Request, told: object) -> Response:
    """`told` as JSON under its tag; an empty 304 where the asker names that tag. No cache keeps it for others."""
    content = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {"ETag": etag(content), "Cache-Control": "private, no-cache"}
    if names(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)


def names(told: str, tag: str) -> bool:
    """Whether an `If-None-Match` names this tag: weakly compared, as RFC 9110, section 13.1.2 wants."""
    return told.strip() == "*" or any(one.strip().removeprefix("W/") == tag for one in told.split(","))
