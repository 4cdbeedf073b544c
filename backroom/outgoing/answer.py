"""An answer of another side, read whole and no larger than we take."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (names in lower case) and body; `request_id` is what our log knows the call by."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    request_id: str = ""

    def json(self) -> Any:
        """The body's JSON; None where it is none. NaN and infinity are none."""
        try:
            return json.loads(self.body, parse_constant=_no_number)
        except (ValueError, RecursionError):
            return None

    def mapping(self) -> dict[str, Any]:
        """The body's JSON object; empty where it is anything else."""
        found = self.json()
        return found if isinstance(found, dict) else {}


def _no_number(word: str) -> float:
    raise ValueError(word)


def retry_after(text: str) -> timedelta | None:
    """What stands in the header of that name (RFC 9110 section 10.2.3), seconds or a date; an hour at the most, for
    whoever writes nonsense there."""
    most = timedelta(hours=1)
    if text.strip().isdigit():
        return min(timedelta(seconds=int(text.strip()[:6])), most)
    try:
        left = parsedate_to_datetime(text) - datetime.now(UTC)
    except (ValueError, TypeError):
        return None
    return min(max(left, timedelta(0)), most)
