"""Web push's cryptography: RFC 8291's own example to the byte, and a browser's side written apart."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.errors import Refuse
from backroom.messaging import push_crypto
from backroom.messaging.push_crypto import NoPoint, NoPrivateKey
from tests.fake_push import Browser, b64, unb64

# RFC 8291, section 5 and appendix A.
PLAIN = b"When I grow up, I want to be a watermelon"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
SENDERS_POINT = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
RECEIVER = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
RECEIVERS_POINT = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH, SALT = "BTBZMqHH6r4Tts7J_aSIgg", "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_y"
    "l95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def receiver() -> Browser:
    return Browser(ec.derive_private_key(int.from_bytes(unb64(RECEIVER), "big"), ec.SECP256R1()), unb64(AUTH))


def test_the_example_of_the_rfc_is_sealed_to_the_byte() -> None:
    sealed = push_crypto.seal(PLAIN, RECEIVERS_POINT, AUTH, private=SENDER, salt=unb64(SALT))
    assert b64(sealed) == BODY
    assert push_crypto.public_key(SENDER) == SENDERS_POINT


def test_the_browser_of_these_tests_opens_the_example_of_the_rfc() -> None:
    assert b64(receiver().point) == RECEIVERS_POINT
    assert receiver().open(unb64(BODY)) == PLAIN


@given(st.binary(max_size=push_crypto.LONGEST))
def test_a_browser_opens_what_was_sealed_for_it(message: bytes) -> None:
    browser = Browser()
    sealed = push_crypto.seal(message, b64(browser.point), b64(browser.auth))
    assert browser.open(sealed) == message
    assert len(sealed) <= 4096


def test_the_same_message_is_never_sealed_twice_alike() -> None:
    browser = Browser()
    assert len({push_crypto.seal(PLAIN, b64(browser.point), b64(browser.auth)) for _ in range(5)}) == 5


def test_what_is_longer_than_push_services_take_is_refused() -> None:
    with pytest.raises(Refuse, match="3993"):
        push_crypto.seal(bytes(push_crypto.LONGEST + 1), RECEIVERS_POINT, AUTH)


@pytest.mark.parametrize(
    "wrong", ["", "x", "BP4z", RECEIVERS_POINT[:-4], "A" * 87, RECEIVERS_POINT.replace("C", "D", 1), "ß"]
)
def test_what_is_no_point_of_the_curve_is_refused(wrong: str) -> None:
    with pytest.raises(NoPoint):
        push_crypto.check_point(wrong)


def test_a_new_key_is_another_one_each_time_and_a_wrong_one_is_told() -> None:
    assert push_crypto.public_key(push_crypto.new_private_key()) != push_crypto.public_key(
        push_crypto.new_private_key()
    )
    for wrong in ("", "x!", "none", b64(bytes(32)), b64(bytes(31) + b"\x01" * 2)):
        with pytest.raises(NoPrivateKey):
            push_crypto.public_key(wrong)


def test_the_senders_word_is_for_one_service_and_names_where_we_are_found() -> None:
    said = push_crypto.authorization(
        SENDER, "https://push.example", "mailto:a@b.example", datetime(2026, 11, 26, tzinfo=UTC)
    )
    claims = unb64(said.split(".")[1]).decode()
    assert claims == '{"aud":"https://push.example","exp":1795694400,"sub":"mailto:a@b.example"}'
    assert said.endswith(f", k={SENDERS_POINT}")
