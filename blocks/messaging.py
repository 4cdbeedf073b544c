"""Blocks for the ways to a customer: a mail server and an SMS gateway."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Self

from prefect.blocks.core import Block
from pydantic import Field, SecretStr, model_validator

from backroom.messaging.base import Messenger
from backroom.messaging.smsgateway import JsonSmsGateway, KannelGateway
from backroom.messaging.smtp import SmtpMessenger, SmtpServer
from backroom.messaging.twilio import API, TwilioMessenger
from backroom.messaging.webpush import WebPush

# The names under which a shop keeps its own.
MAIL_BLOCK, SMS_BLOCK, PUSH_BLOCK = "shop-mail", "shop-sms", "shop-push"


class MailServer(Block):
    """An SMTP server that sends the shop's mail."""

    _block_type_name = "Backroom Mail Server"
    _block_type_slug = "backroom-mail-server"

    host: str = Field(description="The server's name, as in its certificate")
    port: int = Field(default=587, description="587 for STARTTLS, 465 for TLS")
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password: SecretStr = SecretStr("")
    ca_file: str = Field(default="", description="Trust only these authorities; empty for the system's")

    @model_validator(mode="after")
    def _hides_its_login(self) -> Self:
        if self.username and self.security == "none":
            raise ValueError("a login without TLS would show its password")
        return self

    def get_client(self) -> Messenger:
        """A messenger for this server; make one for each task."""
        return SmtpMessenger(
            SmtpServer(
                host=self.host,
                port=self.port,
                security=self.security,
                username=self.username,
                password=self.password.get_secret_value(),
                ca_file=self.ca_file,
            )
        )


class SmsProvider(Block):
    """Twilio, or an HTTP SMS gateway: Kannel's sendsms, or one that takes JSON with an idempotency key."""

    _block_type_name = "Backroom SMS Provider"
    _block_type_slug = "backroom-sms-provider"

    kind: Literal["kannel", "json", "twilio"] = "kannel"
    url: str = Field(
        default="", description="The address to send to, such as http://localhost:13013/cgi-bin/sendsms; not for Twilio"
    )
    account: str = Field(default="", description="Twilio: the account, AC…")
    service: str = Field(default="", description="Twilio: the messaging service, MG…; empty for the shop's sender")
    username: str = Field(default="", description="Twilio: an API key, SK…, that may only send and read messages")
    password: SecretStr = SecretStr("")
    report_url: str = Field(default="", description="Where delivery reports are sent; {key} is the message's")
    token: SecretStr = Field(default=SecretStr(""), description="Kannel: what the gateway knows its reports by")

    def get_client(self) -> Messenger:
        """A messenger for this gateway; make one for each task."""
        password = self.password.get_secret_value()
        if self.kind == "twilio":
            return TwilioMessenger(
                self.account, self.username, password, self.service, self.report_url, url=self.url or API
            )
        if self.kind == "kannel":
            token = self.token.get_secret_value()
            return KannelGateway(self.url, self.username, password, dlr_url=self.report_url, token=token)
        return JsonSmsGateway(self.url, password)


class PushSender(Block):
    """The shop's key for web push: it says to push services who sends."""

    _block_type_name = "Backroom Push Sender"
    _block_type_slug = "backroom-push-sender"

    private_key: SecretStr = Field(description="What `backroom key push` made")
    contact: str = Field(description="An address of yours at which a push service finds you, mailto:…")

    def get_client(self, forget: Callable[[str], object]) -> Messenger:
        """A messenger that tells `forget` which endpoints are gone; make one for each task."""
        return WebPush(self.private_key.get_secret_value(), self.contact, forget)
