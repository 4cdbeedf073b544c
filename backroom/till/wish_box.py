"""What customers asked for at the till beside a sale: SMS, and the codes they read out. Each is a sealed file.

What belongs here: keeping, listing and dropping them. What does not: what they say (`page`), and telling (`telling`). A
wish has a key of its own, under which the shop counts it once, however often it is told.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from backroom.durable import flush, write_durably
from backroom.till.sealed_sale import seal_wish

_FILE = re.compile(r"(\d{20})-([0-9a-f]{32})\.wish")


@dataclass(frozen=True, slots=True)
class KeptWish:
    """A sealed wish that the shop has not confirmed."""

    key: str
    sealed: str


class WishBox:
    """The wishes of one till, in the folder of its sales, whose lock keeps other processes away."""

    def __init__(self, folder: Path, device: str) -> None:
        self._folder = folder
        self._device = device

    def add(self, public: str, wish: Mapping[str, str]) -> None:
        """Seal a wish and keep it; it is on the disk when this returns."""
        key = uuid.uuid4().hex
        path = self._folder / f"{time.time_ns():020}-{key}.wish"
        write_durably(path, seal_wish(public, self._device, key, wish).encode())
        flush(self._folder)

    def waiting(self, most: int = 0) -> list[KeptWish]:
        """What the shop has not confirmed, oldest first: so a number comes before its code."""
        found = sorted(self._paths().items(), key=lambda one: one[1].name)
        return [KeptWish(key, path.read_text("ascii")) for key, path in found[: most or None]]

    def told(self, key: str) -> None:
        """The shop has this one, or will not take it. Safe to do again."""
        path = self._paths().get(key)
        if path is not None:
            path.unlink(missing_ok=True)
            flush(self._folder)

    def _paths(self) -> dict[str, Path]:
        found = ((_FILE.fullmatch(path.name), path) for path in self._folder.iterdir())
        return {match[2]: path for match, path in found if match}
