"""F8 in pictures: photos of samples, artworks, and the small pictures that an event's page shows to everybody."""

from __future__ import annotations

import os
from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from backroom.domain.errors import BackroomError
from backroom.eventpage import pictures as event_pictures
from backroom.printing.artwork import ArtworkUnreadable, check_artwork, render_artwork
from backroom.shop import photos
from backroom.shop.photos import NoPhoto
from tests.faults.poisoned_files import tried
from tests.faults.poisoned_pictures import picture, pictures
from tests.faults.table import Fault

WIDTH_MM = 30
pytestmark = pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning", "ignore:Corrupt EXIF data")


def a_sentence(error: BackroomError, *words: str) -> None:
    assert all(word in str(error) for word in words), str(error)
    assert error.remedy
    assert len(str(error)) < 500
    assert str(error).isprintable()


@pytest.mark.fault("F8 photos")
@pytest.mark.timeout(1800)
def test_a_poisoned_photo_is_kept_as_a_small_jpeg_or_refused_with_a_remedy(fault: Fault, tmp_path: Path) -> None:
    ends: Counter[str] = Counter()

    def send(content: bytes) -> None:
        try:
            name = photos.keep(tmp_path, 7, content)
        except NoPhoto as error:
            a_sentence(error)
            ends["refused"] += 1
            return
        found = photos.find(tmp_path, name)
        assert found is not None
        with Image.open(found, formats=["JPEG"]) as kept:
            kept.load()
            assert max(kept.size) <= photos.LONGEST_SIDE_PX
            assert not kept.getexif()
        ends["taken"] += 1

    tried(pictures(), fault.volume(60, 1_000, 3_000), fault.seed, send)
    assert ends["refused"]
    # What came before keeps no good one out.
    taken = ends["taken"]
    send(picture("JPEG"))
    assert ends["taken"] == taken + 1
    fault.tell(inputs=ends.total(), **dict(sorted(ends.items())))


@pytest.mark.fault("F8 artwork")
@pytest.mark.timeout(1800)
def test_a_poisoned_artwork_prints_or_is_refused_by_its_name_and_with_a_remedy(fault: Fault, tmp_path: Path) -> None:
    ends: Counter[str] = Counter()

    def hand_in(content: bytes) -> None:
        path = tmp_path / "owl.png"
        path.write_bytes(content)
        # Another file each time: what was read of one is kept by its time and size.
        os.utime(path, ns=(ends.total(), ends.total()))
        try:
            check_artwork(path, WIDTH_MM)
        except ArtworkUnreadable as error:
            a_sentence(error, "owl.png")
            ends["refused"] += 1
            return
        # Whatever was found good is printed: nothing may break at the printer's side of it.
        assert render_artwork(path, width_mm=WIDTH_MM, label="A-1").startswith(b"%PDF")
        ends["taken"] += 1

    tried(pictures(), fault.volume(60, 1_000, 3_000), fault.seed, hand_in)
    assert ends["refused"]
    # What came before keeps no good one out.
    taken = ends["taken"]
    hand_in(picture("PNG"))
    assert ends["taken"] == taken + 1
    fault.tell(inputs=ends.total(), **dict(sorted(ends.items())))


@pytest.mark.fault("F8 event pictures")
@pytest.mark.timeout(1800)
def test_an_event_shows_a_small_picture_of_a_poisoned_artwork_or_none(fault: Fault, tmp_path: Path) -> None:
    ends: Counter[str] = Counter()
    artworks = tmp_path / "artwork"
    artworks.mkdir()

    def show(content: bytes) -> None:
        name = f"owl-{ends.total()}.png"
        (artworks / name).write_bytes(content)
        kept = event_pictures.keep(tmp_path, artworks, name)
        if not kept:
            ends["none"] += 1
            return
        shown = event_pictures.find(tmp_path, kept)
        assert shown is not None
        with Image.open(BytesIO(shown), formats=["WEBP"]) as small:
            small.load()
            assert small.width <= event_pictures.LARGEST[0]
            assert small.height <= event_pictures.LARGEST[1]
        ends["shown"] += 1
        (artworks / name).unlink()

    tried(pictures(), fault.volume(60, 1_000, 3_000), fault.seed, show)
    assert ends["none"]
    # What came before keeps no good one out.
    shown = ends["shown"]
    show(picture("PNG"))
    assert ends["shown"] == shown + 1
    for way_out in ("../secrets.toml", "/etc/passwd", "nul\0byte", "\ud800", "a" * 5_000, "."):
        assert event_pictures.keep(tmp_path, artworks, way_out) == ""
    # By its content it is not what is printed, whatever its name says.
    (artworks / "drawing.png").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 240 240\n%%EndComments\nshowpage\n"
    )
    (artworks / "holiday.png").write_bytes(picture("JPEG"))
    # A few kilobytes that unpack to more than is printed.
    large = BytesIO()
    Image.new("1", (9_000, 9_000)).save(large, "PNG")
    (artworks / "large.png").write_bytes(large.getvalue())
    for name in ("drawing.png", "holiday.png", "large.png"):
        assert event_pictures.keep(tmp_path, artworks, name) == ""
    # No draft stays behind.
    assert {one.suffix for one in (tmp_path / event_pictures.FOLDER).iterdir()} == {".webp"}
    fault.tell(inputs=ends.total(), **dict(sorted(ends.items())))
