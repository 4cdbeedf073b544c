"""The demo's samples: all that the demo shop prints on demand was looked at before, but for one colourway.

What belongs here: approving them when a demo is set up, with a picture in the place of a photo. What does not: the
rules (`backroom.domain.samples`), and what people do about samples in a real shop (`backroom.store.sample_desk`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image
from sqlalchemy import Connection

from backroom.domain.samples import AtPrinter, SampleState, good_until
from backroom.shop import photos
from backroom.shop.room import Room
from backroom.store import samples
from backroom.store.database import now
from backroom.store.sample_checks import tell_events
from backroom.store.sample_standing import every

WHO, NOTE = "Ada", "clean edges, as on the screen"
_PAPER, _SIDE_PX = "#e8e4da", 400


@dataclass(frozen=True, slots=True)
class Unseen:
    """What nobody has looked at yet at a place: an artwork on a fabric in a colourway."""

    location: str
    artwork: str
    fabric: str
    colourway: str

    def is_(self, one: AtPrinter) -> bool:
        of = one.combination
        return (self.location, self.artwork, self.fabric, self.colourway) == (
            *(one.location, of.artwork, of.fabric, of.colourway),
        )


# The workshop on the canal has printed no Last Tram on bone cotton yet: what is ordered of it goes to the main hub.
UNSEEN = (Unseen("local-hub", "last-tram.png", "blank-tee", "Bone"),)


def approve_samples(room: Room, unseen: Collection[Unseen] = UNSEEN) -> int:
    """Approve a sample of all that the shop's printers print, but of what is `unseen`; returns how many. Those that are
    approved already stay as they are."""
    with room.database.read() as connection:
        wanted = {
            one.combination: (variant.sku, one)
            for variant, one in every(connection, room.shop, now(connection))
            if not one.verdict.approved and not any(other.is_(one) for other in unseen)
        }
    if not wanted:
        return 0
    numbers = room.database.write(lambda connection: _print(connection, wanted.values()))
    pictures: dict[str, str] = {}
    for number, (_, one) in zip(numbers, wanted.values(), strict=True):
        artwork = one.combination.artwork
        if artwork not in pictures:
            pictures[artwork] = photos.keep(room.home, number, _picture(room.artwork() / artwork))

    def work(connection: Connection) -> None:
        at = now(connection)
        until = good_until(at, room.shop.samples.valid_days)
        for number, (_, one) in zip(numbers, wanted.values(), strict=True):
            photo = pictures[one.combination.artwork]
            said = {"photo": photo, "note": NOTE, "good_until": until, "at": at, "actor": WHO}
            samples.decide(connection, number, SampleState.APPROVED, **said)  # type: ignore[arg-type]
        tell_events(connection, room.shop, at)

    room.database.write(work)
    return len(numbers)


def _print(connection: Connection, wanted: Iterable[tuple[str, AtPrinter]]) -> list[int]:
    at = now(connection)
    return [samples.add(connection, one, sku, at, WHO) for sku, one in wanted]


def _picture(artwork: Path) -> bytes:
    """The artwork on a sheet, as a photo would show its print; a bare sheet where the artwork was lost since."""
    sheet = Image.new("RGB", (_SIDE_PX, _SIDE_PX), _PAPER)
    if artwork.is_file():
        with Image.open(artwork) as drawn:
            motif = drawn.convert("RGBA")
            motif.thumbnail((_SIDE_PX * 3 // 4, _SIDE_PX * 3 // 4))
            corner = (_SIDE_PX - motif.width) // 2, (_SIDE_PX - motif.height) // 2
            sheet.paste(motif, corner, motif)
    content = BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()
