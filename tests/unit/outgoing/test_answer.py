"""What another side says is read so that nothing in it can undo the commit that keeps it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.outgoing.answer import LONGEST_WAIT, Answer, read_json, retry_after

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_what_is_no_number_is_no_answer(number: str) -> None:
    body = b'{"revision": %s}' % number.encode()
    assert read_json(body) is None
    assert Answer(200, {}, body).mapping() == {}


@pytest.mark.parametrize(
    "written",
    [rb'"a\u0000b"', r'"a\u0000b"'.encode("utf-16"), b'"a\xed\xa0\x80b"', rb'"a\ud800b"'],
)
def test_what_no_database_keeps_is_left_out_of_texts(written: bytes) -> None:
    assert read_json(written) in ("ab", "a?b")


def test_a_name_is_mended_as_a_text_is() -> None:
    assert read_json(rb'{"a\u0000": ["\u0000", {"b": "\ud83d\ude00\udfff"}]}') == {"a": ["", {"b": "😀?"}]}


@given(VALUES)
def test_what_can_be_kept_comes_as_it_was_written(value: object) -> None:
    assert read_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe\xfa", b"[" * 100_000, b"9" * 5_000, b"<html>"])
def test_what_is_no_json_is_no_answer(body: bytes) -> None:
    assert read_json(body) is None


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120),
        (" 7200 ", 7200),
        ("0", 0),
        ("86400", 86400),
        ("900000", LONGEST_WAIT.total_seconds()),
        ("9" * 400, LONGEST_WAIT.total_seconds()),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT.total_seconds()),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
    ],
)
def test_how_long_to_wait_is_read_as_seconds_or_a_date_and_is_a_day_at_most(said: str, seconds: float) -> None:
    assert retry_after(said) == timedelta(seconds=seconds)


def test_a_date_ahead_is_what_is_left_until_then() -> None:
    ahead = datetime.now(UTC) + timedelta(hours=3)
    left = retry_after(format_datetime(ahead, usegmt=True))
    assert left is not None
    assert abs(left - timedelta(hours=3)) < timedelta(seconds=2)


@pytest.mark.parametrize("said", ["", "soon", "-5", "1.5", "²", "Sun, 99 Nov 2026 08:49:37 GMT"])
def test_what_says_no_time_asks_for_none(said: str) -> None:
    assert retry_after(said) is None
