"""Signatures, held against the vendors' own libraries: our verdict is theirs, or a refusal that is named here."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook
from twilio.request_validator import RequestValidator, get_signature_algorithm

from backroom.domain import signatures
from backroom.domain.signatures import BadSignature
from tests.signed_calls import (
    BODY,
    CASES,
    FORM,
    NOW,
    SCHEMES,
    SECRET,
    URL,
    WRONG,
    Call,
    Fields,
    hmac_hex,
    ours,
    signed,
    theirs,
)


@pytest.mark.parametrize("name", SCHEMES)
def test_what_the_vendors_library_signs_is_accepted_by_us_and_what_we_sign_is_the_same(name: str) -> None:
    right = signed(name)
    assert theirs(name, right)
    assert ours(name, right)
    assert SCHEMES[name].by_us(right, SCHEMES[name].secret, NOW) == right.told


@pytest.mark.parametrize(
    ("name", "make"), [(n, m) for n, _, m in CASES], ids=[f"{n}: {label}" for n, label, _ in CASES]
)
def test_every_wrong_kind_is_refused_by_the_vendors_library_and_by_us(
    name: str, make: Callable[[str, Call], Call]
) -> None:
    if name == "stripe" and make is WRONG["two signatures in one header"]:
        pytest.skip("Stripe's header may hold several signatures: see the test of a rolled secret")
    wrong = make(name, signed(name))
    assert not theirs(name, wrong)
    assert not ours(name, wrong)


@pytest.mark.parametrize("name", [name for name, one in SCHEMES.items() if one.timed])
def test_a_time_ahead_is_refused_though_stripes_library_takes_it(name: str) -> None:
    """Stricter than Stripe's: a header of tomorrow could be kept and sent again for a day."""
    ahead = signed(name, at=NOW + 301)
    assert theirs(name, ahead) is (name == "stripe")
    assert not ours(name, ahead)


@pytest.mark.parametrize("name", [name for name, one in SCHEMES.items() if one.timed])
@pytest.mark.parametrize("age", [-300, -1, 0, 1, 299, 300])
def test_a_message_of_the_last_five_minutes_is_accepted(name: str, age: int) -> None:
    assert ours(name, signed(name, at=NOW - age))
    assert theirs(name, signed(name, at=NOW - age))


@pytest.mark.parametrize("name", SCHEMES)
def test_nothing_is_signed_under_an_empty_secret(name: str) -> None:
    for secret in ("", " "):
        with pytest.raises(BadSignature):
            SCHEMES[name].ours(Call("v1,abcd"), secret)
        with pytest.raises(BadSignature):
            SCHEMES[name].by_us(Call(""), secret, NOW)


@pytest.mark.parametrize("name", ["square", "twilio", "hub", "stripe"])
def test_a_header_of_any_characters_is_a_refusal_and_never_a_crash(name: str) -> None:
    for told in ("é" * 44, "\ud800", "t=1,v1=é", "\x00", "t=9999999999999999,v1=00", "t=,v1=", "=", ",,,"):
        assert not ours(name, Call(told))


# While a secret is rolled, Stripe signs with the old and the new one; standardwebhooks.com says the same.
def test_one_right_signature_among_several_is_enough() -> None:
    right = signatures.stripe(BODY, SECRET, NOW).partition(",")[2]
    other = signatures.stripe(BODY, "the new secret", NOW)
    for told in (f"{other},{right}", f"t={NOW},{right},v1=00,v0=11", f"v0=00,{right},t={NOW}"):
        assert ours("stripe", Call(told))
        assert theirs("stripe", Call(told))
    mine = signed("standard").told
    for told in (f"v1,AAAA {mine}", f"{mine} v1a,BBBB", f"v2,CCCC {mine}"):
        assert ours("standard", Call(told))
        assert theirs("standard", Call(told))


