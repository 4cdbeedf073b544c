"""What another side says is read so that nothing in it can undo the commit that keeps it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.outgoing.answer import Answer, read_json

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
