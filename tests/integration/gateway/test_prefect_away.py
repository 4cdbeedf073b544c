"""A booth's worker asks for Prefect through the gateway while Prefect is away."""

from __future__ import annotations

import httpx
import pytest

from backroom.engine import patience
from backroom.engine.patience import AWAY, Patient
from tests.integration.gateway.conftest import Gateway

# The discard service's: nobody listens there.
NOBODYS = "http://127.0.0.1:9/api"


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", NOBODYS)


@pytest.mark.usefixtures("away")
def test_the_gateway_says_that_it_is_prefect_who_is_away_and_a_run_there_asks_again(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = gateway.room.shop.location("booth-a").pool
    headers = gateway.bearer("booth")
    answer = gateway.client.get(f"/booth/prefect/work_pools/{pool}", headers=headers)
    assert (answer.status_code, answer.json()["cause"]) == (503, "prefect_away")
    assert AWAY in answer.headers

    asked: list[int] = []

    class Counting(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            asked.append(1)
            return super().handle_request(request)

    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(patience, "ASK_AGAIN_SECONDS", 0.01)
    with httpx.Client(transport=Patient(Counting())) as client:
        assert client.get(f"{gateway.url}/booth/prefect/work_pools/{pool}", headers=headers).status_code == 503
    assert len(asked) > 1