def test_a_right_signature_under_a_scheme_that_we_do_not_ask_for_counts_for_nothing() -> None:
    right = signatures.stripe(BODY, SECRET, NOW).rpartition("v1=")[2]
    told = f"t={NOW},v0={right},v1={'0' * 64}"
    assert not ours("stripe", Call(told))
    assert not theirs("stripe", Call(told))


# Of Twilio's own test suite.
TWILIO_URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
TWILIO_FORM = (
    ("CallSid", "CA1234567890ABCDE"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
    ("Caller", "+14158675309"),
)
TWILIO_TOLD = "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_twilios_own_test_vector_is_accepted_with_and_without_its_port() -> None:
    assert signatures.twilio(TWILIO_URL, TWILIO_FORM, "12345") == TWILIO_TOLD
    for url in (TWILIO_URL, TWILIO_URL.replace(".com", ".com:443"), TWILIO_URL.replace(".com", ".com:8443")):
        call = Call(TWILIO_TOLD, url=url, form=TWILIO_FORM)
        assert ours("twilio", call, "12345") is theirs("twilio", call, "12345") is True


def test_shopifys_own_test_vector_is_what_we_make_of_it() -> None:
    assert signatures.in_base64("hush", b'"my secret message"') == "hMTq0K2x7oyOjoBwGYeTj5oxfnaVYXzbanUG9aajpKI="


def test_a_body_that_is_no_form_is_covered_by_its_hash_in_twilios_url() -> None:
    url = f"{URL}&bodySHA256={hashlib.sha256(BODY).hexdigest()}"
    told = signatures.twilio(url, (), SECRET)
    for body, right in ((BODY, True), (BODY + b" ", False)):
        assert RequestValidator(SECRET).validate(url, body.decode(), told) is right
        if right:
            signatures.check_twilio(told, url, (), SECRET, body=body)
        else:
            with pytest.raises(BadSignature):
                signatures.check_twilio(told, url, (), SECRET, body=body)
    with pytest.raises(BadSignature):
        signatures.check_twilio(signatures.twilio(URL, (), SECRET), URL, (), SECRET, body=BODY)


@pytest.mark.parametrize(
    "header", ["", "key=k1,algorithm=HMAC_SHA256", "key=k1,algorithm=hmac_sha1", "key=k1, algorithm=HMAC_MD5"]
)
def test_twilios_settings_header_names_the_algorithm_and_an_unknown_one_is_refused(header: str) -> None:
    for algorithm in ("sha1", "sha256"):
        told = signatures.twilio(URL, FORM, SECRET, algorithm)
        verdict = RequestValidator(SECRET).validate(URL, Fields(FORM), told, get_signature_algorithm(header))
        try:
            signatures.check_twilio(told, URL, FORM, SECRET, settings=header)
            mine = True
        except BadSignature:
            mine = False
        assert mine is verdict


names = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=6)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=30)
bodies = st.text(st.characters(exclude_categories=("Cs",)), max_size=60).map(str.encode)
secrets = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=40)


@st.composite
def stripe_headers(draw: st.DrawFn) -> tuple[str, bytes, str]:
    """Headers as Stripe composes them, with right, wrong and misplaced parts in any order."""
    body, secret = draw(bodies), draw(secrets)
    at = NOW - draw(st.integers(-300, 400))
    right = hmac_hex(secret, b"%d.%s" % (at, body))
    signature = st.sampled_from([right, right.upper(), right[:-1], hmac_hex("x" + secret, body), ""])
    part = st.one_of(
        st.just(f"t={at}"),
        st.builds("t={}".format, st.integers(NOW - 400, NOW)),
        st.builds("v1={}".format, signature),
        st.builds("v0={}".format, signature),
        st.builds("{}={}".format, names, names),
    )
    return ",".join(draw(st.lists(part, min_size=1, max_size=5))), body, secret


