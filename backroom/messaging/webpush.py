"""Web push: a message to every browser in which a customer asked for it (RFC 8030).

What belongs here: the push services' protocol, and which hosts may be one. What does not: the cryptography
(`push_crypto`), and where subscriptions are kept (`backroom.store.push_subscriptions`).

A browser names its push service, so the address comes from outside: only hosts that browsers' makers say are theirs are
called, over TLS, and none other. The message carries a topic made from our key (RFC 8030, section 5.4): a service that
still holds it replaces it, and the page shows one notice by its tag, so that the same key sent again is one notice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from backroom.domain.consent import Medium
from backroom.domain.errors import BackroomError, Refuse
from backroom.messaging.base import (
    MessageRefused,
    OutgoingMessage,
    ProviderDown,
    Sent,
    SetupBroken,
    cannot_say,
    send_each,
    single,
)
from backroom.messaging.push_crypto import NoPoint, authorization, check_point, decode, encode, public_key, seal
from backroom.outgoing.client import Account, Client
from backroom.outgoing.errors import AnswerUnreadable, ServiceAway, ServiceRefused, ServiceSetup

WEB_PUSH = "web-push"
# Chrome, Edge and others by Google; Firefox; Edge on Windows; Safari. A dot before it: whatever stands below.
HOSTS = (
    "fcm.googleapis.com",
    ".push.services.mozilla.com",
    ".notify.windows.com",
    ".push.apple.com",
)
LIVES = timedelta(days=2)
_GONE = (404, 410)


class NoSubscription(Refuse):
    """It is no subscription of a browser, or its push service is none that we know."""

    cause = "no_subscription"


class SubscriptionsGone(Refuse):
    """In no browser does the customer want push messages any more."""

    cause = "push-gone"


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a browser gave: the address of its push service for it, its key and its secret (both base64url)."""

    endpoint: str = field(repr=False)
    p256dh: str = field(repr=False)
    auth: str = field(repr=False)

    @classmethod
    def read(cls, told: object, hosts: Collection[str] = HOSTS) -> Subscription:
        """A `PushSubscription` as a browser writes it in JSON. NoSubscription for anything else."""
        keys = told.get("keys") if isinstance(told, dict) else None
        if not isinstance(told, dict) or not isinstance(keys, dict):
            raise NoSubscription("a subscription has an endpoint and keys", remedy="Send what subscribe() gave.")
        parts = (told.get("endpoint"), keys.get("p256dh"), keys.get("auth"))
        if not all(isinstance(part, str) and 0 < len(part) <= 1000 for part in parts):
            raise NoSubscription(
                "a subscription has an endpoint, p256dh and auth", remedy="Send what subscribe() gave."
            )
        one = cls(*map(str, parts))
        origin_of(one.endpoint, hosts)
        try:
            check_point(one.p256dh)
            wrong = len(decode(one.auth)) != 16
        except NoPoint:
            wrong = True
        if wrong:
            raise NoSubscription("its keys are none", remedy="Send what subscribe() gave.")
        return one


def origin_of(endpoint: str, hosts: Collection[str] = HOSTS) -> str:
    """The push service of an endpoint, `https://host`; NoSubscription where it is none that we know."""
    try:
        parts = urlsplit(endpoint)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    plain = not (parts.username or parts.password or parts.fragment) and endpoint.isascii() and endpoint.isprintable()
    known = any(host == one or (one.startswith(".") and host.endswith(one)) for one in hosts)
    tls = parts.scheme == "https" and port in (None, 443)
    # One that stands in this house is named with its port, by whoever tests against it.
    local = parts.scheme == "http" and f"{host}:{port}" in hosts
    if not plain or not (local or (tls and known)):
        raise NoSubscription("its push service is none that is known here", remedy="Subscribe in another browser.")
    return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True, slots=True)
class WebPush:
    """Sends to the subscriptions that the message's recipient holds, as JSON. `private_key` is the shop's; `contact` is
    a mailto: address at which a push service finds us; `forget` is told each endpoint that is gone."""

    private_key: str = field(repr=False)
    contact: str
    forget: Callable[[str], object] = field(repr=False)
    hosts: Collection[str] = HOSTS
    read_timeout: float = 15.0

    @property
    def medium(self) -> Medium:
        return "push"

    @property
    def idempotent(self) -> bool:
        return True

    def send(self, message: OutgoingMessage) -> Sent:
        return single(self.send_many([message]))

    def send_many(self, messages: Sequence[OutgoingMessage]) -> list[Sent | BackroomError]:
        """Send a wave; one outcome for each message, whatever the number of its browsers."""
        with ExitStack() as stack:
            clients: dict[str, Client] = {}

            def client(origin: str) -> Client:
                if origin not in clients:
                    account = Account("Web Push", origin, read_timeout=self.read_timeout)
                    clients[origin] = stack.enter_context(Client(account))
                return clients[origin]

            return send_each(messages, lambda message: self._send(client, message))

    def find(self, message: OutgoingMessage, age: timedelta = timedelta(0)) -> Sent | None:
        """Always raises: send the key again instead, it is one notice."""
        raise cannot_say(message.key, "The push service")

    def check(self) -> None:
        """Look whether the shop's key is one. Push services are not asked: nothing there is without a browser."""
        public_key(self.private_key)

    def _send(self, client: Callable[[str], Client], message: OutgoingMessage) -> Sent:
        topic = encode(hashlib.sha256(message.key.encode()).digest())[:32]
        notice = {"title": message.subject or "", "body": message.body, "tag": topic}
        payload = json.dumps(notice, ensure_ascii=False).encode()
        reached, errors = 0, list[BackroomError]()
        for told in json.loads(message.recipient):
            one = Subscription(**told)
            try:
                reached += self._push(client, one, payload, topic, message.key)
            except BackroomError as error:
                errors.append(error)
        if reached:
            # One browser has it: that is the customer told. The others are not worth telling them twice.
            return Sent(WEB_PUSH, topic, datetime.now(UTC))
        if errors:
            raise errors[0]
        raise SubscriptionsGone(f"no browser takes message {message.key} any more")

    def _push(self, client: Callable[[str], Client], one: Subscription, payload: bytes, topic: str, key: str) -> bool:
        """Whether its push service took it; False where the subscription is gone."""
        error: BackroomError
        try:
            origin = origin_of(one.endpoint, self.hosts)
            body = seal(payload, one.p256dh, one.auth)
            headers = {
                "TTL": str(int(LIVES.total_seconds())),
                "Urgency": "normal",
                "Topic": topic,
                "Content-Encoding": "aes128gcm",
                "Content-Type": "application/octet-stream",
                "Authorization": authorization(self.private_key, origin, self.contact, datetime.now(UTC)),
            }
            path = one.endpoint.removeprefix(origin).lstrip("/")
            client(origin).call("POST", path, about=key, again=True, headers=headers, data=body)
        except ServiceRefused as refused:
            if refused.answer.status in _GONE:
                self.forget(one.endpoint)
                return False
            error = MessageRefused(f"The push service refuses message {key} ({refused.answer.status}).")
        except ServiceAway as away:
            error = ProviderDown(f"The push service takes no message now: {away.message}", retry_after=away.retry_after)
        except ServiceSetup as setup:
            error = SetupBroken(setup.message, remedy="Look whether the shop's key for web push was changed.")
        except (AnswerUnreadable, NoPoint, NoSubscription) as wrong:
            error = MessageRefused(f"Message {key} cannot be pushed: {wrong.message}")
        else:
            return True
        raise error
