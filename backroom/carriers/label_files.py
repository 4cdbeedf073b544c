"""Labels that a carrier shows at an address: fetched from the hosts that are named, no larger and no longer than that.

What belongs here: the fetch, and whether what came is what it says. What does not: one carrier's words for where it is.
The address opens a label with somebody's name on it: it stands in no message and no row.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from urllib.parse import urlsplit

from PIL import Image

from backroom.outgoing.client import Account, Client, is_in_house
from backroom.outgoing.errors import AnswerUnreadable, ServiceSetup

MOST_BYTES = 4 * 1024 * 1024
READ_TIMEOUT = 20.0
# 4 × 6 inches at 600 dpi are 2400 × 3600.
MOST_PIXELS = 20_000_000
_PDF, _PNG = b"%PDF-", b"\x89PNG\r\n\x1a\n"


class LabelFiles:
    """Fetches for one service. `hosts` are host names, with their port where it is not the usual one."""

    def __init__(self, service: str, hosts: Sequence[str]) -> None:
        self._service = service
        self._hosts = frozenset(host.lower() for host in hosts)

    def fetch(self, url: str, *, about: str) -> tuple[str, bytes]:
        """The media type, by its content, and the label: `application/pdf` or `image/png`. AnswerUnreadable."""
        content = self._get(url, about)
        if content.startswith(_PDF):
            return "application/pdf", content
        if content.startswith(_PNG) and _is_picture(content):
            return "image/png", content
        raise self._unreadable(about)

    def zpl(self, url: str, *, about: str = "label") -> str:
        """The label as ZPL; AnswerUnreadable where it is none."""
        try:
            text = self._get(url, about).decode()
        except UnicodeDecodeError:
            raise self._unreadable(about) from None
        if "^XA" not in text or "^XZ" not in text:
            raise self._unreadable(about)
        return text

    def _get(self, url: str, about: str) -> bytes:
        parts = urlsplit(url)
        if not url or parts.netloc.lower() not in self._hosts or "@" in parts.netloc:
            raise ServiceSetup(
                self._service,
                f"{self._service} shows the label {about} at a host that is not allowed.",
                remedy="Look where its labels lie, and name the host in label_hosts.",
            )
        scheme = parts.scheme if parts.scheme == "https" or is_in_house(parts.hostname or "") else "https"
        account = Account(f"{self._service} labels", f"{scheme}://{parts.netloc}", read_timeout=READ_TIMEOUT)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        # No login goes along: the address itself is what opens it.
        with Client(account) as client:
            return client.call("GET", path, about=about, most_bytes=MOST_BYTES).body

    def _unreadable(self, about: str) -> AnswerUnreadable:
        return AnswerUnreadable(
            self._service,
            f"{self._service} shows something else than a label for {about}.",
            remedy="Open the shipment there. Its label is paid: press Retry when it can be seen.",
        )


def _is_picture(content: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(content)) as image:
            return image.format == "PNG" and image.width * image.height <= MOST_PIXELS
    except (OSError, ValueError, Image.DecompressionBombError):
        return False
