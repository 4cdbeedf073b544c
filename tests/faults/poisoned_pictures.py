"""Poison as pictures: photos and artworks that a camera, a program or somebody with a plan has spoilt.

What belongs here: the files, as strategies for Hypothesis. What does not: what looks at them, and what must come of it
(`test_poisoned_pictures`, `test_poisoned_commands`).

A PNG is chunks with a length and a CRC (PNG, third edition, section 5.3), and a decoder that checks the CRC never sees
what was spoilt behind it: spoilt chunks get a new one.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from functools import cache
from io import BytesIO

from hypothesis import strategies as st
from PIL import Image

from tests.faults.poison import TEXTS

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
SIDE = 240
_MODES = ("RGB", "RGBA", "L", "P", "1", "LA", "I;16", "CMYK", "YCbCr", "I", "F")
_KINDS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "PDF", "ICO", "PPM")
# What a header may claim: far more than a machine has, or nothing.
_SIZES = (0, 1, 2, 199, 8_944, 8_945, 20_000, 65_535, 2**31 - 1, 2**32 - 1)
_TYPES = (b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"tRNS", b"PLTE", b"acTL", b"fcTL", b"fdAT", b"gAMA", b"pHYs")
_TYPES += (b"IDAT", b"IHDR", b"IEND", b"cHRM", b"sRGB", b"bKGD", b"abcd", b"\x00\xff\x00\xff")
_LARGE = 64 * 1024 * 1024
# What unpacks to a thousand times itself, packed once.
_BOMB = zlib.compress(bytes(_LARGE), 9)


@cache
def picture(kind: str = "PNG", mode: str = "RGB", side: int = SIDE, exif: bytes = b"") -> bytes:
    """A picture of that kind and mode, the same each time; OSError, KeyError or ValueError where there is none such."""
    content = BytesIO()
    shades = Image.linear_gradient("L").resize((side, side)).convert("I" if mode == "I;16" else "L").convert(mode)
    shades.save(content, kind, **({"exif": exif} if exif else {}))
    return content.getvalue()


def chunk(name: bytes, data: bytes, length: int | None = None) -> bytes:
    crc = zlib.crc32(name + data)
    return struct.pack(">I", len(data) if length is None else length) + name + data + struct.pack(">I", crc)


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a good PNG, each as its type and data."""
    found, at = [], len(_SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        found.append((png[at + 4 : at + 8], png[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def png(of: Sequence[tuple[bytes, bytes]]) -> bytes:
    return _SIGNATURE + b"".join(chunk(*one) for one in of)


@st.composite
def _other_kinds(draw: st.DrawFn) -> bytes:
    kind, mode = draw(st.sampled_from(_KINDS)), draw(st.sampled_from(_MODES))
    try:
        return picture(kind, mode, draw(st.sampled_from((1, 150, SIDE))))
    except (OSError, ValueError, KeyError):
        return picture(kind if kind != "ICO" else "PNG")


@st.composite
def _bad_chunks(draw: st.DrawFn) -> bytes:
    """A PNG whose chunks are spoilt, each with a CRC that is right."""
    found = chunks(picture("PNG", draw(st.sampled_from(("RGB", "RGBA", "L", "P")))))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(found) - 1))
        name, data = found[place]
        how = draw(st.sampled_from(("size", "depth", "cut", "flip", "new", "new", "text", "gone", "again", "bomb")))
        if how == "size":
            width, height = draw(st.sampled_from(_SIZES)), draw(st.sampled_from(_SIZES))
            found[0] = (b"IHDR", struct.pack(">II", width, height) + found[0][1][8:])
        elif how == "depth":
            found[0] = (b"IHDR", found[0][1][:8] + draw(st.binary(min_size=5, max_size=5)))
        elif how == "cut":
            found[place] = (name, data[: draw(st.integers(0, min(len(data), 40)))])
        elif how == "flip" and data:
            at = draw(st.integers(0, len(data) - 1))
            found[place] = (name, data[:at] + draw(st.binary(min_size=1, max_size=4)) + data[at + 1 :])
        elif how == "new":
            found.insert(place, (draw(st.sampled_from(_TYPES)), draw(st.binary(max_size=60))))
        elif how == "text":
            said = draw(st.sampled_from(TEXTS)).encode("utf-8", "surrogatepass")
            found.insert(place, (draw(st.sampled_from(_TYPES)), said[:2_000]))
        elif how == "gone" and len(found) > 1:
            del found[place]
        elif how == "again":
            found.insert(place, found[place])
        else:
            found.insert(place, draw(st.sampled_from(_BOMBS)))
    return png(found)


_BOMBS = (
    (b"zTXt", b"Comment\0\0" + _BOMB),
    (b"iTXt", b"Comment\0\1\0\0\0" + _BOMB),
    (b"iCCP", b"profile\0\0" + _BOMB),
    (b"IDAT", _BOMB),
)
# 2^32 ticks, an offset behind the end, a type that there is not: EXIF is TIFF (TIFF 6.0, section 2).
_EXIF_HEADS = (b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"II*\0\xff\xff\xff\xff", b"II+\0\x08\0\0\0", b"")


@st.composite
def _bad_exif(draw: st.DrawFn) -> bytes:
    """A photo that says of itself, in EXIF, what no camera says: above all how it was held."""
    many = draw(st.sampled_from((0, 1, 2, 200, 65_535)))
    entry = struct.pack(
        "<HHI4s",
        draw(st.sampled_from((0x0112, 0x0112, 0x8769, 0x8825, 0x010E, 0x927C))),
        draw(st.integers(0, 14)),
        draw(st.sampled_from((0, 1, 2, 2**16, 2**32 - 1))),
        draw(st.binary(min_size=4, max_size=4)),
    )
    told = draw(st.sampled_from(_EXIF_HEADS)) + struct.pack("<H", many) + entry * draw(st.integers(1, 3))
    told += draw(st.binary(max_size=30))
    kind = draw(st.sampled_from(("JPEG", "PNG", "WEBP")))
    if kind == "PNG":
        found = chunks(picture("PNG"))
        return png([found[0], (b"eXIf", told), *found[1:]])
    return picture(kind, exif=b"Exif\0\0" + told)


@st.composite
def pictures(draw: st.DrawFn) -> bytes:
    """A picture that is good, spoilt, or none at all."""
    how = draw(st.sampled_from(("good", "kinds", "kinds", *("chunks",) * 5, *("exif",) * 3, "cut", "flip", "none")))
    if how == "kinds":
        return draw(_other_kinds())
    if how == "chunks":
        return draw(_bad_chunks())
    if how == "exif":
        return draw(_bad_exif())
    if how == "none":
        said = draw(st.sampled_from(TEXTS)).encode("utf-8", "surrogatepass")
        return draw(st.sampled_from((b"", said, b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP", said[:3])))
    whole = picture(draw(st.sampled_from(("JPEG", "PNG", "WEBP"))))
    if how == "cut":
        return whole[: draw(st.integers(0, len(whole)))]
    if how == "flip":
        for _ in range(draw(st.integers(1, 5))):
            place = draw(st.integers(0, len(whole) - 1))
            whole = whole[:place] + draw(st.binary(min_size=1, max_size=4)) + whole[place + 1 :]
    return whole
