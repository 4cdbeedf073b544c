"""A booth's long poll on the gateway, against a real HTTP server of our own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

import pytest

from backroom.engine.wakes import Booth, listen_to_gateway

KEY = "booth-key"


class Gateway:
    """Answers at once with the next of its answers, then waits for ever; remembers what it was asked."""

    def __init__(self, *answers: tuple[int, str]) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.over = threading.Event()
        left = list(answers)
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                gateway.asked.append((self.path, self.headers.get("Authorization")))
                if not left:
                    gateway.over.wait()
                    return
                status, body = left.pop(0)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def gateways() -> Iterator[list[Gateway]]:
    made: list[Gateway] = []
    yield made
    for gateway in made:
        gateway.over.set()
        gateway.server.shutdown()
        gateway.server.server_close()


def listen(gateway: Gateway, asks: int, seconds: float = 10) -> list[float]:
    """Listen until the gateway was asked that often; the moments of the wakes."""
    woken: list[float] = []

    async def work() -> None:
        listening = asyncio.create_task(
            listen_to_gateway(Booth(gateway.url, KEY, "booth a"), lambda: woken.append(time.monotonic()))
        )
        deadline = time.monotonic() + seconds
        while len(gateway.asked) < asks:
            assert time.monotonic() < deadline
            assert not listening.done()
            await asyncio.sleep(0.01)
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening

    asyncio.run(work())
    return woken


def generation(number: int) -> tuple[int, str]:
    return 200, json.dumps({"generation": number})


def test_a_booth_asks_with_its_key_for_what_came_after_what_it_knows(gateways: list[Gateway]) -> None:
    gateways.append(gateway := Gateway(generation(7)))
    woken = listen(gateway, asks=2)
    first, second = (parse_qs(urlparse(path).query)["after"] for path, _ in gateway.asked)
    assert (first, second) == (["0"], ["7"])
    assert urlparse(gateway.asked[0][0]).path == "/booth/booth%20a/wake"
    assert gateway.asked[0][1] == f"Bearer {KEY}"
    assert len(woken) >= 1


def test_a_gateway_that_answers_at_once_again_and_again_is_asked_once_a_second(gateways: list[Gateway]) -> None:
    gateways.append(gateway := Gateway(generation(3), generation(3), generation(3)))
    asked = time.monotonic()
    listen(gateway, asks=3)
    assert time.monotonic() - asked >= 1.9


@pytest.mark.parametrize("nonsense", [(500, ""), (401, "{}"), (200, "not json"), (200, "{}"), (200, "[]")])
def test_a_gateway_that_answers_nonsense_is_asked_again(gateways: list[Gateway], nonsense: tuple[int, str]) -> None:
    gateways.append(gateway := Gateway(nonsense, generation(1)))
    assert len(listen(gateway, asks=3)) >= 1


def test_only_a_full_environment_makes_a_booth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKROOM_GATEWAY_URL", "http://hub:8100/")
    monkeypatch.setenv("BACKROOM_LOCATION", "booth-a")
    monkeypatch.delenv("BACKROOM_BOOTH_KEY", raising=False)
    assert Booth.from_environment() is None
    monkeypatch.setenv("BACKROOM_BOOTH_KEY", KEY)
    assert Booth.from_environment() == Booth("http://hub:8100", KEY, "booth-a")
