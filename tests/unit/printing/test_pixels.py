"""The pixels of a PNG: made files of every kind, what is seen of each, and what comes out of the printer."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image, ImageCms, ImageDraw

from backroom.domain.artwork import Seen
from backroom.printing.artwork import Artwork, ArtworkUnreadable, check_artwork, render_artwork
from backroom.printing.pixels import prepared

RED, CLEAR = (200, 30, 60, 255), (0, 0, 0, 0)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def wide_gamut() -> bytes:
    """A profile of the colours of Adobe RGB (1998), as its document gives them: ICC.1:2010, version 2 tags."""

    def s15(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def xyz(*values: float) -> bytes:
        return b"XYZ \x00\x00\x00\x00" + b"".join(map(s15, values))

    name = b"Wide (1998)\x00"
    desc = b"desc\x00\x00\x00\x00" + struct.pack(">I", len(name)) + name + b"\x00" * 78
    curve = b"curv\x00\x00\x00\x00" + struct.pack(">IH", 1, round(2.19921875 * 256)) + b"\x00\x00"
    tags = [
        (b"desc", desc + b"\x00" * (-len(desc) % 4)),
        (b"wtpt", xyz(0.9642, 1.0, 0.8249)),
        (b"rXYZ", xyz(0.60974, 0.31111, 0.01947)),
        (b"gXYZ", xyz(0.20528, 0.62567, 0.06087)),
        (b"bXYZ", xyz(0.14919, 0.06322, 0.74457)),
        *[(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")],
    ]
    at, table, data = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for tag, content in tags:
        table += tag + struct.pack(">II", at + len(data), len(content))
        data += content
    head = struct.pack(">I4sI4s4s4s", at + len(data), b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H4s", 1998, 1, 1, 0, 0, 0, b"acsp") + b"\x00" * 28
    head += s15(0.9642) + s15(1.0) + s15(0.8249)
    return head.ljust(128, b"\x00") + table + data


def owl(size: int = 400) -> Image.Image:
    image = Image.new("RGBA", (size, size), CLEAR)
    image.paste(RED, (size // 4, size // 4, size * 3 // 4, size * 3 // 4))
    return image


def saved(folder: Path, image: Image.Image, **words: object) -> Path:
    path = folder / "owl.png"
    image.save(path, "PNG", **words)
    return path


def seen(path: Path, process: str = "dtg") -> Seen:
    return checked(path, process).picture.seen


def checked(path: Path, process: str = "dtg") -> Artwork:
    return check_artwork(path, 50, 0, process)


def doubts(path: Path, process: str = "dtg") -> list[str]:
    return [one.code for one in checked(path, process).doubts]


def printed(path: Path, process: str = "dtg") -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The middle and the corner of what is printed on white."""
    page = pypdfium2.PdfDocument(render_artwork(path, width_mm=50, process=process))[0]
    picture = page.render(scale=1).to_pil().convert("RGB")
    middle, corner = picture.getpixel((picture.width // 2, picture.height // 2)), picture.getpixel((2, 2))
    assert isinstance(middle, tuple)
    assert isinstance(corner, tuple)
    return middle, corner


def near(colour: tuple[int, ...], other: tuple[int, ...], by: int = 3) -> bool:
    return all(abs(one - two) <= by for one, two in zip(colour, other, strict=True))


@pytest.mark.parametrize("process", ["dtg", "sticker"])
@pytest.mark.parametrize("mode", ["RGBA", "P", "LA", "RGB key", "L key"])
def test_what_is_transparent_in_any_of_its_ways_is_not_printed(tmp_path: Path, mode: str, process: str) -> None:
    if mode == "P":
        path = saved(tmp_path, owl().convert("P"), transparency=0)
    elif mode.endswith("key"):
        # One colour of the picture stands for transparent (tRNS without a palette).
        image = Image.new(mode[:-4], (400, 400), "black")
        image.paste("red", (100, 100, 300, 300))
        path = saved(tmp_path, image, transparency=(0, 0, 0) if mode == "RGB key" else 0)
    else:
        path = saved(tmp_path, owl().convert(mode))
    assert seen(path).visible == pytest.approx(0.25)
    middle, corner = printed(path, process)
    assert corner == (255, 255, 255)
    assert middle != corner
    assert doubts(path, process) == []


def test_a_palette_may_have_colours_that_are_half_there(tmp_path: Path) -> None:
    image = Image.new("P", (400, 400), 1)
    image.putpalette([0, 0, 0, 200, 30, 60])
    image.paste(0, (0, 0, 380, 380))
    path = saved(tmp_path, image, transparency=bytes([255, 128]))
    assert seen(path).half == pytest.approx(1 - 0.95**2)
    assert doubts(path) == []
    image.paste(1, (0, 0, 200, 400))
    assert doubts(saved(tmp_path, image, transparency=bytes([255, 128]))) == ["half"]


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "P", "LA", "RGBA"])
def test_grey_palette_and_colour_are_all_printed_as_they_are(tmp_path: Path, mode: str) -> None:
    path = saved(tmp_path, Image.new("RGB", (400, 400), "black").convert(mode))
    assert printed(path) == ((0, 0, 0), (0, 0, 0))
    assert doubts(path) == []
    assert prepared(path.read_bytes(), white=False) == path.read_bytes(), "the very bytes that were looked at"


