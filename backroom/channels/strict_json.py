"""JSON from strangers, read so that nothing in it can hurt later: exact, bounded, storable.

What belongs here: bytes to plain values. What does not: what the values mean.

Refused: what is not UTF-8 (RFC 8259 section 8.1; a byte order mark is passed over), NaN and infinities, lone
surrogates (they can be stored nowhere), nesting deeper than 64, numbers of more than 64 characters, and a name twice
in one object: of two values one would be checked and masked, and the other stored.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from backroom.domain.errors import Refuse

DEEPEST = 64
LONGEST_NUMBER = 64

# Possessive, and with an optional end: text that never closes its quote takes linear time too.
_TOKENS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class BrokenJson(Refuse):
    """The body is not JSON that we take. The message names the place, never the content."""

    cause = "broken_json"


def parse_json(body: bytes) -> Any:
    """The value a body holds: dict, list, str, int, bool or None.

    A number with a fraction or an exponent is given as the text it was written in, so that money never passes through
    a float and `json.dumps` of the result loses nothing. Raises BrokenJson and nothing else.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BrokenJson(f"the body is not UTF-8 at byte {error.start}") from error
    _check_depth(text)
    try:
        value = json.loads(
            text, parse_int=_whole, parse_float=_fraction, parse_constant=_constant, object_pairs_hook=_unique
        )
    except json.JSONDecodeError as error:
        raise BrokenJson(f"the body is not JSON at line {error.lineno}, column {error.colno}") from error
    if _SURROGATE.search(text):
        _check_surrogates(value)
    return value


def _check_depth(text: str) -> None:
    # Before json.loads, which recurses: its depth would be Python's to bear.
    depth = 0
    for token in _TOKENS.finditer(text):
        first = text[token.start()]
        if first in "[{":
            depth += 1
            if depth > DEEPEST:
                raise BrokenJson(f"the body is nested deeper than {DEEPEST}")
        elif first in "]}":
            depth -= 1


def _check_surrogates(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise BrokenJson("the body holds half of a surrogate pair") from error


def _whole(text: str) -> int:
    return int(_bounded(text))


def _fraction(text: str) -> str:
    return _bounded(text)


def _bounded(text: str) -> str:
    if len(text) > LONGEST_NUMBER:
        raise BrokenJson(f"the body holds a number of more than {LONGEST_NUMBER} characters")
    return text


def _constant(text: str) -> NoReturn:
    raise BrokenJson(f"the body holds {text}, which is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) < len(pairs):
        raise BrokenJson("the body holds an object that has the same name twice")
    return names
