"""IPP messages as bytes."""

from __future__ import annotations

import string
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.printing.encoding import (
    Attribute,
    Collection,
    Group,
    MessageError,
    Range,
    Tag,
    Value,
    attribute,
    collection,
    decode,
    encode,
)

numbers = st.integers(-(2**31), 2**31 - 1)
names = st.text(string.ascii_lowercase + "-", min_size=1, max_size=20)
WORDS = (Tag.TEXT, Tag.NAME, Tag.KEYWORD, Tag.URI, Tag.CHARSET, Tag.LANGUAGE, Tag.MIME_TYPE)


def one_attribute(inner: st.SearchStrategy[Value] | None = None) -> st.SearchStrategy[Attribute]:
    kinds: list[tuple[Tag, st.SearchStrategy[Value]]] = [
        (Tag.INTEGER, numbers),
        (Tag.ENUM, numbers),
        (Tag.BOOLEAN, st.booleans()),
        (Tag.RANGE, st.builds(Range, numbers, numbers)),
        *((tag, st.text(max_size=40)) for tag in WORDS),
    ]
    if inner is not None:
        kinds.append((Tag.BEGIN_COLLECTION, inner))
    return st.one_of(
        [
            st.builds(Attribute, names, st.just(tag), st.lists(values, min_size=1, max_size=3).map(tuple))
            for tag, values in kinds
        ]
    )


def collections(attributes: st.SearchStrategy[Attribute]) -> st.SearchStrategy[Value]:
    return st.builds(Collection, st.lists(attributes, max_size=4).map(tuple))


nested = one_attribute(collections(one_attribute(collections(one_attribute()))))


@given(st.lists(nested, max_size=5, unique_by=lambda one: one.name), numbers)
def test_what_is_encoded_is_read_back_with_every_collection_and_set(attributes: list[Attribute], number: int) -> None:
    answer = decode(encode(0x0005, number, [(Group.OPERATION, []), (Group.JOB, attributes)]) + b"a document")
    assert (answer.status, answer.request_id) == (0x0005, number)
    assert answer.first(Group.JOB) == {one.name: one.values for one in attributes}


def test_a_request_has_the_bytes_of_rfc_8010() -> None:
    message = encode(
        0x000B,
        1,
        [
            (
                Group.OPERATION,
                [
                    attribute(Tag.CHARSET, "attributes-charset", "utf-8"),
                    attribute(Tag.KEYWORD, "which", "a", "b"),
                    attribute(Tag.BOOLEAN, "fidelity", True),
                ],
            )
        ],
    )
    assert message == (
        b"\x02\x00\x00\x0b\x00\x00\x00\x01\x01"
        b"\x47\x00\x12attributes-charset\x00\x05utf-8"
        b"\x44\x00\x05which\x00\x01a\x44\x00\x00\x00\x01b"
        b"\x22\x00\x08fidelity\x00\x01\x01"
        b"\x03"
    )


def test_a_collection_has_the_bytes_of_rfc_8010() -> None:
    size = collection("media-size", attribute(Tag.INTEGER, "x-dimension", 6))
    message = encode(5, 1, [(Group.JOB, [collection("media-col", size)])])
    assert message[8:] == (
        b"\x02\x34\x00\x09media-col\x00\x00"
        b"\x4a\x00\x00\x00\x0amedia-size\x34\x00\x00\x00\x00"
        b"\x4a\x00\x00\x00\x0bx-dimension\x21\x00\x00\x00\x04\x00\x00\x00\x06"
        b"\x37\x00\x00\x00\x00\x37\x00\x00\x00\x00\x03"
    )


def test_unsupported_attributes_are_read_as_a_group_of_their_own() -> None:
    answer = decode(
        b"\x02\x00\x04\x0b\x00\x00\x00\x01\x01\x05\x10\x00\x05sides\x00\x00\x21\x00\x06copies\x00\x04\0\0\0\x09\x03"
    )
    assert answer.first(Group.UNSUPPORTED) == {"sides": (None,), "copies": (9,)}


def test_jobs_are_read_one_group_each() -> None:
    job = b"\x02\x21\x00\x06job-id\x00\x04\x00\x00\x00"
    answer = decode(b"\x02\x00\x00\x00\x00\x00\x00\x01" + job + b"\x01" + job + b"\x02\x03")
    assert [one["job-id"] for one in answer.all(Group.JOB)] == [(1,), (2,)]


@given(nested, st.data())
def test_an_answer_that_is_cut_off_is_never_taken_for_a_whole_one(one: Attribute, data: st.DataObject) -> None:
    message = encode(0, 1, [(Group.JOB, [one])])
    with pytest.raises(MessageError):
        decode(message[: data.draw(st.integers(0, len(message) - 1))])


def test_collections_without_an_end_are_no_way_to_exhaust_us() -> None:
    with pytest.raises(MessageError):
        decode(
            b"\x02\x00\x00\x00\x00\x00\x00\x01\x02\x34\x00\x01a\x00\x00"
            + b"\x4a\x00\x00\x00\x01b\x34\x00\x00\x00\x00" * 5000
        )


@given(st.binary(max_size=200).map(lambda noise: b"\x02\x00\x00\x00\x00\x00\x00\x01\x02" + noise))
def test_any_bytes_are_an_answer_or_a_message_error(noise: bytes) -> None:
    try:
        decode(noise)
    except MessageError:
        return


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: attribute(Tag.INTEGER, "copies", "two"),
        lambda: attribute(Tag.INTEGER, "copies", 2**31),
        lambda: attribute(Tag.INTEGER, "copies", True),
        lambda: attribute(Tag.KEYWORD, "sides", 2),
        lambda: attribute(Tag.KEYWORD, "sides"),
        lambda: attribute(Tag.TEXT, "note", "x" * 40_000),
    ],
)
def test_a_value_that_does_not_fit_is_an_error_and_is_not_dropped(wrong: Callable[[], Attribute]) -> None:
    with pytest.raises(MessageError):
        encode(5, 1, [(Group.JOB, [wrong()])])
