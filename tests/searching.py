"""Looking for somebody's words in every file of a folder, in whatever way a file may hold them.

What belongs here: spellings and containers. A word is looked for as it is, escaped for JSON, a URL, HTML or a mail,
as UTF-16, in hex and in base64 at each of its three alignments; inside what is compressed; and in PDFs by what their
pages say, for there the letters are numbers of glyphs. What stays hidden is what is encrypted: for that a test looks
for the key.
"""

from __future__ import annotations

import base64
import html
import json
import quopri
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pypdfium2

_GZIP = b"\x1f\x8b\x08"
# How gzip begins, and zlib at each of its levels.
_COMPRESSED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
_DEEPEST, _LARGEST = 2, 64 << 20


def spellings(word: str) -> set[bytes]:
    """The bytes by which a word may stand in a file."""
    plain = word.encode()
    texts = {word, json.dumps(word)[1:-1], html.escape(word), quote(word), quote(word, safe=""), quote_plus(word)}
    found = {text.encode() for text in texts} | {word.encode("utf-16-le"), word.encode("utf-16-be")}
    found |= {plain.hex().encode(), plain.hex().upper().encode(), quopri.encodestring(plain).rstrip(b"=\n")}
    for before in range(3):
        # Only the letters that the word alone decides.
        coded = base64.b64encode(b"\0" * before + plain)
        start, end = (0, 2, 3)[before], len(coded) - (4 if coded.endswith(b"=") else 0)
        found |= {coded[start:end], coded[start:end].replace(b"+", b"-").replace(b"/", b"_")}
    return {one for one in found if len(one) >= 5}


def places(folder: Path, words: Iterable[str]) -> list[tuple[str, str]]:
    """`(file, word)` for every word that stands in some file of the folder, sorted."""
    meant = {way: word for word in words for way in spellings(word)}
    # One pass for all of them, the longest first; looking for one after the other took ten times as long.
    wanted = re.compile(b"|".join(re.escape(way) for way in sorted(meant, key=len, reverse=True)))
    found = set()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            name = str(path.relative_to(folder))
            found |= {(name, meant[match.group()]) for content in _contents(path) for match in wanted.finditer(content)}
    return sorted(found)


def holding(folder: Path, value: bytes) -> list[str]:
    """The files of the folder in which these very bytes stand."""
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and value in _read(path)
    )


def _contents(path: Path) -> Iterator[bytes]:
    content = _read(path)
    yield from _inflated(content, 0)
    if content.startswith(b"%PDF"):
        document = pypdfium2.PdfDocument(content)
        yield "\n".join(page.get_textpage().get_text_range() for page in document).encode("utf-8", "replace")
        document.close()


def _inflated(content: bytes, depth: int) -> Iterator[bytes]:
    yield content
    if depth == _DEEPEST or len(content) > _LARGEST:
        return
    view = memoryview(content)
    for match in _COMPRESSED.finditer(content):
        window = 31 if match.group() == _GZIP else 15
        try:
            inner = zlib.decompressobj(window).decompress(view[match.start() :], _LARGEST)
        except zlib.error:
            continue
        if len(inner) > 8:
            yield from _inflated(inner, depth + 1)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        # A living process took it away meanwhile.
        return b""
