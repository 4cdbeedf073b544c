"""The log of a call that failed or was slow says how the other side knows it, whichever client made it."""

from __future__ import annotations

import ast
import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

import backroom
from backroom.domain.errors import BackroomError
from backroom.outgoing import call_log
from backroom.outgoing.circuit import close_all
from backroom.outgoing.client import Account, Client
from tests.logged import ours

ROOT = Path(backroom.__file__).parent
ADAPTERS = ("channels", "carriers", "partners", "messaging")
# Every module that makes calls, and under which name its other side says how it knows them; where it says nothing, why
# there is nothing to say. A new client says so here.
CLIENTS = {
    "carriers/easypost": "X-Request-Id",
    "carriers/label_files": "none: files of a store that carriers rent",
    "channels/etsy_calls": "X-Etsy-Request-Uuid",
    "channels/mapped_calls": "none: any shop; those who have one most often say X-Request-Id",
    "channels/mapped_news": "none: any shop",
    "channels/mapped_paying": "none: any shop",
    "channels/mapped_source": "none: any shop",
    "channels/meta_calls": "X-FB-Trace-ID",
    "channels/shopify_graphql": "X-Request-Id",
    "channels/square_calls": "CF-Ray",
    "channels/stripe_calls": "Request-Id",
    "channels/woocommerce_refunds": "none: a shop's own server",
    "channels/woocommerce_source": "none: a shop's own server",
    "channels/woocommerce_telling": "none: a shop's own server",
    "messaging/smsgateway": "none: a gateway of one's own",
    "messaging/twilio": "Twilio-Request-Id",
    "messaging/webpush": "none: browsers' makers document none",
    "partners/microfactory": "X-Request-Id",
    "partners/printful": "CF-Ray",
    "partners/prodigi": "Traceparent",
}
# What speaks for itself over a socket, beside `backroom.outgoing`: mail has its own dialogue.
BY_THEMSELVES = {"messaging/smtp"}
SPEAK = {"requests", "urllib3", "httpx", "aiohttp", "http.client", "urllib.request", "smtplib", "socket"}


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{one.name}" for one in node.names}
    return found


def modules() -> dict[str, set[str]]:
    paths = (path for folder in ADAPTERS for path in (ROOT / folder).rglob("*.py"))
    return {path.relative_to(ROOT).with_suffix("").as_posix(): imported(path) for path in paths}


def test_every_client_says_how_its_other_side_names_a_call() -> None:
    calling = {name for name, imports in modules().items() if "backroom.outgoing.client.Client" in imports}
    assert calling == set(CLIENTS)
    named = {name for name in CLIENTS.values() if not name.startswith("none: ")}
    assert named <= set(call_log.HEADERS)


def test_no_adapter_makes_calls_past_the_one_client() -> None:
    by_themselves = {name for name, imports in modules().items() if imports & SPEAK}
    assert by_themselves == BY_THEMSELVES


def said(server: HTTPServer, caplog: pytest.LogCaptureFixture, response: Response) -> str:
    """The log's line of one call that is answered so."""
    server.expect_request("/api/x").respond_with_handler(lambda request: response)
    caplog.clear()
    with (
        caplog.at_level(logging.INFO, "backroom.outgoing"),
        Client(Account("Test Shop", server.url_for("/api"))) as one,
        suppress(BackroomError),
    ):
        one.call("POST", "x", about="a-1042", json={})
    (line,) = ours(caplog)
    return line


@pytest.mark.parametrize("header", call_log.HEADERS)
@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_a_call_that_failed_is_logged_with_the_other_sides_id_and_ours(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture, header: str, status: int
) -> None:
    line = said(httpserver, caplog, Response("no", status=status, headers={header: "RQ-12:a/b+c="}))
    assert "theirs RQ-12:a/b+c=" in line
    assert f"request {httpserver.log[0][0].headers['X-Request-Id']}" in line
    assert (str(status) in line, "a-1042" in line) == (True, True)


@pytest.mark.parametrize("status", [429, 503])
def test_so_is_one_that_is_not_taken_now(httpserver: HTTPServer, caplog: pytest.LogCaptureFixture, status: int) -> None:
    asks = {"Retry-After": "60", "Request-Id": "req_9"}
    assert "theirs req_9" in said(httpserver, caplog, Response("", status=status, headers=asks))


@pytest.mark.parametrize(
    "words",
    [
        b'{"error": {"message": "Erika", "fbtrace_id": "AbC_1"}}',
        b'{"outcome": "ValidationFailed", "traceParent": "AbC_1"}',
    ],
)
def test_an_id_that_stands_only_in_the_words_of_an_error_is_found_there(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture, words: bytes
) -> None:
    line = said(httpserver, caplog, Response(words, status=400))
    assert "theirs AbC_1" in line
    assert "Erika" not in line


def test_a_slow_call_is_logged_with_it_as_well(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_log, "SLOW_SECONDS", 0.1)

    def slow(request: Request) -> Response:
        time.sleep(0.2)
        return Response("{}", headers={"X-Request-Id": "slow-1"})

    httpserver.expect_request("/api/x").respond_with_handler(slow)
    with caplog.at_level(logging.INFO, "backroom.outgoing"), Client(Account("Shop", httpserver.url_for("/api"))) as one:
        one.call("GET", "x", about="k")
    (line,) = ours(caplog)
    assert ("200" in line, "theirs slow-1" in line) == (True, True)


def test_a_call_that_went_well_and_fast_says_only_ours(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    line = said(httpserver, caplog, Response("{}", headers={"X-Request-Id": "theirs-1"}))
    assert "theirs" not in line


@pytest.mark.parametrize("value", ["erika@example.com", "Erika Muster", "x" * 129, "a;b", ""])
def test_what_is_no_id_is_not_logged(httpserver: HTTPServer, caplog: pytest.LogCaptureFixture, value: str) -> None:
    line = said(httpserver, caplog, Response("", status=400, headers={"X-Request-Id": value}))
    assert "theirs none" in line
