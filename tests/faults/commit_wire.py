"""The line to PostgreSQL, on which a process can be killed at one of its COMMITs: before the server has it, or after
the server has done it and before the process is told.

What belongs here: carrying a connection and knowing the COMMITs in it. What does not: whose they are, and what must
hold afterwards (`test_kills_on_the_wire`).

A kill around the call that commits, in the process itself, never meets these moments: there the server and the process
have always heard the same. After the start of a session every message is a letter and a length (PostgreSQL, Frontend/
Backend Protocol, "Message Formats"); psycopg commits by a simple Query.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from sqlalchemy.engine import make_url

_COMMIT = b"COMMIT\0"
_READY = b"Z\0\0\0\5"
# What may come before the start of a session: SSLRequest and GSSENCRequest, each answered by one letter.
_ASKED_BEFORE = {80877103, 80877104}
ANSWERS_WITHIN = 30.0
DEFAULT_PORT = 5432


@dataclass(frozen=True, slots=True)
class Moment:
    """At which COMMIT of the line its process dies, counted from 1; `done`: after the server has done it."""

    commit: int
    done: bool


class CommitLine:
    """Carries connections to the PostgreSQL of an address, whose own COMMITs it counts; `url` is the address by this
    line. `pid` names whoever dies at the `moment`; `answer` is what the server said to the COMMIT nobody heard of."""

    def __init__(self, url: str, moment: Moment | None = None, pid: Callable[[], int] | None = None) -> None:
        far = make_url(url)
        self._folder, self._host = str(far.query.get("host", "")), far.host or ""
        self._far_port = far.port or DEFAULT_PORT
        self._moment, self._pid = moment, pid
        self._lock = threading.Lock()
        self.commits = 0
        self.answer = b""
        self.killed = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        near = far.set(host="127.0.0.1", port=self._listener.getsockname()[1], query={})
        self.url = near.render_as_string(hide_password=False)

    def __enter__(self) -> CommitLine:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _connected(self) -> socket.socket:
        if not self._folder:
            return socket.create_connection((self._host, self._far_port))
        far = socket.socket(socket.AF_UNIX)
        far.connect(str(Path(self._folder) / f".s.PGSQL.{self._far_port}"))
        return far

    def _carry(self, near: socket.socket) -> None:
        with near, self._connected() as far:
            withheld, told = threading.Event(), threading.Event()
            threading.Thread(target=self._bring_back, args=(far, near, withheld, told), daemon=True).start()
            try:
                self._start(near, far)
                while True:
                    message = _message(near)
                    if message[0:1] == b"Q" and message[5:].upper() == _COMMIT and self._is_the_one():
                        self._kill_at(message, far, withheld, told)
                        return
                    far.sendall(message)
            except OSError:
                return
            finally:
                # The server hears of it as of any process that died; closing alone does not tell it while we read.
                with suppress(OSError):
                    far.shutdown(socket.SHUT_RDWR)

    def _start(self, near: socket.socket, far: socket.socket) -> None:
        while True:
            length = _read(near, 4)
            rest = _read(near, struct.unpack(">I", length)[0] - 4)
            far.sendall(length + rest)
            if struct.unpack_from(">I", rest)[0] not in _ASKED_BEFORE:
                return

    def _is_the_one(self) -> bool:
        with self._lock:
            self.commits += 1
            return self._moment is not None and self.commits == self._moment.commit

    def _kill_at(self, message: bytes, far: socket.socket, withheld: threading.Event, told: threading.Event) -> None:
        assert self._moment is not None
        assert self._pid is not None
        if self._moment.done:
            withheld.set()
            far.sendall(message)
            told.wait(ANSWERS_WITHIN)
        os.kill(self._pid(), signal.SIGKILL)
        self.killed += 1

    def _bring_back(
        self, far: socket.socket, near: socket.socket, withheld: threading.Event, told: threading.Event
    ) -> None:
        try:
            while data := far.recv(65536):
                if not withheld.is_set():
                    near.sendall(data)
                    continue
                self.answer += data
                if _READY in self.answer:
                    told.set()
            near.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


def _message(near: socket.socket) -> bytes:
    head = _read(near, 5)
    return head + _read(near, struct.unpack_from(">I", head, 1)[0] - 4)


def _read(near: socket.socket, many: int) -> bytes:
    whole = b""
    while len(whole) < many:
        part = near.recv(many - len(whole))
        if not part:
            raise ConnectionResetError
        whole += part
    return whole
