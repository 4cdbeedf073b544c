r"""Labels as ZPL II for a thermal printer: 100 × 150 mm at 203 dpi, 800 × 1200 dots.

What belongs here: drawing a label with ZPL commands (Zebra, ZPL II Programming Guide). What does not: its layout
(`layout`). The printer makes the codes itself. It writes text with its own font 0 as far as that surely reaches (Latin
with the accents of Europe, by ^CI28); any other text goes as a bitmap of our fonts, so that no font has to be installed
in the printer. A name can never become a command: every byte that is not plainly harmless goes as hexadecimal (^FH).
"""

from __future__ import annotations

from itertools import groupby

from PIL import Image, ImageDraw, ImageFont

from backroom.carriers import code128
from backroom.carriers.layout import HEIGHT, WIDTH, draw
from backroom.carriers.typeface import LINE_HEIGHT, Line, font, glyph, width
from backroom.domain.labels import LabelData

DOTS_PER_MM = 8

_HARMLESS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,-+/:;()'#>=<*")
# Latin-1 and Latin Extended-A: Western, Central and Northern Europe, Turkish.
_LAST_OF_FONT_0 = "\u017f"
_QUIET_MODULES = 4
_QR_MODULES_PER_VERSION = 4
# Alphanumeric characters that versions 1 to 6 hold at error correction level M (ISO/IEC 18004, table 7).
_QR_CAPACITY_M = (20, 38, 61, 90, 122, 154)


def zpl(label: LabelData) -> str:
    """The label as one ZPL format, ^XA to ^XZ, ASCII only."""
    canvas = _Commands()
    draw(label, canvas)
    size = f"^PW{_dots(WIDTH)}^LL{_dots(HEIGHT)}^LH0,0"
    return "\n".join(["^XA^CI28", size, *canvas.commands, "^PQ1^XZ"]) + "\n"


def field(text: str) -> str:
    """Field data that can hold anything: `^FH^FD` with every other byte than the harmless ones as `_XX`, then `^FS`."""
    return f"^FH^FD{''.join(chr(b) if b in _HARMLESS else f'_{b:02X}' for b in text.encode())}^FS"


class _Commands:
    """The canvas: each call adds one command."""

    def __init__(self) -> None:
        self.commands: list[str] = []

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
    return text.count("-") * 4 <= len(text) and all(" " <= character <= _LAST_OF_FONT_0 for character in text)


def _dots(millimetres: float) -> int:
    return round(millimetres * DOTS_PER_MM)


def _picture(line: Line) -> tuple[Image.Image, int]:
    """The text in our fonts as black on white, one bit a dot, and how far its baseline is below its top."""
    size = _dots(line.size)
    ascent = round(1.05 * size)
    image = Image.new("L", (round(width(line.text, line.bold) * size) + 2, round(LINE_HEIGHT * size) + 2), 0)
    pen = ImageDraw.Draw(image)
    pen.fontmode = "L"
    x = 0.0
    for name, group in groupby(line.text, key=lambda character: glyph(character, line.bold).font):
        run = "".join(group)
        stroke = 1 if name == "cjk" and line.bold else 0
        # The basic layout places glyphs by their advances alone, which is how `width` measures.
        sized = ImageFont.truetype(font(name).path, size, layout_engine=ImageFont.Layout.BASIC)
        pen.text((x, ascent), run, fill=255, font=sized, anchor="ls", stroke_width=stroke)
        x += width(run, line.bold) * size
    return image.point(lambda level: 255 if level > 110 else 0, mode="1"), ascent


def _graphic(picture: Image.Image) -> str:
    data = picture.tobytes()
    row = (picture.width + 7) // 8
    return f"^GFA,{len(data)},{len(data)},{row},{data.hex().upper()}^FS"
