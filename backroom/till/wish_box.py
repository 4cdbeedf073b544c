"""What customers asked for at the till: SMS, with a sale or beside one, and the codes they read out. Each is a sealed
file.

What belongs here: keeping, listing and dropping them. What does not: what they say (`page`), and telling (`telling`). A
wish has a key of its own, under which the shop counts it once, however often it is told. What the shop cannot open has
no other copy: it stays, set aside, until somebody has it told again.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from backroom.durable import flush, write_durably
from backroom.till.sealed_sale import seal_wish

_FILE = re.compile(r"(\d{20})-([0-9a-f]{32})\.(wish|aside)")


@dataclass(frozen=True, slots=True)
class KeptWish:
    """A sealed wish that the shop has not confirmed."""

    key: str
    sealed: str


class WishBox:
    """The wishes of one till, in the folder of its sales, whose lock keeps other processes away. Threads may share
    it."""

    def __init__(self, folder: Path, device: str) -> None:
        self._folder = folder
        self._device = device
        self._guard = threading.Lock()

    def add(self, public: str, wish: Mapping[str, str], *, form: str = "") -> None:
        """Seal a wish and keep it; it is on the disk when this returns.

        `form` is the one-time id of the form of a sale that it came with: what comes twice is one wish.
        """
        key = hashlib.sha256(form.encode()).hexdigest()[:32] if form else uuid.uuid4().hex
        path = self._folder / f"{time.time_ns():020}-{key}.wish"
        with self._guard:
            if key in self._paths("wish") or key in self._paths("aside"):
                return
            write_durably(path, seal_wish(public, self._device, key, wish).encode())
            flush(self._folder)

    def waiting(self, most: int = 0) -> list[KeptWish]:
        """What the shop has not confirmed, oldest first: so a number comes before its code."""
        with self._guard:
            found = sorted(self._paths("wish").items(), key=lambda one: one[1].name)
            return [KeptWish(key, path.read_text("ascii")) for key, path in found[: most or None]]

    def told(self, key: str) -> None:
        """The shop has this one, or will not take it. Safe to do again."""
        with self._guard:
            path = self._paths("wish").get(key)
            if path is not None:
                path.unlink()
                flush(self._folder)

    def set_aside(self, key: str) -> None:
        """The shop cannot open this wish: it stays here, and is not told again by itself."""
        with self._guard:
            path = self._paths("wish").get(key)
            if path is not None:
                path.replace(path.with_suffix(".aside"))
                flush(self._folder)

    def aside(self) -> int:
        """How many were set aside."""
        with self._guard:
            return len(self._paths("aside"))

    def tell_again(self) -> None:
        """What was set aside waits for the shop again."""
        with self._guard:
            for path in self._paths("aside").values():
                path.replace(path.with_suffix(".wish"))
            flush(self._folder)

    def _paths(self, state: str) -> dict[str, Path]:
        found = ((_FILE.fullmatch(path.name), path) for path in self._folder.iterdir())
        return {match[2]: path for match, path in found if match and match[3] == state}
