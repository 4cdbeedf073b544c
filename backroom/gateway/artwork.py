"""The document of a print job: the artwork of its variant, rendered at its printed size."""

from __future__ import annotations

from sqlalchemy import Connection, RowMapping

from backroom.printing.artwork import render_artwork
from backroom.shop.room import Room
from backroom.store.catalogue import variants_by_sku


def document_of(connection: Connection, room: Room, job: RowMapping) -> bytes:
    """The PDF for a job; raises an AskPerson when the artwork's file is not there."""
    variant = variants_by_sku(connection, [job["sku"]])[job["sku"]]
    return render_artwork(
        room.artwork() / job["artwork"],
        width_mm=variant.printed_width_mm,
        height_mm=variant.printed_height_mm,
        process=job["process"],
        label=f"{job['order_number']} · {job['sku']}",
    )
