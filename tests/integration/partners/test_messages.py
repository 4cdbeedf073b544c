"""Messages of partners at the gateway: signed ones are taken at their word, all others only make us ask."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
from standardwebhooks.webhooks import Webhook

from backroom.domain.signatures import standard
from backroom.gateway.serve import server
from tests.fakes import RememberingWaker
from tests.shops import CANARIES, PLAIN, Floor
from tests.workshops import WEBHOOK_SECRET, WORKSHOP, Partnership, Workshop, a_partner, a_place, with_partners


@contextmanager
def gateway_of(floor: Floor) -> Iterator[str]:
    running = server(floor.room, floor.waker, port=0)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    ends = time.monotonic() + 20
    while not running.started:
        assert time.monotonic() < ends
        time.sleep(0.01)
    yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}/partners/{WORKSHOP}/messages"
    running.should_exit = True
    thread.join(20)


@pytest.fixture
def signing(floor: Floor, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Partnership, str]]:
    """A workshop that tells the shop's gateway of each change, signed."""
    place = a_place(a_partner(workshop.url, webhook_secret="partner.sign"))
    partnership = with_partners(floor, monkeypatch, place)
    with gateway_of(floor) as url:
        workshop.kill()
        workshop.webhook_url = url
        workshop.start()
        yield partnership, url


def woken(waker: RememberingWaker) -> list[str]:
    return [location for stage, location, _ in waker.woken if stage == "partner"]


def until_woken(waker: RememberingWaker, count: int) -> None:
    ends = time.monotonic() + 20
    while len(woken(waker)) < count:
        assert time.monotonic() < ends, "no message came"
        time.sleep(0.01)


def test_a_signed_message_moves_an_order_on_without_asking(
    signing: tuple[Partnership, str], workshop: Workshop
) -> None:
    partnership, _ = signing
    floor = partnership.floor
    number = partnership.placed((PLAIN, 1))
    reference = partnership.reference(number)
    for count, (state, form) in enumerate(
        [("accepted", {"cost": "12.90"}), ("shipped", {"carrier": "DPD", "tracking": "05300000000001"})], start=1
    ):
        workshop.press(reference, state, **form)
        until_woken(floor.waker, count)
        workshop.kill()  # nobody is there to be asked
        partnership.ask()
        workshop.start()
    floor.fulfil(WORKSHOP)
    assert floor.state(number) == ("fulfilled", ["done"])
    assert [event for event in floor.events(number) if event.startswith("partner.")] == [
        "partner.submitted",
        "partner.accepted",
        "partner.shipped",
    ]


def test_what_somebody_wrote_is_not_kept_from_a_message_but_asked_for(
    signing: tuple[Partnership, str], workshop: Workshop
) -> None:
    partnership, _ = signing
    floor = partnership.floor
    number = partnership.placed((PLAIN, 1))
    workshop.press(partnership.reference(number), "rejected", reason=f"{CANARIES[0]} lives too far away")
    until_woken(floor.waker, 1)
    with floor.room.database.read() as connection:
        rows = connection.exec_driver_sql("select * from partner_orders").mappings().all()
    assert CANARIES[0] not in str(rows)
    partnership.ask()
    assert floor.state(number) == ("accepted", ["cancelled"])
    (rejected,) = [entry for entry in floor.story(number).history if entry["event"] == "partner.rejected"]
    assert rejected["note"]


def test_a_message_that_comes_late_does_not_take_an_order_back(
    signing: tuple[Partnership, str], workshop: Workshop
) -> None:
    partnership, url = signing
    floor = partnership.floor
    number = partnership.placed((PLAIN, 1))
    reference = partnership.reference(number)
    workshop.press(reference, "accepted")
    until_woken(floor.waker, 1)
    old = workshop.order(reference)
    workshop.press(reference, "in_progress")
    until_woken(floor.waker, 2)
    partnership.ask()
    assert post(url, {"type": "order.updated", "data": old}).status_code == 200
    assert partnership.ask() == []
    assert "partner.in_progress" in floor.events(number)
    assert "partner.accepted" not in floor.events(number)


def post(url: str, message: object, secret: str = WEBHOOK_SECRET, **changes: str) -> requests.Response:
    body, at = json.dumps(message).encode(), int(time.time())
    headers = {
        "webhook-id": "m-1",
        "webhook-timestamp": str(at),
        "webhook-signature": standard("m-1", at, body, secret),
    }
    return requests.post(url, body, headers=headers | changes, timeout=30)


def test_our_example_signs_as_standard_webhooks_does(
    signing: tuple[Partnership, str], workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library of Standard Webhooks is the oracle for what the example sends, and for what the gateway takes."""
    _, url = signing
    body = json.dumps({"type": "order.updated", "data": {}})
    at = time.time()
    from datetime import UTC, datetime

    right = Webhook(WEBHOOK_SECRET).sign("m-2", datetime.fromtimestamp(int(at), UTC), body)
    headers = {"webhook-id": "m-2", "webhook-timestamp": str(int(at)), "webhook-signature": right}
    assert requests.post(url, body.encode(), headers=headers, timeout=30).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": ""},
        {"webhook-id": "another"},
        {"webhook-timestamp": "1"},
        {"webhook-timestamp": str(2**40)},
        {"webhook-signature": "v2,AAAA"},
    ],
)
def test_a_message_that_is_signed_otherwise_is_refused_and_changes_nothing(
    signing: tuple[Partnership, str], workshop: Workshop, wrong: dict[str, str]
) -> None:
    partnership, url = signing
    number = partnership.placed((PLAIN, 1))
    order = workshop.order(partnership.reference(number)) | {"state": "shipped", "revision": 9}
    assert post(url, {"data": order}, **wrong).status_code == 401
    assert partnership.ask() == []


def test_another_partners_secret_opens_nothing(signing: tuple[Partnership, str]) -> None:
    _, url = signing
    assert post(url, {"data": {}}, secret="whsec_bm90IHRoZSByaWdodCBvbmU=").status_code == 401


def test_without_a_secret_a_message_is_a_hint_to_ask_and_nothing_of_it_is_believed(
    floor: Floor, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    partnership = with_partners(floor, monkeypatch, a_place(a_partner(workshop.url)))
    number = partnership.placed((PLAIN, 1))
    order = workshop.order(partnership.reference(number))
    with gateway_of(floor) as url:
        told = {"data": order | {"state": "shipped", "revision": 9, "parcels": [{"tracking": "forged"}]}}
        assert requests.post(url, json=told, timeout=30).status_code == 200
        assert woken(floor.waker) == [WORKSHOP]
        partnership.ask()
        assert floor.state(number) == ("released", ["making"])
        assert "partner.shipped" not in floor.events(number)
        # It was asked about a moment ago: who goes on hinting makes us ask no more.
        for _ in range(5):
            requests.post(url, json=told, timeout=30)
        assert partnership.ask() == []
        for body in (b"", b"no json", b"[]", b'{"data": 7}', b'{"data": {"reference": {}}}', b"\xff" * 100):
            assert requests.post(url, body, timeout=30).status_code == 200
        assert requests.post(url.replace(WORKSHOP, "nobody"), json=told, timeout=30).status_code == 404


def test_a_gateway_does_not_start_without_the_secret_of_a_partner_that_signs(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = a_place(a_partner("http://127.0.0.1:9", webhook_secret="partner.unknown"))
    with_partners(floor, monkeypatch, place)
    from backroom.shop.secrets import SecretMissing

    with pytest.raises(SecretMissing, match=r"partner\.unknown"):
        server(floor.room, None)
