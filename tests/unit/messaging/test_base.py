"""Sending a wave one after the other: who is tried, who is not, and what each hears."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backroom.domain.errors import BackroomError
from backroom.messaging.base import (
    ConnectionLost,
    Messenger,
    OutgoingMessage,
    ProviderDown,
    RecipientRefused,
    Sent,
    SetupBroken,
    send_each,
    sending_unknown,
    single,
)
from backroom.messaging.mailfolder import MailFolder
from backroom.messaging.smsgateway import JsonSmsGateway, KannelGateway
from backroom.messaging.smtp import SmtpMessenger, SmtpServer

SENT = Sent("test", "1", datetime(2026, 11, 22, tzinfo=UTC))


def run(answers: Sequence[Sent | BackroomError]) -> tuple[list[Sent | BackroomError], int]:
    """The outcomes of a wave whose provider answers like this, and how many messages it was really asked for."""
    asked = iter(answers)
    count = 0

    def send(message: OutgoingMessage) -> Sent:
        nonlocal count
        count += 1
        return single([next(asked)])

    messages = [OutgoingMessage(f"m{n}", "sms", "+49151", None, "text", "Shop") for n in range(len(answers))]
    return send_each(messages, send), count


def test_one_bad_recipient_never_holds_up_the_others() -> None:
    bad = RecipientRefused("m1 refused")
    assert run([SENT, bad, SENT]) == ([SENT, bad, SENT], 3)


def test_an_unreachable_provider_is_asked_once() -> None:
    down = ProviderDown("down")
    outcomes, asked = run([SENT, down, SENT, SENT])
    assert asked == 2
    assert outcomes[:2] == [SENT, down]
    assert [type(outcome) for outcome in outcomes[2:]] == [ProviderDown, ProviderDown]
    assert "m3 was not tried" in str(outcomes[3])


def test_a_broken_setup_is_told_to_every_message_with_its_remedy() -> None:
    outcomes, asked = run([SetupBroken("login refused.", remedy="Correct it."), SENT])
    assert asked == 1
    assert isinstance(outcomes[1], SetupBroken)
    assert outcomes[1].remedy == "Correct it."


@pytest.mark.parametrize("lost", [ConnectionLost("lost"), sending_unknown("m0", "The provider")])
def test_two_losses_in_a_row_end_the_wave_and_one_does_not(lost: BackroomError) -> None:
    assert run([lost, SENT, lost, SENT, SENT])[1] == 5
    outcomes, asked = run([SENT, lost, lost, SENT])
    assert asked == 3
    assert isinstance(outcomes[3], ProviderDown)


def test_a_wave_of_one_raises_its_error() -> None:
    with pytest.raises(ProviderDown):
        single([ProviderDown("down")])
    assert single([SENT]) is SENT


def test_every_messenger_keeps_the_same_promise(tmp_path: Path) -> None:
    messengers: list[Messenger] = [
        MailFolder(tmp_path),
        SmtpMessenger(SmtpServer("127.0.0.1", 25, security="none")),
        KannelGateway("http://127.0.0.1/", "shop", "secret"),
        JsonSmsGateway("http://127.0.0.1/", "secret"),
    ]
    assert [messenger.medium for messenger in messengers] == ["email", "email", "sms", "sms"]
    assert [messenger.idempotent for messenger in messengers] == [True, False, False, True]
    assert all(messenger.send_many([]) == [] for messenger in messengers)
