"""A run's calls to a Prefect server that is away, or is said to be by the gateway."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import pytest

from backroom.engine import patience
from backroom.engine.patience import AWAY, Patient

A_CALL = httpx.Request("POST", "http://127.0.0.1:4200/api/task_runs/", json={"name": "pack"})
NOBODY = httpx.ConnectError("connection refused")


class Server(httpx.BaseTransport):
    """Answers call by call with what it was told, and with the last of it for ever; keeps what it heard."""

    def __init__(self, *answers: Exception | tuple[int, dict[str, str]]) -> None:
        self.answers: Sequence[Exception | tuple[int, dict[str, str]]] = answers
        self.heard: list[bytes] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self.answers[min(len(self.heard), len(self.answers) - 1)]
        self.heard.append(request.read())
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer[0], headers=answer[1])


@pytest.fixture(autouse=True)
def asks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "ASK_AGAIN_SECONDS", 0.001)


def ask(server: Server) -> int:
    return Patient(server).handle_request(A_CALL).status_code


@pytest.mark.parametrize("away", [NOBODY, (503, {AWAY: "away"})], ids=["nobody there", "said by the gateway"])
def test_it_is_asked_again_with_the_same_words_until_it_is_back(away: Exception | tuple[int, dict[str, str]]) -> None:
    server = Server(*[away] * 6, (201, {}))
    assert ask(server) == 201
    assert server.heard == [b'{"name":"pack"}'] * 7


def test_one_that_never_comes_back_is_left_to_the_clients_own_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.05)
    server = Server(NOBODY)
    with pytest.raises(httpx.ConnectError):
        ask(server)
    assert len(server.heard) > 1
    assert ask(Server((503, {AWAY: "away"}))) == 503


@pytest.mark.parametrize("answer", [(503, {}), (500, {}), (409, {AWAY: "away"})])
def test_whatever_else_is_answered_is_the_answer(answer: tuple[int, dict[str, str]]) -> None:
    server = Server(answer)
    assert ask(server) == answer[0]
    assert len(server.heard) == 1


@pytest.mark.parametrize(
    "trouble", [httpx.ReadError("reset"), httpx.ReadTimeout("late"), httpx.RemoteProtocolError("")]
)
def test_what_may_have_been_heard_is_not_repeated_here(trouble: Exception) -> None:
    server = Server(trouble)
    with pytest.raises(type(trouble)):
        ask(server)
    assert len(server.heard) == 1
