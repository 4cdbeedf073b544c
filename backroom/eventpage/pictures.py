"""Small pictures of what is printed, kept as files in the shop's home folder: made once, and found by their names.

What belongs here: making and finding them. What does not: style and script (`assets`), and who may see them. The folder
is a cache: whoever deletes it has the pictures made again, under the same names, when a page that shows them is looked
at. Pictures are small on purpose: an artwork at its printed size is the shop's, and stays there.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from io import BytesIO
from pathlib import Path

from PIL import Image

from backroom.domain.artwork import too_many_pixels
from backroom.durable import write_durably
from backroom.eventpage.assets import hashed

log = logging.getLogger(__name__)

FOLDER = "event-pictures"
# Twice the pixels it takes on the page, for phones.
LARGEST = (288, 360)
# What could not be read, or written, is not tried again at every look.
RETRY_SECONDS = 60.0
_NAME = re.compile(r"art\.[0-9a-f]{16}\.webp")
_making: dict[Path, threading.Lock] = {}
_failed: dict[Path, float] = {}


def keep(home: Path, artworks: Path, artwork: str) -> str:
    """The name of the small picture of an artwork, made where there is none yet; "" where none can be made.

    An artwork that was changed has another name. However many ask at once, one of them makes it.
    """
    try:
        path = (artworks / artwork).resolve()
        seen = path.stat()
    except (OSError, ValueError):
        return ""
    if not path.is_relative_to(artworks.resolve()) or not path.is_file():
        return ""
    name = hashed("art.webp", f"{artwork}\n{seen.st_mtime_ns}\n{seen.st_size}\n{LARGEST}".encode())
    kept = home / FOLDER / name
    if kept.is_file():
        return name
    with _making.setdefault(kept, threading.Lock()):
        there = kept.is_file() or _make(path, kept)
    _making.pop(kept, None)
    return name if there else ""


def find(home: Path, name: str) -> bytes | None:
    """The picture of this name, None where none is kept. Nothing is made here: anybody may ask for any name."""
    if not _NAME.fullmatch(name):
        return None
    try:
        return (home / FOLDER / name).read_bytes()
    except OSError:
        return None


def _make(path: Path, kept: Path) -> bool:
    if time.monotonic() < _failed.get(kept, 0.0):
        return False
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        # The gateway and the sweep are two processes: each writes a draft of its own.
        draft = kept.with_name(f"{kept.name}.{os.getpid()}")
        write_durably(draft, _small(path))
        draft.replace(kept)
    except Exception as error:  # noqa: BLE001 - whatever a decoder makes of a spoilt file: the page goes without it
        log.warning("there is no small picture of %s: %s", path.name, error)
        _failed[kept] = time.monotonic() + RETRY_SECONDS
        return False
    _failed.pop(kept, None)
    return True


def _small(path: Path) -> bytes:
    # What an artwork is: the others are not printed either, and some of their decoders start programs.
    with Image.open(path, formats=["PNG"]) as opened:
        if fault := too_many_pixels(*opened.size):
            raise ValueError(f"it {fault.what}")
        small = opened.convert("RGBA")
    small.thumbnail(LARGEST)
    written = BytesIO()
    small.save(written, "WEBP", quality=80, method=4)
    return written.getvalue()
