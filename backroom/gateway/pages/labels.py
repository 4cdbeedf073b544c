"""`/shipments/{id}/label.pdf` and `.zpl`: a parcel's two labels again, rendered from their sealed data. Staff only."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response
from sqlalchemy import RowMapping

from backroom.carriers.mixed import render_sheet
from backroom.gateway.access import Staff
from backroom.gateway.booth import RowId
from backroom.gateway.front import Front, front_of
from backroom.store import people, shipping
from backroom.store.seals import unseal

router = APIRouter(prefix="/shipments/{shipment_id}")


@router.get("/label.pdf")
def pdf(shipment_id: RowId, request: Request, _staff: Staff) -> Response:
    front = front_of(request)
    keys, rows = _labels(front, shipment_id)
    printed = [shipping.open_label(keys[row["person_id"]], row) for row in rows]
    headers = {"Content-Disposition": f'inline; filename="labels-{shipment_id}.pdf"'}
    return Response(render_sheet(printed), media_type="application/pdf", headers=headers)


@router.get("/label.zpl")
def zpl(shipment_id: RowId, request: Request, _staff: Staff) -> Response:
    front = front_of(request)
    keys, rows = _labels(front, shipment_id)
    texts = [unseal(keys[row["person_id"]], row["zpl"], shipping.ZPL_CONTEXT).decode() for row in rows if row["zpl"]]
    if len(texts) < len(rows):
        raise HTTPException(404, "its carrier drew it as PDF: print that, or set zpl = true for the next ones")
    headers = {"Content-Disposition": f'attachment; filename="labels-{shipment_id}.zpl"'}
    return Response("\n".join(texts), media_type="text/plain; charset=utf-8", headers=headers)


def _labels(front: Front, shipment_id: int) -> tuple[dict[int, bytes], list[RowMapping]]:
    """Keys by person, and the shipment's labels, shipping before return; 404 when there are none."""
    with front.room.database.read() as connection:
        rows = shipping.labels_of(connection, [shipment_id])
        keys = people.load(connection, front.room.seals, (row["person_id"] for row in rows))
    if not rows:
        raise HTTPException(404, "there is no such shipment, or its labels were removed: see docs/guide/privacy.md")
    return {id_: person.key for id_, person in keys.items()}, rows
