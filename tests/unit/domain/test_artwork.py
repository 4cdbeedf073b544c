"""Artwork: what makes a file printable, and that each fault names its cure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.artwork import (
    LEAST_DPI,
    MOST_PIXELS,
    Seen,
    dpi_at,
    faults_of,
    kind_of,
    too_coarse,
    too_many_pixels,
    wrong_kind,
)

sides = st.integers(1, 20_000)
sizes = st.floats(1, 2_000)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n....", "PNG"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"GIF89a", "GIF"),
        (b"RIFF\x00\x00\x00\x00WEBP", "WebP"),
        (b"%PDF-1.7", "PDF"),
        (b"8BPS", "Photoshop file"),
        (b"\x00\x00\x00\x18ftypheic", "HEIC"),
        (b"\n <svg xmlns=", "SVG"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"MM\x00*", "TIFF"),
        (b"", ""),
        (b"hello", ""),
    ],
)
def test_a_file_is_what_its_first_bytes_say(content: bytes, kind: str) -> None:
    assert kind_of(content) == kind
    fault = wrong_kind(content)
    assert (fault is None) == (kind == "PNG")
    assert fault is None or (kind in fault.what and fault.cure)


@given(st.binary(max_size=64))
def test_whatever_comes_has_a_kind_or_none(content: bytes) -> None:
    assert isinstance(kind_of(content), str)


@pytest.mark.parametrize(
    ("seen", "codes"),
    [
        (Seen(100, 100), []),
        (Seen(100, 100, mode="P"), []),
        (Seen(100, 100, mode="I;16", bits=16), ["bits"]),
        (Seen(100, 100, mode="CMYK"), ["mode"]),
        (Seen(100, 100, frames=3), ["frames"]),
        (Seen(100, 100, visible=0.0), ["empty"]),
        (Seen(100, 100, visible=0.01), []),
        (Seen(100, 100, bits=16, frames=2, visible=0.0), ["bits", "frames", "empty"]),
    ],
)
def test_each_fault_is_found_and_names_its_cure(seen: Seen, codes: list[str]) -> None:
    found = faults_of(seen)
    assert [fault.code for fault in found] == codes
    assert all(fault.what.endswith(".") and fault.cure.endswith(".") for fault in found)


@given(sides, sides, sizes, st.one_of(st.just(0.0), sizes))
def test_an_artwork_is_fine_enough_exactly_from_150_dots_an_inch(
    width: int, height: int, width_mm: float, height_mm: float
) -> None:
    assert (too_coarse(width, height, width_mm, height_mm) is None) == (
        dpi_at(width, height, width_mm, height_mm) >= LEAST_DPI
    )


@given(sides, sides, sizes, sizes)
def test_whoever_exports_it_as_wide_as_is_said_has_it_fine_enough(
    width: int, height: int, width_mm: float, height_mm: float
) -> None:
    fault = too_coarse(width, height, width_mm, height_mm)
    if fault is not None:
        needed = int(fault.cure.split("at least ")[1].split(" ")[0])
        # In the same proportions; rounding to whole pixels may cost a dot.
        assert dpi_at(needed, max(1, round(height * needed / width)), width_mm, height_mm) >= LEAST_DPI - 1 or (
            round(height * needed / width) < 100
        )


@given(sides, sides)
def test_nothing_is_unpacked_that_has_more_pixels_than_a_machine_holds(width: int, height: int) -> None:
    assert (too_many_pixels(width, height) is None) == (width * height <= MOST_PIXELS)


def test_an_artwork_without_a_printed_size_says_so() -> None:
    fault = too_coarse(100, 100, 0)
    assert fault is not None
    assert "printed width" in fault.cure


def test_a_press_file_is_told_to_become_srgb_and_a_turned_one_to_be_turned_first() -> None:
    jpeg = b"\xff\xd8\xff\xe0"
    plain, inks, both = (wrong_kind(jpeg), wrong_kind(jpeg, cmyk=True), wrong_kind(jpeg, cmyk=True, turned=True))
    assert plain is not None
    assert inks is not None
    assert both is not None
    assert "PNG in sRGB" in plain.cure
    assert "Before that" not in plain.cure
    assert "CMYK" in inks.what
    assert "convert it to sRGB" in inks.cure
    assert "turn it upright and convert it to sRGB" in both.cure
    assert wrong_kind(b"\x89PNG\r\n\x1a\n", cmyk=True, turned=True) is None
