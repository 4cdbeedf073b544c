"""What the log says of one call: enough to ask the other side about it, and nothing of anybody.

What belongs here: the line, and by which id the other side knows a call. What does not: trying it (`client`).

A vendor's support finds a call by the id that stands in the answer's head, under a name of its own, or in the words of
an error; some have none but that of the front before them. It is logged of each call that failed or was slow, beside
our own, which goes along as `X-Request-Id`. Sources: shopify.dev "Response headers", docs.stripe.com "Request IDs",
twilio.com "Response headers", developers.facebook.com "Handle errors" (`fbtrace_id`), Etsy's and EasyPost's answers,
prodigi.com "Errors" (`traceParent`, W3C Trace Context).
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

SLOW_SECONDS = 5.0
# The names under which an answer's head says how its sender knows the call, the most telling first.
HEADERS = (
    "Request-Id",
    "X-Request-Id",
    "Twilio-Request-Id",
    "X-Etsy-Request-Uuid",
    "X-FB-Trace-ID",
    "X-FB-Request-ID",
    "X-Square-Request-Id",
    "Traceparent",
    # Of Cloudflare, before Square and others that say nothing themselves.
    "CF-Ray",
)
_IN_WORDS = re.compile(rb'"(?:fbtrace_id|traceParent|request_id)"\s*:\s*"([^"]{1,128})"')
# No blank, no line's end and no @: what is none of these is no id.
_ID = re.compile(r"[A-Za-z0-9._:/+=_-]{1,128}")

log = logging.getLogger("backroom.outgoing.client")


@dataclass(slots=True)
class CallLog:
    """The line of one try. `service`, `about` and `request_id` are those of the call."""

    service: str
    about: str
    request_id: str
    tried: int
    _began: float = field(default_factory=time.monotonic)
    _theirs: str = ""

    def hear(self, headers: Mapping[str, str], body: bytes = b"") -> None:
        """What the other side answered: its head (names in any case), and its words where there are any."""
        found = [headers[name] for name in HEADERS if name in headers]
        found += [one.decode("ascii", "replace") for one in _IN_WORDS.findall(body)]
        known = (one for one in found if _ID.fullmatch(one) and one != self.request_id)
        self._theirs = next(known, self._theirs)

    def write(self, outcome: str, *, failed: bool) -> None:
        """Write the line: a warning where it failed or was slow, with the other side's id."""
        took = time.monotonic() - self._began
        if not failed and took < SLOW_SECONDS:
            log.info("%s: %s (%s, request %s)", self.service, outcome, self.about, self.request_id)
            return
        log.warning(
            "%s: %s, try %d, %.1f s (%s, request %s, theirs %s)",
            self.service,
            outcome,
            self.tried,
            took,
            self.about,
            self.request_id,
            self._theirs or "none",
        )
