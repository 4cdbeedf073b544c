"""A consent as a channel states it, with the words that were read beside it.

What belongs here: when a tick counts as a consent. What does not: where each channel says it (its own module), and
whether a message may go (`backroom.domain.consent`).

Who was asked what must be known: a yes whose words neither the message nor the shop file has is none. Where somebody
gave what the shop's own messages about the order go to, a description of that stands in. A no needs no words, for it
only takes away.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from backroom.domain.channels import ChannelSpec
from backroom.domain.model import StatedConsent


def state(
    spec: ChannelSpec,
    medium: str,
    purpose: str,
    granted: bool,
    source: str,
    at: datetime,
    *,
    wording: str = "",
    described: str = "",
) -> Iterator[StatedConsent]:
    """The consent, or nothing. `wording` is what the message says was read; the shop file's words stand in for it, and
    for these what was done, as it is `described`."""
    wording = wording or spec.wordings.get(f"{medium}_{purpose}", "") or described
    if wording or not granted:
        yield StatedConsent(medium, purpose, granted, source, wording, at)
