"""Fetching a file from an address that somebody else wrote: a channel, a customer, a mail.

What belongs here: what such an address may be, and what is taken from it. What does not: calls to sides that the shop
file names (`client`), and what the file is (`backroom.printing.artwork`).

- https only, on its own port, without a login in it.
- The name is resolved once, every address it has must be of the open internet, and the connection goes to the address
  that was checked, with the certificate checked for the name: a name that points elsewhere a moment later (DNS
  rebinding) changes nothing.
- Each redirect is checked like the first address; three at the most.
- The whole, finding the name included, has a deadline and a largest size, and nothing is unpacked.
- Errors and the log's line name what it was for, and never the address: it may hold a customer's words.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from backroom.domain.errors import AskPerson, BackroomError, Retry
from backroom.outgoing.call_log import CallLog
from backroom.outgoing.deadline import SecurePool, over_by

SERVICE = "A file"
REDIRECTS = 3
PORT = 443
CONNECT_SECONDS, READ_SECONDS, ALL_SECONDS = 5.0, 10.0, 30.0
MOST_BYTES = 64 * 1024 * 1024
_CHUNK = 64 * 1024
_MOVED = frozenset({301, 302, 303, 307, 308})

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]


class AddressRefused(AskPerson):
    """Nothing is fetched from this address, whoever wrote it."""

    cause = "address_refused"


class NotThere(AskPerson):
    """Another side answers this address, and not with a file."""

    cause = "file_not_there"


class FileTooLarge(AskPerson):
    """It is larger than what is taken."""

    cause = "file_too_large"


class FetchAway(Retry):
    """Whoever has the file cannot be reached now, or sends it too slowly: that says nothing of the file."""

    cause = "file_away"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file as it was sent. `media_type` is what its sender says of it, which proves nothing."""

    content: bytes = field(repr=False)
    media_type: str


def is_public(address: Address) -> bool:
    """Whether an address is of the open internet, and so is whatever older address is wrapped in it."""
    if isinstance(address, ipaddress.IPv6Address):
        wrapped = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _NAT64 or address in _NAT64_LOCAL:
            wrapped.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if any(one is not None and not is_public(one) for one in wrapped):
            return False
        if address.ipv4_mapped is not None:
            return True
    return address.is_global and not address.is_multicast and not address.is_reserved


