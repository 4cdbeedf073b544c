"""Buying the labels of packed parcels: an effect a parcel, and the shipments it makes, sealed.

What belongs here: the carrier as the ledger sees it, what is asked of it, what is kept of its answer. What does not:
choosing among rates (`tasks.label_rates`), printing what was bought (`tasks.label_sheets`), the step (`tasks.label`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping

from backroom.carriers.base import Carrier
from backroom.carriers.layout import Layouts
from backroom.carriers.mixed import check_document
from backroom.carriers.zpl import zpl
from backroom.domain.carriers import CarrierSpec
from backroom.domain.errors import BackroomError, OutcomeUnknown
from backroom.domain.labels import (
    LabelData,
    LabelDocument,
    LabelKind,
    LabelRequest,
    ParcelSpec,
    PostalAddress,
    Purchase,
    plain,
)
from backroom.domain.tracking import ParcelState
from backroom.effects.ledger import Answer, Effect, perform
from backroom.shop.room import Room
from backroom.store import catalogue, fulfilment, parcel_news, shipping
from backroom.store import parcels as sent_parcels
from backroom.store.claims import Claim, Wakeup, fence
from backroom.store.contacts import open_contact
from backroom.store.effects import request_hash
from backroom.store.seals import seal
from backroom.store.sickness import Sick
from tasks.connections import carrier_from
from tasks.label_rates import choose
from tasks.sick import failed
from tasks.waking import send

PURCHASE = shipping.LABEL


def buy(
    room: Room,
    claim: Claim,
    parcels: Sequence[RowMapping],
    keys: Mapping[int, bytes],
    weights: Mapping[int, int],
    layouts: Layouts,
) -> tuple[list[RowMapping], list[Sick]]:
    """Buy what is not bought yet, and store shipments with their labels sealed, in one commit."""
    with room.database.read() as connection:
        have = {row["fulfilment_order_id"] for row in shipping.shipments_of(connection, (p["id"] for p in parcels))}
    to_buy = [part for part in parcels if part["id"] not in have]
    requests = {part["id"]: _request(room, part, keys[part["id"]], weights[part["id"]]) for part in to_buy}
    choices, sick = choose(room, claim, to_buy, requests)
    by_carrier: dict[str, list[RowMapping]] = defaultdict(list)
    for part in to_buy:
        if choice := choices.get(part["id"]):
            by_carrier[choice["carrier"]].append(part)
            chosen = replace(requests[part["id"]], service=choice["service"], rate=choice["reference"])
            requests[part["id"]] = chosen
    new: list[shipping.NewShipment] = []
    opened: list[sent_parcels.NewParcel] = []
    for carrier_id, group in by_carrier.items():
        bought, refused, sent = _buy_from(room, claim, room.shop.carrier(carrier_id), group, requests, keys, layouts)
        new += bought
        sick += refused
        opened += sent

    def commit(connection: Connection) -> list[Wakeup]:
        at = fence(connection, claim.token)
        shipping.save_shipments(connection, new, at)
        sent_parcels.open_parcels(connection, opened, at)
        woken = parcel_news.catch_up(connection, [one.part_id for one in opened if one.reference], room.shop.hub)
        rows = shipping.shipments_of(connection, (part["id"] for part in parcels))
        loose = [row["id"] for row in rows if row["sheet_id"] is None]
        if loose and room.shop.location(claim.location).label_printer is not None:
            shipping.open_sheet(connection, claim.location, loose, at)
        return woken

    send(room.database.write(commit))
    ill = {one.row_id for one in sick}
    return [part for part in parcels if part["id"] not in ill], sick


def _buy_from(
    room: Room,
    claim: Claim,
    spec: CarrierSpec,
    parcels: Sequence[RowMapping],
    requests: Mapping[int, LabelRequest],
    keys: Mapping[int, bytes],
    layouts: Layouts,
) -> tuple[list[shipping.NewShipment], list[Sick], list[sent_parcels.NewParcel]]:
    try:
        carrier = carrier_from(room, spec)
    except BackroomError as error:
        # What was begun at it stays so until it can be asked; the other carriers' parcels go on.
        return [], [failed(part, error) for part in parcels], []
    sink = CarrierSink(carrier)
    effects = [
        Effect(
            requests[part["id"]].key,
            PURCHASE,
            part["order_id"],
            request_hash({"carrier": spec.id} | _asked(requests[part["id"]]), room.seals),
            requests[part["id"]],
        )
        for part in parcels
    ]
    results = perform(room.database, claim.token, effects, sink)
    sick: list[Sick] = []
    purchases: list[tuple[RowMapping, Purchase]] = []
    for part in parcels:
        request = requests[part["id"]]
        result = results[request.key]
        if isinstance(result, BackroomError):
            sick.append(failed(part, result))
        else:
            purchases.append((part, sink.bought.get(request.key) or Purchase.from_answer(request, result)))
    new: list[shipping.NewShipment] = []
    opened: list[sent_parcels.NewParcel] = []
    # What is bought is in the ledger: a label that cannot be fetched now is fetched by whoever comes next.
    documents = carrier.documents([purchase for _, purchase in purchases])
    for (part, purchase), drawn in zip(purchases, documents, strict=True):
        try:
            if isinstance(drawn, BackroomError):
                raise drawn
            for document in drawn.values():
                # On a sheet, one that cannot be printed would keep all the others from it.
                check_document(document, part["number"])
        except BackroomError as error:
            sick.append(failed(part, error))
            continue
        weight = requests[part["id"]].parcel.weight_g
        new.append(_shipment(part, weight, purchase, drawn, keys[part["id"]], layouts))
        opened.append(
            sent_parcels.NewParcel(
                part_id=part["id"],
                order_id=part["order_id"],
                location=part["location"],
                kind=sent_parcels.SENT,
                state=ParcelState.ANNOUNCED,
                carrier=spec.id,
                tracking=purchase.tracking,
                reference=purchase.reference,
                return_reference=purchase.return_reference,
            )
        )
    return new, sick, opened


def _asked(request: LabelRequest) -> dict[str, Any]:
    """What is asked of a carrier; one that gives its rates no name is asked as it always was."""
    asked = plain(request)
    return asked if request.rate else {name: value for name, value in asked.items() if name != "rate"}


class CarrierSink:
    """A carrier as the ledger sees it; keeps the labels of what it bought in this wave."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self.idempotent = carrier.idempotent
        self.bought: dict[str, Purchase] = {}

    def carry_out(self, requests: Sequence[tuple[str, LabelRequest]]) -> list[Answer | BackroomError]:
        results = self._carrier.buy([request for _, request in requests])
        answers: list[Answer | BackroomError] = []
        for (key, _), result in zip(requests, results, strict=True):
            if isinstance(result, Purchase):
                self.bought[key] = result
                answers.append(result.answer())
            else:
                answers.append(result)
        return answers

    def ask(self, key: str, age: timedelta) -> Answer | None:
        if not self._carrier.can_tell:
            raise OutcomeUnknown(
                f"{self._carrier.name} cannot say whether {key} was bought",
                remedy="Look for it in the carrier's list. If it is there, void it; then say that it was not bought.",
            )
        found = self._carrier.find(key)
        return found.answer() if found else None


