"""A medium whose provider cannot even be opened: each of its messages is told why, and the other media go on.

What belongs here: standing in for a messenger that nobody could make. What does not: making one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from backroom.domain.consent import Medium
from backroom.domain.errors import BackroomError
from backroom.messaging.base import OutgoingMessage, Sent


@dataclass(frozen=True, slots=True)
class Unopened:
    """Sends nothing, because of `error`.

    It knows nothing of keys, whatever the real one knows: what that one began stays begun until it can be asked.
    """

    medium: Medium
    error: BackroomError
    idempotent: bool = False

    def send(self, message: OutgoingMessage) -> Sent:
        raise self.error

    def send_many(self, messages: Sequence[OutgoingMessage]) -> list[Sent | BackroomError]:
        return [self.error] * len(messages)

    def find(self, message: OutgoingMessage, age: timedelta) -> Sent | None:
        raise self.error
