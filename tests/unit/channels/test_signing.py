"""Signatures of webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.channels.base import BadSignature
from backroom.channels.signing import sign, signature
from tests.unit.channels.samples import channel

SECRET = "hush"
BODY = b'{"id": 1, "note": "caf\xc3\xa9"}'
SIGNING = ("shopify", "woocommerce")
HEADER = {"shopify": "X-Shopify-Hmac-Sha256", "woocommerce": "X-WC-Webhook-Signature"}


def test_shopifys_own_test_vector_is_accepted() -> None:
    """Of shopify_api's test suite."""
    told = "hMTq0K2x7oyOjoBwGYeTj5oxfnaVYXzbanUG9aajpKI="
    channel("shopify").verify(b'"my secret message"', {"X-Shopify-Hmac-Sha256": told}, "hush")


@pytest.mark.parametrize("kind", SIGNING)
def test_what_we_sign_ourselves_is_accepted(kind: str) -> None:
    channel(kind).verify(BODY, sign(kind, BODY, SECRET), SECRET)


@pytest.mark.parametrize("spelling", ["X-WC-Webhook-Signature", "X-Wc-Webhook-Signature", "x-wc-webhook-signature"])
def test_the_spelling_of_the_header_does_not_matter(spelling: str) -> None:
    channel("woocommerce").verify(BODY, {spelling: signature(BODY, SECRET)}, SECRET)


RIGHT = signature(BODY, SECRET)
UNDER_NOTHING = base64.b64encode(hmac.digest(b"", BODY, hashlib.sha256)).decode()
DIGEST = hmac.digest(SECRET.encode(), BODY, hashlib.sha256)
WRONG = {
    "missing": None,
    "empty": "",
    "of another secret": signature(BODY, "hush!"),
    "of another body": signature(BODY + b" ", SECRET),
    "of the body without its bytes": signature(BODY.decode("utf-8").encode("latin-1"), SECRET),
    "in hex": DIGEST.hex(),
    "in url-safe base64 without padding": base64.urlsafe_b64encode(DIGEST).decode().rstrip("="),
    "of sha1": base64.b64encode(hmac.digest(SECRET.encode(), BODY, hashlib.sha1)).decode(),
    "a plain hash": base64.b64encode(hashlib.sha256(BODY).digest()).decode(),
    "cut short": RIGHT[:20],
    "with something behind it": RIGHT + "=",
    "in quotes": f'"{RIGHT}"',
    "with a scheme before it": f"sha256={RIGHT}",
    "in other letters": RIGHT.swapcase(),
    "not ASCII": "é" * 44,
    "of an empty secret": UNDER_NOTHING,
}


@pytest.mark.parametrize("kind", SIGNING)
@pytest.mark.parametrize("told", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_signature_is_refused(kind: str, told: str | None) -> None:
    headers = {} if told is None else {HEADER[kind]: told}
    with pytest.raises(BadSignature):
        channel(kind).verify(BODY, headers, SECRET)


@pytest.mark.parametrize("kind", SIGNING)
def test_a_channel_without_a_secret_takes_nothing(kind: str) -> None:
    with pytest.raises(BadSignature):
        channel(kind).verify(BODY, {HEADER[kind]: UNDER_NOTHING}, "")


@pytest.mark.parametrize("kind", ["pos", "csv"])
def test_a_channel_that_signs_nothing_takes_no_webhook(kind: str) -> None:
    with pytest.raises(BadSignature):
        channel(kind).verify(BODY, sign("shopify", BODY, SECRET), SECRET)
    with pytest.raises(ValueError, match="signs nothing"):
        sign(kind, BODY, SECRET)


@given(st.binary(min_size=1, max_size=200), st.data())
def test_the_signature_of_any_altered_body_is_refused(body: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(body) - 1))
    flipped = bytes([body[place] ^ data.draw(st.integers(1, 255))])
    altered = body[:place] + flipped + body[place + 1 :]
    with pytest.raises(BadSignature):
        channel("shopify").verify(altered, sign("shopify", body, SECRET), SECRET)


@given(st.binary(max_size=100), st.text(max_size=60))
def test_any_header_is_a_refusal_or_the_signature(body: bytes, told: str) -> None:
    if told != signature(body, SECRET):
        with pytest.raises(BadSignature):
            channel("woocommerce").verify(body, {"X-WC-Webhook-Signature": told}, SECRET)


def test_the_same_message_sent_again_is_the_same_delivery() -> None:
    shop = channel("shopify")
    first, again = (sign("shopify", BODY, SECRET, topic="orders/create") for _ in range(2))
    other = sign("shopify", BODY, SECRET, topic="orders/paid")
    assert shop.delivery_key({}, first, BODY) == shop.delivery_key({}, again, BODY)
    assert shop.delivery_key({}, first, BODY) != shop.delivery_key({}, other, BODY)
