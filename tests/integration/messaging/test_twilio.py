"""SMS through Twilio's API, against a Twilio over real HTTP that is written after its OpenAPI description."""

from __future__ import annotations

import socket
import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backroom.domain.errors import BackroomError
from backroom.messaging.base import (
    MessageRefused,
    OptedOut,
    OutgoingMessage,
    ProviderDown,
    RecipientRefused,
    SendingUnknown,
    Sent,
    SetupBroken,
)
from backroom.messaging.twilio import TwilioMessenger
from backroom.outgoing.circuit import close_all
from tests import fake_twilio
from tests.fake_twilio import FakeTwilio

MESSAGE = OutgoingMessage(
    "message-A-1042-x1-handed_over-sms", "sms", "+4915112345678", None, "A-1042 is on its way", "+4930999"
)
CALLBACK = "https://shop.example/messages/twilio/{key}"


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    close_all()
    with fake_twilio.fake_twilio() as one:
        yield one
    close_all()


def messenger(twilio: FakeTwilio, **changes: str | float) -> TwilioMessenger:
    made = TwilioMessenger(fake_twilio.ACCOUNT, fake_twilio.KEY, fake_twilio.SECRET, url=twilio.url, read_timeout=0.5)
    return replace(made, **changes)


def outcome(one: TwilioMessenger, message: OutgoingMessage = MESSAGE) -> Sent | BackroomError:
    return one.send_many([message])[0]


def test_a_message_goes_from_its_sender_and_is_known_by_twilios_id(twilio: FakeTwilio) -> None:
    sent = outcome(messenger(twilio, callback_url=CALLBACK))
    [row] = twilio.messages
    assert isinstance(sent, Sent)
    assert (sent.provider, sent.provider_id) == ("twilio", row["sid"])
    assert abs(sent.at - datetime.now(UTC)) < timedelta(seconds=5)
    assert (row["to"], row["from"], row["body"]) == (MESSAGE.recipient, MESSAGE.sender, MESSAGE.body)
    assert twilio.callbacks[row["sid"]] == f"https://shop.example/messages/twilio/{MESSAGE.key}"


def test_a_messaging_service_chooses_the_sender_where_there_is_one(twilio: FakeTwilio) -> None:
    outcome(messenger(twilio, service=fake_twilio.SERVICE))
    [row] = twilio.messages
    assert (row["messaging_service_sid"], row["from"], row["status"]) == (fake_twilio.SERVICE, None, "accepted")
    assert twilio.callbacks == {}


def test_the_auth_token_logs_in_as_an_api_key_does(twilio: FakeTwilio) -> None:
    assert isinstance(outcome(messenger(twilio, username=fake_twilio.ACCOUNT, password=fake_twilio.TOKEN)), Sent)


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ("0001", RecipientRefused),  # 21211
        ("0002", RecipientRefused),  # 21612
        ("0009", RecipientRefused),  # 21614
        ("0610", OptedOut),
        ("0429", ProviderDown),
    ],
)
def test_each_refusal_has_its_meaning(twilio: FakeTwilio, ending: str, expected: type[BackroomError]) -> None:
    refused = outcome(messenger(twilio), replace(MESSAGE, recipient=f"+491511234{ending}"))
    assert type(refused) is expected
    assert twilio.messages == []


def test_who_wrote_stop_is_told_with_the_code_as_proof(twilio: FakeTwilio) -> None:
    refused = outcome(messenger(twilio), replace(MESSAGE, recipient="+4915112340610"))
    assert isinstance(refused, OptedOut)
    assert (refused.provider, refused.code) == ("twilio", "21610")


def test_a_number_that_twilio_refuses_holds_up_nobody(twilio: FakeTwilio) -> None:
    wave = [MESSAGE, replace(MESSAGE, key="b", recipient="+491511230001"), replace(MESSAGE, key="c")]
    assert [type(one) for one in messenger(twilio).send_many(wave)] == [Sent, RecipientRefused, Sent]


def test_a_text_that_is_too_long_is_refused_and_says_where_to_read_why(twilio: FakeTwilio) -> None:
    refused = outcome(messenger(twilio), replace(MESSAGE, body="x" * 1601))
    assert type(refused) is MessageRefused
    assert "21617" in str(refused)


@pytest.mark.parametrize("changes", [{"password": "wrong"}, {"account": "AC" + "9" * 32}])
def test_a_wrong_login_or_account_is_tried_once_for_a_whole_wave(twilio: FakeTwilio, changes: dict[str, str]) -> None:
    outcomes = messenger(twilio, **changes).send_many([replace(MESSAGE, key=f"m{n}") for n in range(20)])
    assert {type(one) for one in outcomes} == {SetupBroken}


def test_a_lost_answer_is_asked_for_and_nothing_is_sent_again(twilio: FakeTwilio) -> None:
    twilio.deaf_to = 1
    sent = outcome(messenger(twilio))
    assert isinstance(sent, Sent)
    assert [row["sid"] for row in twilio.messages] == [sent.provider_id]
    assert twilio.asked == 1


def test_a_lost_answer_that_twilio_does_not_list_is_unknown(twilio: FakeTwilio) -> None:
    twilio.deaf_to, twilio.lists = 1, False
    assert type(outcome(messenger(twilio))) is SendingUnknown
    assert len(twilio.messages) == 1


def test_the_same_words_of_another_day_are_not_taken_for_this_message(twilio: FakeTwilio) -> None:
    one = messenger(twilio)
    outcome(one)
    twilio.messages[0]["date_created"] = "Tue, 24 Nov 2026 18:03:11 +0000"
    with pytest.raises(SendingUnknown):
        one.find(MESSAGE, timedelta(minutes=1))


def test_what_was_begun_before_a_crash_is_found_by_its_words(twilio: FakeTwilio) -> None:
    one = messenger(twilio)
    sent = outcome(one)
    assert isinstance(sent, Sent)
    found = one.find(MESSAGE, timedelta(minutes=1))
    assert found is not None
    assert found.provider_id == sent.provider_id
    for other in (replace(MESSAGE, body="other words"), replace(MESSAGE, recipient="+4915112345679")):
        with pytest.raises(SendingUnknown):
            one.find(other, timedelta(minutes=1))


def test_nobody_listening_is_a_reason_to_come_back() -> None:
    close_all()
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    assert type(outcome(messenger(FakeTwilio(f"http://127.0.0.1:{port}")))) is ProviderDown
    close_all()


def test_no_error_leads_to_the_customer_or_the_password(twilio: FakeTwilio) -> None:
    wrong = (
        outcome(messenger(twilio), replace(MESSAGE, recipient="+491511230001")),
        outcome(messenger(twilio, password="geheim")),
        outcome(messenger(twilio), replace(MESSAGE, recipient="+491511230610")),
    )
    for error in wrong:
        assert isinstance(error, BackroomError)
        printed = "".join(traceback.format_exception(error))
        assert not any(word in printed for word in ("+491511", "on its way", "geheim", fake_twilio.SECRET))
    assert fake_twilio.SECRET not in repr(messenger(twilio))
