"""Subscriptions for web push come in by the shop's own site, and a parcel's message goes to the browser they name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from backroom.messaging.push_crypto import new_private_key, public_key
from backroom.messaging.webpush import WebPush
from backroom.outgoing.circuit import close_all
from backroom.shop import room as rooms
from backroom.shop.room import Room
from backroom.shop.secrets import Secrets
from backroom.store import push_subscriptions
from backroom.store.database import Database
from backroom.store.forgetting import forget
from backroom.store.personal import Whose
from backroom.store.seals import Seals
from backroom.store.tables import consents, orders
from backroom.store.tables import push_subscriptions as table
from blocks.messaging import PushSender
from tests.fake_push import Browser, PushService, b64, push_service
from tests.integration.gateway.conftest import SECRET, Gateway, a_shop, make_order
from tests.shops import HUB, Floor

PRIVATE = new_private_key()
GOOD = "https://fcm.googleapis.com/fcm/send/abc"


@pytest.fixture
def room(tmp_path: Path, database_url: str) -> Iterator[Room]:
    database = Database(database_url)
    shop = a_shop()
    shop = replace(shop, messaging=replace(shop.messaging, push="web"))
    secrets = Secrets(tmp_path / "secrets.toml", {"webhook.web": SECRET, "push.private_key": PRIVATE})
    yield Room(tmp_path, shop, database, Seals(bytes(range(32))), secrets)
    database.close()


def told(endpoint: str = GOOD) -> dict[str, Any]:
    return {"endpoint": endpoint, "keys": {"p256dh": b64(Browser().point), "auth": b64(bytes(16))}}


def external_id(gateway: Gateway, number: str) -> str:
    with gateway.room.database.read() as connection:
        return str(connection.execute(select(orders.c.external_id).where(orders.c.number == number)).scalar_one())


def subscribe(gateway: Gateway, order: str, scope: str = "push", **changes: Any) -> Any:
    body = {"channel": "web", "order": order, "wording": "Tell me here", "subscription": told()} | changes
    return gateway.client.post("/push/subscriptions", json=body, headers=gateway.bearer(scope))


def rows(gateway: Gateway, of: Any) -> list[dict[str, Any]]:
    with gateway.room.database.read() as connection:
        return [dict(row) for row in connection.execute(select(of).order_by(of.c.id)).mappings()]


def test_the_key_that_browsers_subscribe_with_is_the_shops(gateway: Gateway) -> None:
    answer = gateway.client.get("/push/key", headers=gateway.bearer("push"))
    assert answer.json() == {"key": public_key(PRIVATE)}
    assert gateway.client.get("/push/key").status_code == 401


def test_a_subscription_is_kept_sealed_with_the_consent_it_was_given_by(gateway: Gateway) -> None:
    order = external_id(gateway, make_order(gateway.room))
    assert [subscribe(gateway, order).status_code for _ in range(2)] == [201, 200]
    [kept] = rows(gateway, table)
    assert b"fcm" not in kept["content"]
    assert "fcm" not in kept["digest"]
    [consent] = rows(gateway, consents)
    assert (consent["medium"], consent["purpose"], consent["granted"]) == ("push", "order_updates", True)
    assert (consent["source"], consent["wording"]) == ("push.subscription", "Tell me here")


def test_who_leaves_is_forgotten_and_their_consent_ends(gateway: Gateway) -> None:
    subscribe(gateway, external_id(gateway, make_order(gateway.room)))
    for outcome in ("accepted", "unknown"):
        answer = gateway.client.post("/push/unsubscribe", json={"endpoint": GOOD}, headers=gateway.bearer("push"))
        assert answer.json() == {"outcome": outcome}
    assert rows(gateway, table) == []
    assert [row["granted"] for row in rows(gateway, consents)] == [True, False]


def test_what_is_no_subscription_or_for_no_order_is_refused(gateway: Gateway) -> None:
    order = external_id(gateway, make_order(gateway.room))
    assert subscribe(gateway, "no such order").status_code == 404
    for wrong in (told("https://evil.example/x"), told("http://127.0.0.1/x"), {}, {"endpoint": GOOD, "keys": {}}):
        assert subscribe(gateway, order, subscription=wrong).status_code == 422
    assert subscribe(gateway, order, wording="").status_code == 422
    assert subscribe(gateway, order, scope="metrics").status_code == 403
    assert rows(gateway, table) == []


@pytest.fixture
def service(floor: Floor) -> Iterator[PushService]:
    """A floor that sends push messages by a push service of its own."""
    close_all()
    messaging = replace(floor.room.shop.messaging, push="web")
    floor.room = replace(floor.room, shop=replace(floor.room.shop, messaging=messaging))
    with push_service(public_key(PRIVATE)) as one, pytest.MonkeyPatch.context() as patch:
        block = PushSender(private_key=SecretStr(PRIVATE), contact="mailto:shop@example.com")
        patch.setattr(PushSender, "load", lambda _name: block)
        # The only host that is a push service here is ours.
        patch.setattr("blocks.messaging.WebPush", partial(WebPush, hosts=(one.host,)))
        patch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
        yield one
    close_all()


def agree(floor: Floor, order: int, given: dict[str, Any]) -> None:
    flat = {"endpoint": given["endpoint"], **given["keys"]}
    keep = partial(
        push_subscriptions.subscribe,
        seals=floor.room.seals,
        channel="web",
        external_id=str(order),
        told=flat,
        wording="Tell me here",
    )
    assert floor.room.database.write(keep)


def states(floor: Floor, number: str) -> dict[str, str]:
    return {row["medium"]: row["state"] for row in floor.story(number).messages}


def test_a_parcels_message_reaches_the_browser_that_asked_for_it(floor: Floor, service: PushService) -> None:
    browser, given = service.subscribe()
    order = floor.order()
    # Before intake has read the order: its message lies in the inbox.
    agree(floor, order, given)
    floor.intake()
    floor.fulfil(HUB)
    number = floor.number(order)
    assert states(floor, number) == {"email": "sent", "sms": "sent", "push": "sent"}
    [notice] = browser.notices.values()
    assert notice["title"] == "Atelier Nord"
    assert number in notice["body"]


def test_who_subscribed_in_no_browser_gets_none(floor: Floor, service: PushService) -> None:
    number = floor.taken_in()
    floor.fulfil(HUB)
    assert states(floor, number)["push"] == "skipped"
    assert floor.state(number) == ("fulfilled", ["done"])


def test_a_browser_that_is_gone_is_forgotten_and_holds_up_nothing(floor: Floor, service: PushService) -> None:
    browser, given = service.subscribe()
    order = floor.order()
    agree(floor, order, given)
    browser.gone = 410
    floor.intake()
    floor.fulfil(HUB)
    number = floor.number(order)
    assert states(floor, number)["push"] == "skipped"
    assert floor.state(number) == ("fulfilled", ["done"])
    with floor.room.database.read() as connection:
        assert connection.execute(select(table)).all() == []
        said = connection.execute(select(consents).where(consents.c.medium == "push").order_by(consents.c.id))
        assert [row.granted for row in said] == [True, False]


def test_whoever_is_forgotten_leaves_no_browser_behind(floor: Floor, service: PushService) -> None:
    _, given = service.subscribe()
    order = floor.order()
    agree(floor, order, given)
    floor.intake()
    floor.fulfil(HUB)
    person = floor.story(floor.number(order)).order["person_id"]
    floor.room.database.write(lambda c: forget(c, Whose(person)))
    with floor.room.database.read() as connection:
        assert connection.execute(select(table)).all() == []
