"""Twilio's signature: right ones pass, wrong ones do not, by the example of Twilio's own libraries."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.messaging.twilio_signature import is_signed, is_signed_body, sign
from tests import fake_twilio

TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = {
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
    "Caller": "+14158675309",
}
SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_the_example_of_twilios_own_libraries_is_signed() -> None:
    assert sign(TOKEN, URL, FORM.items()) == SIGNATURE
    assert is_signed(TOKEN, URL, SIGNATURE, FORM.items())


@pytest.mark.parametrize(
    ("token", "url", "signature", "form"),
    [
        ("12346", URL, SIGNATURE, FORM),
        ("", URL, SIGNATURE, FORM),
        (TOKEN, URL.replace("https", "http"), SIGNATURE, FORM),
        (TOKEN, URL + "3", SIGNATURE, FORM),
        (TOKEN, URL.partition("?")[0], SIGNATURE, FORM),
        (TOKEN, URL.replace("mycompany", "yourcompany"), SIGNATURE, FORM),
        (TOKEN, URL, SIGNATURE, FORM | {"Digits": "1235"}),
        (TOKEN, URL, SIGNATURE, FORM | {"New": ""}),
        (TOKEN, URL, SIGNATURE, {name: FORM[name] for name in list(FORM)[1:]}),
        (TOKEN, URL, "", FORM),
        (TOKEN, URL, "RSOYDt4T1cUTdK1PDd93/VVr8B8", FORM),
        (TOKEN, URL, SIGNATURE.lower(), FORM),
        (TOKEN, URL, "ß" + SIGNATURE, FORM),
        (TOKEN, "https://[::1/x", SIGNATURE, FORM),
    ],
)
def test_everything_else_is_not(token: str, url: str, signature: str, form: dict[str, str]) -> None:
    assert not is_signed(token, url, signature, form.items())


def test_the_usual_port_may_be_written_or_not() -> None:
    bare, with_port = "https://shop.example/messages/twilio", "https://shop.example:443/messages/twilio"
    assert is_signed(TOKEN, bare, sign(TOKEN, with_port, FORM.items()), FORM.items())
    assert is_signed(TOKEN, with_port, sign(TOKEN, bare, FORM.items()), FORM.items())


def test_a_parameter_that_comes_twice_counts_each_value_once() -> None:
    twice = [("A", "2"), ("A", "1"), ("A", "2")]
    assert sign(TOKEN, URL, twice) == sign(TOKEN, URL, [("A", "1"), ("A", "2")])
    assert sign(TOKEN, URL, twice) == sign(TOKEN, URL + "A1A2")


def test_a_body_that_is_no_form_is_signed_by_its_hash_in_the_address() -> None:
    body = b'{"property": "value"}'
    url = f"https://shop.example/x?bodySHA256={hashlib.sha256(body).hexdigest()}"
    assert is_signed_body(TOKEN, url, sign(TOKEN, url), body)
    assert not is_signed_body(TOKEN, url, sign(TOKEN, url), body + b" ")
    assert not is_signed_body(TOKEN, url, sign("other", url), body)
    bare = "https://shop.example/x"
    assert not is_signed_body(TOKEN, bare, sign(TOKEN, bare), body)


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=6), st.text(max_size=12))
def test_another_hand_after_the_same_document_signs_alike(form: dict[str, str], path: str) -> None:
    url = f"https://shop.example/{path}"
    assert sign(TOKEN, url, form.items()) == fake_twilio.signature(TOKEN, url, form)
