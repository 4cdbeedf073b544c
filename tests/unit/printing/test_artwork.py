"""Artwork: what can be printed at its size, and the page it becomes."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image, ImageDraw

from backroom.printing.artwork import STRIP_MM, ArtworkMissing, ArtworkUnreadable, check_artwork, render_artwork

POINTS_PER_MM = 72 / 25.4


def draw(path: Path, width: int, height: int, mode: str = "RGBA", kind: str = "PNG") -> Path:
    image = Image.new(mode, (width, height))
    if mode == "RGBA":
        ImageDraw.Draw(image).ellipse(
            (width // 4, height // 4, width * 3 // 4, height * 3 // 4), fill=(200, 30, 60, 255)
        )
    image.save(path, kind)
    return path


def test_a_page_is_as_large_as_the_artwork_and_shows_it(tmp_path: Path) -> None:
    art = draw(tmp_path / "fox.png", 800, 1000)
    page = pypdfium2.PdfDocument(render_artwork(art, width_mm=100))[0]
    assert page.get_size() == pytest.approx((100 * POINTS_PER_MM, 125 * POINTS_PER_MM), abs=0.1)
    picture = page.render(scale=1).to_pil().convert("RGB")
    middle = picture.getpixel((picture.width // 2, picture.height // 2))
    assert middle == pytest.approx((200, 30, 60), abs=12)
    assert picture.getpixel((3, 3)) == (255, 255, 255), "what is transparent stays unprinted"


def test_one_piece_is_one_page_with_its_label_below(tmp_path: Path) -> None:
    art = draw(tmp_path / "fox.png", 800, 1000)
    document = pypdfium2.PdfDocument(render_artwork(art, width_mm=100, label="TEE-FOX-M Łódź Žižkov"))
    assert len(document) == 1
    assert document[0].get_size()[1] == pytest.approx((125 + STRIP_MM) * POINTS_PER_MM, abs=0.1)
    assert document[0].get_textpage().get_text_range() == "TEE-FOX-M Lódz Zizkov"


def test_it_fits_into_width_and_height_and_keeps_its_proportions(tmp_path: Path) -> None:
    artwork = check_artwork(draw(tmp_path / "fox.png", 800, 1000), 100, 60)
    assert (artwork.width_mm, artwork.height_mm) == pytest.approx((48, 60))


def test_exactly_150_dots_an_inch_are_enough_and_one_pixel_less_is_not(tmp_path: Path) -> None:
    check_artwork(draw(tmp_path / "enough.png", 1500, 1500), 254)
    with pytest.raises(ArtworkUnreadable, match="at least 1500 pixels wide"):
        check_artwork(draw(tmp_path / "less.png", 1499, 1500), 254)


def test_a_file_that_is_not_there_asks_for_it_by_name(tmp_path: Path) -> None:
    with pytest.raises(ArtworkMissing, match=r"Put fox\.png there"):
        check_artwork(tmp_path / "fox.png", 100)


@pytest.mark.parametrize("kind", ["JPEG", "GIF", "BMP"])
def test_what_a_file_is_counts_and_not_its_name(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ArtworkUnreadable, match="no PNG"):
        check_artwork(draw(tmp_path / "fox.png", 800, 800, "L", kind), 100)


def test_a_file_that_breaks_off_is_not_printed_by_half(tmp_path: Path) -> None:
    art = draw(tmp_path / "fox.png", 800, 1000)
    art.write_bytes(art.read_bytes()[:-200])
    with pytest.raises(ArtworkUnreadable, match="damaged"):
        check_artwork(art, 100)


@pytest.mark.parametrize("side", [9_000, 60_000])
def test_a_small_file_of_countless_pixels_is_refused_before_it_is_unpacked(tmp_path: Path, side: int) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    bomb = BytesIO(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)))
    (tmp_path / "bomb.png").write_bytes(bomb.getvalue() + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""))
    with pytest.raises(ArtworkUnreadable, match=r"pixels|far too large"):
        check_artwork(tmp_path / "bomb.png", 400)


def test_a_variant_without_a_printed_size_is_a_persons_to_mend(tmp_path: Path) -> None:
    with pytest.raises(ArtworkUnreadable, match="no printed size"):
        check_artwork(draw(tmp_path / "fox.png", 800, 800), 0)


def test_a_jpeg_that_is_called_a_png_is_named_for_what_it_is(tmp_path: Path) -> None:
    Image.new("RGB", (400, 400), "red").save(tmp_path / "owl.png", "JPEG")
    with pytest.raises(ArtworkUnreadable, match="by its content it is a JPEG") as refused:
        check_artwork(tmp_path / "owl.png", 50)
    assert "Export it as a PNG" in refused.value.remedy


def test_sixteen_bits_an_animation_and_an_empty_picture_are_refused_with_their_cures(tmp_path: Path) -> None:
    Image.new("I;16", (400, 400)).save(tmp_path / "deep.png")
    pictures = [Image.new("RGBA", (400, 400), colour) for colour in ("red", "blue")]
    pictures[0].save(tmp_path / "moving.png", save_all=True, append_images=pictures[1:])
    Image.new("RGBA", (400, 400), (0, 0, 0, 0)).save(tmp_path / "empty.png")
    for name, cure in (("deep", "8 bits"), ("moving", "one picture"), ("empty", "layers")):
        with pytest.raises(ArtworkUnreadable) as refused:
            check_artwork(tmp_path / f"{name}.png", 50)
        assert cure in refused.value.remedy, name


def test_a_picture_that_is_transparent_around_a_design_is_fine(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    picture.paste((10, 20, 30, 255), (100, 100, 300, 300))
    picture.save(tmp_path / "owl.png")
    picture.convert("P").save(tmp_path / "palette.png", transparency=0)
    for name in ("owl.png", "palette.png"):
        assert check_artwork(tmp_path / name, 50).width_mm == 50
