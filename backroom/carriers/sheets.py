"""Labels as PDF: one document for a whole wave, a page of 100 × 150 mm for each label.

What belongs here: drawing a label on a PDF page. What does not: its layout (`layout`), the file format (`pdf`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import groupby

from backroom.carriers import code128
from backroom.carriers.layout import HEIGHT, WIDTH, Layouts, Part
from backroom.carriers.pdf import EmbeddedFont, document
from backroom.carriers.qrcode import symbol
from backroom.carriers.typeface import Line, font, glyph
from backroom.domain.labels import LabelData

log = logging.getLogger(__name__)

_QUIET_MODULES = 4
# CJK has one weight: a stroke around its glyphs makes them bold.
_STROKE = 0.03


def render_labels(labels: Sequence[LabelData], layouts: Layouts | None = None) -> bytes:
    """One PDF with a page for each label, in their order. A character no font has is a box, and counted in the log."""
    sheet, layouts = _Sheet(), layouts or Layouts()
    for label in labels:
        layouts.draw(label, sheet)
        sheet.end_page()
    if sheet.boxes:
        log.warning("%d characters on %d labels have no glyph and are drawn as boxes", sheet.boxes, len(labels))
    return document(sheet.pages, list(sheet.fonts.values()), width_mm=WIDTH, height_mm=HEIGHT)


class _Sheet:
    """The canvas: each call adds operators (ISO 32000-1, annex A) to the page that is being drawn."""

    def __init__(self) -> None:
        self.pages: list[str] = []
        self.fonts: dict[str, EmbeddedFont] = {}
        self.boxes = 0
        self._page: list[str] = []
        # Most lines of a wave (captions, the shop's address, the date) stand on many of its labels.
        self._shown: dict[Line, tuple[str, int]] = {}
        self._drawn: dict[Part, tuple[list[str], int]] = {}

    def end_page(self) -> None:
        self.pages.append("\n".join(self._page))
        self._page = []

    def repeat(self, part: Part) -> None:
        drawn = self._drawn.get(part)
        if drawn is None:
            before, boxes = len(self._page), self.boxes
            part.draw(self)
            self._drawn[part] = (self._page[before:], self.boxes - boxes)
        else:
            self._page += drawn[0]
            self.boxes += drawn[1]

    def text(self, x: float, baseline: float, line: Line, *, white: bool = False) -> None:
        if line not in self._shown:
            self._shown[line] = self._show(line)
        shown, boxes = self._shown[line]
        self.boxes += boxes
        operators = f"BT {x:.2f} {HEIGHT - baseline:.2f} Td {shown} ET"
        self._page.append(f"1 g 1 G {operators} 0 g 0 G" if white else operators)

    def box(self, x: float, y: float, width: float, height: float) -> None:
        self._page.append(f"{x:g} {HEIGHT - y - height:g} {width:g} {height:g} re f")

    def code128(self, x: float, y: float, module: float, height: float, text: str) -> None:
        bars = " ".join(f"{left} 0 {width} 1 re" for left, width in code128.bars(text))
        self._page.append(f"q {module:g} 0 0 {height:g} {x:g} {HEIGHT - y - height:g} cm {bars} f Q")

    def qr(self, x: float, y: float, size: float, text: str) -> None:
        count, rows = symbol(text)
        # Whole dots at 203 dpi, eight to the millimetre.
        module = int(8 * size / (count + 2 * _QUIET_MODULES)) / 8
        side = module * count
        left, top = x + (size - side) / 2, y + (size - side) / 2
        self._page.append(
            f"q {side:g} 0 0 {side:g} {left:g} {HEIGHT - top - side:g} cm "
            f"BI /W {count} /H {count} /IM true /BPC 1 /D [1 0] /F /AHx ID {rows.hex()}> EI Q"
        )

    def _show(self, line: Line) -> tuple[str, int]:
        """The operators that show a text, run by run of one font, and how many of its characters are boxes."""
        glyphs = [glyph(character, line.bold) for character in line.text]
        operators: list[str] = []
        for name, run in groupby(zip(glyphs, line.text, strict=True), key=lambda pair: pair[0].font):
            embedded = self._embedded(name)
            codes = "".join([embedded.code(found.number, character) for found, character in run])
            stroked = name == "cjk" and line.bold
            operators.append(f"/{name} {line.size:.2f} Tf")
            operators.append(f"2 Tr {_STROKE * line.size:.2f} w <{codes}>Tj 0 Tr" if stroked else f"<{codes}>Tj")
        return " ".join(operators), sum(not found.known for found in glyphs)

    def _embedded(self, name: str) -> EmbeddedFont:
        if name not in self.fonts:
            self.fonts[name] = EmbeddedFont(name, font(name))
        return self.fonts[name]
