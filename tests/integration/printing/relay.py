"""A bad line to a printer: a TCP relay that loses, delays or cuts what it is told to."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TypeAlias
from urllib.parse import urlsplit

ANSWER_S = 20.0


Fault: TypeAlias = Callable[[bytes, Callable[[bytes], bytes]], bytes | None]


def whole(request: bytes, ask: Callable[[bytes], bytes]) -> bytes | None:
    """A line without fault."""
    return ask(request)


def lose_the_answer(request: bytes, ask: Callable[[bytes], bytes]) -> bytes | None:
    ask(request)
    return None


def lose_the_request(request: bytes, ask: Callable[[bytes], bytes]) -> bytes | None:
    return None


def cut_in_the_document(request: bytes, ask: Callable[[bytes], bytes]) -> bytes | None:
    """The printer gets half of what follows the head, and then nothing more."""
    head = request.index(b"\r\n\r\n") + 4
    ask(request[: head + (len(request) - head) // 2])
    return None


def operation_of(request: bytes) -> int:
    """Which IPP operation an HTTP request asks for."""
    (operation,) = struct.unpack_from(">h", request.partition(b"\r\n\r\n")[2], 2)
    return int(operation)


class Relay:
    """Listens on a port of its own and passes each request on, save those of `operation`, which `fault` handles.

    Without an operation `fault` handles all. A line to a printer that is off is closed at once.
    """

    def __init__(self, printer_uri: str, operation: int | None, fault: Fault) -> None:
        self._printer = urlsplit(printer_uri)
        self._operation = operation
        self._fault = fault
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.uri = f"ipp://127.0.0.1:{self._listener.getsockname()[1]}{self._printer.path}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Relay:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(ANSWER_S)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client:
            while True:
                try:
                    request = read_message(client)
                except OSError:
                    return
                if not request:
                    return
                faulty = self._operation in (None, operation_of(request))
                try:
                    answer = (self._fault if faulty else whole)(request, self._ask)
                    if not answer:
                        return
                    client.sendall(answer)
                except OSError:
                    return

    def _ask(self, request: bytes) -> bytes:
        with socket.create_connection((self._printer.hostname or "", self._printer.port or 631)) as printer:
            printer.settimeout(ANSWER_S)
            printer.sendall(request)
            printer.shutdown(socket.SHUT_WR)
            return read_message(printer)


def read_message(connection: socket.socket) -> bytes:
    """One HTTP message with a Content-Length; empty when the other side has closed."""
    message = b""
    while b"\r\n\r\n" not in message:
        part = connection.recv(65536)
        if not part:
            return b""
        message += part
    head, _, _ = message.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    while len(message) < len(head) + 4 + length:
        part = connection.recv(65536)
        if not part:
            return b""
        message += part
    return message
