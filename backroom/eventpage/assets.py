"""What the page loads of ours: style, script and icon. Each name holds its content's hash.

What belongs here: those, by name. What does not: the page (`page`), and pictures of what is printed (`pictures`). A
name never means anything else, so whoever has it keeps it for ever.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

STYLE, SCRIPT, SMS_SCRIPT, ICON = "page.css", "live.js", "opt-in.js", "icon.svg"
TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "webp": "image/webp",
}


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


def hashed(name: str, content: bytes) -> str:
    """`page.css` as `page.0123456789abcdef.css`."""
    stem, _, ending = name.partition(".")
    return f"{stem}.{hashlib.sha256(content).hexdigest()[:16]}.{ending}"
