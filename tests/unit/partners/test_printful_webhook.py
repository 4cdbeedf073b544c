"""Webhooks of Printful, version 2: a right signature is believed to be theirs, each of ten kinds of wrong ones is not.

Right ones are made as its documentation says ("Event signing"): HMAC-SHA256 of the raw body, under the secret that its
`secret_key` shows in hex. Bodies have the fields of its `Webhook`, `WebhookOrderData` and `WebhookShipmentData`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.signatures import BadSignature
from backroom.partners.printful import SIGNATURE, hinted, read_message
from backroom.partners.registry import MESSAGES

SECRET = "a01376f30766acf7f706cc84beb57b79f9779e4a3e79d5519b3a9069c2156807"
ORDER = {
    "id": 5001,
    "external_id": "partner-A-1-x",
    "status": "pending",
    "store_id": 12,
    "dashboard_url": "https://www.printful.com/dashboard?order_id=5001",
    "created_at": "2023-04-05T06:07:08Z",
    "updated_at": "2023-04-05T06:07:08Z",
}
SHIPMENT = {
    "id": 7,
    "status": "shipped",
    "store_id": 12,
    "tracking_number": "0000000000",
    "tracking_url": "https://www.fedex.com/fedextrack/?tracknumbers=0000000000",
    "created_at": "2023-04-05T06:07:08Z",
    "ship_date": "2023-03-21",
    "shipped_at": "2023-04-05T06:07:08Z",
    "reshipment": False,
}


def event(kind: str, **data: object) -> bytes:
    told = {"type": kind, "occurred_at": "2023-04-05T06:07:08Z", "retries": 2, "store_id": 12, "data": data}
    return json.dumps(told).encode()


BODY = event("order_updated", order=ORDER)


def sign(body: bytes = BODY, secret: bytes = bytes.fromhex(SECRET), how: str = "sha256") -> str:
    return hmac.new(secret, body, how).hexdigest()


def refused(signature: str | None, body: bytes = BODY, secret: str = SECRET) -> bool:
    try:
        read_message(body, {} if signature is None else {SIGNATURE: signature}, secret)
    except BadSignature:
        return True
    return False


def test_a_signed_message_says_whom_to_ask_about_and_nothing_of_it_is_taken_for_true() -> None:
    news = read_message(BODY, {SIGNATURE: sign()}, SECRET)
    assert (news.names, news.status, news.told) == (("partner-A-1-x", "5001"), None, {})
    assert MESSAGES["printful"] is read_message


def test_a_right_signature_is_accepted_in_any_spelling_of_its_hex() -> None:
    assert not refused(sign())
    assert not refused(sign().upper())
    assert not refused(sign(), secret=SECRET.upper())


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "",
        sign()[:-1],
        sign() + "0",
        sign(BODY + b" "),
        sign(secret=b"another"),
        # The secret as it is shown, and not as it is.
        sign(secret=SECRET.encode()),
        sign(how="sha1"),
        sign(how="sha512"),
        base64.b64encode(bytes.fromhex(sign())).decode(),
        f"sha256={sign()}",
        hashlib.sha256(bytes.fromhex(SECRET) + BODY).hexdigest(),
        f" {sign()}",
        sign()[::-1],
        "é" * 64,
        "0" * 64,
    ],
    ids=[
        "missing",
        "empty",
        "cut",
        "longer",
        "of another body",
        "under another secret",
        "under the secret's text",
        "of SHA-1",
        "of SHA-512",
        "in base64",
        "with a prefix",
        "a hash and no HMAC",
        "with a space",
        "backwards",
        "not in ASCII",
        "made of zeros",
    ],
)
def test_a_wrong_signature_is_refused(wrong: str | None) -> None:
    assert refused(wrong)


def test_a_body_that_was_changed_is_refused() -> None:
    for changed in (
        BODY + b"\n",
        BODY.replace(b"pending", b"failed"),
        b"",
        json.dumps(json.loads(BODY), indent=1).encode(),
    ):
        assert refused(sign(), changed)


@pytest.mark.parametrize("secret", ["", "not hex", "0", " ", SECRET + "w1"])
def test_a_secret_that_is_none_opens_to_nobody(secret: str) -> None:
    for signature in (sign(), sign(secret=b""), sign(secret=secret.encode()), ""):
        assert refused(signature, secret=secret)


@given(st.binary(max_size=200), st.text(max_size=80))
def test_nobody_guesses_a_signature(body: bytes, guess: str) -> None:
    assert refused(guess, body) or guess.lower() == sign(body)


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (event("order_failed", order=ORDER, reason="no such address"), ("partner-A-1-x", "5001")),
        (event("shipment_sent", shipment=SHIPMENT, order=ORDER), ("partner-A-1-x", "5001")),
        (event("order_updated", order=ORDER | {"external_id": None}), ("5001",)),
        # Version 1, which nobody signs.
        (json.dumps({"type": "package_shipped", "data": {"order": {"id": 5001}, "shipment": {}}}).encode(), ("5001",)),
    ],
)
def test_each_event_says_which_order_it_is_about(body: bytes, names: tuple[str, ...]) -> None:
    assert hinted(body) == names


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"[]",
        b"\xff" * 50,
        b'{"data": []}',
        b'{"data": {"order": [1]}}',
        b'{"data": {"order": {"id": true}}}',
        event("order_updated", order=ORDER | {"id": None, "external_id": "x" * 201}),
    ],
)
def test_what_is_about_no_order_hints_at_none(junk: bytes) -> None:
    assert hinted(junk) == ()
