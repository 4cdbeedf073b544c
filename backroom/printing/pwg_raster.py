"""PWG Raster, for printers that take no PDF: each page as rows of pixels.

What belongs here: the format (PWG 5102.4-2012: the page header of section 4.3, the compression of section 4.4), and
pages made of a PDF. What does not: what a printer takes (`capabilities`), and sending it (`ipp`).

A row is told once for all that equal it, up to 256; in it runs of one pixel and stretches of unlike ones follow each
other, each up to 128 pixels long. Colour is sRGB with 8 bits a colour, grey is sGray with 8 bits.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from io import BytesIO

import numpy as np
import pypdfium2
from numpy.typing import NDArray
from PIL import Image

MEDIA_TYPE = "image/pwg-raster"
_SYNC = b"RaS2"
_HEADER_BYTES = 1796
_SGRAY, _SRGB = 18, 19
_LONGEST_RUN = 128
_MOST_ROWS = 256
_POINTS_PER_INCH = 72
# Words of the header that are not zero, by where they begin; section 4.3, table 3.
_CUT_NEVER = 0
_QUALITIES = {"draft": 3, "normal": 4, "high": 5}

Pixels = NDArray[np.uint8]


def raster_of(pdf: bytes, dpi: int, *, color: bool = True, quality: str | None = None) -> bytes:
    """A PDF's pages as PWG Raster at that many dots an inch. ValueError when it is no PDF."""
    try:
        document = pypdfium2.PdfDocument(pdf)
    except pypdfium2.PdfiumError as error:
        raise ValueError("this is no PDF") from error
    try:
        return write_raster(_pages(document, dpi, color), dpi, quality=quality)
    finally:
        document.close()


def write_raster(pages: Iterable[Image.Image], dpi: int, *, quality: str | None = None) -> bytes:
    """Pictures (mode RGB or L) as pages of one document."""
    written = BytesIO()
    written.write(_SYNC)
    drawn = list(pages)
    for page in drawn:
        written.write(_header(page, dpi, len(drawn), _QUALITIES.get(quality or "", 0)))
        written.write(_compressed(np.asarray(page)))
    return written.getvalue()


def _pages(document: pypdfium2.PdfDocument, dpi: int, color: bool) -> Iterator[Image.Image]:
    for page in document:
        drawn = page.render(scale=dpi / _POINTS_PER_INCH).to_pil()
        yield drawn.convert("RGB" if color else "L")


def _header(page: Image.Image, dpi: int, pages: int, quality: int) -> bytes:
    colors = len(page.getbands())
    width, height = page.size
    header = bytearray(_HEADER_BYTES)
    header[0:9] = b"PwgRaster"
    words = {
        268: _CUT_NEVER,
        276: dpi,
        280: dpi,
        340: 1,
        352: round(width * _POINTS_PER_INCH / dpi),
        356: round(height * _POINTS_PER_INCH / dpi),
        372: width,
        376: height,
        384: 8,
        388: 8 * colors,
        392: width * colors,
        396: 0,
        400: _SRGB if colors == 3 else _SGRAY,
        420: colors,
        452: pages,
        456: 1,
        460: 1,
        480: 0xFFFFFF,
        484: quality,
    }
    for at, word in words.items():
        struct.pack_into(">I", header, at, word)
    return bytes(header)


def _compressed(page: Pixels) -> bytes:
    """All rows of a page: how often each comes, then its pixels."""
    rows = page.reshape(page.shape[0], -1)
    colors = 1 if page.ndim == 2 else page.shape[2]
    changes = np.flatnonzero((rows[1:] != rows[:-1]).any(axis=1)) + 1
    starts = np.concatenate(([0], changes, [len(rows)]))
    written = bytearray()
    for start, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        told = _row(rows[start].reshape(-1, colors))
        for at in range(start, end, _MOST_ROWS):
            written.append(min(_MOST_ROWS, end - at) - 1)
            written += told
    return bytes(written)


def _row(pixels: Pixels) -> bytes:
    """A row's pixels: a count below 128 repeats the next pixel so often and once more; one above tells how many unlike
    ones follow, as 257 less it."""
    same = (pixels[1:] == pixels[:-1]).all(axis=1)
    edges = np.concatenate(([0], np.flatnonzero(~same) + 1, [len(pixels)]))
    written = bytearray()
    unlike = 0
    begin = 0
    for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if end - start == 1:
            begin = begin if unlike else start
            unlike += 1
            continue
        _unlike(written, pixels[begin : begin + unlike])
        unlike = 0
        for at in range(start, end, _LONGEST_RUN):
            written.append(min(_LONGEST_RUN, end - at) - 1)
            written += pixels[start].tobytes()
    _unlike(written, pixels[begin : begin + unlike])
    return bytes(written)


def _unlike(written: bytearray, pixels: Pixels) -> None:
    for at in range(0, len(pixels), _LONGEST_RUN):
        some = pixels[at : at + _LONGEST_RUN]
        # One alone is a run of one: 257 - 1 would be no byte.
        written.append(257 - len(some) if len(some) > 1 else 0)
        written += some.tobytes()
