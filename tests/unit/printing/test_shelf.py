"""Artworks kept at hand."""

from __future__ import annotations

from pathlib import Path

import pypdfium2
import pytest
from fpdf import FPDF
from PIL import Image

from backroom.domain.artwork import Seen
from backroom.printing.artwork import ArtworkUnreadable, render_artwork
from backroom.printing.shelf import Picture, Shelf


def drawn(path: Path, colour: tuple[int, int, int]) -> Path:
    Image.new("RGB", (600, 800), colour).save(path)
    return path


def middle(pdf: bytes) -> tuple[int, int, int]:
    picture = pypdfium2.PdfDocument(pdf)[0].render(scale=1).to_pil().convert("RGB")
    found = picture.getpixel((picture.width // 2, picture.height // 3))
    assert isinstance(found, tuple)
    return found[0], found[1], found[2]


def test_every_piece_of_one_artwork_is_whole_and_has_its_own_label(tmp_path: Path) -> None:
    art = drawn(tmp_path / "fox.png", (200, 30, 60))
    pieces = [pypdfium2.PdfDocument(render_artwork(art, width_mm=90, label=f"A-{n}")) for n in range(3)]
    assert [piece[0].get_textpage().get_text_range() for piece in pieces] == ["A-0", "A-1", "A-2"]
    assert {middle(render_artwork(art, width_mm=90)) for _ in range(3)} == {(200, 30, 60)}


def test_a_file_that_a_designer_replaced_prints_as_it_is_now(tmp_path: Path) -> None:
    art = drawn(tmp_path / "fox.png", (200, 30, 60))
    render_artwork(art, width_mm=90)
    drawn(tmp_path / "next.png", (10, 120, 40)).replace(art)
    assert middle(render_artwork(art, width_mm=90)) == (10, 120, 40)


def test_a_damaged_file_is_looked_at_again_once_it_was_mended(tmp_path: Path) -> None:
    art = tmp_path / "fox.png"
    art.write_bytes(b"no picture")
    with pytest.raises(ArtworkUnreadable):
        render_artwork(art, width_mm=90)
    drawn(art, (10, 120, 40))
    assert middle(render_artwork(art, width_mm=90)) == (10, 120, 40)


def test_what_was_not_asked_for_longest_goes_when_there_is_no_room(tmp_path: Path) -> None:
    shelf, reads = Shelf(most_bytes=250), []
    paths = [tmp_path / name for name in "abc"]
    for path in paths:
        path.write_bytes(b"x" * 100)

    def ask(path: Path) -> None:
        def read() -> Picture:
            reads.append(path.name)
            return Picture(path.read_bytes(), Seen(10, 10))

        shelf.picture(path, read)

    for name in (0, 1, 0, 2, 0, 1):
        ask(paths[name])
    assert reads == ["a", "b", "c", "b"]


def test_a_picture_weighs_what_it_takes_compressed_too(tmp_path: Path) -> None:
    png = drawn(tmp_path / "noise.png", (1, 2, 3)).read_bytes()
    picture = Picture(png, Seen(600, 800))
    before = picture.weight
    pdf = FPDF()
    pdf.add_page()
    picture.place(pdf, 60, 80)
    assert before == len(png) == (tmp_path / "noise.png").stat().st_size < picture.weight
