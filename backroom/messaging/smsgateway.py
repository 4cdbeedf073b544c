"""SMS through an HTTP gateway: Kannel's `sendsms`, or any gateway that takes JSON with an Idempotency-Key.

What belongs here: the two protocols and what each answer means. What does not: counting segments (`segments`).

Kannel's requests and answers are those of its User's Guide, chapter "Setting up a SMS Gateway", section "Using the
HTTP interface to send SMS messages", tried against Kannel 1.4.5. The JSON form follows the Idempotency-Key header
draft of the IETF (draft-ietf-httpapi-idempotency-key-header). Calls are made under the policy that all share
(`backroom.outgoing.client`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from backroom.domain.consent import Medium
from backroom.domain.errors import BackroomError, Retry
from backroom.messaging.base import (
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
from backroom.messaging.kannel_marks import mark
from backroom.messaging.segments import segments
from backroom.outgoing.answer import Answer
from backroom.outgoing.client import Account, Client
from backroom.outgoing.errors import AnswerUnreadable, ServiceAway, ServiceRefused, ServiceSetup, ServiceSilent

KANNEL = "kannel"
JSON_GATEWAY = "sms-gateway"

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 20.0

_KANNEL_CODING = {"gsm": "0", "ucs2": "2"}
_ALL_DELIVERY_REPORTS = "31"
# smsbox's own 503, after bearerbox turned the message away; a proxy before it has other words.
_UNTAKEN = b"Temporal failure, try again later."


@dataclass(frozen=True, slots=True)
class KannelGateway:
    """A Kannel smsbox. `url` is its whole sendsms address, such as `http://127.0.0.1:13013/cgi-bin/sendsms`.

    `dlr_url` asks for delivery reports: `{key}` becomes the message's key, `{mark}` its mark under `token`, and Kannel
    fills its own escapes, such as `%d` for the state. Kannel does not know our keys, so a lost answer is settled by its
    report, or else by a person.
    """

    url: str
    username: str
    password: str = field(repr=False)
    dlr_url: str = ""
    token: str = field(default="", repr=False)
    connect_timeout: float = CONNECT_TIMEOUT
    read_timeout: float = READ_TIMEOUT

    @property
    def medium(self) -> Medium:
        return "sms"

    @property
    def idempotent(self) -> bool:
        return False

    def send(self, message: OutgoingMessage) -> Sent:
        """Send one SMS."""
        return single(self.send_many([message]))

    def send_many(self, messages: Sequence[OutgoingMessage]) -> list[Sent | BackroomError]:
        """Send a wave over one kept HTTP connection."""
        with Client(self._account()) as client:
            return send_each(messages, lambda message: self._send(client, message))

    def check(self) -> None:
        """Ask for a sending without a recipient: smsbox looks at the login first, and refuses the rest (400)."""
        query = {"username": self.username, "password": self.password, "text": ""}
        with Client(self._account()) as client:
            _, status = _call(client, "GET", "check", "Kannel", {}, params=query, again=True)
        if status != 400:
            raise _setup_broken("Kannel", status)

    def _account(self) -> Account:
        return Account("Kannel", self.url, connect_timeout=self.connect_timeout, read_timeout=self.read_timeout)

    def find(self, message: OutgoingMessage, age: timedelta = timedelta(0)) -> Sent | None:
        """Always raises: Kannel keeps no key of ours."""
        raise cannot_say(message.key, "Kannel")

    def _send(self, client: Client, message: OutgoingMessage) -> Sent:
        query = {
            "username": self.username,
            "password": self.password,
            "from": message.sender,
            "to": message.recipient,
            "text": message.body,
            "charset": "UTF-8",
            "coding": _KANNEL_CODING[segments(message.body).encoding],
        }
        if self.dlr_url:
            query["dlr-mask"] = _ALL_DELIVERY_REPORTS
            address = self.dlr_url.replace("{key}", quote(message.key, safe=":"))
            if "{mark}" in address:
                address = address.replace("{mark}", mark(self.token, message.key))
            query["dlr-url"] = address
        # A GET that sends: doing it twice sends twice.
        answer, status = _call(client, "GET", message.key, "Kannel", {}, _UNTAKEN, params=query, again=False)
        # 202 "0: Accepted for delivery", 202 "3: Queued for later delivery": both are Kannel's to deliver now.
        if status == 202 and answer is not None and answer.body.startswith((b"0:", b"3:")):
            return Sent(KANNEL, message.key, datetime.now(UTC))
        if status == 400:
            raise RecipientRefused(
                f"Kannel refuses message {message.key} (400).", remedy="Check the order's phone, then Kannel's log."
            )
        if 300 <= status < 500:
            raise _setup_broken("Kannel", status)
        raise sending_unknown(message.key, "Kannel")


@dataclass(frozen=True, slots=True)
class JsonSmsGateway:
    """A gateway that takes `POST {"to", "from", "text", "reference"}` with a bearer token and an Idempotency-Key.

    A 2xx answer is JSON with the gateway's own `id`. Sending a key again is safe, which is how a lost answer is
    settled; there is no separate question.
    """

    url: str
    token: str = field(repr=False)
    connect_timeout: float = CONNECT_TIMEOUT
    read_timeout: float = READ_TIMEOUT

    @property
    def medium(self) -> Medium:
        return "sms"

    @property
    def idempotent(self) -> bool:
        return True

    def send(self, message: OutgoingMessage) -> Sent:
        """Send one SMS."""
        return single(self.send_many([message]))

    def send_many(self, messages: Sequence[OutgoingMessage]) -> list[Sent | BackroomError]:
        """Send a wave over one kept HTTP connection."""
        with Client(self._account()) as client:
            return send_each(messages, lambda message: self._send(client, message))

    def check(self) -> None:
        """Ask what it allows: nothing is sent. A gateway that knows no OPTIONS is there all the same; whether it takes
        our token is only known where it looks at that first."""
        with Client(self._account()) as client:
            _, status = _call(client, "OPTIONS", "check", "The SMS gateway", {501: None}, again=True)
        if status == 404:
            raise _setup_broken("The SMS gateway", status)

    def _account(self) -> Account:
        headers = {"Authorization": f"Bearer {self.token}"}
        return Account(
            "SMS gateway",
            self.url,
            headers=headers,
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
        )

    def find(self, message: OutgoingMessage, age: timedelta = timedelta(0)) -> Sent | None:
        """Always raises: send the key again instead, the gateway answers as it did the first time."""
        raise cannot_say(message.key, "The SMS gateway")

    def _send(self, client: Client, message: OutgoingMessage) -> Sent:
        about = "The SMS gateway"
        told = {"to": message.recipient, "from": message.sender, "text": message.body, "reference": message.key}
        delayed = MessageDelayed(f"{about} asks to come back later with message {message.key}.")
        late: dict[int, BackroomError | None] = {408: delayed, 425: delayed, 429: delayed}
        key = {"Idempotency-Key": message.key}
        answer, status = _call(client, "POST", message.key, about, late, json=told, headers=key, again=True)
        if 200 <= status < 300:
            return Sent(JSON_GATEWAY, _id_in(answer) or message.key, datetime.now(UTC))
        if status == 409:
            # The same key is being worked on at this moment.
            raise delayed
        if status == 400:
            raise RecipientRefused(f"{about} refuses message {message.key} (400).", remedy="Check the order's phone.")
        if status == 422:
            raise MessageRefused(
                f"{about} has had another message under the key {message.key} (422).",
                remedy="Look it up in the gateway's log.",
            )
        raise _setup_broken(about, status)


def _call(
    client: Client,
    method: str,
    key: str,
    provider: str,
    late: Mapping[int, BackroomError | None],
    untaken: bytes = b"",
    **call: Any,
) -> tuple[Answer | None, int]:
    """The answer with its status, one that says no included; our own errors for all else.

    `late` are errors of this provider's for a "not now", by its status; None there means that it is none at all.
    `untaken` is how a server error of its own begins that says that it took nothing.
    """
    error: BackroomError
    try:
        answer = client.call(method, "", about=key, **call)
    except ServiceRefused as refused:
        return refused.answer, refused.answer.status
    except ServiceSetup as setup:
        error = SetupBroken(setup.message, remedy=setup.remedy)
    except ServiceAway as away:
        own = late.get(away.status, away)
        if own is None:
            return None, away.status
        if not isinstance(own, ServiceAway):
            if isinstance(own, Retry):
                own.retry_after = away.retry_after
            error = own
        elif away.nothing_happened or away.status == 503 or key == "check":
            # A 503 comes here of what carries a key: it is sent again under that, whoever said so.
            down = f"{provider} takes no message now: {away.message}"
            error = ProviderDown(down, retry_after=away.retry_after)
        else:
            error = sending_unknown(key, provider)
    except ServiceSilent as silent:
        if silent.answer is not None and untaken and silent.answer.body.startswith(untaken):
            error = ProviderDown(f"{provider} takes no message now ({key}, {silent.answer.status}).")
        else:
            error = sending_unknown(key, provider)
    except AnswerUnreadable:
        error = sending_unknown(key, provider)
    else:
        return answer, answer.status
    # Raised outside the handlers, so that no traceback leads to the call.
    raise error


def _setup_broken(provider: str, status: int) -> SetupBroken:
    return SetupBroken(f"{provider} refuses our calls ({status}).", remedy="Check its url and our login there.")


def _id_in(answer: Answer | None) -> str:
    return str(answer.mapping().get("id", "")) if answer is not None else ""
