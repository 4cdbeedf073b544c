"""Asking a Prefect server that may be away, until it answers.

What belongs here: for how long, and after which errors. What does not: what is asked. The client's own retries sleep up
to 2ⁿ s between two questions, and whoever waited for a run waited with them: a server that was back after 15 s was
asked again at 30, and the wave that a run had in hand lay still until then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx

T = TypeVar("T")

ASK_AGAIN_SECONDS = 1.0
# A run's, after which the client's own retries wait, for eight minutes more; a worker waits as long as it lives.
PATIENCE_SECONDS = 300.0
# How the gateway says that it is not itself what a booth waits for: a header, with a 503.
AWAY = "Backroom-Prefect"


class Patient(httpx.BaseTransport):
    """A transport that asks again, every second, where nobody took the call, or the gateway says that Prefect is away.

    What was taken and not answered is not its matter: whether that may be repeated, the client decides. Of what the
    gateway says so it has decided: it repeats each 503, only later.
    """

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = self._inner.handle_request(request)
            except httpx.ConnectError:
                if time.monotonic() > until:
                    raise
            else:
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or AWAY not in answer.headers:
                    return answer
                if time.monotonic() > until:
                    return answer
                answer.close()
            time.sleep(ASK_AGAIN_SECONDS)

    def close(self) -> None:
        self._inner.close()


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
