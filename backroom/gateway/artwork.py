"""The document of a print job: the artwork of its variant, rendered at its printed size."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping

from backroom.printing.artwork import check_artwork, page_of, unchanged
from backroom.shop.room import Room
from backroom.store.catalogue import variants_by_sku


@dataclass(frozen=True, slots=True)
class Document:
    """The PDF for a job, and the SHA-256 of the artwork's bytes that are in it."""

    pdf: bytes
    artwork_sha256: str


def document_of(connection: Connection, room: Room, job: RowMapping) -> Document:
    """What is printed for a job; raises an AskPerson when the artwork's file is not there, does not print, or is
    another one than was looked at."""
    variant = variants_by_sku(connection, [job["sku"]])[job["sku"]]
    path, size = room.artwork() / job["artwork"], (variant.printed_width_mm, variant.printed_height_mm)
    artwork = check_artwork(path, *size, job["process"])
    unchanged(path.name, artwork, job["artwork_sha256"])
    return Document(page_of(artwork, job["process"], f"{job['order_number']} · {job['sku']}"), artwork.picture.sha256)
