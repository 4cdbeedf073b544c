"""A cable between two machines: a TCP proxy on a port of its own, which can be cut and mended.

What belongs here: bytes that arrive or do not. What does not: what they say; a relay that knows IPP stands beside the
tests of printers.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType

CHUNK = 65536
CONNECT_SECONDS = 5.0


class Cable:
    """Carries connections to a port of this machine, until `cut`, and again from `mend` on.

    Cut, it refuses new connections and resets those there are; cut silently, it takes and keeps them, and nothing
    arrives any more: that is how a radio link ends, or a tunnel whose far end is gone.
    """

    def __init__(self, port: int) -> None:
        self._far = ("127.0.0.1", port)
        self._lock = threading.Lock()
        self._ends: set[socket.socket] = set()
        self._whole = threading.Event()
        self._whole.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._silent = False

    def __enter__(self) -> Cable:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._whole.set()
        self._reset_all()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self, *, silent: bool) -> None:
        with self._lock:
            self._silent = silent
            self._whole.clear()
        if not silent:
            self._reset_all()

    def mend(self) -> None:
        """Carry again. What was open when it was cut is reset: nobody knows any more where it stood."""
        self._reset_all()
        self._whole.set()

    def _listen(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self._whole.is_set():
                if self._silent:
                    self._keep(near)
                else:
                    _reset(near)
                continue
            try:
                far = socket.create_connection(self._far, CONNECT_SECONDS)
            except OSError:
                _reset(near)
                continue
            far.settimeout(None)
            self._keep(near, far)
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        """Bytes of one direction; what arrives while the line is cut is lost with its connection."""
        with contextlib.suppress(OSError):
            while part := source.recv(CHUNK):
                if not self._whole.is_set():
                    return
                sink.sendall(part)
        if self._whole.is_set():
            for end in (source, sink):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            self._forget(source, sink)

    def _keep(self, *ends: socket.socket) -> None:
        with self._lock:
            self._ends.update(ends)

    def _forget(self, *ends: socket.socket) -> None:
        with self._lock:
            mine = self._ends.intersection(ends)
            self._ends -= mine
        for end in mine:
            end.close()

    def _reset_all(self) -> None:
        with self._lock:
            ends, self._ends = self._ends, set()
        for end in ends:
            _reset(end)


def _reset(end: socket.socket) -> None:
    # A reader in another thread is woken by this, and not by `close`.
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