def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """Every address of a name, as this machine finds them."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches files. `resolve`, `may_connect` and `trusted` are how a name is found, which addresses are fine, and
    whose certificates are believed; `port` is the only one that is spoken to."""

    resolve: Resolve = resolve_by_system
    may_connect: Callable[[Address], bool] = is_public
    trusted: ssl.SSLContext | None = None
    port: int = PORT
    most_bytes: int = MOST_BYTES
    read_seconds: float = READ_SECONDS
    all_seconds: float = ALL_SECONDS

    def fetch(self, url: str, about: str) -> Fetched:
        """The file at an address; `about` is our id of what it is for. Raises one of the errors above."""
        line = CallLog(SERVICE, about, uuid.uuid4().hex[:16], 1)
        try:
            fetched = self._fetch(url, line)
        except BackroomError as error:
            line.write(error.cause, failed=True)
            raise
        line.write(f"{len(fetched.content)} bytes", failed=False)
        return fetched

    def _fetch(self, url: str, line: CallLog) -> Fetched:
        about = line.about
        until = time.monotonic() + self.all_seconds
        for _ in range(REDIRECTS + 1):
            answer = self._ask(url, line, until)
            if isinstance(answer, Fetched):
                return answer
            url = urljoin(url, answer)
        raise AddressRefused(f"The file for {about} is moved on too often.", remedy="Ask for its own address.")

    def _ask(self, url: str, line: CallLog, until: float) -> Fetched | str:
        """The file, or where it was moved to."""
        about = line.about
        host, target = self._read_address(url, about)
        address = self._checked_address(host, about, until)
        pool = SecurePool(
            address,
            self.port,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=self.read_seconds),
            retries=False,
            ssl_context=self.trusted or ssl.create_default_context(),
            server_hostname=host,
            assert_hostname=host,
        )
        try:
            # Nothing is unpacked: what says it is packed is refused.
            headers = {"Host": host, "User-Agent": "Backroom", "Accept-Encoding": "identity"}
            headers["X-Request-Id"] = line.request_id
            with over_by(until):
                response = pool.request(
                    "GET", target, headers=headers, redirect=False, preload_content=False, decode_content=False
                )
                line.hear(response.headers)
                try:
                    return self._take(response, about)
                finally:
                    response.close()
        except (TimeoutError, urllib3.exceptions.TimeoutError):
            if time.monotonic() < until:
                raise FetchAway(f"The file for {about} cannot be fetched now.") from None
            raise FetchAway(f"The file for {about} takes too long.", remedy="Ask for a smaller one.") from None
        except (HTTPError, OSError, ValueError):
            # Without its cause: the library's error quotes the address.
            raise FetchAway(f"The file for {about} cannot be fetched now.") from None
        finally:
            pool.close()

    def _take(self, response: urllib3.BaseHTTPResponse, about: str) -> Fetched | str:
        if response.status in _MOVED and (moved := response.headers.get("Location")):
            return moved
        if response.status == 429 or response.status >= 500:
            raise FetchAway(f"The file for {about} cannot be fetched now ({response.status}).")
        if response.status != 200:
            raise NotThere(
                f"The file for {about} is not there ({response.status}).", remedy="Ask for its address again."
            )
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise NotThere(f"The file for {about} comes packed.", remedy="Ask for the file itself.")
        length = response.headers.get("Content-Length", "")
        if length.isdecimal() and int(length) > self.most_bytes:
            raise self._too_large(about)
        parts, size = [], 0
        while part := response.read1(_CHUNK, decode_content=False):
            size += len(part)
            if size > self.most_bytes:
                raise self._too_large(about)
            parts.append(part)
        return Fetched(b"".join(parts), response.headers.get("Content-Type", "").partition(";")[0].strip().lower())

    def _too_large(self, about: str) -> FileTooLarge:
        most = self.most_bytes // 1024 // 1024
        return FileTooLarge(f"The file for {about} is larger than {most} MiB.", remedy="Ask for a smaller one.")

    def _read_address(self, url: str, about: str) -> tuple[str, str]:
        """Host and target of an address that is asked."""
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").encode("idna").decode("ascii")
            port = parts.port or (PORT if parts.scheme == "https" else 0)
        except (ValueError, UnicodeError):
            host, port = "", 0
        if not host or parts.scheme != "https" or port != self.port or parts.username is not None:
            raise AddressRefused(
                f"The address of the file for {about} is not one that is fetched.",
                remedy="Ask for an address that begins with https:// and has no login in it.",
            )
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return host, target

    def _checked_address(self, host: str, about: str, until: float) -> str:
        """The address that is connected to: all that the name has are of the open internet."""
        try:
            found = [ipaddress.ip_address(text.partition("%")[0]) for text in self._resolved(host, until)]
        except TimeoutError:
            raise FetchAway(f"The name in the address of the file for {about} is not found in time.") from None
        except OSError:
            raise FetchAway(f"The name in the address of the file for {about} is not known now.") from None
        except ValueError:
            found = []
        if not found or not all(self.may_connect(one) for one in found):
            raise AddressRefused(
                f"The address of the file for {about} leads into a private network.",
                remedy="Ask for one that anybody can open.",
            )
        return str(found[0])

    def _resolved(self, host: str, until: float) -> Sequence[str]:
        """Every address of a name; TimeoutError where they are not there by `until`."""
        answer: Future[Sequence[str]] = Future()

        def resolve() -> None:
            try:
                answer.set_result(self.resolve(host, self.port))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is raised in the thread that waits
                answer.set_exception(error)

        # The system's resolver knows no deadline of ours. A thread that waits for it is left to itself, and keeps no
        # process from ending.
        threading.Thread(target=resolve, name="resolve", daemon=True).start()
        return answer.result(max(0.0, until - time.monotonic()))


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
