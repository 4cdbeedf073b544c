"""What a channel's interface answers, read as strictly as what its webhooks bring.

What belongs here: the object of an answer, or the error that says there is none. What does not: what stands in it.
"""

from __future__ import annotations

from typing import Any

from backroom.channels.strict_json import BrokenJson, parse_json
from backroom.outgoing.errors import AnswerUnreadable


def object_of(body: bytes, service: str, about: str) -> dict[str, Any]:
    """The JSON object of an answer, numbers with a fraction as the text they were written in; AnswerUnreadable."""
    try:
        found = parse_json(body)
    except BrokenJson:
        found = None
    if not isinstance(found, dict):
        raise AnswerUnreadable(
            service, f"{service} answers something else than it documents ({about}).", remedy="Check the api's url."
        )
    return found