def test_on_paper_half_transparency_is_flattened_on_white_before_any_printer_sees_it(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.new("RGBA", (400, 400), (200, 30, 60, 128)))
    with Image.open(BytesIO(prepared(path.read_bytes(), white=True))) as flat:
        assert (flat.mode, flat.getpixel((5, 5))) == ("RGB", (227, 142, 157))
    assert b"/SMask" not in render_artwork(path, width_mm=50, process="sticker")
    assert near(printed(path, "sticker")[0], (227, 142, 157))
    assert doubts(path, "sticker") == []


def test_a_layer_at_half_opacity_is_refused_on_cloth_and_a_glow_is_a_doubt(tmp_path: Path) -> None:
    image = owl()
    image.putalpha(image.getchannel("A").point(lambda alpha: alpha // 2))
    path = saved(tmp_path, image)
    for process in ("dtg", "transfer"):
        with pytest.raises(ArtworkUnreadable, match="half-transparent nearly everywhere") as refused:
            checked(path, process)
        assert "sRGB PNG" in refused.value.remedy
    image.paste(RED, (100, 100, 250, 300))
    assert doubts(saved(tmp_path, image)) == ["half"]


def test_smoothed_edges_and_a_scan_that_is_not_quite_solid_are_no_doubt(tmp_path: Path) -> None:
    large = Image.new("L", (1600, 1600), 0)
    ImageDraw.Draw(large).ellipse((200, 200, 1400, 1400), fill=255)
    image = Image.new("RGBA", (400, 400), RED)
    image.putalpha(large.resize((400, 400), Image.Resampling.LANCZOS))
    assert 0 < seen(saved(tmp_path, image)).half < 0.03
    assert doubts(tmp_path / "owl.png") == []
    image.putalpha(image.getchannel("A").point(lambda alpha: min(alpha, 240)))
    assert doubts(saved(tmp_path, image)) == []


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "1"])
def test_a_design_on_a_white_sheet_prints_a_box_on_cloth_and_none_on_paper(tmp_path: Path, mode: str) -> None:
    sheet = Image.new("RGB", (400, 400), "white")
    sheet.paste(RED[:3], (100, 100, 300, 300))
    path = saved(tmp_path, sheet.convert(mode))
    assert [doubts(path, process) for process in ("dtg", "transfer", "sticker")] == [["box"], ["box"], []]
    sheet.paste(RED[:3], (0, 0, 400, 100))
    assert doubts(saved(tmp_path, sheet.convert(mode))) == [], "it reaches its edge: that is a picture"


