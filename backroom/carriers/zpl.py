r"""Labels as ZPL II for a thermal printer: 100 × 150 mm at 203 dpi, 800 × 1200 dots.

What belongs here: drawing a label with ZPL commands (Zebra, ZPL II Programming Guide). What does not: its layout
(`layout`). The printer makes the codes itself. It writes text with its own font 0 as far as that surely reaches (Latin
with the accents of Europe, by ^CI28); any other text goes as a bitmap of our fonts, so that no font has to be installed
in the printer. A name can never become a command: every byte that is not plainly harmless goes as hexadecimal (^FH).
"""

from __future__ import annotations

import re
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from backroom.carriers import code128
from backroom.carriers.layout import HEIGHT, WIDTH, Layouts, Part
from backroom.carriers.typeface import LINE_HEIGHT, Line, font, glyph, width
from backroom.domain.labels import LabelData

DOTS_PER_MM = 8

_ALL_HARMLESS = re.compile(r"[A-Za-z0-9 .,\-+/:;()'#>=<*]*")
# How each byte is written.
_WRITTEN = [chr(byte) if byte < 128 and _ALL_HARMLESS.fullmatch(chr(byte)) else f"_{byte:02X}" for byte in range(256)]
# Latin-1 and Latin Extended-A: Western, Central and Northern Europe, Turkish.
_FONT_0 = re.compile("[ -\u017f]*")
_QUIET_MODULES = 4
_QR_MODULES_PER_VERSION = 4
# Alphanumeric characters that versions 1 to 6 hold at error correction level M (ISO/IEC 18004, table 7).
_QR_CAPACITY_M = (20, 38, 61, 90, 122, 154)


def zpl(label: LabelData, layouts: Layouts | None = None) -> str:
    """The label as one ZPL format, ^XA to ^XZ, ASCII only."""
    layouts = layouts or Layouts()
    canvas = _Commands(layouts.written)
    layouts.draw(label, canvas)
    size = f"^PW{_dots(WIDTH)}^LL{_dots(HEIGHT)}^LH0,0"
    return "\n".join(["^XA^CI28", size, *canvas.commands, "^PQ1^XZ"]) + "\n"


def field(text: str) -> str:
    """Field data that can hold anything: `^FH^FD` with every other byte than the harmless ones as `_XX`, then `^FS`."""
    written = text if _ALL_HARMLESS.fullmatch(text) else "".join(map(_WRITTEN.__getitem__, text.encode()))
    return f"^FH^FD{written}^FS"


class _Commands:
    """The canvas: each call adds one command. `written` is what other labels of the wave have had in common."""

    def __init__(self, written: dict[Part, list[str]]) -> None:
        self.commands: list[str] = []
        self._written = written

    def repeat(self, part: Part) -> None:
        if part not in self._written:
            before = len(self.commands)
            part.draw(self)
            self._written[part] = self.commands[before:]
        else:
            self.commands += self._written[part]

    def text(self, x: float, baseline: float, line: Line, *, white: bool = False) -> None:
        reverse = "^FR" if white else ""
        if _in_font_0(line.text):
            self.commands.append(f"^FT{_dots(x)},{_dots(baseline)}{reverse}^A0N,{_dots(line.size)}{field(line.text)}")
            return
        picture, ascent = _picture(line)
        self.commands.append(f"^FO{_dots(x)},{_dots(baseline) - ascent}{reverse}{_graphic(picture)}")

    def box(self, x: float, y: float, width: float, height: float) -> None:
        wide, high = _dots(width), _dots(height)
        self.commands.append(f"^FO{_dots(x)},{_dots(y)}^GB{wide},{high},{min(wide, high)}^FS")

    def code128(self, x: float, y: float, module: float, height: float, text: str) -> None:
        # Mode A: the printer changes between the code sets itself, never wider than `code128.segments`.
        place = f"^BY{_dots(module)},3,{_dots(height)}^FO{_dots(x)},{_dots(y)}"
        self.commands.append(f"{place}^BCN,{_dots(height)},N,N,N,A{field(text)}")

    def qr(self, x: float, y: float, size: float, text: str) -> None:
        version = next((v for v, most in enumerate(_QR_CAPACITY_M, start=1) if len(text) <= most), None)
        if version is None:
            raise code128.NotEncodable(f"a tracking number of {len(text)} characters is too long for a label")
        count = 17 + _QR_MODULES_PER_VERSION * version
        module = int(DOTS_PER_MM * size / (count + 2 * _QUIET_MODULES))
        inset = (_dots(size) - module * count) // 2
        place = f"^FO{_dots(x) + inset},{_dots(y) + inset}"
        self.commands.append(f"{place}^BQN,2,{module}{field('MA,' + text)}")


def _in_font_0(text: str) -> bool:
    """Whether the printer's own font writes it, and no wider than ours: its letters are narrow, its hyphen is not."""
    return text.count("-") * 4 <= len(text) and _FONT_0.fullmatch(text) is not None


def _dots(millimetres: float) -> int:
    return round(millimetres * DOTS_PER_MM)


def _picture(line: Line) -> tuple[Image.Image, int]:
    """The text in our fonts as black on white, one bit a dot, and how far its baseline is below its top."""
    size = _dots(line.size)
    ascent = round(1.05 * size)
    image = Image.new("1", (round(width(line.text, line.bold) * size) + 2, round(LINE_HEIGHT * size) + 2), 0)
    x = 0.0
    for character in line.text:
        # Glyphs stand by their advances alone, which is how `width` measures.
        left, top, stamp = _stamp(character, size, line.bold)
        image.paste(1, (round(x) + left, ascent + top), stamp)
        x += glyph(character, line.bold).width * size
    return image, ascent


@lru_cache(maxsize=2048)
def _stamp(character: str, size: int, bold: bool) -> tuple[int, int, Image.Image]:
    """One glyph as dots, and where they begin, from the pen's place on the baseline. Drawing one takes up to 2 ms, and
    a script's letters come again in every name."""
    name = glyph(character, bold).font
    image = Image.new("L", (3 * size, 3 * size), 0)
    pen = ImageDraw.Draw(image)
    pen.fontmode = "L"
    stroke = 1 if name == "cjk" and bold else 0
    pen.text((size, 2 * size), character, fill=255, font=_sized(name, size), anchor="ls", stroke_width=stroke)
    dots = image.point(lambda level: 255 if level > 110 else 0, mode="1")
    left, top, right, bottom = dots.getbbox() or (size, 2 * size, size, 2 * size)
    return left - size, top - 2 * size, dots.crop((left, top, right, bottom))


@lru_cache(maxsize=64)
def _sized(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(font(name).path, size, layout_engine=ImageFont.Layout.BASIC)


def _graphic(picture: Image.Image) -> str:
    data = picture.tobytes()
    row = (picture.width + 7) // 8
    return f"^GFA,{len(data)},{len(data)},{row},{data.hex().upper()}^FS"
