"""Running the gateway: one uvicorn in this process, on localhost unless told otherwise."""

from __future__ import annotations

import uvicorn

from backroom.engine.wake import this_waker
from backroom.gateway.app import create_app
from backroom.gateway.front import Waker
from backroom.shop.room import Room

HOST = "127.0.0.1"
PORT = 8600
# Longer than a commit may take, shorter than a supervisor waits before it kills.
STOP_SECONDS = 10


def server(room: Room, waker: Waker | None, host: str = HOST, port: int = PORT) -> uvicorn.Server:
    """A server that is ready to run; whoever runs it in a thread ends it with `should_exit`."""
    stopping: list[uvicorn.Server] = []
    app = create_app(room, waker, stopping=lambda: any(one.should_exit for one in stopping))
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    stopping.append(uvicorn.Server(config))
    return stopping[0]


def serve(room: Room, host: str = HOST, port: int = PORT) -> None:
    """Serve until SIGTERM or Ctrl-C; what was begun is answered, and owed wake-ups are sent, before it ends."""
    waker = this_waker()
    waker.look_around()
    try:
        server(room, waker, host, port).run()
    finally:
        waker.flush(STOP_SECONDS)
