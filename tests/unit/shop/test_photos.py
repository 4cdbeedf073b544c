"""Photos of samples: looked at by their content, kept small, and without what a camera writes into them."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from backroom.shop import photos
from backroom.shop.photos import NoPhoto


def picture(kind: str = "JPEG", size: tuple[int, int] = (800, 600), exif: Image.Exif | None = None) -> bytes:
    content = BytesIO()
    Image.effect_noise(size, 80).convert("RGB").save(content, kind, **({"exif": exif} if exif else {}))
    return content.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_is_kept_as_a_jpeg_that_is_found_again(tmp_path: Path, kind: str) -> None:
    name = photos.keep(tmp_path, 7, picture(kind))
    found = photos.find(tmp_path, name)
    assert found is not None
    assert name.startswith("7-")
    with Image.open(found) as kept:
        assert (kept.format, kept.size) == ("JPEG", (800, 600))
    assert photos.find(tmp_path, "") is None
    assert photos.find(tmp_path, "8-none.jpg") is None


def test_a_large_photo_is_kept_smaller_and_stands_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    name = photos.keep(tmp_path, 1, picture(size=(4000, 2000), exif=exif))
    with Image.open(tmp_path / photos.FOLDER / name) as kept:
        assert kept.size == (800, 1600)


def test_where_and_when_a_photo_was_taken_is_not_kept(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera of Zaphrodel"
    exif.get_ifd(0x8825)[1] = "N"
    name = photos.keep(tmp_path, 1, picture(exif=exif))
    with Image.open(tmp_path / photos.FOLDER / name) as kept:
        assert dict(kept.getexif()) == {}
    assert b"Zaphrodel" not in (tmp_path / photos.FOLDER / name).read_bytes()


def test_what_somebody_wrote_into_a_photo_is_not_kept(tmp_path: Path) -> None:
    content = BytesIO()
    Image.effect_noise((800, 600), 80).convert("RGB").save(content, "JPEG", comment=b"By Zaphrodel", dpi=(72, 72))
    name = photos.keep(tmp_path, 1, content.getvalue())
    assert b"By Zaphrodel" in content.getvalue()
    assert b"By Zaphrodel" not in (tmp_path / photos.FOLDER / name).read_bytes()


def test_the_same_photo_is_kept_once(tmp_path: Path) -> None:
    content = picture()
    assert photos.keep(tmp_path, 1, content) == photos.keep(tmp_path, 1, content)
    assert len(list((tmp_path / photos.FOLDER).iterdir())) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "there is no photo"),
        (b"%PDF-1.7 not a photo", "it is a PDF"),
        (b"GIF89a" + bytes(50), "it is a GIF"),
        (b"MZ\x90\x00" + bytes(50), "no picture that is known here"),
        (picture()[:5000], "damaged"),
        (picture(size=(100, 100)), "only 100 × 100 pixels"),
        (bytes(photos.LARGEST + 1), "larger than 15 MiB"),
    ],
)
def test_what_is_no_photo_is_refused_with_what_to_do(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(NoPhoto, match=said) as refused:
        photos.keep(tmp_path, 1, content)
    assert refused.value.remedy
    assert not (tmp_path / photos.FOLDER).exists()


def test_a_small_file_that_unpacks_to_more_than_a_machine_has_is_refused(tmp_path: Path) -> None:
    content = BytesIO()
    Image.new("1", (9_000, 9_000)).save(content, "PNG")
    with pytest.raises(NoPhoto, match="9000 × 9000 pixels"):
        photos.keep(tmp_path, 1, content.getvalue())


def test_a_file_that_is_not_there_or_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with pytest.raises(NoPhoto, match="no file"):
        photos.read_photo(tmp_path / "none.jpg")
    large = tmp_path / "large.jpg"
    with large.open("wb") as file:
        file.truncate(photos.LARGEST + 1)
    with pytest.raises(NoPhoto, match="larger than"):
        photos.read_photo(large)
