"""PWG Raster, held against the reader of CUPS itself where it is installed, and against a reader of our own."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import struct
import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from fpdf import FPDF
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from backroom.printing.pwg_raster import raster_of, write_raster

HEADER = 1796


def read(document: bytes) -> list[np.ndarray]:
    """The pages again, by the rules of PWG 5102.4 section 4.4 read from the other side."""
    stream = BytesIO(document)
    assert stream.read(4) == b"RaS2"
    pages = []
    while header := stream.read(HEADER):
        width, height = struct.unpack_from(">II", header, 372)
        size = struct.unpack_from(">I", header, 388)[0] // 8
        rows: list[bytes] = []
        while len(rows) < height:
            times = stream.read(1)[0] + 1
            row = b""
            while len(row) < width * size:
                count = stream.read(1)[0]
                row += stream.read(size) * (count + 1) if count < 128 else stream.read(size * (257 - count))
            assert len(row) == width * size
            rows += [row] * times
        assert len(rows) == height
        pages.append(np.frombuffer(b"".join(rows), np.uint8).reshape(height, width, size))
    return pages


def read_by_cups(document: bytes) -> list[np.ndarray]:
    """The pages as libcups reads them."""
    cups = ctypes.CDLL(ctypes.util.find_library("cups"))
    cups.cupsRasterOpen.restype = ctypes.c_void_p
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "document"
        path.write_bytes(document)
        file = os.open(path, os.O_RDONLY)
        raster = ctypes.c_void_p(cups.cupsRasterOpen(file, 0))
        header, pages = ctypes.create_string_buffer(HEADER), []
        while cups.cupsRasterReadHeader2(raster, header):
            width, height = struct.unpack_from("=II", header.raw, 372)
            line = struct.unpack_from("=I", header.raw, 392)[0]
            pixels = ctypes.create_string_buffer(line)
            rows = []
            for _ in range(height):
                assert cups.cupsRasterReadPixels(raster, pixels, line) == line
                rows.append(pixels.raw)
            pages.append(np.frombuffer(b"".join(rows), np.uint8).reshape(height, width, -1))
        cups.cupsRasterClose(raster)
        os.close(file)
    return pages


needs_cups = pytest.mark.skipif(ctypes.util.find_library("cups") is None, reason="libcups is not installed")
# Few colours, so that there are runs; and any, so that there are none.
rgb = st.one_of(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 300), st.just(3)), elements=st.integers(0, 1)),
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 5), st.integers(1, 40), st.just(3))),
)


@given(rgb)
@settings(max_examples=150, deadline=None)
def test_what_is_written_is_read_again(pixels: np.ndarray) -> None:
    [page] = read(write_raster([Image.fromarray(pixels)], 300))
    assert (page == pixels).all()


@needs_cups
@given(rgb)
@settings(max_examples=60, deadline=None)
def test_cups_reads_the_same(pixels: np.ndarray) -> None:
    [page] = read_by_cups(write_raster([Image.fromarray(pixels)], 300))
    assert (page == pixels).all()


def test_many_equal_rows_and_long_runs_take_little() -> None:
    white = Image.new("L", (2480, 3508), 255)
    document = write_raster([white], 300)
    assert (read(document)[0] == 255).all()
    assert len(document) <= 4 + HEADER + 14 * (1 + 2 * 20)


def test_a_pdf_becomes_pages_of_its_size_in_colour_or_grey() -> None:
    pdf = FPDF(unit="mm", format=(50, 30))
    for _ in range(2):
        pdf.add_page()
        pdf.set_fill_color(255, 0, 0)
        pdf.rect(0, 0, 50, 15, style="F")
    made = bytes(pdf.output())
    pages = read(raster_of(made, 150, quality="high"))
    assert [page.shape for page in pages] == [(178, 296, 3)] * 2
    assert tuple(pages[0][10, 10]) == (255, 0, 0)
    assert tuple(pages[0][170, 10]) == (255, 255, 255)
    [grey, _] = read(raster_of(made, 150, color=False))
    assert grey.shape[2] == 1
    document = raster_of(made, 150, quality="high")
    assert document[4:13] == b"PwgRaster"
    assert struct.unpack_from(">II", document, 4 + 276) == (150, 150)
    assert struct.unpack_from(">I", document, 4 + 452) == (2,)
    assert struct.unpack_from(">I", document, 4 + 484) == (5,)


def test_what_is_no_pdf_is_refused() -> None:
    with pytest.raises(ValueError, match="no PDF"):
        raster_of(b"%!PS", 150)
