"""Addresses under which a partner fetches an artwork from our gateway: signed, for one file's bytes, and for a while.

What belongs here: making and checking them. What does not: serving the file (`backroom.gateway.artworks`).

Nobody can guess one, ask for another file with one, or use one after its time; a file that was changed since is not
served under the old address, so that a partner never prints something else than was asked.
"""

from __future__ import annotations

import hmac
import re
from datetime import datetime, timedelta
from urllib.parse import quote

from backroom.domain.errors import Refuse
from backroom.store.seals import Seals

# Partners fetch within minutes; some again when they print.
LASTS = timedelta(days=14)
_OURS = re.compile(r"/artworks/([0-9a-f]{64})\.png(\?|$)")


class BadArtworkUrl(Refuse):
    """An address that we did not make, or whose time is over."""

    cause = "bad_artwork_url"


def artwork_url(base: str, seals: Seals, sha256: str, name: str, at: datetime) -> str:
    """The address of an artwork below the gateway's public `base`, from now on."""
    until = int((at + LASTS).timestamp())
    sign = seals.digest("artwork", _signed(sha256, name, until))
    return f"{base.rstrip('/')}/artworks/{sha256}.png?name={quote(name, safe='')}&until={until}&sign={sign}"


def check(seals: Seals, sha256: str, name: str, until: int, sign: str, at: datetime) -> None:
    """Raise BadArtworkUrl unless we made this address, and its time is not over."""
    right = seals.digest("artwork", _signed(sha256, name, until))
    if not hmac.compare_digest(sign.encode("utf-8", "surrogatepass"), right.encode()) or at.timestamp() > until:
        raise BadArtworkUrl("there is nothing at this address")


def sha256_in(url: object) -> str | None:
    """The artwork that an address of ours is of; None for any other address, of which nothing can be said."""
    found = _OURS.search(url) if isinstance(url, str) else None
    return found[1] if found else None


def _signed(sha256: str, name: str, until: int) -> str:
    return f"{sha256}\n{until}\n{name}"