@given(stripe_headers())
@settings(max_examples=400, deadline=None)
def test_our_verdict_on_any_stripe_header_is_that_of_stripes_library(one: tuple[str, bytes, str]) -> None:
    told, body, secret = one
    call = Call(told, body=body)
    assert ours("stripe", call, secret) is theirs("stripe", call, secret)


@given(bodies, secrets, texts, st.sampled_from(["right", "cut", "case", "other body", "any"]))
@settings(max_examples=300, deadline=None)
def test_our_verdict_on_any_square_message_is_that_of_squares_library(
    body: bytes, secret: str, junk: str, kind: str
) -> None:
    right = base64.b64encode(bytes.fromhex(hmac_hex(secret, URL.encode() + body))).decode()
    told = {"right": right, "cut": right[:-2], "case": right.lower(), "any": junk}.get(kind, right)
    call = Call(told, body=body + b"?" if kind == "other body" else body)
    assert ours("square", call, secret) is theirs("square", call, secret)


@given(
    st.lists(st.tuples(names, texts), max_size=5),
    secrets,
    st.sampled_from(
        ["https://a.example/x", "https://a.example:8443/x?q=1", "http://a.example", "http://a.example:80/"]
    ),
    st.sampled_from(["right", "cut", "other field", "other host"]),
)
@settings(max_examples=300, deadline=None)
def test_our_verdict_on_any_twilio_form_is_that_of_twilios_library(
    form: list[tuple[str, str]], secret: str, url: str, kind: str
) -> None:
    right = RequestValidator(secret).compute_signature(url, Fields(tuple(form)))
    fields = [*form, ("Z", "1")] if kind == "other field" else form
    call = Call(
        right[:-3] if kind == "cut" else right,
        form=tuple(fields),
        url=url.replace("a.ex", "b.ex") if kind == "other host" else url,
    )
    assert ours("twilio", call, secret) is theirs("twilio", call, secret)


@given(
    bodies,
    st.binary(min_size=1, max_size=40),
    st.integers(NOW - 400, NOW + 400),
    st.lists(st.sampled_from(["right", "cut", "other", "v1a", "v2"]), min_size=1, max_size=4),
    names,
)
@settings(max_examples=300, deadline=None)
def test_our_verdict_on_any_standard_webhook_is_that_of_its_library(
    body: bytes, key: bytes, at: int, kinds: list[str], message_id: str
) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    if not key.strip():
        return
    right = Webhook(secret).sign(message_id, datetime.fromtimestamp(at, tz=UTC), body.decode()).removeprefix("v1,")
    made = {
        "right": f"v1,{right}",
        "cut": f"v1,{right[:-8]}",
        "other": "v1," + base64.b64encode(b"0" * 32).decode(),
        "v1a": f"v1a,{right}",
        "v2": f"v2,{right}",
    }
    call = Call(" ".join(made[kind] for kind in kinds), body=body, id=message_id, time=str(at))
    assert ours("standard", call, secret) is theirs("standard", call, secret)


@pytest.mark.parametrize("told", ["t= {n},v1={s}", "t=+{n},v1={s}", "t={n}.0,v1={s}", "t={n},v1={s}=x"])
def test_a_stripe_header_that_is_almost_right_is_refused_whatever_the_library_makes_of_it(told: str) -> None:
    right = signatures.stripe(BODY, SECRET, NOW).rpartition("v1=")[2]
    assert not ours("stripe", Call(told.format(n=NOW, s=right)))


@pytest.mark.parametrize("told", ["v1,{s}!", "v1, {s}", "v1,{s},x", "v1,{s} junk", "v1.{s}"])
def test_a_standard_signature_that_only_decodes_to_the_right_one_is_refused(told: str) -> None:
    right = signed("standard").told.removeprefix("v1,")
    assert not ours("standard", Call(told.format(s=right)))


@pytest.mark.parametrize("secret", ["whsec_not base64!", "whsec_", "é"])
def test_a_standard_secret_that_is_none_refuses_everything(secret: str) -> None:
    assert not ours("standard", signed("standard"), secret)
