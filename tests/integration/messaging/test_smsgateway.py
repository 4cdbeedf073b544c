"""SMS against a real HTTP server in this process that answers as Kannel 1.4.5 and a JSON gateway do."""

from __future__ import annotations

import socket
import ssl
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Thread

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from backroom.domain.errors import BackroomError
from backroom.messaging.base import (
    MessageDelayed,
    MessageRefused,
    OutgoingMessage,
    ProviderDown,
    RecipientRefused,
    SendingUnknown,
    Sent,
    SetupBroken,
)
from backroom.messaging.smsgateway import JsonSmsGateway, KannelGateway
from backroom.outgoing.circuit import close_all

MESSAGE = OutgoingMessage(
    "message:A-1042:handed_over:sms", "sms", "+4915112345678", None, "Grüße & 5 € für Ada", "Atelier"
)
SECRETS = ("4915112345678", "Ada", "geheim")

Gateway = KannelGateway | JsonSmsGateway


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


@pytest.fixture
def kannel(httpserver: HTTPServer) -> KannelGateway:
    return KannelGateway(httpserver.url_for("/cgi-bin/sendsms"), "shop", "geheim", read_timeout=0.5)


@pytest.fixture
def gateway(httpserver: HTTPServer) -> JsonSmsGateway:
    return JsonSmsGateway(httpserver.url_for("/sms"), "geheim", read_timeout=0.5)


def answering(httpserver: HTTPServer, status: int, text: str) -> None:
    httpserver.expect_request("/cgi-bin/sendsms").respond_with_data(text, status=status, content_type="text/html")


def outcome_of(messenger: Gateway, message: OutgoingMessage = MESSAGE) -> Sent | BackroomError:
    return messenger.send_many([message])[0]


@pytest.mark.parametrize("answer", ["0: Accepted for delivery", "3: Queued for later delivery"])
def test_kannel_gets_what_its_guide_asks_for(httpserver: HTTPServer, kannel: KannelGateway, answer: str) -> None:
    answering(httpserver, 202, answer)
    assert isinstance(outcome_of(kannel), Sent)
    [(request, _)] = httpserver.log
    assert request.method == "GET"
    assert request.args.to_dict() == {
        "username": "shop",
        "password": "geheim",
        "from": "Atelier",
        "to": "+4915112345678",
        "text": "Grüße & 5 € für Ada",
        "charset": "UTF-8",
        "coding": "0",
    }


def test_kannel_is_told_when_a_text_needs_unicode(httpserver: HTTPServer, kannel: KannelGateway) -> None:
    answering(httpserver, 202, "0: Accepted for delivery")
    outcome_of(kannel, replace(MESSAGE, body="Cześć Łukasz 👗"))
    [(request, _)] = httpserver.log
    assert request.args["coding"] == "2"
    assert request.args["text"] == "Cześć Łukasz 👗"


def test_kannel_is_asked_for_delivery_reports_under_our_key(httpserver: HTTPServer, kannel: KannelGateway) -> None:
    answering(httpserver, 202, "0: Accepted for delivery")
    outcome_of(replace(kannel, dlr_url="https://shop.example/dlr?key={key}&state=%d"))
    [(request, _)] = httpserver.log
    assert request.args["dlr-mask"] == "31"
    assert request.args["dlr-url"] == "https://shop.example/dlr?key=message:A-1042:handed_over:sms&state=%d"


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (400, "Number(s) has/have been denied by white- and/or black-lists.", RecipientRefused),
        (400, "Missing receiver number, rejected", RecipientRefused),
        (403, "Authorization failed for sendsms", SetupBroken),
        (404, "Unknown request.", SetupBroken),
        (301, "Moved", SetupBroken),
        (503, "Temporal failure, try again later.", ProviderDown),
        (500, "Something broke after the message was taken", SendingUnknown),
        (200, "<html>a proxy's welcome page</html>", SendingUnknown),
        (202, "5: something new", SendingUnknown),
    ],
)
def test_each_answer_of_kannel_has_its_meaning(
    httpserver: HTTPServer, kannel: KannelGateway, status: int, text: str, expected: type[BackroomError]
) -> None:
    answering(httpserver, status, text)
    assert type(outcome_of(kannel)) is expected


def test_one_number_kannel_refuses_holds_up_nobody(httpserver: HTTPServer, kannel: KannelGateway) -> None:
    def answer(request: Request) -> Response:
        refused = request.args["to"] == "+1"
        return Response("Missing receiver number" if refused else "0: Accepted for delivery", 400 if refused else 202)

    httpserver.expect_request("/cgi-bin/sendsms").respond_with_handler(answer)
    wave = [MESSAGE, replace(MESSAGE, key="bad", recipient="+1"), replace(MESSAGE, key="last")]
    assert [type(outcome) for outcome in kannel.send_many(wave)] == [Sent, RecipientRefused, Sent]


