"""`python -m backroom.gateway`: serve the shop in BACKROOM_HOME at BACKROOM_HOST and BACKROOM_PORT."""

from __future__ import annotations

import os
import signal
import sys

from backroom.gateway.serve import HOST, PORT, serve
from backroom.shop.room import open_room


def main() -> None:
    # uvicorn ends gracefully and then raises the signal again: unhandled, it would cut off what is done at the end.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    room = open_room(door=True)
    try:
        serve(room, os.environ.get("BACKROOM_HOST") or HOST, int(os.environ.get("BACKROOM_PORT") or PORT))
    finally:
        room.close()


if __name__ == "__main__":
    main()
