"""One moment by which a call has to be over, whatever the other side does.

What belongs here: keeping every wait on a connection's socket within what is left until then. What does not: how long
that is (`client`, `fetching`), and what it means that it passed.

A socket's own time-out is for each read, so whoever sends a byte now and then, of the head as of the body, would hold a
call for as long as he likes. Here each read and each send waits for what is left of the whole at the most. No thread
watches: it is the waiting call itself that ends. Finding a name and connecting know other limits: the resolver's, and
the time-out for each address that the name has.
"""

from __future__ import annotations

import io
import math
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http.client import HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from backroom.outgoing.unsent import NoTls

_until: ContextVar[float] = ContextVar("until", default=math.inf)


@contextmanager
def over_by(until: float) -> Iterator[None]:
    """Calls of this thread made in here, over the pools below, are over by `until` (of `time.monotonic`): what still
    waits then is a TimeoutError of its socket, which the libraries know as any other time-out."""
    before = _until.set(until)
    try:
        yield
    finally:
        _until.reset(before)


class HurriedReads(io.RawIOBase):
    """What a socket receives, until the moment that stands when a read begins. `each` is for one read, in seconds."""

    def __init__(self, inner: io.RawIOBase, sock: socket.socket, each: float | None) -> None:
        super().__init__()
        self._inner, self._sock, self._each = inner, sock, each

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int | None:
        hurry(self._sock, self._each)
        return self._inner.readinto(into)

    def close(self) -> None:
        self._inner.close()
        super().close()


def hurry(sock: socket.socket, each: float | None) -> None:
    """Let the socket's next wait be `each` seconds, and no longer than what is left; TimeoutError where nothing is."""
    left = _until.get() - time.monotonic()
    if left <= 0:
        raise TimeoutError("the whole call took too long")
    sock.settimeout(min(math.inf if each is None else each, left) if left < math.inf else each)


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self.fp = io.BufferedReader(HurriedReads(self.fp.detach(), sock, sock.gettimeout()))


class _Sends(HTTPConnection):
    response_class = _Response

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        hurry(self.sock, self.timeout)
        super().send(data)


class _SecureSends(_Sends, HTTPSConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except ssl.SSLError as error:
            if error.reason != "WRONG_VERSION_NUMBER":
                raise
            # Said here, before anything is sent: the same words within an answer say nothing of the kind.
            raise NoTls(*error.args) from None


class PlainPool(HTTPConnectionPool):
    """Connections that keep the moment, without TLS."""

    ConnectionCls = _Sends


class SecurePool(HTTPSConnectionPool):
    """Connections that keep the moment, over TLS."""

    ConnectionCls = _SecureSends


class HurriedAdapter(HTTPAdapter):
    """How a session of `requests` gets such connections: mounted for `http://` and `https://`."""

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
