"""Shipments, their labels as sealed data and ZPL, and the sheets on which a wave's labels are printed."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, insert, select, update

from backroom.domain.labels import LabelData, LabelDocument
from backroom.store.batches import chunks, insert_new
from backroom.store.seals import unseal
from backroom.store.tables import labels, people, sheets, shipments

# The kind of effect that buys a parcel's labels.
LABEL = "label"
# The service of a parcel that a partner sent, with a label of its own.
BY_PARTNER = "partner"
DATA_CONTEXT = "labels.data"
ZPL_CONTEXT = "labels.zpl"
DOCUMENT_CONTEXT = "labels.document"


@dataclass(frozen=True, slots=True)
class SealedLabel:
    """One label, sealed already: `kind` is shipping or return, `document` what the carrier has drawn, if it has."""

    kind: str
    data: bytes
    zpl: bytes
    document: bytes | None = None


@dataclass(frozen=True, slots=True)
class NewShipment:
    """A parcel with its two labels."""

    part_id: int
    person_id: int
    carrier: str
    service: str
    tracking: str
    return_tracking: str
    weight_g: int
    cost_minor: int
    currency: str
    labels: tuple[SealedLabel, ...]


def save_shipments(connection: Connection, new: Sequence[NewShipment], at: datetime) -> None:
    """Write shipments with their labels, each fulfilment order's once."""
    insert_new(
        connection,
        shipments,
        [
            {
                "fulfilment_order_id": s.part_id,
                "carrier": s.carrier,
                "service": s.service,
                "tracking": s.tracking,
                "return_tracking": s.return_tracking,
                "weight_g": s.weight_g,
                "cost_minor": s.cost_minor,
                "currency": s.currency,
                "at": at,
            }
            for s in new
        ],
    )
    ids = {row["fulfilment_order_id"]: row["id"] for row in shipments_of(connection, (s.part_id for s in new))}
    insert_new(
        connection,
        labels,
        [
            {
                "shipment_id": ids[s.part_id],
                "person_id": s.person_id,
                "kind": label.kind,
                "data": label.data,
                "zpl": label.zpl,
                "document": label.document,
                "at": at,
            }
            for s in new
            for label in s.labels
        ],
    )


def shipments_of(connection: Connection, part_ids: Iterable[int]) -> list[RowMapping]:
    found: list[RowMapping] = []
    for batch in chunks(part_ids):
        found += (
            connection.execute(select(shipments).where(shipments.c.fulfilment_order_id.in_(batch))).mappings().all()
        )
    return found


def labels_of(connection: Connection, shipment_ids: Iterable[int]) -> list[RowMapping]:
    """Sealed labels with the wrapped key of the person they name, shipping before return; none that were forgotten."""
    found: list[RowMapping] = []
    for batch in chunks(shipment_ids):
        query = (
            select(labels, people.c.wrapped_key)
            .join(people, people.c.id == labels.c.person_id)
            .where(labels.c.shipment_id.in_(batch), people.c.wrapped_key.is_not(None), labels.c.data != b"")
            .order_by(labels.c.shipment_id, labels.c.kind.desc())
        )
        found += connection.execute(query).mappings().all()
    return found


def open_label(key: bytes, row: RowMapping) -> tuple[LabelData, LabelDocument | None]:
    """What a label says, and what its carrier has drawn of it, if it has; `key` is its person's."""
    document = row["document"]
    return (
        LabelData.from_json(unseal(key, row["data"], DATA_CONTEXT)),
        LabelDocument.from_json(unseal(key, document, DOCUMENT_CONTEXT)) if document else None,
    )


def open_sheet(connection: Connection, location: str, shipment_ids: Sequence[int], at: datetime) -> int:
    """Put shipments on a new sheet; a shipment stands on one sheet only."""
    sheet_id: int = connection.execute(
        insert(sheets)
        .values(key=uuid.uuid4().hex, location=location, labels=2 * len(shipment_ids), at=at)
        .returning(sheets.c.id)
    ).scalar_one()
    for batch in chunks(shipment_ids):
        connection.execute(
            update(shipments).where(shipments.c.id.in_(batch), shipments.c.sheet_id.is_(None)).values(sheet_id=sheet_id)
        )
    return sheet_id


def sheet_keys(connection: Connection, sheet_ids: Iterable[int]) -> dict[int, str]:
    """The effect's key of each sheet."""
    query = select(sheets.c.id, sheets.c.key).where(sheets.c.id.in_(list(sheet_ids)))
    return {row.id: row.key for row in connection.execute(query)}


def shipments_on(connection: Connection, sheet_id: int) -> list[RowMapping]:
    """The shipments on a sheet, in the order of their parcels."""
    query = select(shipments).where(shipments.c.sheet_id == sheet_id).order_by(shipments.c.fulfilment_order_id)
    return list(connection.execute(query).mappings())
