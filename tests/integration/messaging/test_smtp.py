"""E-mail against a real SMTP server in this process, with a certificate made for the test."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from backroom.messaging.base import (
    ConnectionLost,
    MessageDelayed,
    MessageRefused,
    OutgoingMessage,
    ProviderDown,
    RecipientRefused,
    SendingUnknown,
    Sent,
    SetupBroken,
)
from backroom.messaging.mail import message_id
from backroom.messaging.smtp import SmtpMessenger, SmtpServer

MESSAGE = OutgoingMessage(
    key="message:A-1042:handed_over:email",
    medium="email",
    recipient="ada@example.com",
    subject="Off it goes",
    body="Hello Ada,\n.a line with a dot\n..two\n.\nbye\n",
    sender="Atelier <post@atelier.example>",
)


def message(name: str) -> OutgoingMessage:
    """A message whose recipient tells the server below what to do with it."""
    return replace(MESSAGE, key=f"message:{name}", recipient=f"{name}@example.com")


class Post:
    """A post office: takes what comes, and misbehaves for certain recipients."""

    def __init__(self) -> None:
        self.delivered: list[Envelope] = []
        self.connections = 0

    async def handle_EHLO(  # noqa: N802 - the name aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += session.host_name is None
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        name = address.partition("@")[0]
        if name == "unknown":
            return f"550 5.1.1 <{address}> is unknown here"
        if name == "greylisted":
            return f"450 4.2.0 <{address}> come back later"
        if name == "closing":
            return "421 4.3.2 closing"
        if name == "cut-early":
            hang_up(server)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        name = envelope.rcpt_tos[0].partition("@")[0]
        if name == "spam":
            return f"554 5.7.1 <{envelope.rcpt_tos[0]}> does not want this"
        if name == "full":
            return "452 4.3.1 no room"
        self.delivered.append(envelope)
        if name.startswith("cut-late"):
            hang_up(server)
        if name == "silent":
            await asyncio.sleep(3)
        return "250 2.0.0 queued"


def hang_up(server: SMTP) -> None:
    assert isinstance(server.transport, asyncio.WriteTransport)
    server.transport.abort()


class OneMailPerConnection(Post):
    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if getattr(session, "used", False):
            return "421 4.7.0 one mail is enough"
        session.used = True  # type: ignore[attr-defined]
        envelope.mail_from = address
        return "250 OK"


class Stranger(Post):
    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        return f"553 5.7.1 you are not {address}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(post: Post, **settings: Any) -> Iterator[SmtpServer]:
    controller = Controller(post, hostname="127.0.0.1", port=free_port(), **settings)
    controller.start()
    try:
        yield SmtpServer("127.0.0.1", controller.port, security="none", timeout=5, answer_timeout=1)
    finally:
        controller.stop()


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def server(post: Post) -> Iterator[SmtpServer]:
    with serving(post) as settings:
        yield settings


def login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"shop", b"geheim"), handled=False)


def test_a_mail_arrives_as_it_was_written(post: Post, server: SmtpServer) -> None:
    sent = SmtpMessenger(server).send(MESSAGE)
    [envelope] = post.delivered
    assert envelope.mail_from == "post@atelier.example"
    assert envelope.rcpt_tos == ["ada@example.com"]
    assert isinstance(envelope.content, bytes)
    mail = message_from_bytes(envelope.content, policy=default)
    assert mail.get_content().replace("\r\n", "\n") == MESSAGE.body
    assert mail["Message-ID"] == sent.provider_id


def test_a_wave_shares_one_connection_and_bad_recipients_hold_up_nobody(post: Post, server: SmtpServer) -> None:
    wave = [message(name) for name in ("ada", "unknown", "bob", "greylisted", "spam", "full", "cleo")]
    wave.insert(2, replace(MESSAGE, key="not-an-address", recipient="nobody"))
    outcomes = SmtpMessenger(server).send_many(wave)
    assert [type(outcome) for outcome in outcomes] == [
        Sent,
        RecipientRefused,
        RecipientRefused,
        Sent,
        MessageDelayed,
        MessageRefused,
        MessageDelayed,
        Sent,
    ]
    assert [envelope.rcpt_tos for envelope in post.delivered] == [
        ["ada@example.com"],
        ["bob@example.com"],
        ["cleo@example.com"],
    ]
    assert post.connections == 1


def test_a_refusal_cites_the_codes_and_not_the_customer(server: SmtpServer) -> None:
    for name, codes in (("unknown", "550 5.1.1"), ("greylisted", "450 4.2.0"), ("spam", "554 5.7.1")):
        [outcome] = SmtpMessenger(server).send_many([message(name)])
        assert codes in str(outcome)
        assert f"message:{name}" in str(outcome)
        assert "example.com" not in str(outcome)


def test_the_log_has_one_line_of_each_mail_and_nothing_of_the_customer(
    server: SmtpServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "backroom"):
        SmtpMessenger(server).send_many([MESSAGE, message("unknown"), message("cut-early")])
        SmtpMessenger(server).check()
    lines = [one.getMessage() for one in caplog.records if one.name.startswith("backroom.")]
    assert [line.partition(" (")[0].partition(", try")[0] for line in lines] == [
        "Mail server: taken",
        f"Mail server: {RecipientRefused.cause}",
        f"Mail server: {ConnectionLost.cause}",
        "Mail server: taken",
    ]
    assert f"({MESSAGE.key}, request {message_id(MESSAGE.key, 'atelier.example')})" in lines[0]
    assert not any(word in line for line in lines for word in ("ada", "Ada", "example.com", "Off it goes"))


def test_a_connection_lost_before_the_text_may_be_tried_again(post: Post, server: SmtpServer) -> None:
    outcomes = SmtpMessenger(server).send_many([message("cut-early"), message("ada"), message("closing"), MESSAGE])
    assert [type(outcome) for outcome in outcomes] == [ConnectionLost, Sent, ConnectionLost, Sent]
    assert len(post.delivered) == 2


@pytest.mark.parametrize("name", ["cut-late", "silent"])
def test_a_mail_whose_answer_is_lost_may_have_arrived_so_nobody_says_otherwise(
    post: Post, server: SmtpServer, name: str
) -> None:
    outcomes = SmtpMessenger(server).send_many([message(name), message("ada")])
    assert [type(outcome) for outcome in outcomes] == [SendingUnknown, Sent]
    assert len(post.delivered) == 2


def test_a_server_that_loses_two_answers_in_a_row_is_left_alone(post: Post, server: SmtpServer) -> None:
    outcomes = SmtpMessenger(server).send_many([message(name) for name in ("cut-late-1", "cut-late-2", "ada", "bob")])
    assert [type(outcome) for outcome in outcomes] == [SendingUnknown, SendingUnknown, ProviderDown, ProviderDown]
    assert len(post.delivered) == 2


def test_a_server_that_takes_one_mail_a_connection_gets_as_many_connections() -> None:
    post = OneMailPerConnection()
    with serving(post) as settings:
        outcomes = SmtpMessenger(settings).send_many([message(name) for name in ("ada", "bob", "cleo")])
    assert [type(outcome) for outcome in outcomes] == [Sent, Sent, Sent]
    assert post.connections == 3


def test_a_sender_the_server_does_not_take_ends_the_wave_for_a_person() -> None:
    with serving(Stranger()) as settings:
        outcomes = SmtpMessenger(settings).send_many([message("ada"), message("bob")])
    assert [type(outcome) for outcome in outcomes] == [SetupBroken, SetupBroken]
    assert "sender_email" in str(outcomes[1])


def test_nobody_listening_is_a_reason_to_come_back() -> None:
    outcomes = SmtpMessenger(SmtpServer("127.0.0.1", free_port(), security="none")).send_many([MESSAGE, MESSAGE])
    assert [type(outcome) for outcome in outcomes] == [ProviderDown, ProviderDown]


def test_a_server_that_says_nothing_is_left_after_the_time_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        settings = SmtpServer("127.0.0.1", mute.getsockname()[1], security="none", timeout=0.3)
        with pytest.raises(ProviderDown):
            SmtpMessenger(settings).send(MESSAGE)


def encrypted(post: Post, tls: ssl.SSLContext) -> Any:
    return serving(post, tls_context=tls, require_starttls=True, authenticator=login, auth_required=True)


def test_starttls_and_login_deliver(post: Post, tls: ssl.SSLContext, certificate: Path) -> None:
    with encrypted(post, tls) as settings:
        secure = replace(settings, security="starttls", username="shop", password="geheim", ca_file=str(certificate))
        assert isinstance(SmtpMessenger(secure).send(MESSAGE), Sent)
    assert len(post.delivered) == 1


def test_tls_from_the_first_byte_delivers(post: Post, tls: ssl.SSLContext, certificate: Path) -> None:
    controller = Controller(post, hostname="127.0.0.1", port=free_port(), ssl_context=tls)
    controller.start()
    try:
        settings = SmtpServer("127.0.0.1", controller.port, security="tls", ca_file=str(certificate))
        assert isinstance(SmtpMessenger(settings).send(MESSAGE), Sent)
    finally:
        controller.stop()
    assert len(post.delivered) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ca_file": ""}, "not trusted"),
        ({"host": "localhost"}, "not trusted"),
        ({"password": "falsch"}, "refuses our login"),
        ({"password": "gehe€m"}, "a sign in it cannot be sent"),
        ({"host": "mail..example.com"}, "a sign in it cannot be sent"),
        ({"ca_file": "/nowhere/ca.pem"}, "file of authorities .* cannot be read"),
    ],
)
def test_what_only_a_person_can_mend_is_said_so(
    post: Post, tls: ssl.SSLContext, certificate: Path, change: dict[str, Any], words: str
) -> None:
    with encrypted(post, tls) as settings:
        secure = replace(settings, security="starttls", username="shop", password="geheim", ca_file=str(certificate))
        with pytest.raises(SetupBroken, match=words) as told:
            SmtpMessenger(replace(secure, **change)).send(MESSAGE)
    assert post.delivered == []
    assert told.value.remedy
    assert "geh" not in "".join(traceback.format_exception(told.value))


def test_a_server_without_tls_never_sees_the_password(post: Post, server: SmtpServer) -> None:
    with pytest.raises(SetupBroken, match="offers no TLS"):
        SmtpMessenger(replace(server, security="starttls", username="shop", password="geheim")).send(MESSAGE)


def test_a_login_in_clear_is_not_even_configured() -> None:
    with pytest.raises(SetupBroken, match="would show the password"):
        SmtpServer("127.0.0.1", 25, security="none", username="shop")


def test_the_password_does_not_show_in_logs() -> None:
    assert "geheim" not in repr(SmtpServer("127.0.0.1", 587, username="shop", password="geheim"))


def test_smtp_cannot_say_what_it_sent(server: SmtpServer) -> None:
    with pytest.raises(SendingUnknown, match="cannot say"):
        SmtpMessenger(server).find(MESSAGE)


@contextmanager
def dripping(after: int) -> Iterator[int]:
    """A mail server by hand that answers so many times and then drips a reply, a letter every 0.05 s; its port."""
    ended = threading.Event()

    def talk(connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        answers = 0
        text = False
        while True:
            if answers == after:
                connection.sendall(b"250-")
                while not ended.wait(0.05):
                    connection.sendall(b"x")
                return
            if answers == 0:
                connection.sendall(b"220 post.test\r\n")
            elif text:
                connection.sendall(b"354 go on\r\n")
            else:
                connection.sendall(b"250 fine\r\n")
            answers += 1
            line = lines.readline()
            while text and line not in (b".\r\n", b""):
                line = lines.readline()
            text = line.strip().upper() == b"DATA"

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listening.accept()
            with connection:
                talk(connection)

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        ended.set()
        thread.join(5)


# The greeting, EHLO, MAIL, RCPT and DATA are answered before the last word.
@pytest.mark.parametrize(
    ("after", "error"),
    [(0, ProviderDown), (1, ProviderDown), (2, ConnectionLost), (4, ConnectionLost), (5, SendingUnknown)],
)
def test_a_server_that_drips_a_reply_is_given_up_at_its_time_out(after: int, error: type[Exception]) -> None:
    with dripping(after) as port:
        server = SmtpServer("127.0.0.1", port, "none", timeout=0.4, answer_timeout=0.6)
        began = time.monotonic()
        with pytest.raises(error):
            SmtpMessenger(server).send(MESSAGE)
        assert time.monotonic() - began < 3
