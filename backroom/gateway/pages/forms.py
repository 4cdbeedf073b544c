"""Reading the forms of our own pages: URL-encoded fields, a few short ones."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, HTTPException, Request

from backroom.gateway.access import Staff, check_csrf
from backroom.gateway.webhooks import read_body

MOST_FIELDS = 30


async def fields(request: Request) -> dict[str, str]:
    """The fields of a form by name, the last of a name; 400 for what no page of ours sends."""
    body = await read_body(request)
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise HTTPException(400, "this is not a form of ours") from error
    return {name: value.strip() for name, value in pairs}


async def staff_fields(request: Request, _staff: Staff) -> dict[str, str]:
    """The fields of a form that somebody of the staff sent from a page of this session."""
    given = await fields(request)
    check_csrf(request, given.pop("csrf", ""))
    return given


Fields = Annotated[dict[str, str], Depends(fields)]
StaffFields = Annotated[dict[str, str], Depends(staff_fields)]
