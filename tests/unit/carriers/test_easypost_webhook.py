"""EasyPost's events: right ones are read, wrong ones refused, whatever stands in them.

Our verdict on a signature is that of EasyPost's own library (`easypost.util.validate_webhook`), or a refusal that is
named here. `KNOWN` is for the secret `sécret`, written with one letter and with two.
"""

from __future__ import annotations

import json
import unicodedata

import pytest
from easypost.errors import SignatureVerificationError
from easypost.util import validate_webhook
from hypothesis import given, settings
from hypothesis import strategies as st

from backroom.carriers.easypost_webhook import HEADER, BadSignature, Told, read, verify
from backroom.domain.tracking import ParcelState
from tests.fake_easypost import FakeEasyPost, signature

SECRET = "sécret"
BODY = b'{"description":"tracker.updated","mode":"test","result":{"weight":614.4}}'
KNOWN = "hmac-sha256-hex=f9cd5541edfc525520a00b38937fe64084ae56944b5cbb45e4a4cfb59b889b79"
TRACKER = {"object": "Tracker", "shipment_id": "shp_1", "tracking_code": "9400", "status": "delivered"}


def ours(body: bytes, headers: dict[str, str], secret: str) -> bool:
    try:
        verify(body, headers, secret)
    except BadSignature:
        return False
    return True


def theirs(body: bytes, headers: dict[str, str], secret: str) -> bool:
    """The library's verdict; it knows the header by the name that EasyPost writes."""
    named = {{HEADER: "X-Hmac-Signature"}.get(name, name): told for name, told in headers.items()}
    try:
        validate_webhook(body, named, secret)
    except (SignatureVerificationError, TypeError):
        # What is not ASCII it cannot compare.
        return False
    return True


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_a_right_signature_is_accepted_however_the_secret_was_typed(form: str) -> None:
    typed = unicodedata.normalize(form, SECRET)
    assert ours(BODY, {HEADER: KNOWN}, typed)
    assert theirs(BODY, {HEADER: KNOWN}, typed)
    assert signature(BODY, SECRET) == KNOWN


WRONG = {
    "none": {},
    "empty": {HEADER: ""},
    "another secret": {HEADER: signature(BODY, "secret")},
    "another body": {HEADER: signature(BODY + b" ", SECRET)},
    "no scheme": {HEADER: KNOWN.removeprefix("hmac-sha256-hex=")},
    "another scheme": {HEADER: KNOWN.replace("sha256", "sha512")},
    "capitals": {HEADER: KNOWN.upper()},
    "cut off": {HEADER: KNOWN[:-1]},
    "more behind it": {HEADER: KNOWN + "0"},
    "not ASCII": {HEADER: KNOWN[:-1] + "é"},
    "under another name": {"x-hmac-sha256": KNOWN},
}


@pytest.mark.parametrize("headers", WRONG.values(), ids=WRONG)
def test_a_wrong_signature_is_refused_as_easyposts_library_does(headers: dict[str, str]) -> None:
    assert not ours(BODY, headers, SECRET)
    assert not theirs(BODY, headers, SECRET)


def test_without_a_secret_nothing_is_accepted_whatever_the_library_makes_of_it() -> None:
    assert theirs(BODY, {HEADER: signature(BODY, "")}, "")
    assert not ours(BODY, {HEADER: signature(BODY, "")}, "")


@given(
    st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3),
    st.text(min_size=1, max_size=12),
    st.sampled_from(["right", "cut", "capitals", "other body", "other secret", "any"]),
    st.text(max_size=20),
)
@settings(max_examples=300, deadline=None)
def test_our_verdict_on_any_event_is_that_of_easyposts_library(
    event: dict[str, str], secret: str, kind: str, junk: str
) -> None:
    body = json.dumps(event, ensure_ascii=False).encode()
    right = signature(body, secret + "x" if kind == "other secret" else secret)
    told = {"cut": right[:-1], "capitals": right.upper(), "any": junk}.get(kind, right)
    body += b" " if kind == "other body" else b""
    verdict = ours(body, {HEADER: told}, secret)
    assert verdict is theirs(body, {HEADER: told}, secret)
    assert verdict is (kind == "right")


def an_event(result: object, description: str = "tracker.updated", mode: str = "test") -> dict[str, object]:
    return {"object": "Event", "id": "evt_1", "description": description, "mode": mode, "result": result}


def test_what_a_tracker_tells_is_read_without_sentences_and_places() -> None:
    detail = {"status": "in_transit", "status_detail": "arrived_at_facility", "datetime": "2026-11-23T12:00:00Z"}
    tracker = TRACKER | {
        "status": "in_transit",
        "signed_by": "Zaphrodel",
        "tracking_details": [detail | {"message": "Left with Zaphrodel", "tracking_location": {"city": "HOUSTON"}}],
    }
    told = read(an_event(tracker), "test")
    assert isinstance(told, Told)
    assert (told.reference, told.tracking, told.events[0].state) == ("shp_1", "9400", ParcelState.IN_TRANSIT)
    assert "Zaphrodel" not in str(told)
    assert "HOUSTON" not in str(told)


@pytest.mark.parametrize(
    "event",
    [
        an_event(TRACKER, mode="production"),
        an_event(TRACKER, description="batch.updated"),
        an_event(None),
        an_event([]),
        an_event({"shipment_id": "../x"}),
        an_event({"shipment_id": None, "tracking_code": None}),
        an_event({"shipment_id": "shp_1", "status": "eaten"}, description="refund.successful"),
        [],
        None,
        7,
    ],
)
def test_what_is_about_nothing_of_ours_is_nothing(event: object) -> None:
    assert read(event, "test") is None


def test_a_refund_that_went_through_is_told() -> None:
    told = read(an_event({"shipment_id": "shp_1", "status": "refunded"}, "refund.successful"), "test")
    assert told is not None
    assert told.refund == "refunded"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    details=JSON
    | st.lists(st.fixed_dictionaries({"status": JSON, "status_detail": JSON, "datetime": JSON}), max_size=3),
    status=JSON,
    when=JSON,
)
def test_whatever_stands_in_a_tracker_it_is_read_or_left_out(details, status, when):
    tracker = TRACKER | {"tracking_details": details, "status": status, "updated_at": when}
    told = read(an_event(tracker), "test")
    assert told is not None
    assert all(event.at.tzinfo is not None for event in told.events)


def test_the_fakes_own_events_are_read() -> None:
    there = FakeEasyPost()
    body = there.event(TRACKER | {"updated_at": "2026-11-23T12:00:00Z"})
    told = read(json.loads(body), "test")
    assert told is not None
    assert told.events[0].state is ParcelState.DELIVERED
