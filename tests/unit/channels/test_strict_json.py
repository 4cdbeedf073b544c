"""JSON from strangers."""

from __future__ import annotations

import json
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.channels.strict_json import DEEPEST, BrokenJson, parse_json


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{}x",
        b"\xff{}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        rb'{"a": "\ud83d"}',
        rb'{"\udc00": 1}',
        b'{"a": 1, "a": 2}',
        b'{"a": ' + b"9" * 65 + b"}",
        b'{"a": 1.' + b"9" * 65 + b"}",
        b'{"a": "\x00"}',
        b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1),
        b"[" * 1_000_000,
        b'{"a":' * 1_000_000,
        '{"a": 1}'.encode("utf-16"),
    ],
    ids=lambda body: str(body[:24]),
)
def test_what_is_not_json_that_we_take_is_refused(body: bytes) -> None:
    with pytest.raises(BrokenJson):
        parse_json(body)


def test_numbers_with_a_fraction_stay_the_text_they_were_written_in() -> None:
    assert parse_json(b'{"a": 0.10, "b": 21.0084034, "c": 1e2, "d": 7}') == {
        "a": "0.10",
        "b": "21.0084034",
        "c": "1e2",
        "d": 7,
    }


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert parse_json(rb'{"note": "\ud83d\ude00"}') == {"note": "😀"}


def test_a_byte_order_mark_is_passed_over() -> None:
    assert parse_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_brackets_inside_text_are_not_depth() -> None:
    assert parse_json(json.dumps({"note": '[{"\\' * 500}).encode()) == {"note": '[{"\\' * 500}


def test_the_deepest_nesting_that_is_allowed_is_read() -> None:
    assert parse_json(b"[" * DEEPEST + b"]" * DEEPEST)


@pytest.mark.parametrize("body", [b'"' + b'\\"' * 500_000, b'"' * 1_000_001, b"\\" * 1_000_000, b'"\\' * 500_000])
def test_a_megabyte_of_quotes_takes_no_time(body: bytes) -> None:
    began = time.perf_counter()
    with pytest.raises(BrokenJson):
        parse_json(body)
    assert time.perf_counter() - began < 5


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_refused(body: bytes) -> None:
    with suppress(BrokenJson):
        json.dumps(parse_json(body))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.booleans())
def test_what_an_encoder_writes_is_read_as_it_was(value: object, ascii_only: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value
