"""QR symbols as bitmaps: what stands in each row, by segno, and quickly where many texts have one length.

What belongs here: from text to bits. What does not: where and how large a symbol is drawn (`layout`, `sheets`).

A symbol of a given version, mask and mode is linear over GF(2): data bits are copied to their places, the error
correction of Reed and Solomon (ISO/IEC 18004, 7.5) is linear in them, and mask and patterns are added to all. So the
symbol of a text is that of zeros, XOR what each pair of its characters changes. Segno draws the symbols in which one
single bit is set, once for each length of text: 110 for the twenty characters of our tracking numbers. Then a symbol is
ten XORs instead of 0.5 ms.
"""

from __future__ import annotations

import re
from functools import cache

import segno

# Readers take every mask. Weighing all eight, as ISO/IEC 18004 advises, takes five times as long; this one is a sound
# choice for digits, as the tests read back.
_MASK = 3
_ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_BASE = len(_ALPHANUMERIC)
_BITS_OF_PAIR, _BITS_OF_ONE = 11, 6
# What segno writes in alphanumeric mode by itself: texts of digits alone have a mode of their own.
_LINEAR = re.compile(r"(?=.*[^0-9])[0-9A-Z $%*+./:-]+")


def symbol(text: str) -> tuple[int, bytes]:
    """A QR code of error correction level M: its modules a side, and its rows, each filled up to whole bytes."""
    if not _LINEAR.fullmatch(text):
        return _drawn(text)
    code = _code(len(text))
    bits = code.blank
    for position, changes in enumerate(code.changes):
        bits ^= changes[text[2 * position : 2 * position + 2]]
    return code.count, bits.to_bytes(code.size, "big")


class _Changes(dict[str, int]):
    """What a pair of characters (the last one may be single) changes in a symbol of zeros, put together once each."""

    def __init__(self, bits: list[int]) -> None:
        super().__init__()
        self._bits = bits

    def __missing__(self, pair: str) -> int:
        value, changed = 0, 0
        for character in pair:
            value = value * _BASE + _ALPHANUMERIC.index(character)
        for place, change in enumerate(self._bits):
            if value >> place & 1:
                changed ^= change
        self[pair] = changed
        return changed


class _Code:
    """The symbols of all texts of one length."""

    def __init__(self, length: int) -> None:
        zeros = "0" * length
        self.count, drawn = _drawn(zeros, mode="alphanumeric")
        self.size, self.blank = len(drawn), int.from_bytes(drawn, "big")
        self.changes: list[_Changes] = []
        for start in range(0, length, 2):
            wide = min(2, length - start)
            bits = []
            for place in range(_BITS_OF_PAIR if wide == 2 else _BITS_OF_ONE):
                high, low = divmod(1 << place, _BASE)
                pair = (_ALPHANUMERIC[high] + _ALPHANUMERIC[low])[-wide:]
                _, one = _drawn(zeros[:start] + pair + zeros[start + wide :], mode="alphanumeric")
                bits.append(int.from_bytes(one, "big") ^ self.blank)
            self.changes.append(_Changes(bits))


@cache
def _code(length: int) -> _Code:
    return _Code(length)


def _drawn(text: str, mode: str | None = None) -> tuple[int, bytes]:
    rows = segno.make_qr(text, error="m", boost_error=False, mask=_MASK, mode=mode).matrix
    count = len(rows)
    pad = -count % 8
    return count, b"".join((int(row.translate(_DIGITS), 2) << pad).to_bytes((count + pad) // 8, "big") for row in rows)


# Turns a row of 0 and 1 bytes into the characters "0" and "1".
_DIGITS = bytes.maketrans(b"\0\1", b"01")
