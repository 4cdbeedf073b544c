"""An answer of another side, read whole and no larger than we take."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

# A limit of so many calls a day is the longest that a service documents.
LONGEST_WAIT = timedelta(days=1)
_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (names in lower case) and body; `request_id` is what our log knows the call by."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    request_id: str = ""

    def json(self) -> Any:
        """The body's JSON, as `read_json` has it."""
        return read_json(self.body)

    def mapping(self) -> dict[str, Any]:
        """The body's JSON object; empty where it is anything else."""
        found = self.json()
        return found if isinstance(found, dict) else {}


def read_json(body: bytes) -> Any:
    """What another side says; None where it is no JSON. NaN and infinity are none, however they are written.

    What no database keeps is left out of its texts: NUL, and half a surrogate pair. One such answer would else undo the
    commit of all that came with it.
    """
    try:
        value = json.loads(body, parse_constant=_no_number, parse_float=_finite)
        return _kept(value) if _HARMFUL.search(body) else value
    except (ValueError, RecursionError):
        return None


# Either as an escape, or as bytes of UTF-8 that stand for half a pair.
_HARMFUL = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])|\xed[\xa0-\xbf]|\x00")


def _kept(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_kept(one) for one in value]
    if isinstance(value, dict):
        return {_kept(name): _kept(one) for name, one in value.items()}
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _no_number(word: str) -> float:
    raise ValueError(word)


def retry_after(text: str) -> timedelta | None:
    """What stands in the header of that name (RFC 9110 section 10.2.3), seconds or a date; `LONGEST_WAIT` at the most,
    for whoever writes nonsense there."""
    digits = text.strip()
    if digits.isascii() and digits.isdecimal():
        # More digits than a float holds are no number of seconds either.
        return LONGEST_WAIT if len(digits) > _DIGITS else min(timedelta(seconds=int(digits)), LONGEST_WAIT)
    try:
        left = parsedate_to_datetime(text) - datetime.now(UTC)
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(left, timedelta(0)), LONGEST_WAIT)
