"""How much of Prefect's API a booth's worker is let through to: its own pool and the runs of that pool, nothing else.

What belongs here: the allowlist, whose runs are whose, and asking Prefect with the credential that the booth does not
have. What does not: HTTP and who comes with which key (`backroom.gateway.prefect`). What the worker asks for was found
by writing down all that it asked a Prefect 3.8.8 through a whole life: started, killed, started again, stopped.

Whatever names a run is checked against the pool that the run is of, as Prefect tells it; whatever asks for a list has
its filter replaced by one on the own pool. What is not named here is refused.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

log = logging.getLogger(__name__)

TIMEOUT = httpx.Timeout(30.0, connect=5.0)
# What of a run its worker may change: whose it is, and what the engine notes of its flow.
PATCHED = frozenset({"infrastructure_pid", "flow_version", "empirical_policy"})
MOST_KNOWN = 5_000
MOST_LISTED = 200

Json = Any


class NotForBooths(Exception):
    """The call is not one that a booth's worker has any need of, or is about another's."""


class PrefectAway(Exception):
    """Prefect did not answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What Prefect said, or we in its place."""

    status: int
    body: bytes
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a booth's worker: `path` is below the API, `pool` the one its key is for."""

    method: str
    path: str
    query: str
    body: bytes
    pool: str

    def json(self) -> Json:
        try:
            return json.loads(self.body or b"null")
        except ValueError as error:
            raise NotForBooths("the body is no JSON") from error


class PrefectDoor:
    """One gateway's way to Prefect for all booths. Used in one event loop."""

    def __init__(self, api: str, login: tuple[str, str] | None) -> None:
        self._client = httpx.AsyncClient(base_url=api.rstrip("/"), auth=login, timeout=TIMEOUT)
        self._pool_of: OrderedDict[str, str] = OrderedDict()
        self._flow_of_task: OrderedDict[str, str] = OrderedDict()

    @classmethod
    def from_environment(cls) -> PrefectDoor | None:
        """From PREFECT_API_URL and PREFECT_API_AUTH_STRING; None where no Prefect is named."""
        api = os.environ.get("PREFECT_API_URL", "")
        user, _, password = os.environ.get("PREFECT_API_AUTH_STRING", "").partition(":")
        return cls(api, (user, password) if user else None) if api else None

    async def close(self) -> None:
        await self._client.aclose()

    async def ask(self, call: Call) -> Answer:
        """Ask Prefect what a booth asked, in so far as it may; raises NotForBooths and PrefectAway."""
        for method, pattern, rule in _RULES:
            found = pattern.fullmatch(call.path)
            if method == call.method and found:
                return await rule(self, call, *found.groups())
        raise NotForBooths(f"{call.method} {call.path} is nothing that a booth's worker needs")

    async def take_event(self, pool: str, event: Json) -> None:
        """Pass on an event of the worker itself or of a run of its pool; raises like `ask`."""
        await self._check_event(pool, event)
        answer = await self._send("POST", "/events", content=json.dumps([event]).encode())
        if answer.status >= 300:
            log.warning("Prefect answered %d to an event of a booth", answer.status)

    async def _check_event(self, pool: str, event: Json) -> None:
        if not isinstance(event, dict) or not isinstance(event.get("resource"), dict):
            raise NotForBooths("what came is no event")
        name, resource = str(event.get("event", "")), str(event["resource"].get("prefect.resource.id", ""))
        related = [one for one in event.get("related") or () if isinstance(one, dict)]
        ids = [str(one.get("prefect.resource.id", "")) for one in related]
        runs = [_id_in(one, "flow-run") for one in (resource, *ids) if one.startswith("prefect.flow-run.")]
        for run in runs:
            await self._own_run(pool, run)
        if name.startswith("prefect.worker."):
            if not resource.startswith("prefect.worker."):
                raise NotForBooths("an event of a worker is about something else")
            pools = [one.get("prefect.resource.name") for one in related if _is_pool(one)]
            if any(one != pool for one in pools):
                raise NotForBooths("the event is of a worker of another pool")
        elif name.startswith("prefect.task-run."):
            await self._own_task(resource, runs, event.get("payload"))
        elif not name.startswith(("prefect.flow-run.", "prefect.log.")) or not runs:
            raise NotForBooths(f"a booth's worker emits no {name[:80]}")

    async def _own_task(self, resource: str, runs: list[str], payload: Json) -> None:
        """A task run is written down from its events: it must be of one of these runs, now and before."""
        task = _id_in(resource, "task-run")
        told = payload.get("task_run") if isinstance(payload, dict) else None
        if not runs or (isinstance(told, dict) and told.keys() & {"id", "flow_run_id", "state_id"}):
            raise NotForBooths("the event is of a task of no run of its pool")
        known = self._flow_of_task.get(task)
        if known is None:
            answer = await self._send("GET", f"/task_runs/{task}")
            known = str(json.loads(answer.body).get("flow_run_id")) if answer.status == httpx.codes.OK else runs[0]
            _remember(self._flow_of_task, task, known)
        if known not in runs:
            raise NotForBooths("the event is of a task of another run")

    async def _own_run(self, pool: str, run_id: str) -> None:
        """NotForBooths unless a flow run is one of this pool. A run stays in its pool, so it is asked for once."""
        if run_id not in self._pool_of:
            answer = await self._send("GET", f"/flow_runs/{run_id}")
            if answer.status != httpx.codes.OK:
                raise NotForBooths("there is no such run")
            _remember(self._pool_of, run_id, str(json.loads(answer.body).get("work_pool_name")))
        if self._pool_of[run_id] != pool:
            raise NotForBooths("the run is of another pool")

    async def _send(self, method: str, path: str, *, content: bytes = b"", query: str = "") -> Answer:
        try:
            answer = await self._client.request(
                method,
                path + (f"?{query}" if query else ""),
                content=content or None,
                headers={"Content-Type": "application/json"} if content else None,
            )
        except httpx.HTTPError as error:
            raise PrefectAway(type(error).__name__) from error
        return Answer(answer.status_code, answer.content, answer.headers.get("content-type", "application/json"))

    async def _pass(self, call: Call) -> Answer:
        return await self._send(call.method, call.path, content=call.body, query=call.query)

    async def _storage(self, call: Call) -> Answer:
        """Results go nowhere: none of our flows leaves any, and no block is a booth's business."""
        return Answer(200, b'{"default_result_storage_block_id":null}')

    async def _of_pool(self, call: Call, pool: str) -> Answer:
        if pool != call.pool:
            raise NotForBooths("the pool is another one")
        return await self._pass(call)

    async def _shown(self, call: Call, _id: str) -> Answer:
        """Something that says itself of which pool it is."""
        answer = await self._pass(call)
        if answer.status == httpx.codes.OK and json.loads(answer.body).get("work_pool_name") != call.pool:
            raise NotForBooths("it is of another pool")
        return answer

    async def _flow(self, call: Call, flow_id: str) -> Answer:
        for one in json.loads((await self._deployments_of(call.pool, 0)).body):
            if one.get("flow_id") == flow_id:
                return await self._pass(call)
        raise NotForBooths("no deployment of its pool has this flow")

    async def _deployments(self, call: Call) -> Answer:
        return await self._deployments_of(call.pool, _offset(call.json()))

    async def _deployments_of(self, pool: str, offset: int) -> Answer:
        asked = {"work_pools": {"name": {"any_": [pool]}}, "limit": MOST_LISTED, "offset": offset}
        return await self._send("POST", "/deployments/filter", content=json.dumps(asked).encode())

    async def _runs(self, call: Call) -> Answer:
        asked = call.json()
        if not isinstance(asked, dict):
            raise NotForBooths("the filter is none")
        wanted = {
            "flow_runs": asked.get("flow_runs"),
            "work_pools": {"name": {"any_": [call.pool]}},
            "sort": asked.get("sort") or "ID_DESC",
            "limit": MOST_LISTED,
            "offset": _offset(asked),
        }
        return await self._send("POST", "/flow_runs/filter", content=json.dumps(wanted).encode())

    async def _run(self, call: Call, run_id: str) -> Answer:
        await self._own_run(call.pool, run_id)
        return await self._pass(call)

    async def _change_run(self, call: Call, run_id: str) -> Answer:
        changes = call.json()
        if not isinstance(changes, dict) or not changes.keys() <= PATCHED:
            raise NotForBooths("a worker changes nothing else of its runs")
        return await self._run(call, run_id)

    async def _logs(self, call: Call) -> Answer:
        lines = call.json()
        if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
            raise NotForBooths("the logs are none")
        for run_id in {str(line.get("flow_run_id")) for line in lines}:
            await self._own_run(call.pool, _uuid(run_id))
        return await self._pass(call)


