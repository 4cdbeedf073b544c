"""Asking a Prefect server that may be away, until it answers.

What belongs here: for how long, and after which errors. What does not: what is asked. The client's own retries sleep up
to 2ⁿ s between two questions, and whoever waited for a run waited with them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx

T = TypeVar("T")

ASK_AGAIN_SECONDS = 1.0


async def until_answered(ask: Callable[[], Awaitable[T]], gives_up: Callable[[], bool]) -> T:
    """What the server answers to `ask`, which must be safe to repeat: every second, however long it is away.

    Raises httpx errors where it refuses us, or when `gives_up`, and whatever else `ask` raises.
    """
    while True:
        try:
            return await ask()
        except httpx.HTTPError as error:
            if _refuses_us(error) or gives_up():
                raise
        await asyncio.sleep(ASK_AGAIN_SECONDS)


def _refuses_us(error: httpx.HTTPError) -> bool:
    return isinstance(error, httpx.HTTPStatusError) and error.response.status_code < 500
