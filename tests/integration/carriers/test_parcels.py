"""Parcels after their label: what carriers tell by webhook and when asked, and what follows for order and customer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from prefect.logging import disable_run_logger
from sqlalchemy import RowMapping, select, update

from backroom.domain.collection import ParcelRules
from backroom.domain.tracking import ParcelState, TrackingEvent
from backroom.gateway.serve import server
from backroom.shop import room as rooms
from backroom.shop.secrets import Secrets
from backroom.store import desk, parcel_desk, parcel_news, parcels
from backroom.store.api_keys import make_key
from backroom.store.database import now
from backroom.store.parcel_desk import NotPossibleNow, WrongCode
from backroom.store.sold_pieces import still_out
from backroom.store.tables import parcels as parcel_table
from backroom.store.tables import tracking_events
from tests.fake_easypost import FakeEasyPost, signature
from tests.integration.carriers.conftest import LOCAL, let_carry, world
from tests.integration.gateway.conftest import wait_until
from tests.shops import CANARIES, HUB, PLAIN, Floor, an_order

SECRET = "sécret"


def sent(floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """An order whose parcel got its label at EasyPost: its number, and the parcel's."""
    let_carry(floor, monkeypatch, world(there))
    number = floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    return number, floor.story(number).shipments[0]["tracking"]


def parcel(floor: Floor, number: str) -> RowMapping:
    [row] = floor.story(number).parcels
    return row


def mails(floor: Floor, word: str) -> int:
    """How many mails speak of something."""
    return sum(word in file.read_text() for file in (floor.room.home / "mail").glob("*.eml"))


def let_pass(floor: Floor, **columns: timedelta) -> None:
    """Put the times of every parcel back by so much."""
    with floor.room.database.read() as connection:
        rows = connection.execute(select(parcel_table)).mappings().all()
    for row in rows:
        earlier = {name: row[name] - by for name, by in columns.items() if row[name] is not None}
        mine = update(parcel_table).where(parcel_table.c.id == row["id"])
        floor.room.database.write(lambda c, mine=mine, earlier=earlier: c.execute(mine.values(**earlier)))


def follow(floor: Floor) -> tuple[int, int, int]:
    """What the schedule does: ask for parcels and refunds, look at what waits, tell customers."""
    from tasks.parcel_following import ask_for_parcels, follow_refunds, look_at_what_waits

    with disable_run_logger():
        done = ask_for_parcels.fn(), follow_refunds.fn(), look_at_what_waits.fn()
    floor.tell_of_parcels()
    return done


@contextmanager
def door(floor: Floor) -> Iterator[httpx.Client]:
    """The shop's gateway, listening, with the carrier's secret."""
    secrets = Secrets(floor.room.home / "secrets.toml", {"carrier.events": SECRET, "webhook.web": "hush"})
    running = server(replace(floor.room, secrets=secrets), floor.waker, port=0)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    wait_until(lambda: running.started)
    port = running.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        yield client
    running.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


def tell(client: httpx.Client, body: bytes, **headers: str) -> tuple[int, str]:
    signed = {"X-Hmac-Signature": signature(body, SECRET)} | headers
    answer = client.post("/carriers/world/events", content=body, headers=signed)
    return answer.status_code, answer.json().get("outcome", "")