Rule = Callable[..., Awaitable[Answer]]
_ID = "([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
_POOL = "([^/]+)"


def _compiled(rules: Iterable[tuple[str, str, Rule]]) -> list[tuple[str, re.Pattern[str], Rule]]:
    return [(method, re.compile(pattern), rule) for method, pattern, rule in rules]


_RULES = _compiled(
    (
        ("GET", "/health", PrefectDoor._pass),
        ("GET", "/admin/version", PrefectDoor._pass),
        ("GET", "/csrf-token", PrefectDoor._pass),
        ("GET", "/admin/storage", PrefectDoor._storage),
        ("GET", f"/work_pools/{_POOL}", PrefectDoor._of_pool),
        ("POST", f"/work_pools/{_POOL}/get_scheduled_flow_runs", PrefectDoor._of_pool),
        ("POST", f"/work_pools/{_POOL}/workers/heartbeat", PrefectDoor._of_pool),
        ("GET", f"/work_queues/{_ID}", PrefectDoor._shown),
        ("GET", f"/deployments/{_ID}", PrefectDoor._shown),
        ("POST", "/deployments/filter", PrefectDoor._deployments),
        ("GET", f"/flows/{_ID}", PrefectDoor._flow),
        ("POST", "/flow_runs/filter", PrefectDoor._runs),
        ("GET", f"/flow_runs/{_ID}", PrefectDoor._run),
        ("PATCH", f"/flow_runs/{_ID}", PrefectDoor._change_run),
        ("POST", f"/flow_runs/{_ID}/set_state", PrefectDoor._run),
        ("POST", "/logs/", PrefectDoor._logs),
    )
)


def _remember(known: OrderedDict[str, str], key: str, value: str) -> None:
    known[key] = value
    while len(known) > MOST_KNOWN:
        known.popitem(last=False)


def _id_in(resource: str, kind: str) -> str:
    return _uuid(resource.removeprefix(f"prefect.{kind}."))


def _uuid(text: str) -> str:
    """An id as Prefect writes it: nothing else goes into a path of ours."""
    try:
        return str(UUID(text))
    except ValueError as error:
        raise NotForBooths("an id is none") from error


def _is_pool(related: Mapping[str, Json]) -> bool:
    return str(related.get("prefect.resource.id", "")).startswith("prefect.work-pool.")


def _offset(asked: Json) -> int:
    offset = asked.get("offset") if isinstance(asked, dict) else 0
    return offset if isinstance(offset, int) and offset >= 0 else 0
