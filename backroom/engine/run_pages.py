"""A run's page in the UI, opened by somebody who has only just asked for the run.

What belongs here: how long its answer is held back. What does not: whom a request is for (`people_first`), starting the
server (`prefect_server`).

Prefect's page asks once, sees that the run is Scheduled, shows no results, and asks again after five seconds. Runs that
a person asks for take one or two, in a wave three: the answer waits for their end, and the page shows it at once.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backroom.engine.people_first import is_from_a_browser, unpacked

WAIT_SECONDS = 4.0
LOOK_SECONDS = 0.15
# Whatever has stood longer as it stands is shown so at once: a long wave, or a run that no worker takes.
JUST_NOW = timedelta(seconds=5)
UNDER_WAY = frozenset({"SCHEDULED", "PENDING", "RUNNING"})
_A_RUN = re.compile(r"GET \S*/flow_runs/[0-9a-f-]{36}")


class RunPages:
    """ASGI middleware: a browser that asks for a run which is about to end gets it when it has, or 4 s later as it is.

    `wait_seconds` is another limit than those four seconds, for tests.
    """

    def __init__(self, app: ASGIApp, wait_seconds: float = WAIT_SECONDS) -> None:
        self._app = app
        self._wait_seconds = wait_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = f"{scope['method']} {scope['path']}" if scope["type"] == "http" else ""
        if _A_RUN.fullmatch(asked) and is_from_a_browser(scope):
            await self._answer_at_its_end(unpacked(scope), send)
        else:
            await self._app(scope, receive, send)

    async def _answer_at_its_end(self, scope: Scope, send: Send) -> None:
        deadline = time.monotonic() + self._wait_seconds
        while True:
            answer = await self._ask(scope)
            if time.monotonic() >= deadline or not _is_about_to_end(answer):
                break
            await asyncio.sleep(LOOK_SECONDS)
        for message in answer:
            await send(message)

    async def _ask(self, scope: Scope) -> list[Message]:
        answer: list[Message] = []
        body: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Message:
            if not body:
                await asyncio.Event().wait()
            return body.pop()

        async def hear(message: Message) -> None:
            answer.append(message)

        await self._app(dict(scope), receive, hear)
        return answer


def _is_about_to_end(answer: list[Message]) -> bool:
    if not answer or answer[0].get("status") != 200:
        return False
    run: dict[str, Any] = json.loads(b"".join(one.get("body", b"") for one in answer[1:]))
    state, now = run.get("state") or {}, datetime.now(UTC)
    due = run.get("next_scheduled_start_time") if state.get("type") == "SCHEDULED" else None
    return (
        state.get("type") in UNDER_WAY
        and now - datetime.fromisoformat(state["timestamp"]) < JUST_NOW
        and (due is None or datetime.fromisoformat(due) <= now)
    )
