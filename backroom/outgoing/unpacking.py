"""Unpacking an answer that came packed, up to a largest size.

What belongs here: gzip, which we ask for, and deflate, which some send all the same. What does not: reading it
(`client`), and files, of which none is unpacked (`fetching`).
"""

from __future__ import annotations

import zlib

_GZIP_OR_ZLIB, _BARE = 32 + zlib.MAX_WBITS, -zlib.MAX_WBITS


class TooLong(Exception):
    """It is larger than what is taken."""


class BadPacking(Exception):
    """It is packed in a way that we did not ask for, is broken, or ends too early."""


def unpack(body: bytes, encoding: str, most: int) -> bytes:
    """What was packed, by the words of `Content-Encoding`. Never more than `most` bytes: TooLong; BadPacking."""
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip" | "deflate":
            # An answer without a body may carry the header all the same.
            return _inflate(body, most) if body else body
    raise BadPacking


def _inflate(body: bytes, most: int) -> bytes:
    try:
        return _members(body, most, _GZIP_OR_ZLIB)
    except zlib.error:
        pass
    try:
        # Deflate without the frame that its name stands for (RFC 9110 section 8.4.1.2).
        return _members(body, most, _BARE)
    except zlib.error:
        raise BadPacking from None


def _members(body: bytes, most: int, wbits: int) -> bytes:
    parts, size = [], 0
    while body:
        member = zlib.decompressobj(wbits)
        # One byte more than may come, by which it is seen.
        part = member.decompress(body, most - size + 1)
        size += len(part)
        if size > most:
            raise TooLong
        if not member.eof:
            raise BadPacking
        parts.append(part)
        # A gzip may be several behind each other; zeros behind the last one are padding.
        body = member.unused_data.lstrip(b"\0")
    return b"".join(parts)
