"""The pixels of a PNG: what is seen of them, and the same pixels as they go into a print.

What belongs here: reading a picture with Pillow, and what is made of it for a printer. What does not: what of it is a
fault (`backroom.domain.artwork`, `backroom.domain.print_ground`), and where its file lies (`artwork`).

As a rule the file is printed as it is. Made anew, without loss, are pixels that printers take otherwise than they are
meant: one colour that stands for transparent (PNG, third edition, section 11.3.1.1) becomes an alpha channel, colours
of a profile other than sRGB become sRGB, and what is transparent is white where the ground is paper.
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import cast

from PIL import ExifTags, Image, ImageCms

from backroom.domain.artwork import Seen

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
# A profile is sRGB, whatever its name, if it moves none of these by more than that, of 255.
_PATCHES = (0, 64, 128, 192, 255)
_SAME = 8
_WHITE = 250
_HALF = range(26, 230)  # 10 to 90 % of 255
_COLOUR, _GREY = "RGB ", "GRAY"
_GREYS = ("1", "L", "LA")


def look(image: Image.Image, bits: int) -> Seen:
    """What is seen of a picture that is unpacked, of so many bits a channel."""
    width, height = image.size
    frames = getattr(image, "n_frames", 1)
    if bits > 8:
        # Pillow does not work with all of these, and none of them is printed.
        return Seen(width, height, image.mode, bits, frames)
    alpha = image.convert("RGBA").getchannel("A").histogram() if image.has_transparency_data else []
    visible = sum(alpha[1:])
    share = visible / (width * height) if alpha else 1.0
    profile, fits = _profile(image)
    return Seen(
        width,
        height,
        image.mode,
        bits,
        frames,
        visible=share,
        half=sum(alpha[at] for at in _HALF) / visible if visible else 0.0,
        white_edge=_white_edge(image) if share == 1 else 0.0,
        profile=_name(profile) if profile is not None and not _is_srgb(profile) else "",
        unfit_profile=not fits,
        turned=image.getexif().get(ExifTags.Base.Orientation, 1) != 1,
    )


def header_of(content: bytes) -> tuple[bool, bool]:
    """Of a JPEG or TIFF: whether it is in CMYK, and whether it is to be turned; no pixel of it is unpacked. Neither
    where it cannot be read."""
    try:
        with Image.open(BytesIO(content), formats=["JPEG", "TIFF"]) as image:
            return image.mode == "CMYK", image.getexif().get(ExifTags.Base.Orientation, 1) != 1
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False, False


def prepared(png: bytes, *, white: bool) -> bytes:
    """A PNG as it goes into a print: the same bytes, unless a printer would take them otherwise than they are meant.
    `white`: on white, with nothing transparent left."""
    with Image.open(BytesIO(png), formats=["PNG"]) as image:
        image.load()
        profile, _ = _profile(image)
        convert = profile is not None and not _is_srgb(profile)
        keyed = image.mode in ("1", "L", "RGB") and "transparency" in image.info
        clear = image.has_transparency_data
        stray = profile is None and "icc_profile" in image.info
        if not (convert or keyed or stray or (white and clear)):
            return png
        made = image.convert("RGBA") if clear else image
        if convert and profile is not None:
            made = _to_srgb(made, profile)
        if white and clear:
            paper = Image.new("RGBA", made.size, "white")
            paper.alpha_composite(made.convert("RGBA"))
            made = paper.convert("RGB")
        written = BytesIO()
        # The profile is used up, or was none; what else a designer's program noted is no part of a print.
        made.info.clear()
        made.save(written, "PNG", compress_level=1)
        return written.getvalue()


def _profile(image: Image.Image) -> tuple[ImageCms.ImageCmsProfile | None, bool]:
    """Its colour profile, if it is one for its colours; and whether it has none that is not."""
    icc = image.info.get("icc_profile")
    if not icc:
        return None, True
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(icc))
    except (ImageCms.PyCMSError, OSError):
        return None, False
    wanted = _GREY if image.mode in _GREYS else _COLOUR
    # A grey picture with the profile of a colour one is grey all the same, in both.
    if profile.profile.xcolor_space == wanted:
        return profile, True
    return None, wanted == _GREY and profile.profile.xcolor_space == _COLOUR and _is_srgb(profile)


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    grey = profile.profile.xcolor_space == _GREY
    triples = [(r, g, b) for r in _PATCHES for g in _PATCHES for b in _PATCHES]
    patches = Image.new("L" if grey else "RGB", (len(_PATCHES) if grey else len(triples), 1))
    patches.putdata(list(_PATCHES) if grey else triples)
    before = patches.convert("RGB").tobytes()
    after = _through(patches, profile).tobytes()
    return all(abs(one - other) <= _SAME for one, other in zip(before, after, strict=True))


def _to_srgb(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    grey = profile.profile.xcolor_space == _GREY
    made = _through(image.convert("L" if grey else "RGB"), profile)
    if image.mode == "RGBA":
        made.putalpha(image.getchannel("A"))
    return made


def _through(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    made = ImageCms.profileToProfile(image, profile, _SRGB, renderingIntent=intent, outputMode="RGB")
    return cast(Image.Image, made)


def _name(profile: ImageCms.ImageCmsProfile) -> str:
    told = ImageCms.getProfileDescription(profile)
    return re.sub(r"[^A-Za-z0-9 ().,-]", "", told).strip()[:40] or "another profile"


def _white_edge(image: Image.Image) -> float:
    """The share of its outermost pixels that are white."""
    width, height = image.size
    boxes = ((0, 0, width, 1), (0, height - 1, width, height), (0, 0, 1, height), (width - 1, 0, width, height))
    white = count = 0
    for box in boxes:
        pixels = image.crop(box).convert("RGB").tobytes()
        lights = [min(pixels[at : at + 3]) for at in range(0, len(pixels), 3)]
        white, count = white + sum(one >= _WHITE for one in lights), count + len(lights)
    return white / count
