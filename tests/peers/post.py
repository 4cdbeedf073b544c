"""A real SMTP server for tests: it asks for STARTTLS and a login, and keeps what it took."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.prefect_server import free_port

USER, PASSWORD = "shop", "geheim"


# No slots: aiosmtpd looks at every member, and Python 3.11 before its .3 gives such a class a broken `__weakref__`.
@dataclass
class Post:
    """The post office. `mails` is what was delivered, each mail with its envelope's recipients."""

    port: int
    mails: list[tuple[list[str], EmailMessage]] = field(default_factory=list)

    def mails_to(self, address: str) -> list[EmailMessage]:
        return [mail for recipients, mail in list(self.mails) if recipients == [address]]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append((list(envelope.rcpt_tos), mail))
        return "250 2.0.0 queued"


@contextmanager
def running_post(certificate: Path) -> Iterator[Post]:
    """A post office on a free port, with a certificate whose file holds its key as well."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    post = Post(free_port())
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd warns of its own ways at every login
    controller = Controller(
        post,
        hostname="127.0.0.1",
        port=post.port,
        tls_context=context,
        require_starttls=True,
        authenticator=_login,
        auth_required=True,
    )
    controller.start()
    try:
        yield post
    finally:
        controller.stop()


def _login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)
