"""Web push against a push service over real HTTP that opens what it gets as a browser does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from backroom.domain.errors import BackroomError
from backroom.messaging.base import MessageRefused, OutgoingMessage, ProviderDown, Sent, SetupBroken
from backroom.messaging.push_crypto import new_private_key, public_key
from backroom.messaging.webpush import HOSTS, NoSubscription, Subscription, SubscriptionsGone, WebPush, origin_of
from backroom.outgoing.circuit import close_all
from tests.fake_push import Browser, PushService, b64, push_service

PRIVATE = new_private_key()


@pytest.fixture
def service() -> Iterator[PushService]:
    close_all()
    with push_service(public_key(PRIVATE)) as one:
        yield one
    close_all()


def messenger(service: PushService, gone: list[str] | None = None, private: str = PRIVATE) -> WebPush:
    forgotten: list[str] = [] if gone is None else gone
    return WebPush(private, "mailto:shop@example.com", forgotten.append, hosts=(service.host,), read_timeout=1.0)


def message(*told: dict[str, Any], key: str = "message-A-1-x-handed_over-push") -> OutgoingMessage:
    flat = [{"endpoint": one["endpoint"], **one["keys"]} for one in told]
    return OutgoingMessage(key, "push", json.dumps(flat), "Atelier", "A-1 ist unterwegs: Grüße 👗", "Atelier")


def outcome(one: WebPush, what: OutgoingMessage) -> Sent | BackroomError:
    return one.send_many([what])[0]


def test_every_browser_of_a_customer_shows_the_message(service: PushService) -> None:
    (first, a), (second, b) = service.subscribe(), service.subscribe()
    sent = outcome(messenger(service), message(a, b))
    assert isinstance(sent, Sent)
    for browser in (first, second):
        [notice] = browser.notices.values()
        assert (notice["title"], notice["body"]) == ("Atelier", "A-1 ist unterwegs: Grüße 👗")
    assert service.refused == []


def test_the_same_message_again_is_one_notice(service: PushService) -> None:
    browser, told = service.subscribe()
    one = messenger(service)
    for _ in range(3):
        assert isinstance(outcome(one, message(told)), Sent)
    assert (browser.came, len(browser.notices)) == (3, 1)
    assert one.idempotent


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_is_gone_is_forgotten_and_the_others_are_served(service: PushService, status: int) -> None:
    (gone, a), (left, b) = service.subscribe(), service.subscribe()
    gone.gone = status
    forgotten: list[str] = []
    assert isinstance(outcome(messenger(service, forgotten), message(a, b)), Sent)
    assert forgotten == [a["endpoint"]]
    assert left.came == 1
    assert type(outcome(messenger(service), message(a))) is SubscriptionsGone


@pytest.mark.parametrize(
    ("status", "expected"), [(429, ProviderDown), (503, ProviderDown), (500, ProviderDown), (413, MessageRefused)]
)
def test_each_answer_has_its_meaning(service: PushService, status: int, expected: type[BackroomError]) -> None:
    _, told = service.subscribe()
    service.answer = status
    assert type(outcome(messenger(service), message(told))) is expected


def test_another_key_than_browsers_subscribed_with_is_for_a_person(service: PushService) -> None:
    _, told = service.subscribe()
    assert type(outcome(messenger(service, private=new_private_key()), message(told))) is SetupBroken
    assert service.refused == ["another key than it was subscribed with"]


def test_a_host_that_is_no_push_service_is_never_called(service: PushService) -> None:
    _, told = service.subscribe()
    one = replace(messenger(service), hosts=HOSTS)
    assert type(outcome(one, message(told))) is MessageRefused
    assert service.refused == []


def test_what_is_too_long_is_refused_and_nothing_is_sent(service: PushService) -> None:
    browser, told = service.subscribe()
    assert isinstance(outcome(messenger(service), replace(message(told), body="ä" * 2000)), BackroomError)
    assert browser.came == 0


GOOD = "https://fcm.googleapis.com/fcm/send/abc:def"


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://evil.example/fcm.googleapis.com",
        "https://evilpush.services.mozilla.com.example/x",
        "https://push.services.mozilla.com@evil.example/x",
        "https://user:pw@fcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://localhost/x",
        "https://10.0.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://fcm.googleapis.com/x#y",
        "https://fcm.googleapis.com\\@evil.example/",
        "https://fcm.gооgleapis.com/x",
        "ftp://fcm.googleapis.com/x",
        "https:///x",
        "https://[",
        "",
    ],
)
def test_an_endpoint_leads_to_a_known_push_service_or_nowhere(endpoint: str) -> None:
    with pytest.raises(NoSubscription):
        origin_of(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        GOOD,
        "https://updates.push.services.mozilla.com/wpush/v2/gAAA",
        "https://web.push.apple.com/QAB",
        "https://db5p.notify.windows.com/w/?token=a%2fb",
        "https://FCM.googleapis.com:443/x",
    ],
)
def test_the_push_services_of_browsers_are_known(endpoint: str) -> None:
    assert endpoint.startswith(origin_of(endpoint))


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        {},
        {"endpoint": GOOD},
        {"endpoint": GOOD, "keys": {}},
        {"endpoint": GOOD, "keys": {"p256dh": "x", "auth": "y"}},
        {"endpoint": GOOD, "keys": {"p256dh": b64(Browser().point), "auth": b64(b"short")}},
        {"endpoint": 7, "keys": {"p256dh": b64(Browser().point), "auth": b64(bytes(16))}},
        {"endpoint": GOOD + "x" * 1000, "keys": {"p256dh": b64(Browser().point), "auth": b64(bytes(16))}},
    ],
)
def test_what_no_browser_gives_is_no_subscription(told: object) -> None:
    with pytest.raises(NoSubscription):
        Subscription.read(told)


def test_what_a_browser_gives_is_read() -> None:
    told = {"endpoint": GOOD, "expirationTime": None, "keys": {"p256dh": b64(Browser().point), "auth": b64(bytes(16))}}
    assert Subscription.read(told).endpoint == GOOD
    assert "fcm" not in repr(Subscription.read(told))
