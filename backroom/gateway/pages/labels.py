"""`/shipments/{id}/label.pdf` and `.zpl`: a parcel's two labels again, rendered from their sealed data. Staff only."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response

from backroom.carriers.sheets import render_labels
from backroom.domain.labels import LabelData
from backroom.gateway.access import Staff
from backroom.gateway.booth import RowId
from backroom.gateway.front import Front, front_of
from backroom.store import people, shipping
from backroom.store.seals import unseal

router = APIRouter(prefix="/shipments/{shipment_id}")


@router.get("/label.pdf")
def pdf(shipment_id: RowId, request: Request, _staff: Staff) -> Response:
    data = [
        LabelData.from_json(text) for text in _opened(front_of(request), shipment_id, "data", shipping.DATA_CONTEXT)
    ]
    headers = {"Content-Disposition": f'inline; filename="labels-{shipment_id}.pdf"'}
    return Response(render_labels(data), media_type="application/pdf", headers=headers)


@router.get("/label.zpl")
def zpl(shipment_id: RowId, request: Request, _staff: Staff) -> Response:
    text = "\n".join(_opened(front_of(request), shipment_id, "zpl", shipping.ZPL_CONTEXT))
    headers = {"Content-Disposition": f'attachment; filename="labels-{shipment_id}.zpl"'}
    return Response(text, media_type="text/plain; charset=utf-8", headers=headers)


def _opened(front: Front, shipment_id: int, column: str, context: str) -> list[str]:
    """A column of the shipment's labels, opened, shipping before return; 404 when there are none."""
    with front.room.database.read() as connection:
        rows = shipping.labels_of(connection, [shipment_id])
        keys = people.load(connection, front.room.seals, (row["person_id"] for row in rows))
    if not rows:
        raise HTTPException(404, "there is no such shipment, or its labels were removed: see docs/guide/privacy.md")
    return [unseal(keys[row["person_id"]].key, row[column], context).decode() for row in rows]
