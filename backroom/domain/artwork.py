"""What makes a file printable: rules over what was seen of it, each with its cure.

What belongs here: the rules, and telling kinds of files apart by their first bytes. What does not: reading a picture
(`backroom.printing.pixels`), where it comes from, and what depends on the ground it is printed on (`print_ground`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LEAST_DPI = 150
MOST_PIXELS = 80_000_000  # 400 × 500 mm at 500 dpi; unpacked it takes 320 MB
MM_PER_INCH = 25.4
PNG = "PNG"

# By their first bytes, whatever the file is called. (offset, bytes)
_MARKS: Mapping[str, tuple[tuple[int, bytes], ...]] = {
    PNG: ((0, b"\x89PNG\r\n\x1a\n"),),
    "JPEG": ((0, b"\xff\xd8\xff"),),
    "GIF": ((0, b"GIF87a"), (0, b"GIF89a")),
    "TIFF": ((0, b"II*\x00"), (0, b"MM\x00*")),
    "WebP": ((8, b"WEBP"),),
    "PDF": ((0, b"%PDF-"),),
    "Photoshop file": ((0, b"8BPS"),),
    "HEIC": ((4, b"ftyphei"), (4, b"ftypmif1")),
    "AVIF": ((4, b"ftypavif"),),
    "BMP": ((0, b"BM"),),
    "SVG": ((0, b"<svg"), (0, b"<?xml")),
    "web page": ((0, b"<!DOCTYPE html"), (0, b"<!doctype html"), (0, b"<html")),
    "ZIP archive": ((0, b"PK\x03\x04"),),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """A PNG as it was seen: its size in pixels, `bits` a channel, its `mode` (as Pillow names it), how many frames it
    has. `visible` is the share of its pixels that are not wholly transparent, `half` the share of those that are
    neither solid nor nearly clear (10 to 90 %), `white_edge` the share of white among its outermost pixels where no
    pixel of it is transparent.

    `profile` names a colour profile that gives other colours than sRGB, empty where it has none or that one;
    `unfit_profile`: it has one that is none, or is for other colours than its own. `turned`: a note in it (EXIF) says
    that its pixels are to be shown turned.
    """

    width_px: int
    height_px: int
    mode: str = "RGBA"
    bits: int = 8
    frames: int = 1
    visible: float = 1.0
    half: float = 0.0
    white_edge: float = 0.0
    profile: str = ""
    unfit_profile: bool = False
    turned: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with an artwork, after its name, and the cure in the imperative."""

    code: str
    what: str
    cure: str


def kind_of(content: bytes) -> str:
    """What a file is by its first bytes, "" for what nobody here knows."""
    start = content.lstrip() if content[:1].isspace() else content
    for kind, marks in _MARKS.items():
        if any(start[at : at + len(mark)] == mark for at, mark in marks):
            return kind
    return ""


def wrong_kind(content: bytes, *, cmyk: bool = False, turned: bool = False) -> Fault | None:
    """What is wrong with a file's kind; None for a PNG. `cmyk`, `turned`: what its header says of its pixels, where
    somebody could read it."""
    kind = kind_of(content)
    if kind == PNG:
        return None
    inks = " in CMYK, the inks of a printing press" if cmyk else ""
    what = f"is no PNG: by its content it is a {kind}{inks}." if kind else "is no PNG."
    first = [
        *(["turn it upright"] if turned else []),
        *(["convert it to sRGB and look at its colours, which change"] if cmyk else []),
    ]
    before = f" Before that, {' and '.join(first)}: a PNG has no such thing." if first else ""
    return Fault("kind", what, f"Export it as a PNG in sRGB, then retry.{before}")


def too_many_pixels(width_px: int, height_px: int) -> Fault | None:
    """Asked of a file's header, before it is unpacked: a small file may unpack to more than a machine has."""
    if width_px * height_px <= MOST_PIXELS:
        return None
    return Fault(
        "pixels",
        f"has {width_px} × {height_px} pixels.",
        f"Export it with no more than {MOST_PIXELS // 1_000_000} million pixels.",
    )


def faults_of(seen: Seen) -> tuple[Fault, ...]:
    """What is wrong with a PNG whatever its printed size."""
    found = []
    if seen.bits > 8:
        found.append(
            Fault(
                "bits",
                f"has {seen.bits} bits a channel, and printers take 8.",
                "Export it as an sRGB PNG with 8 bits a channel.",
            )
        )
    if seen.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA") and seen.bits <= 8:
        found.append(Fault("mode", f"has the colour mode {seen.mode}.", "Export it as a PNG in sRGB."))
    if seen.frames > 1:
        found.append(Fault("frames", f"is an animation of {seen.frames} pictures.", "Export one picture of it."))
    if seen.visible == 0:
        found.append(
            Fault("empty", "is empty: all of it is transparent.", "Export it again with its layers switched on.")
        )
    return tuple(found)


def dpi_at(width_px: int, height_px: int, width_mm: float, height_mm: float = 0) -> float:
    """Dots an inch at the printed size: it fills the width, or the height where both are given and that is less."""
    return MM_PER_INCH / scale_at(width_px, height_px, width_mm, height_mm)


def scale_at(width_px: int, height_px: int, width_mm: float, height_mm: float = 0) -> float:
    """Millimetres a pixel at the printed size."""
    scale = width_mm / width_px
    return min(scale, height_mm / height_px) if height_mm > 0 else scale


def too_coarse(width_px: int, height_px: int, width_mm: float, height_mm: float = 0) -> Fault | None:
    """What is wrong with an artwork at its printed size; None where it is fine enough."""
    if width_mm <= 0:
        return Fault("size", "has no printed size.", "Write the printed width into the catalogue, then retry.")
    dpi = dpi_at(width_px, height_px, width_mm, height_mm)
    if dpi >= LEAST_DPI:
        return None
    printed_mm = width_px * scale_at(width_px, height_px, width_mm, height_mm)
    needed = round(LEAST_DPI * printed_mm / MM_PER_INCH + 0.5)
    return Fault(
        "dpi",
        f"has only {dpi:.0f} dots an inch at its printed size.",
        f"Export it at least {needed} pixels wide, or print it smaller.",
    )
