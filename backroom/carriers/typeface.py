"""Which of our fonts writes which character, how wide a text is, and how lines are broken and shrunk to fit a box.

What belongs here: measuring. What does not: drawing. Sizes and widths are in the unit the caller uses (millimetres on
labels); a font's size is its em. Scripts whose letters join or reorder (Arabic, Devanagari) are not written: each of
their characters becomes a box.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from backroom.carriers.truetype import TrueType

_FILES = {
    "regular": "NotoSans-Regular.ttf",
    "bold": "NotoSans-Bold.ttf",
    "cjk": "WenQuanYiMicroHei.ttf",
}
LINE_HEIGHT = 1.24
_SHRINK = 0.94
_SMALLEST = 0.2


@dataclass(frozen=True, slots=True)
class Glyph:
    """A character's glyph: `font` is regular, bold or cjk, `width` in ems; `known` is False for the box."""

    font: str
    number: int
    width: float
    known: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    size: float
    bold: bool = False


@cache
def font(name: str) -> TrueType:
    """One of our fonts, read at its first use and kept for the process."""
    return TrueType(Path(__file__).parent / "fonts" / _FILES[name])


@lru_cache(maxsize=16384)
def glyph(character: str, bold: bool) -> Glyph:
    """The glyph in the Latin font (with Greek and Cyrillic), else in the CJK font, else a visible box."""
    latin = "bold" if bold else "regular"
    for name in (latin, "cjk"):
        number = font(name).glyph_of.get(ord(character))
        if number is not None:
            return Glyph(name, number, font(name).width(number) / 1000)
    return Glyph(latin, 0, font(latin).width(0) / 1000, known=False)


class _Widths(dict[str, float]):
    """Widths by character, looked up once each: measuring is the most frequent thing a layout does."""

    def __init__(self, bold: bool) -> None:
        super().__init__()
        self._bold = bold

    def __missing__(self, character: str) -> float:
        found = self[character] = glyph(character, self._bold).width
        return found


_WIDTHS = {bold: _Widths(bold) for bold in (False, True)}


def clean(text: str) -> str:
    """One line of composed characters: any white space is one space, what is invisible or a control is dropped."""
    spaced = " ".join(unicodedata.normalize("NFC", text).split())
    if spaced.isascii() and spaced.isprintable():
        return spaced
    return "".join(c for c in spaced if unicodedata.category(c)[0] != "C" and not "\ufe00" <= c <= "\ufe0f")


def boxes(text: str) -> int:
    """How many characters of a text none of our fonts writes: each is a box on the label."""
    return 0 if text.isascii() else sum(not glyph(character, False).known for character in clean(text))


def width(text: str, bold: bool = False) -> float:
    """The width of a clean text in ems."""
    return sum(map(_WIDTHS[bold].__getitem__, text))


def fit_line(line: Line, available: float) -> Line:
    """The line, smaller if it is too wide; below a fifth of its size it is cut, with an ellipsis."""
    text = clean(line.text)
    size = min(line.size, available / max(width(text, line.bold), 1e-9))
    if size < line.size * _SMALLEST:
        size = line.size * _SMALLEST
        text = _cut(text, line.bold, available / size)
    return Line(text, size, line.bold)


def fit_block(lines: Sequence[Line], available_width: float, available_height: float) -> list[Line]:
    """The lines, broken where they are too wide, all shrunk by one factor until they fit the box.

    An address that is too long even at a fifth of its size loses its end: nothing ever leaves the box.
    """
    cleaned = [Line(text, line.size, line.bold) for line in lines if (text := clean(line.text))]
    factor = 1.0
    while True:
        broken = [
            Line(part, line.size * factor, line.bold)
            for line in cleaned
            for part in _broken(line.text, line.bold, available_width / (line.size * factor))
        ]
        if height(broken) <= available_height:
            return broken
        if factor <= _SMALLEST:
            break
        factor = max(factor * _SHRINK, _SMALLEST)
    while height(broken) > available_height:
        broken.pop()
    return broken


def height(lines: Sequence[Line]) -> float:
    return sum(line.size for line in lines) * LINE_HEIGHT


def _broken(text: str, bold: bool, available: float) -> list[str]:
    """Greedy line breaks: between words, and within a word (or CJK text) only where it alone is too wide."""
    if width(text, bold) <= available:
        return [text]
    lines: list[str] = []
    current = ""
    for word in text.split(" "):
        joined = f"{current} {word}" if current else word
        if width(joined, bold) <= available:
            current = joined
            continue
        if current:
            lines.append(current)
        current = word
        while width(current, bold) > available:
            head = _start_of(current, bold, available)
            lines.append(head)
            current = current[len(head) :]
    if current:
        lines.append(current)
    return lines


def _start_of(text: str, bold: bool, available: float) -> str:
    """As much of the text as fits, one character at least."""
    used = 0.0
    for index, character in enumerate(text):
        used += glyph(character, bold).width
        if used > available and index:
            return text[:index]
    return text


def _cut(text: str, bold: bool, available: float) -> str:
    return _start_of(text, bold, available - width("…", bold)) + "…"
