"""Photos of samples, kept in the shop's home folder.

What belongs here: taking a photo in, and finding it again. What does not: what it shows (`backroom.store.samples`).

A photo is looked at by its content, whatever its name, and kept as a JPEG of a size that shows a print. With that goes
what a camera writes into its files besides: where and when it was taken, and with what.
"""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps

from backroom.domain.artwork import kind_of, too_many_pixels
from backroom.domain.errors import AskPerson, BackroomError
from backroom.durable import flush, write_durably

FOLDER = "samples"
LARGEST = 15 * 1024 * 1024
# A print fills the picture, and its faults are still seen at that.
LONGEST_SIDE_PX = 1600
SHORTEST_SIDE_PX = 200
KINDS = ("JPEG", "PNG", "WebP")
_FORMATS = ("JPEG", "PNG", "WEBP")
_QUALITY = 85


class NoPhoto(AskPerson):
    """The file is no photo that can be kept."""

    cause = "no_photo"


def read_photo(path: Path) -> bytes:
    """A file's content, for `keep`; NoPhoto when it is not there or too large."""
    if not path.is_file():
        raise NoPhoto(f"there is no file {path.name}", remedy="Check its name and folder.")
    if path.stat().st_size > LARGEST:
        raise _too_large()
    return path.read_bytes()


def keep(home: Path, sample: int, content: bytes) -> str:
    """Keep the photo of a sample; returns the name of its file. NoPhoto says what is wrong with it.

    The same photo has the same name, so that one that is sent twice is kept once.
    """
    photo = _as_jpeg(content)
    folder = home / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{sample}-{hashlib.sha256(photo).hexdigest()[:16]}.jpg"
    write_durably(folder / name, photo)
    flush(folder)
    return name


def find(home: Path, name: str) -> Path | None:
    """The kept photo of this name, None when it is not there any more."""
    path = home / FOLDER / Path(name).name
    return path if name and path.is_file() else None


def _as_jpeg(content: bytes) -> bytes:
    if len(content) > LARGEST:
        raise _too_large()
    if not content:
        raise NoPhoto("there is no photo in it", remedy="Take one, or choose a file.")
    kind = kind_of(content)
    if kind not in KINDS:
        what = f"a {kind}" if kind else "no picture that is known here"
        raise NoPhoto(f"by its content it is {what}", remedy="Send a photo as JPEG, PNG or WebP.")
    try:
        upright = _upright(content)
    except BackroomError:
        raise
    except Exception as error:
        # Whatever a decoder makes of a spoilt file, and of what a camera is said to have written into it.
        raise NoPhoto("the photo is damaged", remedy="Take it again.") from error
    upright.thumbnail((LONGEST_SIDE_PX, LONGEST_SIDE_PX))
    # What else a file says of itself, such as a comment, would be written again.
    upright.info.clear()
    kept = BytesIO()
    upright.save(kept, "JPEG", quality=_QUALITY)
    return kept.getvalue()


def _upright(content: bytes) -> Image.Image:
    with Image.open(BytesIO(content), formats=_FORMATS) as image:
        if fault := too_many_pixels(*image.size):
            raise NoPhoto(f"the photo {fault.what}", remedy="Take it smaller.")
        if min(image.size) < SHORTEST_SIDE_PX:
            small = f"the photo has only {image.width} × {image.height} pixels"
            raise NoPhoto(small, remedy=f"Take one of at least {SHORTEST_SIDE_PX} pixels each way.")
        # Turned as the camera was held, before that is forgotten with the rest.
        return ImageOps.exif_transpose(image).convert("RGB")


def _too_large() -> NoPhoto:
    return NoPhoto(f"the photo is larger than {LARGEST // 1024**2} MiB", remedy="Take it smaller.")