def test_srgb_is_known_by_its_colours_and_others_are_converted(tmp_path: Path) -> None:
    plain = printed(saved(tmp_path, owl()))
    path = saved(tmp_path, owl(), icc_profile=SRGB)
    assert doubts(path) == []
    assert printed(path) == plain
    path = saved(tmp_path, owl(), icc_profile=wide_gamut())
    assert doubts(path) == ["profile"]
    assert "Wide (1998)" in checked(path).doubts[0].what
    middle, corner = printed(path)
    assert corner == (255, 255, 255), "what is transparent stays so"
    # Red of wide colours is a redder red of sRGB: (200, 30, 60) becomes some (232, 0, 58).
    assert middle[0] > 220
    with Image.open(BytesIO(prepared(path.read_bytes(), white=False))) as made:
        assert "icc_profile" not in made.info


@pytest.mark.parametrize("icc", [b"rubbish" * 30, LAB], ids=["no profile", "of other colours"])
def test_a_profile_that_does_not_fit_is_a_doubt_and_is_left_out(tmp_path: Path, icc: bytes) -> None:
    path = saved(tmp_path, owl(), icc_profile=icc)
    assert doubts(path) == ["unfit_profile"]
    assert printed(path) == printed(saved(tmp_path, owl()))


def test_a_grey_picture_with_the_usual_colour_profile_is_grey_without_a_word(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.new("L", (400, 400), 120), icc_profile=SRGB)
    assert doubts(path) == []
    assert b"/ICCBased" not in render_artwork(path, width_mm=50)
    assert near(printed(path)[0], (120, 120, 120))


def test_a_note_that_turns_a_picture_is_a_doubt_and_turns_nothing(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = owl()
    image.paste(RED, (0, 0, 40, 40))
    path = saved(tmp_path, image, exif=exif)
    assert doubts(path) == ["turned"]
    assert near(printed(path)[1], RED[:3])


def test_a_press_jpeg_is_told_to_become_srgb_and_a_phones_to_be_turned(tmp_path: Path) -> None:
    Image.new("CMYK", (400, 400), (0, 200, 100, 0)).save(tmp_path / "press.png", "JPEG")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (400, 300), "red").save(tmp_path / "phone.png", "JPEG", exif=exif)
    for name, words in (("press", "convert it to sRGB"), ("phone", "turn it upright")):
        with pytest.raises(ArtworkUnreadable, match="it is a JPEG") as refused:
            checked(tmp_path / f"{name}.png")
        assert words in refused.value.remedy
        assert "PNG in sRGB" in refused.value.remedy


@pytest.mark.parametrize("mode", ["I;16", "RGB 16", "RGBA 16"])
def test_sixteen_bits_a_channel_are_named_for_what_they_are(tmp_path: Path, mode: str) -> None:
    kind, count = {"I;16": (0, 1), "RGB 16": (2, 3), "RGBA 16": (6, 4)}[mode]
    rows = (b"\x00" + b"\x40\x00" * count * 400) * 400
    (tmp_path / "owl.png").write_bytes(png(400, 400, 16, kind, rows))
    with pytest.raises(ArtworkUnreadable, match="16 bits") as refused:
        checked(tmp_path / "owl.png")
    assert "sRGB PNG with 8 bits" in refused.value.remedy


@pytest.mark.parametrize(
    ("kind", "head"),
    [(b"iCCP", b"icc\x00\x00"), (b"zTXt", b"Comment\x00\x00"), (b"iTXt", b"Comment\x00\x01\x00\x00\x00")],
)
def test_a_small_file_that_unpacks_to_a_large_note_is_refused(tmp_path: Path, kind: bytes, head: bytes) -> None:
    bomb = head + zlib.compress(b"\x00" * 80_000_000, 9)
    assert len(bomb) < 100_000
    rows = (b"\x00" + b"\x40" * 400) * 400
    (tmp_path / "owl.png").write_bytes(png(400, 400, 8, 0, rows, chunk(kind, bomb)))
    with pytest.raises(ArtworkUnreadable, match="damaged or far too large"):
        checked(tmp_path / "owl.png")


def test_more_rows_than_the_header_says_are_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "owl.png"
    path.write_bytes(png(400, 400, 8, 0, (b"\x00" + b"\x40" * 400) * 400 + b"\x00" * 50_000_000))
    assert (seen(path).width_px, seen(path).height_px) == (400, 400)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, bits: int, kind: int, rows: bytes, more: bytes = b"") -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + more + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
