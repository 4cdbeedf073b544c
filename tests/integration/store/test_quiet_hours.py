"""A message of the night waits as a row while its order goes on, and goes in the morning: once, if still wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from sqlalchemy import select, update

from backroom.domain.quiet_hours import QuietHours
from backroom.domain.reply_words import Word
from backroom.outgoing.circuit import close_all
from backroom.shop import room as rooms
from backroom.store import backlog, decisions, desk, opt_outs, waiting_messages
from backroom.store.database import now
from backroom.store.forgetting import forget
from backroom.store.personal import Whose
from backroom.store.raw_orders import read_orders
from backroom.store.tables import messages
from blocks.messaging import SmsProvider
from tasks.claiming import claim_messages, holding
from tasks.waiting_messages import send_waiting
from tests import fake_twilio
from tests.fake_twilio import FakeTwilio
from tests.shops import CANARIES, HUB, Floor
from tests.sms import sending_by, twilio_block

PHONE = CANARIES[3]


def night(floor: Floor, hours: int = 1) -> None:
    """It is so many hours before and after now that nobody may be woken, by the shop's clock."""
    now_ = datetime.now(UTC).replace(second=0, microsecond=0)
    begins, ends = ((now_ + timedelta(hours=sign * hours)).time() for sign in (-1, 1))
    set_quiet(floor, QuietHours(begins, ends, recipients_clock=False))


def set_quiet(floor: Floor, quiet: QuietHours | None) -> None:
    messaging = replace(floor.room.shop.messaging, quiet_hours=quiet)
    floor.room = replace(floor.room, shop=replace(floor.room.shop, messaging=messaging))
    rooms._open[floor.room.home.resolve()] = floor.room


@pytest.fixture
def twilio(floor: Floor) -> Iterator[FakeTwilio]:
    """A floor whose SMS go by a Twilio, at night."""
    close_all()
    with fake_twilio.fake_twilio() as one, sending_by(floor, twilio_block(one)):
        night(floor)
        yield one
    close_all()


def let_day_come(floor: Floor, *, quiet: QuietHours | None = None) -> None:
    set_quiet(floor, quiet)
    past = update(messages).where(messages.c.next_attempt_at.is_not(None))
    floor.room.database.write(lambda c: c.execute(past.values(next_attempt_at=now(c) - timedelta(seconds=1))))


def send(floor: Floor) -> list[str]:
    """What the flow `messages` does."""
    outcomes = []
    while claim := claim_messages(floor.room):
        with holding(floor.room, claim):
            outcomes += send_waiting.fn(claim)
    return [outcome.result for outcome in outcomes]


def sms(floor: Floor, number: str) -> dict[str, Any]:
    [row] = [row for row in floor.story(number).messages if row["medium"] == "sms"]
    return dict(row)


def woken(floor: Floor) -> set[str]:
    return {wakeup.stage for wakeup in floor.room.database.write(lambda c: backlog.wake_again(c, HUB))}


def test_the_order_goes_on_and_its_message_goes_in_the_morning(floor: Floor, twilio: FakeTwilio) -> None:
    number = floor.taken_in()
    floor.fulfil(HUB)
    assert floor.state(number) == ("fulfilled", ["done"])
    assert twilio.messages == []
    waiting = sms(floor, number)
    assert waiting["state"] == "waiting"
    assert waiting["reason"].startswith("quiet hours until ")
    assert timedelta(minutes=58) < waiting["next_attempt_at"] - datetime.now(UTC) <= timedelta(hours=1)
    assert {row["medium"]: row["state"] for row in floor.story(number).messages}["email"] == "sent"
    assert send(floor) == []
    assert "messages" not in woken(floor)

    let_day_come(floor)
    assert "messages" in woken(floor)
    assert send(floor) == ["done"]
    assert [row["to"] for row in twilio.messages] == [PHONE]
    sent = sms(floor, number)
    assert (sent["state"], sent["reason"], sent["next_attempt_at"]) == ("sent", "", None)
    assert send(floor) == []


def test_a_message_of_the_night_waits_as_long_as_its_provider_asks(floor: Floor, httpserver: HTTPServer) -> None:
    close_all()
    httpserver.expect_request("/sms").respond_with_data("", status=503, headers={"Retry-After": "7200"})
    with sending_by(floor, SmsProvider(kind="json", url=httpserver.url_for("/sms"), password=SecretStr("t0ken"))):
        night(floor)
        number = floor.taken_in()
        floor.fulfil(HUB)
        let_day_come(floor)
        assert send(floor) == ["waiting"]
    until = sms(floor, number)["next_attempt_at"]
    assert timedelta(minutes=119) < until - datetime.now(UTC) <= timedelta(hours=2)
    close_all()


def test_stop_in_the_night_ends_what_waits_for_the_morning(floor: Floor, twilio: FakeTwilio) -> None:
    number = floor.taken_in()
    floor.fulfil(HUB)
    reply = opt_outs.Reply("sms", PHONE, "STOP", Word.STOP, opt_outs.Proof("twilio", "SM1", "stop"))
    floor.room.database.write(lambda c: opt_outs.take(c, floor.room.seals, reply))
    let_day_come(floor)
    send(floor)
    assert twilio.messages == []
    assert sms(floor, number)["state"] == "skipped"