def test_a_broken_login_is_tried_once_for_a_whole_wave(httpserver: HTTPServer, kannel: KannelGateway) -> None:
    answering(httpserver, 403, "Authorization failed for sendsms")
    outcomes = kannel.send_many([replace(MESSAGE, key=f"m{n}") for n in range(50)])
    assert {type(outcome) for outcome in outcomes} == {SetupBroken}
    assert len(httpserver.log) == 1


def test_the_json_gateway_gets_the_key_and_answers_with_its_id(httpserver: HTTPServer, gateway: JsonSmsGateway) -> None:
    httpserver.expect_request("/sms").respond_with_json({"id": "sm-77"}, status=201)
    sent = outcome_of(gateway)
    assert isinstance(sent, Sent)
    assert sent.provider_id == "sm-77"
    [(request, _)] = httpserver.log
    assert request.method == "POST"
    assert request.headers["Idempotency-Key"] == MESSAGE.key
    assert request.headers["Authorization"] == "Bearer geheim"
    assert request.json == {
        "to": "+4915112345678",
        "from": "Atelier",
        "text": "Grüße & 5 € für Ada",
        "reference": MESSAGE.key,
    }


@pytest.mark.parametrize("body", ["", "[]", "{}", "not json"])
def test_an_accepted_message_without_an_id_is_known_by_our_key(
    httpserver: HTTPServer, gateway: JsonSmsGateway, body: str
) -> None:
    httpserver.expect_request("/sms").respond_with_data(body, status=202)
    sent = outcome_of(gateway)
    assert isinstance(sent, Sent)
    assert sent.provider_id == MESSAGE.key


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, RecipientRefused),
        (401, SetupBroken),
        (307, SetupBroken),
        (408, MessageDelayed),
        (409, MessageDelayed),
        (422, MessageRefused),
        (429, MessageDelayed),
        (503, ProviderDown),
        (502, SendingUnknown),
    ],
)
def test_each_answer_of_the_json_gateway_has_its_meaning(
    httpserver: HTTPServer, gateway: JsonSmsGateway, status: int, expected: type[BackroomError]
) -> None:
    httpserver.expect_request("/sms").respond_with_data("+4915112345678", status=status)
    assert type(outcome_of(gateway)) is expected


def kannel_at(url: str) -> Gateway:
    return KannelGateway(f"{url}/cgi-bin/sendsms", "shop", "geheim", connect_timeout=0.5, read_timeout=0.5)


def json_at(url: str) -> Gateway:
    return JsonSmsGateway(f"{url}/sms", "geheim", connect_timeout=0.5, read_timeout=0.5)


both = pytest.mark.parametrize("at", [kannel_at, json_at], ids=["kannel", "json"])


