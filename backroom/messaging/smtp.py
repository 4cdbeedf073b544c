"""E-mail by SMTP (RFC 5321), over verified TLS, one connection for a wave.

What belongs here: the SMTP dialogue and what each way of failing means. What does not: the mail's text (`mail`).

A mail is handed over by the line with a single dot that ends its text. Until that line leaves us the server must
forget what it got (RFC 5321, section 4.1.1.4), so every earlier loss may be tried again; once it has left and no
answer came, the mail may have been delivered, and SMTP has no way to ask. Replies are cited by their codes only:
servers like to quote the recipient.
"""

from __future__ import annotations

import contextlib
import io
import math
import re
import smtplib
import ssl
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from backroom.domain.consent import Medium
from backroom.domain.errors import BackroomError
from backroom.messaging.base import (
    ConnectionLost,
    MessageDelayed,
    MessageRefused,
    OutgoingMessage,
    ProviderDown,
    RecipientRefused,
    Sent,
    SetupBroken,
    cannot_say,
    send_each,
    sending_unknown,
    single,
)
from backroom.messaging.mail import compose, message_id, recipient_address, sender_address
from backroom.outgoing.call_log import CallLog
from backroom.outgoing.deadline import HurriedReads, over_by

PROVIDER = "smtp"

Security = Literal["starttls", "tls", "none"]

_OUR_NAME = "[127.0.0.1]"
_CLOSING = 421
_ENHANCED_CODE = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}\b")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where the mail goes. `security` is starttls (port 587), tls (465) or none, which is for a relay on this machine.

    The authorities in `ca_file` are the only ones trusted where it is given, else the system's are. Time-outs are in
    seconds, for a whole reply: `timeout` for every step, `answer_timeout` for the server's last word on a mail, which
    may take its time (RFC 5321, section 4.5.3.2.6). SetupBroken for a login that would travel in clear.
    """

    host: str
    port: int
    security: Security = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""
    timeout: float = 20.0
    answer_timeout: float = 60.0

    def __post_init__(self) -> None:
        if self.username and self.security == "none":
            raise SetupBroken(
                "A login at the mail server without TLS would show the password.",
                remedy="Write starttls or tls as smtp.security, or leave smtp.username out.",
            )


class SmtpMessenger:
    """Sends e-mail through one server. It cannot say later what it sent, so a lost answer is a person's to settle."""

    medium: Medium = "email"
    idempotent = False

    def __init__(self, server: SmtpServer) -> None:
        self._server = server

    def send(self, message: OutgoingMessage) -> Sent:
        """Send one mail over a connection of its own."""
        return single(self.send_many([message]))

    def send_many(self, messages: Sequence[OutgoingMessage]) -> list[Sent | BackroomError]:
        """Send a wave over one connection, opened again when the server closes it between two mails."""
        connection = _Connection(self._server)
        try:
            return send_each(messages, connection.send)
        finally:
            connection.quit()

    def check(self) -> None:
        """Greet the server and log in, and send nothing; for `backroom doctor`."""
        with _logged("check", uuid.uuid4().hex[:16]):
            self._greet()

    def _greet(self) -> None:
        client = _open(self._server)
        try:
            client.noop()
            client.quit()
        except OSError as error:
            raise ProviderDown("The mail server hung up after our login.") from error
        finally:
            client.close()

    def find(self, message: OutgoingMessage, age: timedelta = timedelta(0)) -> Sent | None:
        """Always raises: SMTP has no question for it."""
        raise cannot_say(message.key, "The mail server")


