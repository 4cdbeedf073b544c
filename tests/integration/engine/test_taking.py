"""Who has a run, where the answer of a real Prefect server is lost on its way."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from prefect import flow
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType
from prefect.exceptions import Abort
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.states import Scheduled

from backroom.engine import patience
from backroom.engine.background import Background
from backroom.engine.deploy import DeploymentSpec, apply
from backroom.engine.own_runs import OwnRuns
from backroom.engine.taking import win
from tests.prefect_server import PrefectServer

pytestmark = [pytest.mark.prefect, pytest.mark.slow]

FLOWS = "tests/flows_for_engine.py"


@pytest.fixture(autouse=True)
def asks_at_once_and_by_itself(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(patience, "ASK_AGAIN_SECONDS", 0.01)
    # The runs of this process reach no server, and are not to wait for one.
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.0)
    # As the worker has it.
    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
        yield


@flow
def nothing() -> None:
    """A flow that nobody runs here."""


class BadLine(httpx.AsyncBaseTransport):
    """A line that loses so many questions about something before they arrive, or answers once the server has done what
    was asked; unless said otherwise, about a run's next state."""

    def __init__(self, questions: int = 0, answers: int = 0, about: str = r".*/set_state") -> None:
        self.questions, self.answers, self._about = questions, answers, about
        self.is_good = asyncio.Event()
        self._count()
        self._line = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        matters = re.fullmatch(self._about, request.url.path) is not None
        if matters and self.questions > 0:
            self.questions -= 1
            self._count()
            raise httpx.ConnectError("nobody answers")
        answer = await self._line.handle_async_request(request)
        if matters and self.answers > 0:
            self.answers -= 1
            await answer.aread()
            self._count()
            raise httpx.RemoteProtocolError("the server has died")
        return answer

    def _count(self) -> None:
        if not self.questions + self.answers:
            self.is_good.set()


def client_of(server: PrefectServer, line: BadLine | None = None) -> PrefectClient:
    """A client as a worker's, which asks again by itself."""
    auth = httpx.BasicAuth(*server.auth.split(":"))
    return PrefectClient(server.api_url, httpx_settings={"auth": auth, "transport": line or BadLine()})


async def taken(server: PrefectServer, line: BadLine, meanwhile: Callable[[UUID], Awaitable[None]]) -> bool:
    """Whether a worker behind that line wins a run, of which something else happens once the line is good again."""
    async with client_of(server, line) as client:
        run = await client.create_flow_run(nothing, state=Scheduled())
        winning = asyncio.create_task(win(client, run.id, "ours", lambda: False))
        await line.is_good.wait()
        await meanwhile(run.id)
        won = await winning
        state = (await client.read_flow_run(run.id)).state
    assert state is not None
    assert state.is_pending()
    assert str(state.message).startswith("taken by ours (") is won
    return won


def another(server: PrefectServer) -> Callable[[UUID], Awaitable[None]]:
    """Another worker takes the run meanwhile."""

    async def take(run_id: UUID) -> None:
        async with client_of(server) as client:
            assert await win(client, run_id, "another", lambda: False)

    return take


async def nothing_else(_run_id: UUID) -> None:
    """Nothing happens meanwhile."""


@pytest.mark.parametrize(("questions", "answers"), [(0, 0), (0, 1), (2, 0), (1, 1), (0, 3)])
def test_a_worker_knows_a_run_for_its_own_whatever_is_lost_on_the_way(
    running_prefect: PrefectServer, questions: int, answers: int
) -> None:
    assert asyncio.run(taken(running_prefect, BadLine(questions, answers), nothing_else))


def test_a_run_that_another_worker_took_meanwhile_is_left_to_it(
    running_prefect: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Long enough for the other to come first.
    monkeypatch.setattr(patience, "ASK_AGAIN_SECONDS", 1.0)
    assert not asyncio.run(taken(running_prefect, BadLine(questions=1), another(running_prefect)))


def test_a_run_that_another_worker_has_is_refused_at_once(running_prefect: PrefectServer) -> None:
    async def come_too_late() -> None:
        async with client_of(running_prefect) as client:
            run = await client.create_flow_run(nothing, state=Scheduled())
            assert await win(client, run.id, "another", lambda: False)
            await win(client, run.id, "ours", lambda: False)

    with pytest.raises(Abort):
        asyncio.run(come_too_late())


def test_whoever_is_about_to_end_does_not_wait_for_an_answer(running_prefect: PrefectServer) -> None:
    async def end() -> None:
        async with client_of(running_prefect, BadLine(answers=1)) as client:
            run = await client.create_flow_run(nothing, state=Scheduled())
            await win(client, run.id, "ours", lambda: True)

    with pytest.raises(httpx.RemoteProtocolError):
        asyncio.run(end())


@pytest.mark.parametrize("about", [r".*/deployments/[0-9a-f-]{36}", r".*/flow_runs/[0-9a-f-]{36}", r".*/set_state"])
def test_a_run_that_its_engine_left_is_ended_though_the_server_was_away_when_its_worker_asked(
    running_prefect: PrefectServer, tmp_path: Path, about: str
) -> None:
    [deployment] = apply([DeploymentSpec(f"{FLOWS}:exits", "lines", "nobody")]).values()

    async def carry() -> StateType:
        runs = OwnRuns("a worker with a bad line", 1, Background("it"), push=lambda: None)
        line = BadLine(2, 0, about)
        async with client_of(running_prefect, line) as client:
            parameters = {"path": str(tmp_path / "said")}
            run = await client.create_flow_run_from_deployment(UUID(deployment), parameters=parameters)
            # What the engine leaves is the worker's to end.
            await runs.carry(client, run)
            assert line.is_good.is_set()
            state = (await client.read_flow_run(run.id)).state
        assert state is not None
        return state.type

    assert asyncio.run(carry()) == StateType.CRASHED
