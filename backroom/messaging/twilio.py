"""SMS through Twilio's Messages API.

What belongs here: its requests, and what its answers mean. What does not: its calls to us (`twilio_signature`,
`inbound`), and the policy of calls (`backroom.outgoing`).

Source: Twilio's OpenAPI description (`twilio_api_v2010`: `/2010-04-01/Accounts/{AccountSid}/Messages.json`) and its
error dictionary. Twilio knows no idempotency key. Where the answer to a message is lost, Twilio is asked for the
messages to that number: one with our words, made since the call was begun, is ours, because our words name the order.
That none is there proves nothing, for Twilio does not say when a message is listed; then a person decides.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from backroom.domain.consent import Medium
from backroom.domain.errors import BackroomError
from backroom.messaging.base import (
    MessageRefused,
    OptedOut,
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
from backroom.outgoing.answer import Answer
from backroom.outgoing.client import Account, Client
from backroom.outgoing.errors import AnswerUnreadable, ServiceAway, ServiceRefused, ServiceSetup, ServiceSilent
from backroom.outgoing.probe import Wide, is_theirs

TWILIO = "twilio"
API = "https://api.twilio.com"
# Twilio's clock and ours differ, and its times are whole seconds.
CLOCK_SKEW = timedelta(seconds=5)
ASK_AGAIN_AFTER = 1.0

# By Twilio's error dictionary (https://www.twilio.com/docs/api/errors).
STOPPED = 21610
_RECIPIENT = frozenset({21211, 21214, 21217, 21265, 21407, 21408, 21421, 21604, 21612, 21614, 21635})
_SETUP = frozenset({20003, 20006, 20404, 21212, 21603, 21606, 21609, 21659, 21660, 21661, 21701, 21703, 21704, 21705})
_BUSY = frozenset({20429, 14107, 21611})


@dataclass(frozen=True, slots=True)
class TwilioMessenger:
    """One Twilio account (`AC…`). The login is an API key (`SK…` and its secret), or the account and its auth token.

    Messages go by the messaging service (`MG…`) where there is one, else from the message's sender. `callback_url` is
    where Twilio tells what becomes of a message; `{key}` becomes the message's key.
    """

    account: str
    username: str
    password: str = field(repr=False)
    service: str = ""
    callback_url: str = ""
    url: str = API
    read_timeout: float = 20.0

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

    def find(self, message: OutgoingMessage, age: timedelta) -> Sent | None:
        """The message if Twilio has it. That it has none proves nothing: SendingUnknown."""
        with Client(self._account()) as client:
            found = self._listed(client, message, datetime.now(UTC) - age)
        if found is None:
            raise cannot_say(message.key, "Twilio")
        return found

    def check(self) -> None:
        """Ask for one message of those that were sent: the key must be allowed that anyhow."""
        with Client(self._account()) as client:
            answer = client.call("GET", "Messages.json", about="check", params={"PageSize": 1})
        is_theirs("Twilio", answer, "messages")

    def wide(self) -> Wide | None:
        """By whose login it is. Twilio signs its calls to us with the account's auth token, whoever logs in; so the
        gateway needs that one (`sms.auth_token`), and whatever sends does not."""
        if not self.username.strip().startswith("AC"):
            return None
        return Wide(
            "the login is Twilio's account with its auth token, which may do everything there: buy numbers, read all.",
            "Make a restricted API key in Twilio's console that may create and read messages. Write its SID (SK…) as "
            "sms.username and its secret as sms.password. sms.auth_token stays: Twilio signs its calls to us with it.",
        )

    def _account(self) -> Account:
        base = f"{self.url.rstrip('/')}/2010-04-01/Accounts/{quote(self.account, safe='')}"
        return Account("Twilio", base, login=(self.username, self.password), read_timeout=self.read_timeout)

    def _send(self, client: Client, message: OutgoingMessage) -> Sent:
        form = {"To": message.recipient, "Body": message.body}
        form |= {"MessagingServiceSid": self.service} if self.service else {"From": message.sender}
        if self.callback_url:
            form["StatusCallback"] = self.callback_url.replace("{key}", quote(message.key, safe=""))
        began = datetime.now(UTC)
        lost: BackroomError
        try:
            answer = client.call("POST", "Messages.json", about=message.key, data=form)
            sent = _sent(answer.mapping(), message)
            if sent is not None:
                return sent
            lost = sending_unknown(message.key, "Twilio")
        except ServiceAway as away:
            lost = ProviderDown(f"Twilio takes no message now: {away.message}", retry_after=away.retry_after)
        except ServiceSetup as setup:
            lost = SetupBroken(setup.message, remedy=setup.remedy)
        except ServiceRefused as refused:
            lost = _refusal(refused.answer, message.key)
        except (ServiceSilent, AnswerUnreadable):
            lost = sending_unknown(message.key, "Twilio")
            if (found := self._asked(client, message, began)) is not None:
                return found
        # Outside the handlers, so that no traceback leads to the call.
        raise lost

    def _asked(self, client: Client, message: OutgoingMessage, began: datetime) -> Sent | None:
        """Look for a message whose answer was lost, twice; None where Twilio does not show it, or does not answer."""
        for attempt in range(2):
            if attempt:
                time.sleep(ASK_AGAIN_AFTER)
            try:
                if (found := self._listed(client, message, began)) is not None:
                    return found
            except BackroomError:
                return None
        return None

    def _listed(self, client: Client, message: OutgoingMessage, began: datetime) -> Sent | None:
        query = {"To": message.recipient, "PageSize": "50"}
        try:
            answer = client.call("GET", "Messages.json", about=message.key, params=query)
        except ServiceRefused:
            answer = None
        listed = answer.mapping().get("messages") if answer else None
        if not isinstance(listed, list):
            raise cannot_say(message.key, "Twilio")
        for row in listed:
            if isinstance(row, dict) and _is_ours(row, message, began):
                return _sent(row, message)
        return None


def _is_ours(row: dict[str, Any], message: OutgoingMessage, began: datetime) -> bool:
    created = _time(row.get("date_created"))
    return (
        row.get("to") == message.recipient
        and row.get("body") == message.body
        and str(row.get("direction", "")).startswith("outbound")
        and created is not None
        and created >= began - CLOCK_SKEW
    )


def _sent(row: dict[str, Any], message: OutgoingMessage) -> Sent | None:
    """What Twilio calls a message, None for an answer that is none of its own."""
    sid = row.get("sid")
    if not isinstance(sid, str) or not sid.startswith(("SM", "MM")):
        return None
    return Sent(TWILIO, sid, _time(row.get("date_created")) or datetime.now(UTC))


def _time(text: object) -> datetime | None:
    """An RFC 2822 time, such as `Thu, 24 Nov 2026 18:03:11 +0000`."""
    try:
        at = parsedate_to_datetime(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)


def _refusal(answer: Answer, key: str) -> BackroomError:
    """What a refusal means. Twilio's own sentence may quote the number, so only its code is told."""
    code = answer.mapping().get("code")
    code = code if isinstance(code, int) else 0
    said = f"Twilio refuses message {key} ({code or answer.status})."
    look = f"Read what https://www.twilio.com/docs/api/errors/{code} says." if code else "Look into Twilio's log."
    if code == STOPPED:
        return OptedOut(key, TWILIO, str(code))
    if code in _RECIPIENT:
        return RecipientRefused(said, remedy="Check the order's phone, and the countries that the account may send to.")
    if code in _BUSY:
        return ProviderDown(f"Twilio takes no message now ({code}).")
    if code in _SETUP or answer.status == 404:
        return SetupBroken(said, remedy=look)
    return MessageRefused(said, remedy=look)
