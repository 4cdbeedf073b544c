"""Whoever writes STOP gets no more, from the next message on, whoever they are by then; the proof is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from backroom.domain.reply_words import Word
from backroom.outgoing.circuit import close_all
from backroom.store import opt_outs
from backroom.store.opt_outs import Proof, Reply
from backroom.store.tables import consents, effects, message_replies, suppressions
from tests import fake_twilio
from tests.fake_twilio import FakeTwilio
from tests.shops import CANARIES, HUB, Floor
from tests.sms import sending_by, twilio_block

PHONE, OTHER_PHONE = CANARIES[3], "+4915187654321"
SOMEBODY_ELSE = {"phone": OTHER_PHONE, "email": "brunhilde@example.org"}


@pytest.fixture
def twilio(floor: Floor) -> Iterator[FakeTwilio]:
    """The floor sends its SMS by a Twilio."""
    close_all()
    with fake_twilio.fake_twilio() as one, sending_by(floor, twilio_block(one)):
        yield one
    close_all()


def write_back(
    floor: Floor, text: str, asks: Word | None, id_: str = "SM1", sender: str = PHONE, provider: str = "twilio"
) -> bool:
    reply = Reply("sms", sender, text, asks, Proof(provider, id_, asks or ""))
    return floor.room.database.write(lambda c: opt_outs.take(c, floor.room.seals, reply))


def rows(floor: Floor, table: Any) -> list[dict[str, Any]]:
    with floor.room.database.read() as connection:
        return [dict(row) for row in connection.execute(select(table).order_by(table.c.id)).mappings()]


def sms_states(floor: Floor, number: str) -> list[tuple[str, str]]:
    return [(row["state"], row["reason"]) for row in floor.story(number).messages if row["medium"] == "sms"]


def sent_to(twilio: FakeTwilio) -> list[str]:
    return [row["to"] for row in twilio.messages]


def test_stop_ends_the_next_sms_and_leaves_mail_alone(floor: Floor, twilio: FakeTwilio) -> None:
    first = floor.taken_in()
    floor.fulfil(HUB)
    assert sent_to(twilio) == [PHONE]
    assert write_back(floor, "STOP", Word.STOP)
    second = floor.taken_in()
    floor.fulfil(HUB)
    assert sent_to(twilio) == [PHONE]
    assert sms_states(floor, first) == [("sent", "")]
    [(state, why)] = sms_states(floor, second)
    assert state == "skipped"
    assert why.startswith("order_updates by sms was refused on ")
    assert floor.state(second) == ("fulfilled", ["done"])
    assert {row["medium"]: row["state"] for row in floor.story(second).messages} == {"email": "sent", "sms": "skipped"}


def test_the_proof_says_what_was_written_when_and_under_which_id(floor: Floor) -> None:
    number = floor.taken_in()
    write_back(floor, f"STOP, {CANARIES[0]}", Word.STOP)
    withdrawn = [row for row in rows(floor, consents) if row["source"] == opt_outs.SAID_STOP]
    assert {(row["medium"], row["purpose"], row["granted"]) for row in withdrawn} == {
        ("sms", "order_updates", False),
        ("sms", "marketing", False),
    }
    [reply] = rows(floor, message_replies)
    [silent] = rows(floor, suppressions)
    assert (reply["provider"], reply["provider_id"], reply["word"]) == ("twilio", "SM1", "stop")
    assert CANARIES[0].encode() not in reply["content"]
    assert silent["at"] == reply["at"] == withdrawn[0]["at"]
    assert silent["provider_id"] == "SM1"
    assert PHONE not in str(silent)
    assert floor.events(number)[-1] == "consent.withdrawn"


def test_the_same_reply_again_changes_nothing(floor: Floor) -> None:
    number = floor.taken_in()
    assert [write_back(floor, "STOP", Word.STOP) for _ in range(3)] == [True, False, False]
    assert len(rows(floor, message_replies)) == 1
    assert floor.events(number).count("consent.withdrawn") == 1


def test_an_sms_that_is_planned_and_not_begun_is_stopped(floor: Floor, twilio: FakeTwilio) -> None:
    """STOP comes while the message before it in the wave is on the line."""
    numbers = [floor.taken_in(), floor.taken_in(**SOMEBODY_ELSE)]

    def stop(row: dict[str, Any]) -> None:
        other = OTHER_PHONE if row["to"] == PHONE else PHONE
        write_back(floor, "STOP", Word.STOP, sender=other)

    twilio.when_taken = stop
    floor.fulfil(HUB)
    assert len(twilio.messages) == 1
    states = [sms_states(floor, number)[0][0] for number in numbers]
    assert sorted(states) == ["sent", "skipped"]
    assert [floor.state(number)[0] for number in numbers] == ["fulfilled"] * 2
    assert [row["state"] for row in rows(floor, effects) if row["key"].endswith("-sms")] == ["done"]


def test_a_number_that_nobody_has_is_silent_when_somebody_comes_with_it(floor: Floor, twilio: FakeTwilio) -> None:
    write_back(floor, "Stop", Word.STOP, sender=OTHER_PHONE)
    [reply] = rows(floor, message_replies)
    assert (reply["person_id"], reply["content"]) == (None, b"")
    number = floor.taken_in(**SOMEBODY_ELSE)
    floor.fulfil(HUB)
    assert twilio.messages == []
    assert sms_states(floor, number) == [("skipped", "whoever has that phone told us to stop")]


def test_a_number_stays_silent_under_another_persons_name(floor: Floor, twilio: FakeTwilio) -> None:
    """Known by their mail, with the number that somebody else is known by."""
    floor.taken_in()
    write_back(floor, "STOP", Word.STOP)
    floor.taken_in(email="brunhilde@example.org")
    floor.fulfil(HUB)
    assert twilio.messages == []


def test_start_gives_back_what_stop_took_and_no_more(floor: Floor, twilio: FakeTwilio) -> None:
    floor.taken_in()
    write_back(floor, "STOP", Word.STOP)
    assert write_back(floor, "START", Word.START, "SM2")
    again = [row for row in rows(floor, consents) if row["source"] == opt_outs.SAID_START]
    assert [(row["purpose"], row["granted"]) for row in again] == [("order_updates", True)]
    floor.fulfil(HUB)
    assert sent_to(twilio) == [PHONE]
    write_back(floor, "STOP", Word.STOP, "SM3")
    assert rows(floor, suppressions)[0]["provider_id"] == "SM3"
    floor.taken_in()
    floor.fulfil(HUB)
    assert sent_to(twilio) == [PHONE]


def test_start_without_a_stop_grants_nothing(floor: Floor) -> None:
    floor.taken_in()
    before = rows(floor, consents)
    write_back(floor, "START", Word.START)
    assert rows(floor, consents) == before


def test_what_twilio_knows_as_stopped_is_stopped_here_too(floor: Floor, twilio: FakeTwilio) -> None:
    gone = "+4915112340610"
    number = floor.taken_in(phone=gone, email="gone@example.org")
    floor.fulfil(HUB)
    assert twilio.messages == []
    assert floor.state(number) == ("fulfilled", ["done"])
    assert sms_states(floor, number)[0][0] == "skipped"
    [silent] = rows(floor, suppressions)
    assert (silent["provider"], silent["word"]) == ("twilio", "21610")
    assert silent["provider_id"].startswith(f"message-{number}-")
    asked = len(rows(floor, effects))
    floor.taken_in(phone=gone, email="gone@example.org")
    floor.fulfil(HUB)
    assert [row["key"] for row in rows(floor, effects)[asked:] if row["key"].endswith("-sms")] == []


def test_what_asks_for_nothing_is_kept_sealed_beside_their_order(floor: Floor) -> None:
    number = floor.taken_in()
    assert write_back(floor, f"When, {CANARIES[1]}?", None)
    [reply] = rows(floor, message_replies)
    assert reply["word"] == ""
    assert CANARIES[1].encode() not in reply["content"]
    assert floor.events(number)[-1] == "customer.replied"
    assert not write_back(floor, "hello", None, "SM2", sender=OTHER_PHONE)
    assert len(rows(floor, message_replies)) == 1
