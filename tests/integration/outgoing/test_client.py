"""The policy of all outgoing calls, over real sockets."""

from __future__ import annotations

import gzip
import itertools
import logging
import socket
import threading
import time
import traceback
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from backroom.domain.errors import BackroomError
from backroom.outgoing.circuit import FAILURES, close_all
from backroom.outgoing.client import MOST_OF_ERROR, TRIES, Account, Client, is_in_house
from backroom.outgoing.errors import AnswerUnreadable, ServiceAway, ServiceRefused, ServiceSetup, ServiceSilent


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


def client(server: HTTPServer, **more: float) -> Client:
    account = Account(
        "Test Shop", server.url_for("/api"), headers={"Authorization": "Bearer s3cret"}, read_timeout=0.5, **more
    )
    return Client(account)


def test_a_call_carries_the_accounts_login_and_an_id_of_its_own(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/orders", headers={"Authorization": "Bearer s3cret"}).respond_with_json({"id": 1})
    with client(httpserver) as calls:
        answer = calls.call("GET", "orders", about="a-1042")
    assert answer.mapping() == {"id": 1}
    assert httpserver.log[0][0].headers["X-Request-Id"] == answer.request_id


def test_not_now_is_tried_again_whatever_it_was_that_was_asked(httpserver: HTTPServer) -> None:
    httpserver.expect_ordered_request("/api/x", method="POST").respond_with_data("", status=429)
    httpserver.expect_ordered_request("/api/x", method="POST").respond_with_json({"id": 2})
    with client(httpserver) as calls:
        assert calls.call("POST", "x", about="k", json={}).mapping() == {"id": 2}


def test_a_long_retry_after_is_kept_and_nobody_waits_in_the_call(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/x").respond_with_data("", status=429, headers={"Retry-After": "120"})
    with client(httpserver) as calls:
        began = time.monotonic()
        with pytest.raises(ServiceAway) as caught:
            calls.call("GET", "x", about="k")
        assert caught.value.retry_after == timedelta(seconds=120)
        with pytest.raises(ServiceAway):
            calls.call("GET", "x", about="k")
    assert time.monotonic() - began < 2
    assert len(httpserver.log) == 1


def test_a_lost_answer_is_repeated_only_where_that_is_harmless() -> None:
    came = []

    def slow(request: Request) -> Response:
        came.append(request.path)
        time.sleep(1.0)
        return Response("{}")

    # A server of its own: what it still has to answer must not reach the next test's.
    with HTTPServer(threaded=True) as server:
        server.expect_request("/api/x").respond_with_handler(slow)
        with client(server) as calls, pytest.raises(ServiceSilent):
            calls.call("POST", "x", about="k", json={})
        close_all()
        with client(server) as calls, pytest.raises(ServiceAway):
            calls.call("POST", "x", about="k", again=True, json={})
        assert len(came) == 1 + TRIES


def test_a_server_error_leaves_open_whether_it_happened(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/x").respond_with_data("oops", status=500)
    with client(httpserver) as calls:
        with pytest.raises(ServiceSilent):
            calls.call("POST", "x", about="k", json={})
        assert len(httpserver.log) == 1


def test_of_what_would_be_done_twice_a_503_is_a_lost_answer_whose_words_are_kept(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/refunds").respond_with_data("a proxy's page", status=503)
    with client(httpserver) as one, pytest.raises(ServiceSilent) as caught:
        one.call("POST", "refunds", about="refund-1")
    assert caught.value.answer is not None
    assert (caught.value.answer.status, caught.value.answer.body) == (503, b"a proxy's page")
    assert len(httpserver.log) == 1


@pytest.mark.parametrize(
    ("method", "changes", "status", "nothing"),
    [
        ("GET", None, 503, True),
        ("PUT", None, 503, False),
        ("PUT", None, 429, True),
        ("POST", False, 503, True),
        ("GET", True, 503, False),
    ],
)
def test_of_a_503_to_what_changes_something_it_is_not_certain_that_nothing_came_of_it(
    httpserver: HTTPServer, method: str, changes: bool | None, status: int, nothing: bool
) -> None:
    httpserver.expect_request("/api/x").respond_with_data("", status=status, headers={"Retry-After": "600"})
    with client(httpserver) as calls, pytest.raises(ServiceAway) as caught:
        calls.call(method, "x", about="k", again=True, changes=changes)
    assert caught.value.nothing_happened is nothing


def test_of_a_server_error_only_so_much_is_read(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/refunds").respond_with_data("x" * 1_000_000, status=500)
    with client(httpserver) as one, pytest.raises(ServiceSilent) as caught:
        one.call("POST", "refunds", about="refund-1")
    assert caught.value.answer is not None
    assert len(caught.value.answer.body) <= MOST_OF_ERROR


def test_a_refusal_brings_the_other_sides_words(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/x").respond_with_json({"code": "no_stock"}, status=422)
    with client(httpserver) as calls, pytest.raises(ServiceRefused) as caught:
        calls.call("POST", "x", about="k", json={})
    assert caught.value.answer.mapping() == {"code": "no_stock"}


@pytest.mark.parametrize("status", [301, 302, 307, 401, 403])
def test_a_redirect_is_not_followed_and_a_refused_login_is_a_persons_matter(
    httpserver: HTTPServer, status: int
) -> None:
    elsewhere = httpserver.url_for("/elsewhere")
    httpserver.expect_request("/api/x").respond_with_data("", status=status, headers={"Location": elsewhere})
    with client(httpserver) as calls, pytest.raises(ServiceSetup):
        calls.call("GET", "x", about="k")
    assert [request.path for request, _ in httpserver.log] == ["/api/x"]


@pytest.mark.parametrize(
    "path",
    ["../admin", "a/../../admin", "a/../..", "..", "..?x=1", "%2e%2e/admin", "a/%2E%2e/.%2e", "./a", "a/."],
)
def test_a_call_never_leaves_the_accounts_address_by_steps_in_its_path(httpserver: HTTPServer, path: str) -> None:
    with client(httpserver) as calls, pytest.raises(ServiceSetup):
        calls.call("GET", path, about="k")
    assert not httpserver.log


def test_dots_that_are_no_steps_are_sent(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/a..b/.c").respond_with_json({})
    with client(httpserver) as calls:
        calls.call("GET", "a..b/.c?d=/../e", about="k")
    assert httpserver.log[0][0].args["d"] == "/../e"


def test_a_call_leaves_this_house_over_tls_only() -> None:
    with Client(Account("Far Shop", "http://shop.example.com")) as calls, pytest.raises(ServiceSetup):
        calls.call("GET", "x", about="k")


@dataclass
class Dripper:
    """A server by hand that sends a start and then a drop every 0.05 s; `hung_up` once whoever called has."""

    url: str
    hung_up: threading.Event


@contextmanager
def dripping(start: bytes, drops: Iterator[bytes]) -> Iterator[Dripper]:
    ended = threading.Event()

    def serve() -> None:
        with suppress(OSError):
            while not ended.is_set():
                connection, _ = listening.accept()
                with suppress(OSError), connection:
                    connection.recv(65536)
                    connection.sendall(start)
                    while not ended.wait(0.05):
                        connection.sendall(next(drops))
                if not ended.is_set():
                    dripper.hung_up.set()

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        dripper = Dripper(f"http://127.0.0.1:{listening.getsockname()[1]}/api", threading.Event())
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield dripper
        ended.set()
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)


LINE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
# The name of a file in a gzip's head, which may go on without end and unpacks to nothing.
GZIP_NAME = itertools.chain([b"\x1f\x8b\x08\x08" + bytes(6)], itertools.repeat(b"x"))


@pytest.mark.parametrize(
    ("start", "drops"),
    [
        (b"", itertools.repeat(b"x")),
        (LINE + b"X-Long: ", itertools.repeat(b"x")),
        (b"", itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n")),
        (LINE + b"Content-Length: 60000\r\n\r\n", itertools.repeat(b"x")),
        (LINE + b"Transfer-Encoding: chunked\r\n\r\n", itertools.repeat(b"1\r\nx\r\n")),
        (LINE + b"Transfer-Encoding: chunked\r\n\r\n1;", itertools.repeat(b"x")),
        (LINE + b"Content-Length: 60000\r\nContent-Encoding: gzip\r\n\r\n", GZIP_NAME),
    ],
    ids=["first line", "head", "heads before the head", "body", "chunks", "a chunk's length", "packed"],
)
def test_an_answer_that_comes_drop_by_drop_is_given_up_at_the_deadline_of_the_whole_call(
    start: bytes, drops: Iterator[bytes]
) -> None:
    with dripping(start, drops) as dripper:
        before = set(threading.enumerate())
        account = Account("Test Shop", dripper.url, connect_timeout=0.2, read_timeout=0.3)
        with Client(account) as calls:
            began = time.monotonic()
            with pytest.raises(ServiceSilent):
                calls.call("POST", "x", about="k", json={})
            assert time.monotonic() - began < 2
            # While the client is still open: it is the call that closes its connection.
            assert dripper.hung_up.wait(2)
            assert set(threading.enumerate()) <= before


def test_a_slow_answer_that_is_whole_by_the_deadline_is_taken_and_the_next_call_has_its_own(
    httpserver: HTTPServer,
) -> None:
    def slow(request: Request) -> Response:
        time.sleep(0.4)
        return Response("{}")

    httpserver.expect_request("/api/x").respond_with_handler(slow)
    with client(httpserver, connect_timeout=0.2) as calls:
        for _ in range(4):
            assert calls.call("POST", "x", about="k", json={}).status == 200


def test_a_packed_answer_is_unpacked_and_counted_as_it_is_then(httpserver: HTTPServer) -> None:
    body = gzip.compress(b'{"id": 7}') + gzip.compress(b" " * 1000)
    httpserver.expect_request("/api/x").respond_with_data(body, headers={"Content-Encoding": "gzip"})
    with client(httpserver) as calls:
        assert calls.call("GET", "x", about="k").mapping() == {"id": 7}
        with pytest.raises(AnswerUnreadable, match="more than 900 bytes"):
            calls.call("GET", "x", about="k", most_bytes=900)
    assert httpserver.log[0][0].headers["Accept-Encoding"] == "gzip"


# Without its time.
CUT_OFF = gzip.compress(b"x" * 99, mtime=0)[:-9]


@pytest.mark.parametrize(
    ("packing", "body"),
    [("br", b"\x0b"), ("gzip", CUT_OFF), ("gzip", b"no")],
    ids=["not asked for", "cut off", "none at all"],
)
def test_a_packing_that_cannot_be_opened_is_no_answer(httpserver: HTTPServer, packing: str, body: bytes) -> None:
    httpserver.expect_request("/api/x").respond_with_data(body, headers={"Content-Encoding": packing})
    with client(httpserver) as calls, pytest.raises(AnswerUnreadable, match="packing"):
        calls.call("GET", "x", about="k")


@pytest.mark.parametrize("bare", [False, True])
def test_deflate_is_read_with_its_frame_and_without(httpserver: HTTPServer, bare: bool) -> None:
    whole = zlib.compress(b'{"id": 7}')
    body = whole[2:-4] if bare else whole
    httpserver.expect_request("/api/x").respond_with_data(body, headers={"Content-Encoding": "deflate"})
    with client(httpserver) as calls:
        assert calls.call("GET", "x", about="k").mapping() == {"id": 7}


def test_an_answer_that_breaks_off_leaves_open_whether_it_happened() -> None:
    def one_drop() -> Iterator[bytes]:
        yield b"x"
        raise ConnectionResetError

    # The server goes on; only this connection breaks off.
    lost = pytest.raises(ServiceSilent)
    start = LINE + b"Content-Length: 60000\r\n\r\n"
    with dripping(start, one_drop()) as dripper, Client(Account("Test Shop", dripper.url)) as calls, lost:
        calls.call("POST", "x", about="k", json={})


def test_an_answer_without_end_is_cut_off(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/x").respond_with_data(b"x" * 300_000)
    with client(httpserver) as calls, pytest.raises(AnswerUnreadable):
        calls.call("GET", "x", about="k", most_bytes=100_000)


@pytest.mark.parametrize("key", ["s3cret\n", " s3cret", "s3c\u20acret", "s3c\tret"])
@pytest.mark.parametrize("how", ["header", "login", "of the call"])
def test_a_key_that_no_header_can_hold_is_a_persons_matter_and_never_a_lost_call(
    httpserver: HTTPServer, key: str, how: str
) -> None:
    account = Account("Test Shop", httpserver.url_for("/api"))
    if how == "header":
        account = replace(account, headers={"Authorization": f"Bearer {key}" if key.strip() == key else key})
    elif how == "login":
        account = replace(account, login=("ck_1", key))
    httpserver.expect_request("/api/x").respond_with_json({})
    with Client(account) as calls:
        if how == "login" and "\u20ac" not in key:
            # What is packed for the header may hold spaces.
            assert calls.call("POST", "x", about="k", json={}).status == 200
            return
        with pytest.raises(ServiceSetup, match="holds signs that cannot be sent") as told:
            calls.call("POST", "x", about="k", json={}, headers={"X-Key": key} if how == "of the call" else {})
    assert (httpserver.log, "secrets.toml" in told.value.remedy) == ([], True)
    assert "s3c" not in "".join(traceback.format_exception(told.value))


def test_who_cannot_be_reached_is_left_alone_after_some_failures() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        # Bound and not listening: every connection is refused.
        with Client(Account("Dead Shop", f"http://127.0.0.1:{port}")) as calls:
            for _ in range(FAILURES):
                with pytest.raises(ServiceAway):
                    calls.call("POST", "x", about="k", json={})
            with pytest.raises(ServiceAway, match="left alone"):
                calls.call("POST", "x", about="k", json={})


def test_neither_address_nor_login_nor_body_is_in_errors_or_the_log(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    httpserver.expect_request("/api/x").respond_with_data("Erika", status=400)
    with caplog.at_level(logging.INFO, "backroom.outgoing"), client(httpserver) as calls:
        with pytest.raises(BackroomError) as caught:
            calls.call("POST", "x", about="a-1042", json={"name": "Erika"})
        said = caplog.text + str(caught.value) + repr(caught.value) + repr(calls.account)
    for secret in ("s3cret", "Erika", "127.0.0.1:", "localhost:"):
        assert secret not in said.replace(repr(calls.account.base), "")


def test_an_answer_with_a_broken_head_brings_no_address_into_any_log(caplog: pytest.LogCaptureFixture) -> None:
    def answer(listening: socket.socket) -> None:
        there, _ = listening.accept()
        with there:
            there.recv(65536)
            there.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nno colon in here\r\n\r\n{}")

    with socket.create_server(("127.0.0.1", 0)) as listening, caplog.at_level(logging.WARNING):
        thread = threading.Thread(target=answer, args=(listening,))
        thread.start()
        with Client(Account("SMS", f"http://127.0.0.1:{listening.getsockname()[1]}")) as calls:
            calls.call("GET", "send", about="k", params={"password": "s3cret"})
        thread.join()
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.0.0.1", True), ("192.168.1.4", True), ("8.8.8.8", False), ("shop.example.com", False)],
)
def test_only_this_house_is_spoken_to_without_tls(host: str, expected: bool) -> None:
    assert is_in_house(host) is expected
