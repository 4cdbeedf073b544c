"""What a provider reports stands beside the message, in the order's history, and answers what nobody could tell."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from backroom.domain.message_reports import Report
from backroom.outgoing.circuit import close_all
from backroom.store.message_reports import Noted, note
from backroom.store.raw_orders import read_orders
from tests import fake_twilio
from tests.fake_twilio import FakeTwilio
from tests.shops import HUB, Floor
from tests.sms import sending_by, twilio_block


@pytest.fixture
def twilio(floor: Floor) -> Iterator[FakeTwilio]:
    close_all()
    with fake_twilio.fake_twilio() as one, sending_by(floor, twilio_block(one)):
        yield one
    close_all()


def report(floor: Floor, key: str, what: Report, code: str = "") -> Noted:
    noting = partial(note, key=key, report=what, code=code, provider="twilio", provider_id="SM1")
    return floor.room.database.write(noting)


def announced(floor: Floor) -> tuple[str, str]:
    """An order whose SMS went, and the message's key."""
    number = floor.taken_in()
    floor.fulfil(HUB)
    [key] = [row["key"] for row in floor.story(number).messages if row["medium"] == "sms"]
    return number, key


def told(floor: Floor, number: str) -> tuple[str, str]:
    [row] = [row for row in floor.story(number).messages if row["medium"] == "sms"]
    return row["delivery"], row["delivery_code"]


def failed(floor: Floor, number: str) -> int:
    order_id = floor.story(number).order["id"]
    with floor.room.database.read() as connection:
        return read_orders(connection, [order_id])[order_id].counts.get("messages_failed", 0)


def test_the_address_of_reports_names_the_message_by_its_key(floor: Floor, twilio: FakeTwilio) -> None:
    _, key = announced(floor)
    assert list(twilio.callbacks.values()) == [f"https://shop.example/messages/twilio/{key}"]


def test_reports_are_kept_and_the_last_ones_stand_in_the_history(floor: Floor, twilio: FakeTwilio) -> None:
    number, key = announced(floor)
    assert told(floor, number) == ("", "")
    for what in (Report.QUEUED, Report.SENT, Report.DELIVERED):
        assert report(floor, key, what) == Noted(found=True, new=True)
        assert told(floor, number) == (what, "")
    assert floor.events(number)[-1] == "message.delivered"
    assert failed(floor, number) == 0


def test_late_and_repeated_reports_change_nothing(floor: Floor, twilio: FakeTwilio) -> None:
    number, key = announced(floor)
    report(floor, key, Report.DELIVERED)
    before = floor.events(number)
    for what in (Report.DELIVERED, Report.SENT, Report.UNDELIVERED, Report.QUEUED):
        assert report(floor, key, what) == Noted(found=True, new=False)
    assert told(floor, number) == ("delivered", "")
    assert floor.events(number) == before


def test_an_undelivered_message_counts_as_failed(floor: Floor, twilio: FakeTwilio) -> None:
    number, key = announced(floor)
    report(floor, key, Report.UNDELIVERED, "30003")
    assert told(floor, number) == ("undelivered", "30003")
    assert floor.story(number).history[-1]["data"]["reason"] == "30003"
    assert failed(floor, number) == 1


def test_a_report_of_no_message_of_ours_is_told_apart(floor: Floor) -> None:
    assert report(floor, "message-A-1-x-handed_over-sms", Report.SENT) == Noted(found=False)


def test_a_report_settles_what_nobody_could_tell(floor: Floor, twilio: FakeTwilio) -> None:
    twilio.deaf_to, twilio.hangs, twilio.lists = 1, False, False
    number, key = announced(floor)
    assert floor.state(number) == ("released", ["labelled"])
    noted = report(floor, key, Report.QUEUED)
    assert [wakeup.location for wakeup in noted.wakeups] == [HUB]
    floor.fulfil(HUB)
    assert floor.state(number) == ("fulfilled", ["done"])
    assert len(twilio.messages) == 1
    assert [state for kind, state in floor.effects("message") if state == "unknown"] == []
