"""What the page loads: style, script, and small pictures of what is printed. Each name holds its content's hash.

What belongs here: those, by name. What does not: the page (`page`). A name never means anything else, so whoever has it
keeps it for ever. Pictures are small on purpose: an artwork at its printed size is the shop's, and stays there.
"""

from __future__ import annotations

import hashlib
from functools import cache, lru_cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path

from PIL import Image

STYLE, SCRIPT, SMS_SCRIPT, ICON = "page.css", "live.js", "opt-in.js", "icon.svg"
TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "webp": "image/webp",
}
# Twice the pixels it takes on the page, for phones.
LARGEST = (288, 360)


@cache
def own() -> dict[str, bytes]:
    """Style, script and icon, by the names they are served under."""
    read = (
        (name, files(__package__).joinpath("static", name).read_bytes()) for name in (STYLE, SCRIPT, SMS_SCRIPT, ICON)
    )
    return {hashed(name, content): content for name, content in read}


def name_of(asset: str) -> str:
    """The name under which one of our own is served."""
    stem = asset.partition(".")[0]
    return next(name for name in own() if name.startswith(f"{stem}."))


def picture(folder: Path, artwork: str) -> tuple[str, bytes] | None:
    """A small picture of an artwork, its name and its content; None where there is none that can be read."""
    path = (folder / artwork).resolve()
    try:
        seen = path.stat()
    except OSError:
        return None
    if not artwork or not path.is_relative_to(folder.resolve()):
        return None
    return _picture(path, seen.st_mtime_ns, seen.st_size)


@lru_cache(maxsize=512)
def _picture(path: Path, _changed: int, _size: int) -> tuple[str, bytes] | None:
    try:
        with Image.open(path) as opened:
            small = opened.convert("RGBA")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    small.thumbnail(LARGEST)
    written = BytesIO()
    small.save(written, "WEBP", quality=80, method=4)
    return hashed("art.webp", written.getvalue()), written.getvalue()


def hashed(name: str, content: bytes) -> str:
    """`page.css` as `page.0123456789abcdef.css`."""
    stem, _, ending = name.partition(".")
    return f"{stem}.{hashlib.sha256(content).hexdigest()[:16]}.{ending}"
