"""An answer of another side, read whole and no larger than we take."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
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
