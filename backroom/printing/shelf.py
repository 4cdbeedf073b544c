"""Artworks kept at hand: one file is unpacked and compressed once, however many pieces are printed of it.

What belongs here: what was read of a file, as long as the file is the same and there is room. What does not: whether it
prints well (`artwork`). At a booth six designs make a whole night's pieces, and preparing one takes longer than all
else that happens to a piece before its printer.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from pathlib import Path

from fpdf import FPDF
from fpdf.image_datastructures import ImageCache
from fpdf.image_parsing import preload_image

from backroom.domain.artwork import Seen
from backroom.printing.pixels import prepared

MOST_BYTES = 128 * 1024 * 1024

_Mark = tuple[Path, int, int, int]


@dataclass
class Picture:
    """A PNG that unpacks whole, and what was seen of it. `png` is its file's very bytes."""

    png: bytes
    seen: Seen
    _ready: dict[bool, tuple[bytes, ImageCache]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of its file's bytes, in hex."""
        return hashlib.sha256(self.png).hexdigest()

    def place(self, pdf: FPDF, width_mm: float, height_mm: float, *, white: bool = False) -> None:
        """Put it at the top of a page, on `white` where the ground is paper; the first time it is compressed, which
        takes a while."""
        with self._lock:
            if white not in self._ready:
                png, cache = prepared(self.png, white=white), ImageCache()
                preload_image(cache, BytesIO(png))
                self._ready[white] = (png, cache)
            png, cache = self._ready[white]
        # A document counts in its own copy how often it shows an image; what is large in it is shared.
        images = {name: copy(image) for name, image in cache.images.items()}
        pdf.image_cache = ImageCache(images, dict(cache.icc_profiles))
        pdf.image_cache.reset_usages()
        pdf.image(BytesIO(png), x=0, y=0, w=width_mm, h=height_mm)

    @property
    def weight(self) -> int:
        """Bytes it takes."""
        ready = list(self._ready.values())
        made = sum(len(png) for png, _ in ready if png is not self.png)
        images = [image for _, cache in ready for image in cache.images.values()]
        parts = (part for image in images for part in image.values())
        return len(self.png) + made + sum(len(part) for part in parts if isinstance(part, bytes | bytearray))


class Shelf:
    """The pictures last asked for; those that were not for longest go when they take too much room. For all threads."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[_Mark, Picture] = OrderedDict()
        self._lock = threading.Lock()

    def picture(self, path: Path, read: Callable[[], Picture]) -> Picture:
        """What stands in a file, as `read` reads it, or as it did while the file was the same; its errors are kept by
        nobody. Raises OSError when there is no such file."""
        about = path.stat()
        mark = (path, about.st_mtime_ns, about.st_size, about.st_ino)
        with self._lock:
            if mark in self._kept:
                self._kept.move_to_end(mark)
                return self._kept[mark]
        picture = read()
        with self._lock:
            self._kept[mark] = picture
            while len(self._kept) > 1 and sum(one.weight for one in self._kept.values()) > self._most:
                self._kept.popitem(last=False)
        return picture
