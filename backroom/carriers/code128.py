"""Code 128: from text to symbol values, and from those to bars (ISO/IEC 15417).

What belongs here: the choice between code sets B and C, the check character, and the widths. What does not: drawing,
and code set A (control characters), which no label of ours needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate

from backroom.domain.errors import Refuse

START = {"B": 104, "C": 105}
CODE = {"B": 100, "C": 99}
STOP = 106
QUIET_ZONE = 10
"""Modules of white that must stand on either side."""

# Widths of bar, space, bar, space, bar, space by symbol value (ISO/IEC 15417, table 1); the stop has a seventh, a bar.
_TABLE = (
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222 "
    "123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321 "
    "232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121 "
    "313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 "
    "111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 "
    "111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 "
    "114311 411113 411311 113141 114131 311141 411131 211412 211214 211232 2331112"
)
# Every character but the stop is so wide, in modules.
_WIDTH = 11

_RUN = re.compile(r"[0-9]+|[^0-9]+")


class NotEncodable(Refuse):
    """Code set B knows the printable ASCII characters only, and an empty symbol says nothing."""

    cause = "not_encodable"


def segments(text: str) -> list[tuple[str, str]]:
    """The text cut into parts of one code set each: `[("B", "BS"), ("C", "0123")]`.

    Code set C writes two digits in one character, and a change costs one: it pays from four digits at an end and from
    six between letters (ISO/IEC 15417, annex on minimum length). Of an odd count, the digit beside a letter stays in B.
    """
    if not text or not all(" " <= character <= "~" for character in text):
        raise NotEncodable("Code 128 set B takes printable ASCII only, and at least one character")
    parts: list[tuple[str, str]] = []
    runs = _RUN.findall(text)
    for index, run in enumerate(runs):
        first, last = index == 0, index == len(runs) - 1
        pays = run[0].isdigit() and (len(run) >= (4 if first or last else 6) or (len(runs) == 1 and len(run) == 2))
        if not pays:
            parts.append(("B", run))
        elif len(run) % 2 == 0:
            parts.append(("C", run))
        elif first:
            parts += [("C", run[:-1]), ("B", run[-1])]
        else:
            parts += [("B", run[0]), ("C", run[1:])]
    return list(_joined(parts))


# A number is measured and then drawn, on paper and as ZPL.
@lru_cache(maxsize=1024)
def symbol_values(text: str) -> tuple[int, ...]:
    """All characters of the symbol as values 0 to 106: start, data, code changes, check character, stop."""
    values: list[int] = []
    for code_set, part in segments(text):
        values.append(CODE[code_set] if values else START[code_set])
        if code_set == "C":
            values += [int(part[i : i + 2]) for i in range(0, len(part), 2)]
        else:
            values += [ord(character) - 32 for character in part]
    # The check character: the start's value plus each value times its position, modulo 103.
    check = (values[0] + sum(position * value for position, value in enumerate(values))) % 103
    return (*values, check, STOP)


def bars(text: str) -> list[tuple[int, int]]:
    """The bars as (left edge, width) in modules, without quiet zones; the symbol ends where the last bar ends."""
    return [
        (_WIDTH * position + left, width)
        for position, value in enumerate(symbol_values(text))
        for left, width in _BARS[value]
    ]


def modules(text: str) -> int:
    """The symbol's width in modules, without quiet zones: eleven a character, thirteen for the stop."""
    return _WIDTH * (len(symbol_values(text)) - 1) + 13


def _bars(widths: str) -> tuple[tuple[int, int], ...]:
    edges = [0, *accumulate(map(int, widths))]
    return tuple((edges[index], int(widths[index])) for index in range(0, len(widths), 2))


# The bars of each symbol value as (left edge, width), from the character's own left edge.
_BARS = tuple(map(_bars, _TABLE.split()))


def _joined(parts: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    pending = parts[0]
    for code_set, part in parts[1:]:
        if code_set == pending[0]:
            pending = (code_set, pending[1] + part)
        else:
            yield pending
            pending = (code_set, part)
    yield pending
