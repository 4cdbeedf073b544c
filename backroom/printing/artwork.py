"""Artwork: whether a file can be printed at its size, and the PDF that is sent to the printer.

What belongs here: PNG files as designers hand them in, and one page a piece. What does not: which file a variant has
(the catalogue), and shipping labels (`backroom.carriers`).

A page is the artwork at its printed size, with a strip below it that says in small letters what the piece is, so that
whoever takes it from the printer knows.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from fpdf import FPDF
from PIL import Image

from backroom.domain.artwork import Fault, Seen, faults_of, scale_at, too_coarse, too_many_pixels, wrong_kind
from backroom.domain.errors import AskPerson, BackroomError
from backroom.domain.print_ground import doubts_on, faults_on, on_paper
from backroom.printing.pixels import header_of, look
from backroom.printing.shelf import Picture, Shelf

MOST_BYTES = 64 * 1024 * 1024
STRIP_MM = 7.0

_SHELF = Shelf()
_STRIP_FONT_PT = 8
# What Łukasz, Æ and ß lose when they are taken apart by Unicode alone.
_LETTERS = str.maketrans({"Ł": "L", "ł": "l", "Đ": "D", "đ": "d", "ı": "i", "Œ": "OE", "œ": "oe", "–": "-", "’": "'"})


class ArtworkMissing(AskPerson):
    """The variant's artwork is not where the shop keeps its artwork."""

    cause = "artwork_missing"


class ArtworkUnreadable(AskPerson):
    """The artwork is no PNG that can be printed at its size."""

    cause = "artwork_unreadable"


class ArtworkChanged(AskPerson):
    """The artwork's file is another one than was looked at for this print."""

    cause = "artwork_changed"


@dataclass(frozen=True, slots=True)
class Artwork:
    """A PNG that was looked at whole, and the size it is printed at, in millimetres. `doubts` stop nothing."""

    picture: Picture
    width_mm: float
    height_mm: float
    doubts: tuple[Fault, ...] = ()


def check_artwork(path: Path, width_mm: int, height_mm: int = 0, process: str = "") -> Artwork:
    """Read an artwork and make sure that it prints well at that size; ArtworkMissing, ArtworkUnreadable.

    `process` is how it is printed, which says what on (`backroom.domain.print_ground`); without one nothing is asked
    of its transparency.

    It keeps its proportions: it fills the width, or the height where both are given and that is less. The file must
    be a PNG by its content, whatever its name, and give 150 dots an inch at the printed size.
    """
    picture = _picture(path)
    for fault in faults_on(picture.seen, process):
        raise _unreadable(path.name, fault)
    return _fit(path.name, picture, width_mm, height_mm, doubts_on(picture.seen, process))


def render_artwork(path: Path, *, width_mm: int, height_mm: int = 0, process: str = "", label: str = "") -> bytes:
    """The PDF of one piece: `page_of` an artwork that is looked at as `check_artwork` does."""
    return page_of(check_artwork(path, width_mm, height_mm, process), process, label)


def unchanged(name: str, artwork: Artwork, sha256: str) -> None:
    """Raise ArtworkChanged unless these are the bytes that were looked at before; an empty `sha256` says none were."""
    if sha256 and artwork.picture.sha256 != sha256:
        raise ArtworkChanged(
            f"{name} is another file than was looked at for this print.",
            remedy=f"Put the old one back, or look at it and say: backroom artwork accept {name}",
        )


def page_of(artwork: Artwork, process: str, label: str = "") -> bytes:
    """The PDF of one piece: a page as large as the artwork at its printed size, and the strip where it has a label. Its
    pixels are those that were looked at, whatever became of the file since."""
    strip = STRIP_MM if label else 0.0
    pdf = FPDF(unit="mm", format=(artwork.width_mm, artwork.height_mm + strip))
    pdf.set_auto_page_break(auto=False)
    pdf.set_margin(0)
    pdf.add_page()
    artwork.picture.place(pdf, artwork.width_mm, artwork.height_mm, white=on_paper(process))
    if label:
        pdf.set_font("Helvetica", size=_STRIP_FONT_PT)
        pdf.set_xy(0, artwork.height_mm)
        pdf.cell(artwork.width_mm, strip, _in_latin_1(label), align="C")
    return bytes(pdf.output())


def _picture(path: Path) -> Picture:
    try:
        return _SHELF.picture(path, lambda: _look_at(path.name, _read(path)))
    except OSError as error:
        raise ArtworkMissing(
            f"Artwork {path.name} is not in the artwork folder.", remedy=f"Put {path.name} there, then retry."
        ) from error


def _read(path: Path) -> bytes:
    if path.stat().st_size > MOST_BYTES:
        raise ArtworkUnreadable(
            f"Artwork {path.name} is larger than {MOST_BYTES // 1024 // 1024} MiB.",
            remedy="Export it as a PNG without layers, at no more than 300 dpi.",
        )
    return path.read_bytes()


def _look_at(name: str, png: bytes) -> Picture:
    """A PNG that unpacks whole and that printers take."""
    try:
        seen = _seen(name, png)
    except BackroomError:
        raise
    except Exception as error:
        # Whatever a decoder makes of a spoilt file: a P without its palette ends in an AssertionError.
        raise ArtworkUnreadable(
            f"Artwork {name} is damaged or far too large.", remedy="Export it as a PNG again, then retry."
        ) from error
    for fault in faults_of(seen):
        raise _unreadable(name, fault)
    return Picture(png, seen)


def _seen(name: str, png: bytes) -> Seen:
    cmyk, turned = header_of(png)
    if fault := wrong_kind(png, cmyk=cmyk, turned=turned):
        raise _unreadable(name, fault)
    with Image.open(BytesIO(png), formats=["PNG"]) as image:
        if fault := too_many_pixels(*image.size):
            raise _unreadable(name, fault)
        image.load()
        return look(image, _bits(png))


def _bits(png: bytes) -> int:
    """Bits a channel, from the header (PNG, third edition, section 11.2.1): Pillow reads 16 and gives 8 of them."""
    return png[24] if len(png) > 24 else 8


def _unreadable(name: str, fault: Fault) -> ArtworkUnreadable:
    return ArtworkUnreadable(f"Artwork {name} {fault.what}", remedy=fault.cure)


def _fit(name: str, picture: Picture, width_mm: int, height_mm: int, doubts: tuple[Fault, ...]) -> Artwork:
    seen = picture.seen
    if fault := too_coarse(seen.width_px, seen.height_px, width_mm, height_mm):
        raise _unreadable(name, fault)
    scale = scale_at(seen.width_px, seen.height_px, width_mm, height_mm)
    return Artwork(picture, seen.width_px * scale, seen.height_px * scale, doubts)


def _in_latin_1(text: str) -> str:
    """The label in the letters of a PDF's built-in fonts: accents go where they must, an unknown letter becomes `?`."""
    kept = []
    for letter in unicodedata.normalize("NFC", text):
        plain = letter
        if not _is_latin_1(letter):
            folded = unicodedata.normalize("NFKD", letter.translate(_LETTERS))
            plain = "".join(one for one in folded if not unicodedata.combining(one))
        kept.append(plain if _is_latin_1(plain) else "?")
    return "".join(kept)


def _is_latin_1(text: str) -> bool:
    return all(ord(one) < 256 for one in text)
