"""Signatures of mapped shops: right ones accepted, ten kinds of wrong ones refused, against the makers' own code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from backroom.channels.base import BadSignature
from backroom.channels.mapped_signing import check_mapped
from backroom.domain.mapping import SignatureMapping

BODY, SECRET = b'{"id": 1, "name": "M\xc3\xb6we"}', "a secret of the shop"
KEY = base64.b64encode(b"thirty-two bytes of a shop's key").decode()
HEX = SignatureMapping("hmac-sha256", "X-Signature", "sha256=", "hex")
BASE64 = SignatureMapping("hmac-sha256", "X-Signature", "", "base64")
TIMED = SignatureMapping(
    "hmac-sha256", "X-Signature", "v0=", "hex", timestamp_header="X-Time", signed="v0:{timestamp}:{body}"
)
STANDARD = SignatureMapping("standard-webhooks")
TOKEN = SignatureMapping("token", "Authorization", "Bearer ")


def signed(how: SignatureMapping, body: bytes = BODY, at: int | None = None) -> dict[str, str]:
    """Made with the standard library alone, as a shop's programmer would."""
    stamp = str(at if at is not None else int(time.time()))
    if how is TOKEN:
        return {"Authorization": f"Bearer {SECRET}"}
    if how is STANDARD:
        when = datetime.fromtimestamp(int(stamp), UTC)
        signature = Webhook(KEY).sign("msg_1", when, body.decode())
        return {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": signature}
    if how is TIMED:
        made = hmac.new(SECRET.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        return {"X-Signature": "v0=" + made, "X-Time": stamp}
    made = hmac.new(SECRET.encode(), body, hashlib.sha256)
    told = "sha256=" + made.hexdigest() if how is HEX else base64.b64encode(made.digest()).decode()
    return {"X-Signature": told}


def secret_of(how: SignatureMapping) -> str:
    return "whsec_" + KEY if how is STANDARD else SECRET


def refused(how: SignatureMapping, headers: Mapping[str, str], body: bytes = BODY, secret: str | None = None) -> bool:
    try:
        check_mapped(how, body, headers, secret_of(how) if secret is None else secret)
    except BadSignature:
        return True
    return False


SCHEMES = {"hex": HEX, "base64": BASE64, "timed": TIMED, "standard": STANDARD, "token": TOKEN}
every_scheme = pytest.mark.parametrize("how", SCHEMES.values(), ids=SCHEMES.keys())


@every_scheme
def test_a_right_signature_is_accepted_in_any_spelling_of_its_header(how: SignatureMapping) -> None:
    headers = signed(how)
    assert not refused(how, headers)
    assert not refused(how, {name.lower(): value for name, value in headers.items()})
    assert not refused(how, {name.upper(): value for name, value in headers.items()})


@pytest.mark.parametrize("how", [HEX, BASE64, TIMED, STANDARD], ids=["hex", "base64", "timed", "standard"])
def test_a_body_that_was_changed_is_refused(how: SignatureMapping) -> None:
    assert refused(how, signed(how), BODY + b" ")
    assert refused(how, signed(how), b"")


@every_scheme
def test_another_secret_is_refused(how: SignatureMapping) -> None:
    other = "whsec_" + base64.b64encode(b"another").decode() if how is STANDARD else "another"
    assert refused(how, signed(how), secret=other)


@every_scheme
def test_no_secret_refuses_everything(how: SignatureMapping) -> None:
    assert refused(how, signed(how), secret="")


@every_scheme
def test_a_missing_or_empty_header_is_refused(how: SignatureMapping) -> None:
    headers = signed(how)
    for name in headers:
        assert refused(how, {key: value for key, value in headers.items() if key != name})
        assert refused(how, headers | {name: ""})


@every_scheme
def test_a_signature_that_is_cut_or_goes_on_is_refused(how: SignatureMapping) -> None:
    headers = signed(how)
    name = next(key for key in headers if key.lower() in ("x-signature", "webhook-signature", "authorization"))
    for told in (headers[name][:-1], headers[name] + "0", headers[name][1:], headers[name][::-1]):
        assert refused(how, headers | {name: told})


@pytest.mark.parametrize("how", [HEX, TIMED, STANDARD, TOKEN], ids=["hex", "timed", "standard", "token"])
def test_a_signature_without_its_prefix_is_refused(how: SignatureMapping) -> None:
    headers = signed(how)
    for prefix in ("sha256=", "v0=", "v1,", "Bearer "):
        bare = {name: value.removeprefix(prefix) for name, value in headers.items()}
        assert bare == headers or refused(how, bare)


@pytest.mark.parametrize("how", [HEX, BASE64], ids=["hex", "base64"])
def test_the_other_encoding_is_refused(how: SignatureMapping) -> None:
    made = hmac.new(SECRET.encode(), BODY, hashlib.sha256)
    other = base64.b64encode(made.digest()).decode() if how is HEX else made.hexdigest()
    assert refused(how, {"X-Signature": how.prefix + other})


def test_another_hash_is_refused() -> None:
    made = hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()
    assert refused(HEX, {"X-Signature": "sha256=" + made})
    assert refused(HEX, {"X-Signature": "sha1=" + made})


def test_hexadecimal_digits_may_be_capitals_and_the_prefix_may_not() -> None:
    told = signed(HEX)["X-Signature"]
    assert not refused(HEX, {"X-Signature": "sha256=" + told[7:].upper()})
    assert refused(HEX, {"X-Signature": told.upper()})


@pytest.mark.parametrize("how", [TIMED, STANDARD], ids=["timed", "standard"])
@pytest.mark.parametrize("late", [301, 86_400, -301])
def test_a_signature_of_another_time_is_refused(how: SignatureMapping, late: int) -> None:
    assert refused(how, signed(how, at=int(time.time()) - late))


@pytest.mark.parametrize("how", [TIMED, STANDARD], ids=["timed", "standard"])
def test_a_time_that_was_changed_is_refused(how: SignatureMapping) -> None:
    headers = signed(how, at=int(time.time()) - 60)
    name = "X-Time" if how is TIMED else "webhook-timestamp"
    for told in (str(int(time.time())), "now", "-1", "1e9", " ", "٣", "9" * 20):
        assert refused(how, headers | {name: told})


def test_an_id_that_was_changed_is_refused() -> None:
    assert refused(STANDARD, signed(STANDARD) | {"webhook-id": "msg_2"})


def test_one_right_signature_among_several_is_enough() -> None:
    headers = signed(STANDARD)
    told = headers["webhook-signature"]
    assert not refused(STANDARD, headers | {"webhook-signature": f"v1,AAAA {told} v2,xyz"})
    assert refused(STANDARD, headers | {"webhook-signature": f"v1,AAAA v2,{told[3:]}"})


def test_a_key_in_base64_or_hex_is_read_so() -> None:
    made = hmac.new(b"\x01\xff", BODY, hashlib.sha256).hexdigest()
    for form, secret in (("hex", "01ff"), ("base64", "Af8=")):
        how = SignatureMapping("hmac-sha256", "X-Signature", "", "hex", form)
        assert not refused(how, {"X-Signature": made}, secret=secret)
        assert refused(how, {"X-Signature": made}, secret="no such form!")


@given(st.text(max_size=30), st.sampled_from(["X-Signature", "webhook-signature", "Authorization"]))
def test_nothing_that_a_stranger_writes_passes_or_breaks_the_check(told: str, name: str) -> None:
    for how in (HEX, BASE64, TIMED, STANDARD, TOKEN):
        assert refused(how, signed(how) | {name: told}) or name not in signed(how)


@given(st.binary(max_size=200).filter(lambda body: not body or body.isascii()), st.booleans(), st.integers(-400, 400))
def test_it_says_what_the_specifications_own_library_says(body: bytes, tampered: bool, late: int) -> None:
    if 290 < abs(late) < 310:
        return
    headers = signed(STANDARD, body, int(time.time()) - late)
    sent = body + b"x" if tampered else body
    try:
        Webhook("whsec_" + KEY).verify(sent, headers)
        accepted = True
    except WebhookVerificationError:
        accepted = False
    except ValueError:
        # It reads the JSON after it has verified it.
        accepted = True
    assert refused(STANDARD, headers, sent) is not accepted
