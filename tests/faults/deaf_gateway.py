"""An SMS gateway in this process that takes every message, and leaves some of them without an answer.

What belongs here: the gateway. What does not: what the shop makes of it (`test_unanswered`, `test_kills_outside`).
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

NEVER = 10**9


@dataclass
class DeafGateway:
    """An SMS gateway at `url` that takes every message, and leaves some without an answer the first time.

    It speaks as Kannel does (GET, no keys), and as a gateway with idempotency keys does (POST), which sends one message
    a key, however often it is asked. Of every `deaf_to` messages one gets no answer: its line is closed, or, where the
    gateway is `silent`, stays open until the other side hangs up, after so many seconds as are `waited`.
    """

    url: str
    deaf_to: int
    silent: bool = False
    waited: list[float] = field(default_factory=list)
    taken: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)

    def hear(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            while request := lines.readline().decode("ascii").split():
                headers = {}
                while line := lines.readline().strip():
                    name, _, value = line.decode("latin-1").partition(":")
                    headers[name.lower()] = value.strip()
                body = lines.read(int(headers.get("content-length", "0")))
                if request[0] == "GET":
                    # Each text names its order, and each order has one.
                    key = parse_qs(urlsplit(request[1]).query)["text"][0]
                else:
                    key = json.loads(body)["reference"]
                self.taken[key] += 1
                if request[0] == "GET" or self.taken[key] == 1:
                    self.sent[key] += 1
                if self.taken[key] == 1 and len(self.taken) % self.deaf_to == 0:
                    if self.silent:
                        began = time.monotonic()
                        # Whoever has waited long enough hangs up, and that is the end of the line.
                        lines.read(1)
                        self.waited.append(time.monotonic() - began)
                    return
                answer = b"202 Accepted\r\nContent-Length: 25\r\n\r\n0: Accepted for delivery\r\n"
                if request[0] == "POST":
                    answer = b'200 OK\r\nContent-Length: 12\r\n\r\n{"id": "77"}'
                connection.sendall(b"HTTP/1.1 " + answer)


@contextmanager
def deaf_gateway(deaf_to: int, *, silent: bool = False) -> Iterator[DeafGateway]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        gateway = DeafGateway(f"http://127.0.0.1:{listener.getsockname()[1]}/send", deaf_to, silent)

        def listen() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=gateway.hear, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield gateway
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(20)