@contextmanager
def hanging_up(after: Callable[[socket.socket], object]) -> Iterator[str]:
    """A server that takes a connection, does this with it, and closes it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    after(connection)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


@both
def test_nobody_listening_is_a_reason_to_come_back(at: Callable[[str], Gateway]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    outcomes = at(f"http://127.0.0.1:{port}").send_many([MESSAGE, replace(MESSAGE, key="b")])
    assert [type(outcome) for outcome in outcomes] == [ProviderDown, ProviderDown]


@both
def test_an_answer_that_never_comes_leaves_the_outcome_unknown(at: Callable[[str], Gateway]) -> None:
    def listen_until_the_other_side_gives_up(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    with hanging_up(listen_until_the_other_side_gives_up) as url:
        assert type(outcome_of(at(url))) is SendingUnknown


@both
def test_a_connection_that_breaks_after_the_request_leaves_the_outcome_unknown(at: Callable[[str], Gateway]) -> None:
    with hanging_up(lambda connection: connection.recv(65536)) as url:
        assert type(outcome_of(at(url))) is SendingUnknown


@both
def test_half_an_answer_leaves_the_outcome_unknown(at: Callable[[str], Gateway]) -> None:
    def half(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 24\r\n\r\n0: Acc")

    with hanging_up(half) as url:
        assert type(outcome_of(at(url))) is SendingUnknown


@both
def test_what_is_no_url_is_for_a_person(at: Callable[[str], Gateway]) -> None:
    assert type(outcome_of(at("kannel"))) is SetupBroken


@both
def test_a_gateway_without_the_tls_it_promises_is_for_a_person(
    at: Callable[[str], Gateway], httpserver: HTTPServer
) -> None:
    assert type(outcome_of(at(f"https://127.0.0.1:{httpserver.port}"))) is SetupBroken


@both
def test_a_certificate_nobody_vouches_for_is_for_a_person(at: Callable[[str], Gateway], tls: ssl.SSLContext) -> None:
    with HTTPServer("127.0.0.1", 0, ssl_context=tls) as server:
        assert type(outcome_of(at(f"https://127.0.0.1:{server.port}"))) is SetupBroken
        assert server.log == []


@both
def test_no_error_leads_to_the_customer_or_the_password(at: Callable[[str], Gateway], httpserver: HTTPServer) -> None:
    """Not in its text, and not through the chain of errors that a traceback would print."""
    httpserver.expect_request("/sms").respond_with_data("Ada", status=400)
    answering(httpserver, 400, "Ada +4915112345678")
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    for url in (httpserver.url_for("")[:-1], f"http://127.0.0.1:{port}", f"https://127.0.0.1:{httpserver.port}"):
        error = outcome_of(at(url))
        assert isinstance(error, BackroomError)
        printed = "".join(traceback.format_exception(error))
        assert not any(secret in printed for secret in SECRETS)
        assert error.__cause__ is None
        assert error.__context__ is None


def test_the_secrets_do_not_show_in_logs(kannel: KannelGateway, gateway: JsonSmsGateway) -> None:
    assert "geheim" not in repr(kannel) + repr(gateway)


def test_neither_gateway_can_say_what_it_sent(kannel: KannelGateway, gateway: JsonSmsGateway) -> None:
    for messenger in (kannel, gateway):
        with pytest.raises(SendingUnknown, match="cannot say"):
            messenger.find(MESSAGE)
    assert gateway.idempotent
    assert not kannel.idempotent


def test_a_lost_answer_is_asked_for_again_under_the_same_key(httpserver: HTTPServer, gateway: JsonSmsGateway) -> None:
    httpserver.expect_oneshot_request("/sms").respond_with_data("a proxy", status=502)
    httpserver.expect_oneshot_request("/sms").respond_with_json({"id": "sm-77"}, status=201)
    sent = outcome_of(gateway)
    assert isinstance(sent, Sent)
    assert sent.provider_id == "sm-77"
    assert [request.headers["Idempotency-Key"] for request, _ in httpserver.log] == [MESSAGE.key] * 2


@pytest.mark.parametrize("status", [500, 502, 504])
def test_kannel_which_knows_no_keys_is_asked_once(httpserver: HTTPServer, kannel: KannelGateway, status: int) -> None:
    answering(httpserver, status, "it may have gone")
    assert type(outcome_of(kannel)) is SendingUnknown
    assert len(httpserver.log) == 1


def test_a_gateway_that_failed_often_is_left_alone_for_a_while(httpserver: HTTPServer, gateway: JsonSmsGateway) -> None:
    httpserver.expect_request("/sms").respond_with_data("", status=503)
    for number in range(4):
        assert type(outcome_of(gateway, replace(MESSAGE, key=f"m{number}"))) is ProviderDown
    asked = len(httpserver.log)
    assert type(outcome_of(gateway)) is ProviderDown
    assert len(httpserver.log) == asked


@both
def test_an_address_without_tls_is_only_for_this_house(at: Callable[[str], Gateway]) -> None:
    assert type(outcome_of(at("http://sms.example.com"))) is SetupBroken


@pytest.mark.parametrize(
    ("status", "expected"), [(200, None), (405, None), (501, None), (401, SetupBroken), (404, SetupBroken)]
)
def test_the_json_gateway_is_tried_without_sending(
    httpserver: HTTPServer, gateway: JsonSmsGateway, status: int, expected: type[BackroomError] | None
) -> None:
    httpserver.expect_request("/sms", method="OPTIONS").respond_with_data("", status=status)
    if expected is None:
        gateway.check()
    else:
        with pytest.raises(expected):
            gateway.check()


@pytest.mark.parametrize(("status", "expected"), [(400, None), (403, SetupBroken), (202, SetupBroken)])
def test_kannel_is_tried_without_a_recipient(
    httpserver: HTTPServer, kannel: KannelGateway, status: int, expected: type[BackroomError] | None
) -> None:
    answering(httpserver, status, "")
    if expected is None:
        kannel.check()
    else:
        with pytest.raises(expected):
            kannel.check()
    assert "to" not in httpserver.log[0][0].args
