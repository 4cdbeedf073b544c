"""Reading our own TrueType files: which glyph a character has, how wide it is, and a small font with a few glyphs.

What belongs here: the tables of the files in `fonts/` (OpenType 1.9: cmap format 4, glyf, loca in its long form, hmtx).
What does not: choosing a font for a character (`typeface`), PDF (`pdf`), and any font that is not ours: this reader
expects the shape that `fonts/README.md` describes. fontTools reads every font and took 0.37 s of CPU for one
CJK subset; this takes a few milliseconds.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

# Flags of a component of a composite glyph (OpenType, glyf table).
_ARGS_ARE_WORDS = 0x0001
_HAS_SCALE = 0x0008
_MORE_COMPONENTS = 0x0020
_HAS_TWO_SCALES = 0x0040
_HAS_MATRIX = 0x0080


class TrueType:
    """A font file, read once. Widths and metrics are in thousandths of an em."""

    def __init__(self, path: Path) -> None:
        self.path = path
        data = path.read_bytes()
        (count,) = struct.unpack_from(">H", data, 4)
        self._tables: dict[str, bytes] = {}
        for index in range(count):
            tag, _, offset, length = struct.unpack_from(">4sLLL", data, 12 + 16 * index)
            self._tables[tag.decode()] = data[offset : offset + length]
        self._units: int = struct.unpack_from(">H", self._tables["head"], 18)[0]
        # How far the font reaches above and below its baseline, and its box: what a PDF's font descriptor asks for.
        ascent, descent = struct.unpack_from(">hh", self._tables["hhea"], 4)
        (self._long_metrics,) = struct.unpack_from(">H", self._tables["hhea"], 34)
        self.ascent = ascent * 1000 // self._units
        self.descent = descent * 1000 // self._units
        box = struct.unpack_from(">4h", self._tables["head"], 36)
        self.box = tuple(value * 1000 // self._units for value in box)
        self._loca = _big_endian("L", self._tables["loca"])
        self.glyph_of = _characters(self._tables["cmap"])

    def width(self, glyph: int) -> float:
        """How far the pen moves, in thousandths of an em."""
        advance, _ = self._metric(glyph)
        return advance * 1000 / self._units

    def subset(self, glyphs: Sequence[int]) -> bytes:
        """A font file with these glyphs, numbered 0, 1, 2 … in this order; parts of composite glyphs follow them."""
        order = list(glyphs)
        number = {glyph: index for index, glyph in enumerate(order)}
        outlines: list[bytes] = []
        for glyph in order:  # grows while it is walked: a part may have parts
            outline = bytearray(self._outline(glyph))
            for offset in _component_offsets(outline):
                (part,) = struct.unpack_from(">H", outline, offset)
                if part not in number:
                    number[part] = len(order)
                    order.append(part)
                struct.pack_into(">H", outline, offset, number[part])
            outlines.append(bytes(outline) + b"\0" * (-len(outline) % 4))
        places = [0]
        for data in outlines:
            places.append(places[-1] + len(data))
        head = bytearray(self._tables["head"])
        struct.pack_into(">L", head, 8, 0)
        struct.pack_into(">h", head, 50, 1)
        tables = {
            "glyf": b"".join(outlines),
            "head": bytes(head),
            "hhea": self._tables["hhea"][:34] + struct.pack(">H", len(order)),
            "hmtx": b"".join(struct.pack(">Hh", *self._metric(glyph)) for glyph in order),
            "loca": struct.pack(f">{len(places)}L", *places),
            "maxp": self._tables["maxp"][:4] + struct.pack(">H", len(order)) + self._tables["maxp"][6:],
        }
        return _font_file(tables)

    def _outline(self, glyph: int) -> bytes:
        return self._tables["glyf"][self._loca[glyph] : self._loca[glyph + 1]]

    def _metric(self, glyph: int) -> tuple[int, int]:
        """Advance and left side bearing in font units; glyphs beyond the long metrics share the last advance."""
        hmtx = self._tables["hmtx"]
        last = self._long_metrics - 1
        if glyph <= last:
            advance, bearing = struct.unpack_from(">Hh", hmtx, 4 * glyph)
        else:
            (advance,) = struct.unpack_from(">H", hmtx, 4 * last)
            (bearing,) = struct.unpack_from(">h", hmtx, 4 * self._long_metrics + 2 * (glyph - self._long_metrics))
        return advance, bearing


def _big_endian(code: str, data: bytes) -> Sequence[int]:
    return struct.unpack(f">{len(data) // struct.calcsize('>' + code)}{code}", data)


def _characters(cmap: bytes) -> dict[int, int]:
    """The glyph of each code point, from the format 4 table of platform 3 (Windows), encoding 1 (BMP)."""
    (count,) = struct.unpack_from(">H", cmap, 2)
    records = [struct.unpack_from(">HHL", cmap, 4 + 8 * index) for index in range(count)]
    start = next(offset for platform, encoding, offset in records if (platform, encoding) == (3, 1))
    table_format, length, _, double_count = struct.unpack_from(">4H", cmap, start)
    if table_format != 4:
        raise ValueError(f"cmap format {table_format} is not ours: see fonts/README.md")
    words = _big_endian("H", cmap[start : start + length])
    segments = double_count // 2
    ends, starts = words[7 : 7 + segments], words[8 + segments : 8 + 2 * segments]
    deltas = words[8 + 2 * segments : 8 + 3 * segments]
    first_offset = 8 + 3 * segments
    found: dict[int, int] = {}
    for index, (low, high, delta) in enumerate(zip(starts, ends, deltas, strict=True)):
        range_offset = words[first_offset + index]
        for code in range(low, min(high, 0xFFFE) + 1):
            if range_offset == 0:
                glyph = (code + delta) & 0xFFFF
            else:
                glyph = words[first_offset + index + range_offset // 2 + code - low]
                glyph = (glyph + delta) & 0xFFFF if glyph else 0
            if glyph:
                found[code] = glyph
    return found


def _component_offsets(outline: bytes | bytearray) -> list[int]:
    """Where a composite glyph names its parts; nothing for a simple or empty one."""
    if not outline or struct.unpack_from(">h", outline)[0] >= 0:
        return []
    offsets: list[int] = []
    position = 10
    flags = _MORE_COMPONENTS
    while flags & _MORE_COMPONENTS:
        (flags,) = struct.unpack_from(">H", outline, position)
        offsets.append(position + 2)
        position += 4 + (4 if flags & _ARGS_ARE_WORDS else 2)
        if flags & _HAS_SCALE:
            position += 2
        elif flags & _HAS_TWO_SCALES:
            position += 4
        elif flags & _HAS_MATRIX:
            position += 8
    return offsets


def _font_file(tables: dict[str, bytes]) -> bytes:
    """Tables with their directory and checksums (OpenType, font file organisation)."""
    count = len(tables)
    power = 1 << (count.bit_length() - 1)
    directory = struct.pack(">L4H", 0x00010000, count, power * 16, power.bit_length() - 1, (count - power) * 16)
    body = b""
    offset = 12 + 16 * count
    for tag in sorted(tables):
        data = tables[tag]
        padded = data + b"\0" * (-len(data) % 4)
        checksum = sum(_big_endian("L", padded)) & 0xFFFFFFFF
        directory += struct.pack(">4sLLL", tag.encode(), checksum, offset + len(body), len(data))
        body += padded
    return directory + body