def test_what_a_carrier_tells_moves_the_parcel_and_its_customer_hears_of_the_end_once(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, tracking = sent(floor, there, monkeypatch)
    floor.waker.woken.clear()
    with door(floor) as client:
        way = (
            ("in_transit", "received_at_origin_facility", "2026-11-23T18:00:00Z"),
            ("in_transit", "arrived_at_facility", "2026-11-24T03:00:00Z"),
            ("out_for_delivery", "out_for_delivery", "2026-11-25T07:00:00Z"),
            ("delivered", "arrived_at_destination", "2026-11-25T11:00:00Z"),
        )
        bodies = [there.event(there.advance(tracking, scan)) for scan in way]
        # The last one comes first, and everything comes twice.
        for body in [bodies[3], *bodies, bodies[0]]:
            assert tell(client, body)[0] == 200
    row = parcel(floor, number)
    assert (row["state"], row["attention"]) == ("delivered", "")
    assert row["state_at"].isoformat() == "2026-11-25T11:00:00+00:00"
    assert ("parcels", HUB) in {(stage, place) for stage, place, _ in floor.waker.woken}
    assert [one["state"] for one in floor.story(number).tracking] == [
        "handed_over",
        "in_transit",
        "out_for_delivery",
        "delivered",
    ]
    assert floor.events(number).count("parcel.delivered") == 1
    floor.tell_of_parcels()
    floor.tell_of_parcels()
    assert mails(floor, "has arrived") == 1
    # Its end does not change the order's.
    assert floor.state(number) == ("fulfilled", ["done"])
    floor.check_effects()


def test_news_in_their_order_are_each_a_line_of_the_history(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, tracking = sent(floor, there, monkeypatch)
    with door(floor) as client:
        for scan in (
            ("in_transit", "received_at_origin_facility", "2026-11-23T18:00:00Z"),
            ("in_transit", "departed_facility", "2026-11-24T18:00:00Z"),
            ("failure", "delivery_exception", "2026-11-25T11:00:00Z"),
            ("return_to_sender", "return", "2026-11-26T01:00:00Z"),
        ):
            body = there.event(there.advance(tracking, scan))
            assert tell(client, body) == (200, "accepted")
            assert tell(client, body) == (200, "duplicate")
            floor.tell_of_parcels()
    told = [event for event in floor.events(number) if event.startswith("parcel.")]
    assert told[-4:] == ["parcel.handed_over", "parcel.in_transit", "parcel.failed", "parcel.returning"]
    assert parcel(floor, number)["attention"] == "returning"
    assert mails(floor, "could not be delivered") == 1
    floor.room.database.write(lambda c: parcel_desk.seen_to(c, number, "Ada", HUB))
    assert parcel(floor, number)["attention"] == ""


def test_only_who_knows_the_secret_tells_and_nothing_of_a_person_is_kept(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, tracking = sent(floor, there, monkeypatch)
    body = there.event(there.advance(tracking, ("delivered", "arrived_at_destination", "2026-11-25T11:00:00Z")))
    assert CANARIES[0].encode() in body
    with door(floor) as client:
        assert tell(client, body, **{"X-Hmac-Signature": signature(body, "secret")})[0] == 401
        assert tell(client, b"{")[0] == 400
        assert client.post("/carriers/bike/events", content=body).status_code == 404
        assert parcel(floor, number)["state"] == "announced"
        assert tell(client, there.event({"object": "Batch"}, description="batch.updated")) == (200, "ignored")
        there.mode = "production"
        assert tell(client, there.event(there.shipments[parcel(floor, number)["reference"]]["tracker"])) == (
            200,
            "ignored",
        )
        there.mode = "test"
        assert tell(client, body) == (200, "accepted")
    with floor.room.database.read() as connection:
        kept = str(connection.execute(select(tracking_events)).all())
    assert "delivered" in kept
    assert CANARIES[0] not in kept
    assert "HOUSTON" not in kept


def test_news_that_come_before_the_purchase_is_written_down_are_not_lost(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def early(shipment: str) -> None:
        event = TrackingEvent(ParcelState.HANDED_OVER, now_of(floor), "received_at_origin_facility")
        noted = floor.room.database.write(
            lambda c: parcel_news.note_events(c, "world", shipment, [event], source="webhook", hub=HUB)
        )
        assert not noted.known

    there.on_bought = early
    number, _ = sent(floor, there, monkeypatch)
    assert parcel(floor, number)["state"] == "handed_over"


def now_of(floor: Floor):
    with floor.room.database.read() as connection:
        return now(connection)


def test_a_carrier_is_asked_for_what_it_did_not_tell_and_not_more_often_than_that(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, tracking = sent(floor, there, monkeypatch)
    there.advance(tracking, ("delivered", "arrived_at_destination", "2026-11-25T11:00:00Z"))
    assert follow(floor)[0] == 0
    assert parcel(floor, number)["state"] == "announced"
    let_pass(floor, at=timedelta(hours=7), state_at=timedelta(hours=7))
    assert follow(floor)[0] == 1
    assert parcel(floor, number)["state"] == "delivered"
    assert mails(floor, "has arrived") == 1
    calls = len(there.calls)
    assert follow(floor) == (0, 0, 0)
    assert len(there.calls) == calls


def test_a_parcel_that_never_arrives_is_not_asked_for_for_ever(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(floor, there, monkeypatch)
    let_pass(floor, at=timedelta(days=70), state_at=timedelta(days=70))
    calls = len(there.calls)
    follow(floor)
    assert len(there.calls) == calls


def test_a_carrier_that_is_away_is_asked_again_by_the_next_run(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, tracking = sent(floor, there, monkeypatch)
    there.advance(tracking, ("in_transit", "departed_facility", "2026-11-24T11:00:00Z"))
    let_pass(floor, at=timedelta(hours=7), state_at=timedelta(hours=7))
    there.trouble["GET", "shipments/.*"] = [401]
    assert follow(floor)[0] == 0
    assert follow(floor)[0] == 1
    assert parcel(floor, number)["state"] == "in_transit"


def test_a_parcel_of_which_nobody_hears_for_long_is_shown_until_somebody_does(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, tracking = sent(floor, there, monkeypatch)
    let_pass(floor, at=timedelta(days=11), state_at=timedelta(days=11))
    assert follow(floor)[2] == 1
    assert parcel(floor, number)["attention"] == "quiet"
    with floor.room.database.read() as connection:
        assert [row["number"] for row in parcels.listed(connection, attention=True)] == [number]
    there.advance(tracking, ("in_transit", "departed_facility", "2026-11-24T11:00:00Z"))
    let_pass(floor, heard_at=timedelta(days=1), checked_at=timedelta(days=1))
    follow(floor)
    assert parcel(floor, number)["attention"] == ""


def test_an_unused_label_is_given_back_both_ways_once_and_its_refund_is_followed(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, _ = sent(floor, there, monkeypatch)
    there.trouble["POST", "/refund"] = ["drop"]
    floor.room.database.write(lambda c: parcel_desk.void(c, number, "Ada", HUB))
    # Each asking is known by the second at which its label was taken back.
    let_pass(floor, voided_at=timedelta(seconds=5))
    floor.tell_of_parcels()
    assert floor.room.database.write(lambda c: parcel_desk.void(c, number, "Ada", HUB)) == []
    floor.tell_of_parcels()
    row = parcel(floor, number)
    assert (row["refund"], row["return_refund"]) == ("submitted", "submitted")
    assert sum(there.refunds.values()) == 2 + 1
    assert set(there.refunds) == {row["reference"], row["return_reference"]}
    # 0.00: nothing of the customer's is sent or told.
    assert mails(floor, "has arrived") == 0
    there.shipments[row["reference"]]["refund_status"] = "refunded"
    there.shipments[row["return_reference"]]["refund_status"] = "rejected"
    assert follow(floor)[1] == 1
    row = parcel(floor, number)
    assert (row["refund"], row["return_refund"], row["attention"]) == ("refunded", "rejected", "refund_rejected")
    assert [state for _, state in floor.effects("label_refund")] == ["done", "done"]
    # It was asked for too soon. A person asks anew, for that one alone.
    asked = there.refunds[row["return_reference"]]
    there.refund_status = "refunded"
    floor.room.database.write(lambda c: parcel_desk.void(c, number, "Ada", HUB))
    floor.tell_of_parcels()
    row = parcel(floor, number)
    assert (row["refund"], row["return_refund"], row["attention"]) == ("refunded", "refunded", "")
    assert there.refunds[row["return_reference"]] == asked + 1


def test_a_label_whose_parcel_is_on_its_way_is_not_taken_back(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, tracking = sent(floor, there, monkeypatch)
    with door(floor) as client:
        tell(client, there.event(there.advance(tracking, ("in_transit", "", "2026-11-24T11:00:00Z"))))
    with pytest.raises(NotPossibleNow):
        floor.room.database.write(lambda c: parcel_desk.void(c, number, "Ada", HUB))
    assert there.refunds == {}


def test_a_label_that_was_taken_back_and_is_used_all_the_same_is_shown(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, tracking = sent(floor, there, monkeypatch)
    floor.room.database.write(lambda c: parcel_desk.void(c, number, "Ada", HUB))
    floor.tell_of_parcels()
    with door(floor) as client:
        tell(client, there.event(there.advance(tracking, ("in_transit", "", "2026-11-24T11:00:00Z"))))
    assert parcel(floor, number)["attention"] == "used_after_refund"


def test_our_own_courier_hands_over_brings_and_says_why_not(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    let_carry(floor, monkeypatch, LOCAL)
    number = floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    tracking = floor.story(number).shipments[0]["tracking"]

    def scan(state: ParcelState, why: str = "") -> None:
        floor.room.database.write(
            lambda c: parcel_desk.scan(c, tracking.lower(), state, "Ada", HUB, carriers=["bike"], why=why)
        )

    with floor.room.database.read() as connection:
        [row] = parcel_desk.run_sheet(connection, HUB, ["bike"])
    assert row["number"] == number
    scan(ParcelState.HANDED_OVER)
    with pytest.raises(NotPossibleNow):
        scan(ParcelState.FAILED, "because")
    scan(ParcelState.FAILED, "nobody_home")
    floor.tell_of_parcels()
    assert parcel(floor, number)["attention"] == "failed"
    assert floor.story(number).tracking[-1]["detail"] == "nobody_home"
    scan(ParcelState.OUT_FOR_DELIVERY)
    scan(ParcelState.DELIVERED)
    with pytest.raises(NotPossibleNow):
        scan(ParcelState.HANDED_OVER)
    floor.tell_of_parcels()
    assert parcel(floor, number)["state"] == "delivered"
    assert (mails(floor, "could not be delivered"), mails(floor, "has arrived")) == (1, 1)
    with floor.room.database.read() as connection:
        assert parcel_desk.run_sheet(connection, HUB, ["bike"]) == []


def test_nobody_scans_for_another_carrier_or_what_is_no_parcel(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, tracking = sent(floor, there, monkeypatch)
    for code, carriers in ((tracking, ["bike"]), ("BS00", ["bike", "world"])):
        with pytest.raises((NotPossibleNow, parcels.NoSuchParcel)):
            floor.room.database.write(
                lambda c, code=code, carriers=carriers: parcel_desk.scan(
                    c, code, ParcelState.DELIVERED, "Ada", HUB, carriers=carriers
                )
            )


# As Shopify words an order that is fetched there.
AT_THE_HUB: dict[str, Any] = {
    "note_attributes": [{"name": "Checkout-Method", "value": "pickup"}, {"name": "Pickup-Location-Id", "value": HUB}]
}


def collected_order(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> str:
    """An order that its customer fetches at the hub, ready."""
    let_carry(floor, monkeypatch, LOCAL)
    number = floor.taken_in((PLAIN, 1), **AT_THE_HUB)
    floor.fulfil(HUB)
    assert floor.state(number) == ("fulfilled", ["done"])
    return number


def test_what_is_fetched_is_handed_over_for_its_code_and_for_no_other(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = collected_order(floor, monkeypatch)
    row = parcel(floor, number)
    assert (row["kind"], row["state"]) == ("collect", "ready")
    assert mails(floor, row["code"]) == 1
    wrong = "000000" if row["code"] != "000000" else "000001"
    with pytest.raises(WrongCode):
        floor.room.database.write(lambda c: parcel_desk.collect(c, number, HUB, wrong, "Ada"))
    with pytest.raises(NotPossibleNow, match="lies at hub"):
        floor.room.database.write(lambda c: parcel_desk.collect(c, number, "south", row["code"], "Ada"))
    floor.room.database.write(lambda c: parcel_desk.collect(c, number, HUB, row["code"], "Ada"))
    with pytest.raises(NotPossibleNow):
        floor.room.database.write(lambda c: parcel_desk.collect(c, number, HUB, row["code"], "Ada"))
    assert parcel(floor, number)["state"] == "collected"
    assert floor.events(number)[-1] == "parcel.collected"
    assert row["code"] not in str(floor.story(number).history)


@pytest.mark.parametrize(
    ("news", "reason"),
    [
        ({"cancelled_at": "2026-11-01T10:30:00Z"}, "cancelled_after_label"),
        ({"financial_status": "refunded"}, "refunded_after_label"),
    ],
)
def test_what_is_cancelled_or_paid_back_while_it_lies_ready_is_handed_over_only_after_a_persons_word(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, news: dict[str, str], reason: str
) -> None:
    number = collected_order(floor, monkeypatch)
    told = an_order(int(floor.story(number).order["external_id"]), [(PLAIN, 1)], minute=30, **AT_THE_HUB, **news)
    floor.deliver(told, "orders/updated")
    floor.intake()
    assert floor.story(number).order["hold_reason"] == reason
    code = parcel(floor, number)["code"]
    with pytest.raises(NotPossibleNow, match="is on hold"):
        floor.room.database.write(lambda c: parcel_desk.collect(c, number, HUB, code, "Ada"))
    assert parcel(floor, number)["state"] == "ready"
    floor.room.database.write(lambda c: desk.release(c, number, "Ada", HUB))
    floor.room.database.write(lambda c: parcel_desk.collect(c, number, HUB, code, "Ada"))
    assert parcel(floor, number)["state"] == "collected"


def test_what_nobody_fetches_is_reminded_of_once_then_shown_then_put_back(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = collected_order(floor, monkeypatch)
    follow(floor)
    assert mails(floor, "is waiting for you") == 0
    let_pass(floor, state_at=timedelta(days=4))
    for _ in range(2):
        follow(floor)
    assert mails(floor, "is waiting for you") == 1
    let_pass(floor, state_at=timedelta(days=11))
    for _ in range(2):
        follow(floor)
    assert parcel(floor, number)["attention"] == "uncollected"
    assert floor.events(number).count("parcel.uncollected") == 1
    floor.room.database.write(lambda c: parcel_desk.put_back(c, number, "Ada"))
    assert (parcel(floor, number)["state"], parcel(floor, number)["attention"]) == ("put_back", "")


def test_a_shop_that_wants_no_messages_sends_none(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, tracking = sent(floor, there, monkeypatch)
    shop = replace(floor.room.shop, parcels=ParcelRules(tell=()))
    floor.room = replace(floor.room, shop=shop)
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
    with door(floor) as client:
        tell(client, there.event(there.advance(tracking, ("delivered", "", "2026-11-25T11:00:00Z"))))
    floor.tell_of_parcels()
    assert parcel(floor, number)["state"] == "delivered"
    assert mails(floor, "has arrived") == 0


def test_the_days_for_a_return_count_from_the_day_that_the_carrier_told(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, tracking = sent(floor, there, monkeypatch)

    def delivered_on() -> str:
        order = floor.story(number).order
        with floor.room.database.read() as connection:
            [piece] = still_out(connection, floor.room.shop, order)
        return piece.delivered_on.isoformat()

    assert delivered_on() > now_of(floor).date().isoformat()
    with door(floor) as client:
        tell(client, there.event(there.advance(tracking, ("delivered", "", "2026-11-25T11:00:00Z"))))
    assert delivered_on() == "2026-11-25"


def test_the_staff_pages_show_where_parcels_are_and_take_labels_back(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, tracking = sent(floor, there, monkeypatch)
    let_carry(floor, monkeypatch, LOCAL, world(there))
    brought = floor.taken_in((PLAIN, 1))
    shop = floor.room.shop
    places = tuple(replace(one, carrier="bike") if one.id == HUB else one for one in shop.locations)
    floor.room = replace(floor.room, shop=replace(shop, locations=places))
    let_carry(floor, monkeypatch, *shop.carriers)
    floor.fulfil(HUB)
    ours = floor.story(brought).shipments[0]["tracking"]
    key = floor.room.database.write(lambda c: make_key(c, "Ada", "staff", ""))
    with door(floor) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        page = client.get(f"/orders/{number}").text
        assert "USPS" in page
        label = floor.story(number).shipments[0]["id"]
        assert client.get(f"/shipments/{label}/label.pdf").content.startswith(b"%PDF")
        assert "zpl = true" in client.get(f"/shipments/{label}/label.zpl").text
        assert "Other rates: 2" in page
        assert f"/parcels/{number}/void" in page
        assert client.post(f"/parcels/{number}/void").status_code == 303
        assert "taken back" in client.get(f"/orders/{number}").text
        sheet = client.get(f"/courier/{HUB}").text
        assert ours in sheet
        assert CANARIES[4] in sheet
        assert tracking not in sheet
        said = client.post(f"/courier/{HUB}", data={"code": ours, "says": "handed_over", "why": ""})
        assert "answer good" in said.text
        wrong = client.post(f"/courier/{HUB}", data={"code": tracking, "says": "delivered", "why": ""})
        assert "not carried by us" in wrong.text
        failed = client.post(f"/courier/{HUB}", data={"code": ours, "says": "failed", "why": "refused"})
        assert "answer good" in failed.text
        assert "Its delivery failed" in client.get("/parcels").text
        assert client.post(f"/parcels/{brought}/seen").status_code == 303
        assert "No parcel needs anybody" in client.get("/parcels").text
        assert client.get("/collect/nowhere").status_code == 404
    assert parcel(floor, brought)["state"] == "failed"


def test_the_counter_hands_over_for_the_code(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    number = collected_order(floor, monkeypatch)
    code = parcel(floor, number)["code"]
    key = floor.room.database.write(lambda c: make_key(c, "Ada", "staff", ""))
    with door(floor) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        ready = client.get(f"/collect/{HUB}").text
        assert number in ready
        assert code not in ready
        assert "not the code" in client.post(f"/collect/{HUB}", data={"order": number, "code": "x"}).text
        assert "hand it over" in client.post(f"/collect/{HUB}", data={"order": number.lower(), "code": code}).text
        assert number not in client.get(f"/collect/{HUB}").text
