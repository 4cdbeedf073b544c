"""One e-mail as text: its headers, its encoding, and what cannot be smuggled into it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.messaging.base import MessageRefused, OutgoingMessage, RecipientRefused, SetupBroken
from backroom.messaging.mail import compose, message_id

AT = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
MESSAGE = OutgoingMessage(
    key="message:A-1042:handed_over:email",
    medium="email",
    recipient="ada@example.com",
    subject="Größe M ist unterwegs",
    body="Hallo Łukasz,\n.mit einem Punkt am Anfang\n" + "lang " * 300 + "\n",
    sender="Atelier Größe <post@atelier.example>",
)


def read_back(message: OutgoingMessage) -> EmailMessage:
    return message_from_bytes(compose(message, AT), policy=default)


def test_a_mail_reads_back_as_it_was_written() -> None:
    mail = read_back(MESSAGE)
    assert mail["Subject"] == MESSAGE.subject
    assert mail["From"] == MESSAGE.sender
    assert mail["To"] == MESSAGE.recipient
    assert mail["Date"].datetime == AT
    assert mail.get_content().replace("\r\n", "\n") == MESSAGE.body
    assert mail.get_content_type() == "text/plain"
    assert not mail.defects


def test_it_is_seven_bit_text_in_lines_of_bearable_length() -> None:
    text = compose(MESSAGE, AT)
    assert text.isascii()
    assert all(len(line) <= 78 for line in text.splitlines())


def test_it_says_that_a_machine_wrote_it() -> None:
    assert read_back(MESSAGE)["Auto-Submitted"] == "auto-generated"


def test_its_id_comes_from_the_key_alone() -> None:
    first, second = read_back(MESSAGE)["Message-ID"], read_back(replace(MESSAGE, body="other"))["Message-ID"]
    assert first == second == message_id(MESSAGE.key, "atelier.example")
    assert first != read_back(replace(MESSAGE, key="another"))["Message-ID"]


def test_an_order_update_has_no_unsubscribe_header() -> None:
    assert "List-Unsubscribe" not in read_back(MESSAGE)


def test_marketing_can_be_left_with_one_click_however_long_the_address() -> None:
    url = "https://shop.example/unsubscribe/" + "a" * 200
    text = compose(replace(MESSAGE, unsubscribe_url=url), AT).decode()
    assert f"List-Unsubscribe: <{url}>\r\n" in text
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in text


def test_one_click_is_not_promised_for_a_mail_address() -> None:
    mail = read_back(replace(MESSAGE, unsubscribe_url="mailto:leave@atelier.example"))
    assert mail["List-Unsubscribe"] == "<mailto:leave@atelier.example>"
    assert "List-Unsubscribe-Post" not in mail


def test_a_domain_beyond_ascii_travels_as_idna() -> None:
    assert read_back(replace(MESSAGE, recipient="ada@münchen.example"))["To"] == "ada@xn--mnchen-3ya.example"


@pytest.mark.parametrize(
    "recipient",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "<ada@example.com>",
        "ada@example.com, bob@example.com",
        "ada@example.com\r\nBcc: bob@example.com",
        '"ada\r\nRCPT TO:<bob@example.com>"@example.com',
        "ada lovelace@example.com",
        "ädä@example.com",
        "ada@" + "x" * 64 + ".example",
    ],
)
def test_what_is_not_exactly_one_address_is_refused_without_being_quoted(recipient: str) -> None:
    with pytest.raises(RecipientRefused) as caught:
        compose(replace(MESSAGE, recipient=recipient), AT)
    assert "ada" not in str(caught.value)
    assert MESSAGE.key in str(caught.value)


def test_a_sender_that_is_no_address_is_a_broken_setup() -> None:
    with pytest.raises(SetupBroken, match="sender_email"):
        compose(replace(MESSAGE, sender="Atelier"), AT)


def test_a_subject_cannot_add_headers() -> None:
    with pytest.raises(MessageRefused) as caught:
        compose(replace(MESSAGE, subject="Hello\r\nBcc: bob@example.com"), AT)
    assert caught.value.__suppress_context__
    assert "bob" not in str(caught.value)


def test_a_message_does_not_show_its_customer_in_logs() -> None:
    shown = repr(replace(MESSAGE, unsubscribe_url="https://shop.example/u/ada"))
    assert MESSAGE.key in shown
    assert not any(word in shown for word in ("ada", "Łukasz", "Größe M"))


@given(
    subject=st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=120),
    body=st.text(st.characters(exclude_categories=["Cs"]), max_size=400),
    recipient=st.sampled_from(["ada@example.com", "a.b+c@x-1.example", "a" * 60 + "@" + "b" * 60 + ".example"]),
    sender=st.sampled_from(["post@atelier.example", "Atelier Größe <post@atelier.example>"]),
)
def test_it_is_the_mail_that_the_standard_library_writes(subject: str, body: str, recipient: str, sender: str) -> None:
    message = replace(MESSAGE, subject=subject, body=body, recipient=recipient, sender=sender)
    ours = message_from_bytes(compose(message, AT), policy=default)
    theirs = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    for name in ("From", "To", "Subject"):
        theirs[name] = {"From": sender, "To": recipient, "Subject": subject}[name]
    theirs.set_content(body, cte="quoted-printable")
    read = message_from_bytes(theirs.as_bytes(), policy=default)
    assert [ours[name] for name in ("From", "To", "Subject")] == [read[name] for name in ("From", "To", "Subject")]
    assert ours.get_content() == read.get_content()
    assert ours.get_content_type() == read.get_content_type()
    assert not ours.defects
