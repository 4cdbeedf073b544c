"""The mail folder: exact by key, whole after a crash."""

from __future__ import annotations

import os
import resource
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.messaging.base import OutgoingMessage, ProviderDown, RecipientRefused, Sent
from backroom.messaging.mailfolder import MailFolder

MAIL = OutgoingMessage(
    "message:A-1042:handed_over:email", "email", "ada@example.com", "Off it goes", "Hello Ada\n", "post@atelier.example"
)
SMS = replace(MAIL, key="message:A-1042:handed_over:sms", medium="sms", recipient="+4915112345678", subject=None)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def test_a_mail_becomes_a_file_a_mail_program_can_open(tmp_path: Path) -> None:
    sent = MailFolder(tmp_path / "mail").send(MAIL)
    mail = message_from_bytes((tmp_path / "mail" / sent.provider_id).read_bytes(), policy=default)
    assert mail["To"] == MAIL.recipient
    assert sent.provider_id.startswith("message%3AA-1042%3Ahanded_over%3Aemail-")
    assert sent.provider_id.endswith(".eml")


def test_an_sms_becomes_a_readable_text(tmp_path: Path) -> None:
    sent = MailFolder(tmp_path, "sms").send(SMS)
    assert sent.provider_id.endswith(".txt")
    assert (tmp_path / sent.provider_id).read_text() == (
        f"To: +4915112345678\nFrom: post@atelier.example\nKey: {SMS.key}\n\nHello Ada\n\n"
    )


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    sent = MailFolder(tmp_path).send(MAIL)
    assert stat.S_IMODE((tmp_path / sent.provider_id).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "tmp").stat().st_mode) == 0o700


def test_what_was_sent_is_found_with_the_same_answer_and_nothing_else_is(tmp_path: Path) -> None:
    folder = MailFolder(tmp_path)
    assert folder.find(MAIL) is None
    sent = folder.send(MAIL)
    assert folder.find(MAIL) == sent
    assert folder.find(replace(MAIL, key=MAIL.key + "x")) is None
    assert folder.find(replace(MAIL, key=MAIL.key.lower())) is None


def test_a_key_sent_again_leaves_the_first_message_as_it_is(tmp_path: Path) -> None:
    folder = MailFolder(tmp_path)
    first = folder.send(MAIL)
    before = (tmp_path / first.provider_id).read_bytes()
    assert folder.send(replace(MAIL, body="another text")) == first
    assert (tmp_path / first.provider_id).read_bytes() == before
    assert names(tmp_path) == [first.provider_id]


def test_a_wave_gives_each_message_its_outcome_and_one_bad_recipient_holds_up_nobody(tmp_path: Path) -> None:
    wave = [MAIL, replace(MAIL, key="bad", recipient="nobody"), replace(MAIL, key="third"), MAIL]
    outcomes = MailFolder(tmp_path).send_many(wave)
    assert [type(outcome) for outcome in outcomes] == [Sent, RecipientRefused, Sent, Sent]
    assert outcomes[0] == outcomes[3]
    assert len(names(tmp_path)) == 2


def test_a_draft_of_a_crashed_process_is_not_a_message_and_goes_when_it_is_old(tmp_path: Path) -> None:
    folder = MailFolder(tmp_path)
    folder.send(MAIL)
    old, fresh = tmp_path / "tmp" / "old", tmp_path / "tmp" / "fresh"
    old.write_bytes(b"half a mes")
    fresh.write_bytes(b"half a mes")
    long_ago = (datetime.now(UTC) - timedelta(hours=2)).timestamp()
    os.utime(old, (long_ago, long_ago))
    folder.send(replace(MAIL, key="another"))
    assert not old.exists()
    assert fresh.exists()


def test_a_folder_that_cannot_be_written_asks_to_come_back(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    outcomes = MailFolder(tmp_path / "file").send_many([MAIL, replace(MAIL, key="b")])
    assert [type(outcome) for outcome in outcomes] == [ProviderDown, ProviderDown]


def test_a_disk_that_takes_no_more_asks_to_come_back_and_keeps_no_draft(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        outcomes = MailFolder(tmp_path).send_many([MAIL, replace(MAIL, key="b", body="long " * 1000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [type(outcome) for outcome in outcomes] == [ProviderDown, ProviderDown]
    assert names(tmp_path) == []
    assert list((tmp_path / "tmp").iterdir()) == []


@given(keys=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=400), unique=True))
def test_no_key_is_mistaken_for_another(keys: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    tmp_path = tmp_path_factory.mktemp("folder")
    folder = MailFolder(tmp_path, "sms")
    folder.send_many([replace(SMS, key=key) for key in keys[::2]])
    assert [folder.find(replace(MAIL, key=key)) is not None for key in keys] == [n % 2 == 0 for n in range(len(keys))]
