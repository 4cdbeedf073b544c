"""Printing labels: the sheets on which a wave's parcels stand, each an effect of its own.

What belongs here: the label printer as the ledger sees it, and what of a sheet is told. What does not: buying labels
(`tasks.label_purchase`), laying them out (`backroom.carriers.sheets`), and the step (`tasks.label`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import Connection, RowMapping

from backroom.carriers.layout import Layouts
from backroom.carriers.mixed import Printed, render_sheet
from backroom.domain.errors import BackroomError, OutcomeUnknown
from backroom.domain.labels import plain
from backroom.domain.printing import PrintRequest, PrintTicket
from backroom.effects.ledger import Answer, Effect, perform
from backroom.printing.connect import connect
from backroom.printing.handover import hand_over
from backroom.shop.room import Room
from backroom.store import shipping
from backroom.store.claims import Claim
from backroom.store.effects import request_hash
from backroom.store.sickness import Sick
from tasks.connections import printer_uri
from tasks.sick import failed

SHEET = "sheet"


def print_sheets(
    room: Room, claim: Claim, parcels: Sequence[RowMapping], layouts: Layouts
) -> tuple[dict[int, Mapping[str, object]], list[Sick]]:
    """Print every sheet these parcels stand on; returns what to tell of each printed parcel, and the others."""
    with room.database.read() as connection:
        rows = shipping.shipments_of(connection, (part["id"] for part in parcels))
        sheets = sorted({row["sheet_id"] for row in rows if row["sheet_id"] is not None})
        keys = shipping.sheet_keys(connection, sheets)
        labels = {sheet: _labels_on(room, connection, sheet) for sheet in sheets}
    told: dict[int, Mapping[str, object]] = {
        row["fulfilment_order_id"]: {"tracking": row["tracking"], "carrier": row["carrier"], "sheet": row["sheet_id"]}
        for row in rows
    }
    if not sheets:
        return told, []
    sink = SheetSink(room, claim.location)
    # What the labels say, and not the bytes of the document: another release may draw the same labels otherwise.
    effects = [
        Effect(
            keys[sheet],
            SHEET,
            None,
            request_hash({"labels": [_said(one) for one in labels[sheet]], "media": sink.media}, room.seals),
            render_sheet(labels[sheet], layouts),
        )
        for sheet in sheets
    ]
    results = perform(room.database, claim.token, effects, sink)
    unprinted = {sheet: result for sheet in sheets if isinstance(result := results[keys[sheet]], BackroomError)}
    sheet_of = {row["fulfilment_order_id"]: row["sheet_id"] for row in rows}
    sick = [failed(part, error) for part in parcels if (error := unprinted.get(sheet_of[part["id"]])) is not None]
    ill = {one.row_id for one in sick}
    return {part_id: data for part_id, data in told.items() if part_id not in ill}, sick


class SheetSink:
    """A label printer as the ledger sees it: prints a sheet under its key, and can be asked for it."""

    idempotent = False

    def __init__(self, room: Room, location: str) -> None:
        spec = room.shop.location(location).label_printer
        assert spec is not None
        self.media = spec.media
        self._printer = connect(printer_uri(room, spec), name=spec.name, fingerprint=spec.fingerprint or None)

    def carry_out(self, requests: Sequence[tuple[str, bytes]]) -> list[Answer | BackroomError]:
        return [self._print(key, document) for key, document in requests]

    def ask(self, key: str, age: timedelta) -> Answer | None:
        ticket = self._printer.find(key, age=age)
        return _sheet(ticket) if ticket else None

    def _print(self, key: str, document: bytes) -> Answer | BackroomError:
        request = PrintRequest(
            key=key,
            document=document,
            media_type="application/pdf",
            copies=1,
            media=self.media or None,
        )
        try:
            return _sheet(hand_over(self._printer, request))
        except BackroomError as error:
            return error


def _sheet(ticket: PrintTicket) -> Answer:
    """What the ledger keeps of a sheet that the printer has taken; of one that it has perhaps half, nobody can tell."""
    if not ticket.whole:
        raise OutcomeUnknown(
            f"Printer {ticket.printer} was lost while it took {ticket.key}: it may have printed a part.",
            remedy="Look whether all labels are there.",
        )
    return {"printer": ticket.printer, "job": ticket.job_id}


def _labels_on(room: Room, connection: Connection, sheet: int) -> list[Printed]:
    rows = shipping.labels_of(connection, (row["id"] for row in shipping.shipments_on(connection, sheet)))
    return [shipping.open_label(room.seals.unwrap(row["wrapped_key"]), row) for row in rows]


def _said(printed: Printed) -> dict[str, object]:
    """What a label says: one that its carrier has drawn is known by its picture besides."""
    label, document = printed
    drawn = {"document": hashlib.sha256(document.content).hexdigest()} if document is not None else {}
    return plain(label) | drawn
