"""IPP messages as bytes: requests with their attributes, and the answers to them (RFC 8010, section 3).

What belongs here: the binary form, and nothing about what an attribute means. What does not: operations, states and
what a printer supports (`ipp`).

It exists because pyipp drops attributes that it does not know when it writes a request, and misreads the group of
unsupported attributes in an answer: here every attribute that is asked is written, and every group is read.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

VERSION = (2, 0)


class Group(IntEnum):
    """Delimiter tags (RFC 8010, section 3.5.1)."""

    OPERATION = 0x01
    JOB = 0x02
    END = 0x03
    PRINTER = 0x04
    UNSUPPORTED = 0x05


class Tag(IntEnum):
    """Value tags (RFC 8010, section 3.5.2)."""

    UNSUPPORTED = 0x10
    UNKNOWN = 0x12
    NO_VALUE = 0x13
    INTEGER = 0x21
    BOOLEAN = 0x22
    ENUM = 0x23
    OCTETS = 0x30
    DATE_TIME = 0x31
    RESOLUTION = 0x32
    RANGE = 0x33
    BEGIN_COLLECTION = 0x34
    TEXT_WITH_LANGUAGE = 0x35
    NAME_WITH_LANGUAGE = 0x36
    END_COLLECTION = 0x37
    TEXT = 0x41
    NAME = 0x42
    KEYWORD = 0x44
    URI = 0x45
    URI_SCHEME = 0x46
    CHARSET = 0x47
    LANGUAGE = 0x48
    MIME_TYPE = 0x49
    MEMBER_NAME = 0x4A


_FIRST_VALUE_TAG = 0x10
_OUT_OF_BAND_BELOW = 0x20
_WORDS_FROM = 0x40
_LONGEST = 0x7FFF


class MessageError(ValueError):
    """These bytes are no IPP message, or this value cannot be written in one."""


@dataclass(frozen=True, slots=True)
class Range:
    """A rangeOfInteger, both ends included, e.g. of pages or copies."""

    lower: int
    upper: int


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection such as media-col: its members in order, collections among them."""

    members: tuple[Attribute, ...]


Value: TypeAlias = "int | bool | str | bytes | Range | Collection | None"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute: more than one value makes it a 1setOf."""

    name: str
    tag: Tag
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A printer's answer. `status` is its status code (RFC 8011, appendix B); each group maps names to values.

    A group that occurs several times (one a job) stands several times in `groups`, in order. Out-of-band values
    (unsupported, no-value) are None; what Backroom has no type for stays bytes.
    """

    status: int
    request_id: int
    groups: tuple[tuple[int, Mapping[str, tuple[Value, ...]]], ...]

    def all(self, group: Group) -> list[Mapping[str, tuple[Value, ...]]]:
        return [attributes for tag, attributes in self.groups if tag == group]

    def first(self, group: Group) -> Mapping[str, tuple[Value, ...]]:
        return next(iter(self.all(group)), {})


def attribute(tag: Tag, name: str, *values: Value) -> Attribute:
    return Attribute(name, tag, values)


def collection(name: str, *members: Attribute) -> Attribute:
    return Attribute(name, Tag.BEGIN_COLLECTION, (Collection(members),))


def encode(operation: int, request_id: int, groups: Sequence[tuple[Group, Sequence[Attribute]]]) -> bytes:
    """A request up to the end of its attributes: the document follows these bytes as it is.

    MessageError when a value does not fit its tag or is longer than RFC 8010 can carry.
    """
    parts = [struct.pack(">bbhi", *VERSION, operation, request_id)]
    for group, attributes in groups:
        parts.append(bytes([group]))
        parts += [_encode_attribute(one) for one in attributes]
    parts.append(bytes([Group.END]))
    return b"".join(parts)


def decode(message: bytes) -> Answer:
    """Read an answer; what follows its attributes is ignored. MessageError when it is cut off or malformed."""
    try:
        return _decode(message)
    except MessageError:
        raise
    except (struct.error, IndexError, ValueError, RecursionError) as error:
        raise MessageError(f"not an IPP message: {error}") from error


def _encode_attribute(one: Attribute) -> bytes:
    if not one.values:
        raise MessageError(f"{one.name} has no value")
    name = one.name
    parts = []
    for value in one.values:
        parts.append(_encode_value(one.tag, name, value))
        name = ""
    return b"".join(parts)