class _Connection:
    """One wave's connection. A loss or a reply that ends it drops it; the next mail opens another."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._client: smtplib.SMTP | None = None

    def send(self, message: OutgoingMessage) -> Sent:
        mail = compose(message, datetime.now(UTC))
        sender, recipient = sender_address(message), recipient_address(message).addr_spec
        id_ = message_id(message.key, sender.domain)
        with _logged(message.key, id_):
            client = self._begin(message)
            self._command(message, lambda: client.rcpt(recipient), refused=RecipientRefused)
            self._command(message, lambda: client.docmd("DATA"), refused=MessageRefused, accepted=3)
            self._hand_over(client, message, mail)
        return Sent(PROVIDER, id_, datetime.now(UTC))

    def quit(self) -> None:
        if self._client is not None:
            with contextlib.suppress(OSError):  # every mail has its answer already
                self._client.quit()
            self._drop()

    def _begin(self, message: OutgoingMessage) -> smtplib.SMTP:
        """Start a mail on the open connection, or on a new one where the server has closed it since the last mail."""
        sender = sender_address(message).addr_spec
        if (kept := self._client) is not None:
            with contextlib.suppress(ConnectionLost):  # it has idled out, or carried as many mails as it may
                self._command(message, lambda: kept.mail(sender), refused=SetupBroken)
                return kept
        self._client = fresh = _open(self._server)
        self._command(message, lambda: fresh.mail(sender), refused=SetupBroken)
        return fresh

    def _command(
        self,
        message: OutgoingMessage,
        command: Callable[[], tuple[int, bytes]],
        *,
        refused: type[BackroomError],
        accepted: int = 2,
    ) -> None:
        """One step before the text: `accepted` is the first digit of the reply that lets us go on."""
        try:
            code, text = command()
        except OSError as error:
            self._drop()
            raise ConnectionLost(f"The mail server hung up before message {message.key} was handed over.") from error
        if code == _CLOSING:
            self._drop()
            raise ConnectionLost(f"The mail server closed before message {message.key} was handed over ({_CLOSING}).")
        if code // 100 != accepted:
            self._reset()
            raise _verdict(message.key, code, text, refused)

    def _hand_over(self, client: smtplib.SMTP, message: OutgoingMessage, text: bytes) -> None:
        lines = _LEADING_DOT.sub(b"..", _LINE_END.sub(b"\r\n", text))  # dot-stuffing, RFC 5321, section 4.5.2
        try:
            client.send(lines if lines.endswith(b"\r\n") else lines + b"\r\n")
        except OSError as error:
            self._drop()
            raise ConnectionLost(f"The mail server hung up while message {message.key} was on its way.") from error
        try:
            assert client.sock is not None
            client.sock.settimeout(self._server.answer_timeout)
            client.send(b".\r\n")
            code, reply = client.getreply()
            client.sock.settimeout(self._server.timeout)
        except OSError as error:
            self._drop()
            raise sending_unknown(message.key, "The mail server") from error
        if code == _CLOSING:
            self._drop()
        if code // 100 in (4, 5):
            raise _verdict(message.key, code, reply, MessageRefused)
        if code // 100 != 2:
            self._drop()
            raise sending_unknown(message.key, "The mail server")

    def _reset(self) -> None:
        """Make room for the next mail after a refused step; without it the server would refuse that one as well."""
        assert self._client is not None
        try:
            code, _ = self._client.rset()
        except OSError:  # the refusal is the news; the next mail opens another connection
            self._drop()
        else:
            if code // 100 != 2:
                self._drop()

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


@contextlib.contextmanager
def _logged(about: str, id_: str) -> Iterator[None]:
    """The line of our log, as of any other call. A mail server knows a mail by its Message-ID, which is made of our key
    and the shop's domain."""
    line = CallLog("Mail server", about, id_, 1)
    try:
        yield
    except BackroomError as error:
        line.write(error.cause, failed=True)
        raise
    line.write("taken", failed=False)


class _Dialogue(smtplib.SMTP):
    """A dialogue in which the time-out is for a whole reply, however many pieces and lines it comes in."""

    def getreply(self) -> tuple[int, bytes]:
        sock = self.sock
        assert sock is not None
        each = sock.gettimeout()
        if self.file is None:
            self.file = io.BufferedReader(HurriedReads(sock.makefile("rb", buffering=0), sock, math.inf))
        with over_by(time.monotonic() + (math.inf if each is None else each)):
            reply = super().getreply()
        sock.settimeout(each)
        return reply