def test_what_comes_late_into_the_next_night_waits_for_the_next_morning(floor: Floor, twilio: FakeTwilio) -> None:
    number = floor.taken_in()
    floor.fulfil(HUB)
    quiet = floor.room.shop.messaging.quiet_hours
    let_day_come(floor, quiet=quiet)
    assert send(floor) == ["waiting"]
    assert twilio.messages == []
    assert sms(floor, number)["next_attempt_at"] > datetime.now(UTC) + timedelta(minutes=50)


def test_a_provider_that_is_away_in_the_morning_is_tried_again_with_growing_pauses(
    floor: Floor, twilio: FakeTwilio
) -> None:
    number = floor.taken_in(phone="+4915112340429", email="busy@example.org")
    floor.fulfil(HUB)
    waits = []
    for _ in range(3):
        close_all()
        let_day_come(floor)
        assert send(floor) == ["waiting"]
        waits.append(sms(floor, number)["next_attempt_at"] - datetime.now(UTC))
    assert timedelta(0) < waits[0] < waits[2]
    floor.room.database.write(lambda c: c.execute(update(messages).values(attempts=16)))
    let_day_come(floor)
    assert send(floor) == []
    assert (sms(floor, number)["state"], floor.events(number)[-1]) == ("failed", "message.failed")


def test_what_needs_a_person_is_tried_again_when_they_say_so(floor: Floor, twilio: FakeTwilio) -> None:
    refused = "+4915112340001"
    number = floor.taken_in(phone=refused, email="wrong@example.org")
    floor.fulfil(HUB)
    let_day_come(floor)
    assert send(floor) == ["failed"]
    assert sms(floor, number)["state"] == "failed"
    assert floor.state(number) == ("fulfilled", ["done"])
    wakeups = floor.room.database.write(lambda c: desk.retry(c, number, "Ada", HUB))
    assert "messages" in {wakeup.stage for wakeup in wakeups}
    assert send(floor) == ["failed"]


def test_a_lost_answer_in_the_morning_is_a_persons_to_settle(floor: Floor, twilio: FakeTwilio) -> None:
    twilio.deaf_to, twilio.hangs, twilio.lists = 1, False, False
    number = floor.taken_in()
    floor.fulfil(HUB)
    let_day_come(floor)
    assert send(floor) == ["failed"]
    assert len(twilio.messages) == 1
    key = sms(floor, number)["key"]
    floor.room.database.write(lambda c: decisions.decide(c, key, happened=True, actor="Ada"))
    assert send(floor) == ["done"]
    assert sms(floor, number)["state"] == "sent"
    assert len(twilio.messages) == 1


def test_what_ends_its_process_again_and_again_is_a_persons(floor: Floor, twilio: FakeTwilio) -> None:
    """As if every run that took it was killed: the claim ends, and nothing was said of it."""
    number = floor.taken_in()
    floor.fulfil(HUB)
    tries = 0
    for _ in range(30):
        let_day_come(floor)
        if claim_messages(floor.room) is None:
            break
        tries += 1
        floor.room.database.write(lambda c: c.exec_driver_sql("DELETE FROM claims"))
    assert tries == 16
    assert sms(floor, number)["state"] == "failed"
    assert twilio.messages == []
    # Its order went on without it: the figures must not say that it was told.
    order_id = floor.story(number).order["id"]
    with floor.room.database.read() as connection:
        assert read_orders(connection, [order_id])[order_id].counts["messages_failed"] == 1


def test_whoever_is_forgotten_meanwhile_is_not_written_to(floor: Floor, twilio: FakeTwilio) -> None:
    number = floor.taken_in()
    floor.fulfil(HUB)
    person = floor.story(number).order["person_id"]
    floor.room.database.write(lambda c: forget(c, Whose(person)))
    let_day_come(floor)
    assert send(floor) == []
    assert twilio.messages == []
    assert sms(floor, number)["state"] == "skipped"


def test_the_recipients_night_counts_and_not_the_shops(floor: Floor, twilio: FakeTwilio) -> None:
    """A quarter of an hour around now by the clock of Auckland, where it is another hour than here."""
    there = datetime.now(UTC).astimezone(ZoneInfo("Pacific/Auckland"))
    begins, ends = (
        (there + timedelta(minutes=minutes)).time().replace(second=0, microsecond=0) for minutes in (-15, 15)
    )
    set_quiet(floor, QuietHours(begins, ends))
    number = floor.taken_in(phone="+6421123456", email="far@example.org")
    near = floor.taken_in(email="near@example.org")
    floor.fulfil(HUB)
    assert sms(floor, number)["state"] == "waiting"
    assert sms(floor, near)["state"] == "sent"
    with floor.room.database.read() as connection:
        assert waiting_messages.due(connection, now(connection) + timedelta(minutes=20))
        assert connection.execute(select(messages.c.id).where(messages.c.state == "waiting")).all()
