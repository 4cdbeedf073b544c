"""SMS through an HTTP gateway: Kannel's `sendsms`, or any gateway that takes JSON with an Idempotency-Key.

What belongs here: the two protocols and what each answer means. What does not: counting segments (`segments`).

Kannel's requests and answers are those of its User's Guide, chapter "Setting up a SMS Gateway", section "Using the
HTTP interface to send SMS messages", tried against Kannel 1.4.5. The JSON form follows the Idempotency-Key header
draft of the IETF (draft-ietf-httpapi-idempotency-key-header). Requests carry the recipient in the URL or the body, and
errors of the HTTP library quote URLs, so none of them is chained to ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import requests

from backroom.domain.consent import Medium
from backroom.domain.errors import BackroomError
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
from backroom.outgoing.unsent import kept_back

KANNEL = "kannel"
JSON_GATEWAY = "sms-gateway"

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 20.0

_KANNEL_CODING = {"gsm": "0", "ucs2": "2"}
_ALL_DELIVERY_REPORTS = "31"


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
        with requests.Session() as session:
            return send_each(messages, lambda message: self._send(session, message))

    def check(self) -> None:
        """Ask for a sending without a recipient: smsbox looks at the login first, and refuses the rest (400)."""
        query = {"username": self.username, "password": self.password, "text": ""}
        timeout = (self.connect_timeout, self.read_timeout)
        response = _call(
            "check", "Kannel", lambda: requests.get(self.url, params=query, timeout=timeout, allow_redirects=False)
        )
        if response.status_code == 503:
            raise ProviderDown("Kannel takes no message now (503).")
        if response.status_code != 400:
            raise _setup_broken("Kannel", response.status_code)

    def find(self, message: OutgoingMessage, age: timedelta = timedelta(0)) -> Sent | None:
        """Always raises: Kannel keeps no key of ours."""
        raise cannot_say(message.key, "Kannel")

    def _send(self, session: requests.Session, message: OutgoingMessage) -> Sent:
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
        response = _call(
            message.key,
            "Kannel",
            lambda: session.get(
                self.url,
                params=query,
                timeout=(self.connect_timeout, self.read_timeout),
                allow_redirects=False,
            ),
        )
        # 202 "0: Accepted for delivery", 202 "3: Queued for later delivery": both are Kannel's to deliver now.
        if response.status_code == 202 and response.text.startswith(("0:", "3:")):
            return Sent(KANNEL, message.key, datetime.now(UTC))
        if response.status_code == 503:
            raise ProviderDown("Kannel takes no message now (503).")
        if response.status_code == 400:
            raise RecipientRefused(
                f"Kannel refuses message {message.key} (400).", remedy="Check the order's phone, then Kannel's log."
            )
        if 300 <= response.status_code < 500:
            raise _setup_broken("Kannel", response.status_code)
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
        with requests.Session() as session:
            return send_each(messages, lambda message: self._send(session, message))

    def check(self) -> None:
        """Ask what it allows: nothing is sent. A gateway that knows no OPTIONS is there all the same; whether it takes
        our token is only known where it looks at that first."""
        response = _call(
            "check",
            "The SMS gateway",
            lambda: requests.options(
                self.url,
                headers={"Authorization": f"Bearer {self.token}"},
                timeout=(self.connect_timeout, self.read_timeout),
                allow_redirects=False,
            ),
        )
        if response.status_code >= 500 and response.status_code != 501:
            raise ProviderDown(f"The SMS gateway takes nothing now ({response.status_code}).")
        if response.status_code in (401, 403, 404) or 300 <= response.status_code < 400:
            raise _setup_broken("The SMS gateway", response.status_code)

    def find(self, message: OutgoingMessage, age: timedelta = timedelta(0)) -> Sent | None:
        """Always raises: send the key again instead, the gateway answers as it did the first time."""
        raise cannot_say(message.key, "The SMS gateway")

    def _send(self, session: requests.Session, message: OutgoingMessage) -> Sent:
        response = _call(
            message.key,
            "The SMS gateway",
            lambda: session.post(
                self.url,
                json={
                    "to": message.recipient,
                    "from": message.sender,
                    "text": message.body,
                    "reference": message.key,
                },
                headers={"Authorization": f"Bearer {self.token}", "Idempotency-Key": message.key},
                timeout=(self.connect_timeout, self.read_timeout),
                allow_redirects=False,
            ),
        )
        status = response.status_code
        if 200 <= status < 300:
            return Sent(JSON_GATEWAY, _id_in(response) or message.key, datetime.now(UTC))
        if status in (408, 409, 425, 429):  # 409: the same key is being worked on at this moment
            raise MessageDelayed(f"The SMS gateway asks to come back later with message {message.key} ({status}).")
        if status == 503:
            raise ProviderDown("The SMS gateway takes no message now (503).")
        if status == 400:
            raise RecipientRefused(
                f"The SMS gateway refuses message {message.key} (400).", remedy="Check the order's phone."
            )
        if status == 422:
            raise MessageRefused(
                f"The SMS gateway has had another message under the key {message.key} (422).",
                remedy="Look it up in the gateway's log.",
            )
        if 300 <= status < 500:
            raise _setup_broken("The SMS gateway", status)
        raise sending_unknown(message.key, "The SMS gateway")


def _call(key: str, provider: str, call: Callable[[], requests.Response]) -> requests.Response:
    """Make the call; tells apart what never left us from what may have arrived."""
    error: BackroomError
    try:
        return call()
    except requests.exceptions.RequestException as failure:
        match kept_back(failure):
            case "certificate":
                error = SetupBroken(f"{provider} is not trusted by its certificate.", remedy="Check its url.")
            case "address":
                error = SetupBroken(f"{provider} has an address that is not a URL.", remedy="Correct its url.")
            case "connection":
                late = " (time-out)" if isinstance(failure, requests.exceptions.ConnectTimeout) else ""
                error = ProviderDown(f"{provider} cannot be reached{late}.")
            case _:
                error = sending_unknown(key, provider)
    # Raised outside the handler, so that no traceback leads to the library's error and the URL in it.
    raise error


def _setup_broken(provider: str, status: int) -> SetupBroken:
    return SetupBroken(f"{provider} refuses our calls ({status}).", remedy="Check its url and our login there.")


def _id_in(response: requests.Response) -> str:
    try:
        answer = response.json()
    except ValueError:
        return ""
    return str(answer.get("id", "")) if isinstance(answer, dict) else ""