def _encode_value(tag: Tag, name: str, value: Value) -> bytes:
    if tag == Tag.BEGIN_COLLECTION and isinstance(value, Collection):
        members = b"".join(
            _field(Tag.MEMBER_NAME, "", member.name.encode())
            + _encode_attribute(Attribute("", member.tag, member.values))
            for member in value.members
        )
        return _field(tag, name, b"") + members + _field(Tag.END_COLLECTION, "", b"")
    if tag == Tag.BOOLEAN and isinstance(value, bool):
        return _field(tag, name, bytes([value]))
    if tag in (Tag.INTEGER, Tag.ENUM) and isinstance(value, int) and not isinstance(value, bool):
        return _field(tag, name, _integers(name, value))
    if tag == Tag.RANGE and isinstance(value, Range):
        return _field(tag, name, _integers(name, value.lower, value.upper))
    if tag >= _WORDS_FROM and isinstance(value, str):
        return _field(tag, name, value.encode())
    raise MessageError(f"{name} cannot be written as {tag.name}: {type(value).__name__}")


def _integers(name: str, *values: int) -> bytes:
    try:
        return struct.pack(f">{len(values)}i", *values)
    except struct.error as error:
        raise MessageError(f"{name} does not fit 32 bits") from error


def _field(tag: int, name: str, value: bytes) -> bytes:
    named = name.encode()
    if len(named) > _LONGEST or len(value) > _LONGEST:
        raise MessageError(f"{name[:40]} is longer than {_LONGEST} bytes")
    return struct.pack(">bh", tag, len(named)) + named + struct.pack(">h", len(value)) + value


def _decode(message: bytes) -> Answer:
    _, _, status, request_id = struct.unpack_from(">bbhi", message)
    groups: list[tuple[int, dict[str, tuple[Value, ...]]]] = []
    offset, name = 8, ""
    while (tag := message[offset]) != Group.END:
        if tag < _FIRST_VALUE_TAG:
            groups.append((tag, {}))
            offset, name = offset + 1, ""
            continue
        own_name, raw, offset = _read_field(message, offset)
        value, offset = _decode_value(tag, raw, message, offset)
        name = own_name or name
        if not groups or not name:
            raise MessageError("a value that belongs to no attribute")
        attributes = groups[-1][1]
        attributes[name] = (*attributes.get(name, ()), value)
    return Answer(status, request_id, tuple(groups))


def _read_field(message: bytes, offset: int) -> tuple[str, bytes, int]:
    (length,) = struct.unpack_from(">H", message, offset + 1)
    name = message[offset + 3 : offset + 3 + length].decode()
    offset += 3 + length
    (length,) = struct.unpack_from(">H", message, offset)
    value = message[offset + 2 : offset + 2 + length]
    if len(value) < length:
        raise MessageError("the message ends within a value")
    return name, value, offset + 2 + length


def _decode_value(tag: int, raw: bytes, message: bytes, offset: int) -> tuple[Value, int]:
    if tag == Tag.BEGIN_COLLECTION:
        return _decode_collection(message, offset)
    if tag < _OUT_OF_BAND_BELOW:
        return None, offset
    if tag in (Tag.INTEGER, Tag.ENUM):
        return struct.unpack(">i", raw)[0], offset
    if tag == Tag.BOOLEAN:
        return bool(raw[0]), offset
    if tag == Tag.RANGE:
        return Range(*struct.unpack(">ii", raw)), offset
    if tag in (Tag.TEXT_WITH_LANGUAGE, Tag.NAME_WITH_LANGUAGE):
        (language,) = struct.unpack_from(">H", raw)
        return raw[4 + language :].decode(), offset
    if tag >= _WORDS_FROM:
        return raw.decode(), offset
    return raw, offset


def _decode_collection(message: bytes, offset: int) -> tuple[Collection, int]:
    members: list[tuple[str, int, list[Value]]] = []
    while (tag := message[offset]) != Tag.END_COLLECTION:
        _, raw, offset = _read_field(message, offset)
        if tag == Tag.MEMBER_NAME:
            members.append((raw.decode(), message[offset], []))
            continue
        if not members:
            raise MessageError("a collection's value without a member name")
        value, offset = _decode_value(tag, raw, message, offset)
        members[-1][2].append(value)
    _, _, offset = _read_field(message, offset)
    return Collection(tuple(Attribute(name, Tag(tag), tuple(values)) for name, tag, values in members)), offset
