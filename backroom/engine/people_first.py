"""Whom a request to Prefect's server is for: a person who waits for it, or a machine.

What belongs here: telling requests apart. What does not: the line in which those that write stand (`write_line`), how
a run's page is answered (`run_pages`), starting the server (`prefect_server`).
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from contextvars import ContextVar

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BROWSER = "Mozilla/"
# So many of the runs that people asked for or looked at last are remembered.
REMEMBERED = 200
# A run that was made, or was there already.
MADE = (200, 201)
# Both end in one SELECT or a few (`prefect.server.api.workers`), in a transaction that could write.
_READERS = re.compile(r"GET \S*/work_pools/[^/]+/queues/[^/]+|POST \S*/work_pools/[^/]+/get_scheduled_flow_runs")
_ASKS_FOR_A_RUN = re.compile(r"POST \S*/create_flow_run")
_OF_A_RUN = re.compile(r"/flow_runs/([0-9a-f-]{36})\b")
# What a run shows names it in its body alone.
_SHOWS = re.compile(r"POST \S*/artifacts/")
_SHOWN_BY = re.compile(rb'"flow_run_id": ?"([0-9a-f-]{36})"')

_only_reads: ContextVar[bool] = ContextVar("only_reads", default=False)
_for_a_person: ContextVar[bool] = ContextVar("for_a_person", default=False)


def only_reads() -> bool:
    """Whether the request that is being served changes nothing."""
    return _only_reads.get()


def for_a_person() -> bool:
    """Whether the request that is being served is a browser's, or about a run that was asked for or seen in one."""
    return _for_a_person.get()


def is_from_a_browser(scope: Scope) -> bool:
    """Whether an HTTP request says that a browser sent it."""
    return Headers(scope=scope).get("user-agent", "").startswith(BROWSER)


def unpacked(scope: Scope) -> Scope:
    """The same request, for an answer that is to be read on its way."""
    return {**scope, "headers": [one for one in scope["headers"] if one[0] != b"accept-encoding"]}


class PeopleFirst:
    """ASGI middleware: says of each request whom it is for, to whatever serves it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._runs: OrderedDict[str, None] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            asked = f"{scope['method']} {scope['path']}"
            run, person = _OF_A_RUN.search(scope["path"]), is_from_a_browser(scope)
            if person and run is not None:
                self._remember(run[1])
            # For this request's own task and what that starts: nothing has to be put back.
            _only_reads.set(_READERS.fullmatch(asked) is not None)
            _for_a_person.set(person or (run is not None and run[1] in self._runs))
            if person and _ASKS_FOR_A_RUN.fullmatch(asked):
                scope, send = unpacked(scope), self._remembering(send)
            elif not person and _SHOWS.fullmatch(asked):
                receive = self._looking(receive)
        await self._app(scope, receive, send)

    def _remember(self, run: str) -> None:
        self._runs[run] = None
        self._runs.move_to_end(run)
        if len(self._runs) > REMEMBERED:
            self._runs.popitem(last=False)

    def _looking(self, receive: Receive) -> Receive:
        body = b""

        async def receive_and_look() -> Message:
            nonlocal body
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body") and (run := _SHOWN_BY.search(body)) is not None:
                # Whoever serves the request waits for its body, and so in the same task.
                _for_a_person.set(run[1].decode() in self._runs)
            return message

        return receive_and_look

    def _remembering(self, send: Send) -> Send:
        body, is_made = b"", False

        async def send_and_remember(message: Message) -> None:
            nonlocal body, is_made
            if message["type"] == "http.response.start":
                is_made = message["status"] in MADE
            body += message.get("body", b"")
            if message["type"] == "http.response.body" and not message.get("more_body") and is_made:
                self._remember(json.loads(body)["id"])
            await send(message)

        return send_and_remember