class _SecureDialogue(_Dialogue, smtplib.SMTP_SSL):
    """The same over TLS from the first byte."""


def _open(server: SmtpServer) -> smtplib.SMTP:
    """A greeted, encrypted and logged-in connection; raises `SetupBroken` or `ProviderDown`."""
    where = f"{server.host}:{server.port}"
    client: smtplib.SMTP | None = None
    context = None if server.security == "none" else _trust_of(server)
    try:
        # The address literal keeps smtplib from asking the DNS for our own name, which knows no time-out.
        if server.security == "tls":
            client = _SecureDialogue(server.host, server.port, _OUR_NAME, timeout=server.timeout, context=context)
        else:
            client = _Dialogue(server.host, server.port, _OUR_NAME, timeout=server.timeout)
        if server.security == "starttls":
            client.starttls(context=context)
        client.ehlo_or_helo_if_needed()
        if server.username:
            client.login(server.username, server.password)
    except OSError as error:
        if client is not None:
            client.close()
        raise _not_open(where, error) from error
    except UnicodeError:
        if client is not None:
            client.close()
        # Without its cause: it quotes what could not be encoded.
        raise SetupBroken(
            f"The mail server {where} cannot be called by that host, user or password: a sign in it cannot be sent.",
            remedy="Write smtp.host, smtp.username and smtp.password without umlauts and special letters.",
        ) from None
    return client


def _trust_of(server: SmtpServer) -> ssl.SSLContext:
    """Whom we trust; SetupBroken for a file of authorities that is not there, or is none."""
    try:
        return ssl.create_default_context(cafile=server.ca_file or None)
    except OSError as error:
        raise SetupBroken(
            f"The file of authorities of the mail server cannot be read ({type(error).__name__}).",
            remedy="Name a file of certificates (PEM) in smtp.ca_file that this program may read, or leave it out.",
        ) from error


def _not_open(where: str, error: OSError) -> BackroomError:
    match error:
        case ssl.SSLCertVerificationError():
            return SetupBroken(
                f"The certificate of the mail server {where} is not trusted ({error.verify_message}).",
                remedy="Name its authority in ca_file, or use the host name the certificate is for.",
            )
        case smtplib.SMTPNotSupportedError():
            return SetupBroken(
                f"The mail server {where} offers no TLS or no login of ours.", remedy="Check port, security and login."
            )
        case smtplib.SMTPAuthenticationError() if error.smtp_code // 100 == 5:
            return SetupBroken(
                f"The mail server {where} refuses our login ({error.smtp_code}).", remedy="Correct user and password."
            )
        case smtplib.SMTPResponseException():
            return ProviderDown(f"The mail server {where} takes no mail now ({error.smtp_code}).")
        case _:
            return ProviderDown(f"The mail server {where} cannot be reached ({type(error).__name__}).")


def _verdict(key: str, code: int, text: bytes, refused: type[BackroomError]) -> BackroomError:
    """What a negative reply means (RFC 5321, section 4.2.1): 4yz is for now, 5yz for good."""
    enhanced = _ENHANCED_CODE.match(text)
    cited = f"{code} {enhanced.group().decode()}" if enhanced else str(code)
    if code // 100 != 5:
        return MessageDelayed(f"The mail server asks to come back later with message {key} ({cited}).")
    if refused is RecipientRefused:
        return RecipientRefused(
            f"The mail server refuses the recipient of message {key} ({cited}).", remedy="Correct the order's e-mail."
        )
    if refused is SetupBroken:
        return SetupBroken(
            f"The mail server refuses our sender for message {key} ({cited}).",
            remedy="Check sender_email and what this login may send as.",
        )
    return MessageRefused(f"The mail server refuses message {key} itself ({cited}).", remedy="Mend its template.")