def _request(room: Room, part: RowMapping, key: bytes, weight_g: int) -> LabelRequest:
    owner, contact = room.shop.owner, open_contact(key, part["contact"])
    address = contact.address
    return LabelRequest(
        key=f"label-{part['number']}-{part['key']}",
        order_number=part["number"],
        sender=PostalAddress(
            name=owner.name,
            company=None,
            lines=owner.sender_lines,
            postcode=owner.sender_postcode,
            city=owner.sender_city,
            region=None,
            country=owner.country,
            phone=owner.phone or None,
        ),
        recipient=PostalAddress(
            name=address.name if address else "",
            company=(address.company or None) if address else None,
            lines=tuple(line for line in (address.line1, address.line2) if line) if address else (),
            postcode=address.postcode if address else "",
            city=address.city if address else "",
            region=(address.region or None) if address else None,
            country=address.country if address else "",
            phone=contact.phone or None,
        ),
        parcel=ParcelSpec(weight_g=weight_g),
        service="",
        date=part["packed_at"].date().isoformat(),
    )


def _shipment(
    part: RowMapping,
    weight_g: int,
    purchase: Purchase,
    drawn: Mapping[LabelKind, LabelDocument],
    key: bytes,
    layouts: Layouts,
) -> shipping.NewShipment:
    return shipping.NewShipment(
        part_id=part["id"],
        person_id=part["person_id"],
        carrier=purchase.shipping.carrier,
        service=purchase.shipping.service,
        tracking=purchase.tracking,
        return_tracking=purchase.return_tracking,
        weight_g=weight_g,
        cost_minor=purchase.cost_minor,
        currency=purchase.currency,
        labels=tuple(
            _sealed(data, drawn.get(data.kind), key, layouts) for data in (purchase.shipping, purchase.return_)
        ),
    )


def _sealed(data: LabelData, drawn: LabelDocument | None, key: bytes, layouts: Layouts) -> shipping.SealedLabel:
    """A label of ours with its ZPL, or the carrier's own with what it gave."""
    written = zpl(data, layouts) if drawn is None else drawn.zpl
    return shipping.SealedLabel(
        data.kind,
        seal(key, data.to_json().encode(), shipping.DATA_CONTEXT),
        seal(key, written.encode(), shipping.ZPL_CONTEXT) if written else b"",
        seal(key, drawn.to_json().encode(), shipping.DOCUMENT_CONTEXT) if drawn is not None else None,
    )


def weights_of(connection: Connection, parts: Sequence[RowMapping]) -> dict[int, int]:
    """Grams of each parcel: its pieces' weights, what the catalogue knows."""
    lines = fulfilment.lines_of(connection, (part["id"] for part in parts))
    variants = catalogue.variants_by_sku(connection, (line["sku"] for group in lines.values() for line in group))
    return {
        part["id"]: sum(
            variants[line["sku"]].weight_g * (line["from_stock"] + line["to_print"]) for line in lines[part["id"]]
        )
        for part in parts
    }
