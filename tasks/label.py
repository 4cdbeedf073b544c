"""Label: buy the shipping label and the return label of every packed parcel, and print the wave's as one sheet.

The purchase and the sheet are effects: planned, started, settled, and asked for after a crash. A parcel's labels stand
on one sheet only, so a sheet whose printing was begun is asked for, and never printed under another name.
Compensated by a person, who voids the label at its carrier.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from datetime import timedelta

from prefect import task
from sqlalchemy import Connection, RowMapping

from backroom.carriers.base import Carrier
from backroom.carriers.layout import Layouts
from backroom.carriers.sheets import render_labels
from backroom.carriers.typeface import boxes
from backroom.carriers.zpl import zpl
from backroom.domain.errors import BackroomError, OutcomeUnknown, Retry
from backroom.domain.labels import LabelData, LabelRequest, ParcelSpec, PostalAddress, Purchase, plain
from backroom.domain.model import Delivery, FulfilmentState, StepOutcome
from backroom.domain.printing import PrintRequest, PrintTicket
from backroom.domain.shop import CarrierSpec
from backroom.effects.ledger import Answer, Effect, perform
from backroom.printing.connect import connect
from backroom.printing.handover import hand_over
from backroom.shop.room import Room, this_room
from backroom.store import catalogue, fulfilment, history, people, shipping
from backroom.store.claims import Claim, fence
from backroom.store.contacts import open_contact
from backroom.store.effects import request_hash
from backroom.store.seals import seal, unseal
from backroom.store.sickness import Sick
from tasks.connections import carrier_from, printer_uri
from tasks.sick import leave

PURCHASE, SHEET = shipping.LABEL, "sheet"
STANDARD = "standard"


@task(name="label", retries=2, retry_delay_seconds=2, task_run_name="label at {claim.location}")
def label(claim: Claim) -> list[StepOutcome]:
    """PACKED → LABELLED: parcels with both labels printed; what is collected or carried out passes without."""
    room = this_room()
    with room.database.read() as connection:
        parts = fulfilment.claimed(connection, claim.token, FulfilmentState.PACKED)
        keys = people.load(connection, room.seals, (part["person_id"] for part in parts))
        weights = _weights(connection, parts)
    if not parts:
        return []
    passing = [part for part in parts if part["delivery"] != Delivery.SHIP]
    outcomes = _advance(room, claim, passing, {})
    parcels = [part for part in parts if part["delivery"] == Delivery.SHIP]
    sealing = {part["id"]: keys[part["person_id"]].key for part in parcels}
    layouts = Layouts()
    well, sick = _buy(room, claim, parcels, sealing, weights, layouts)
    printed, unprinted = _print_sheets(room, claim, well, layouts)
    done = [part for part in well if part["id"] in printed]
    told = {part["id"]: {**printed[part["id"]], **_boxes(part, sealing[part["id"]])} for part in done}
    outcomes += _advance(room, claim, done, told)
    return outcomes + leave(room, claim, sick + unprinted)


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


def _buy(
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
    by_carrier: dict[CarrierSpec, list[RowMapping]] = defaultdict(list)
    for part in parcels:
        if part["id"] not in have:
            by_carrier[room.shop.carrier_for(part["location"], part["channel"])].append(part)
    new: list[shipping.NewShipment] = []
    sick: list[Sick] = []
    for spec, group in by_carrier.items():
        bought, refused = _buy_from(room, claim, spec, group, keys, weights, layouts)
        new += bought
        sick += refused

    def commit(connection: Connection) -> None:
        at = fence(connection, claim.token)
        shipping.save_shipments(connection, new, at)
        rows = shipping.shipments_of(connection, (part["id"] for part in parcels))
        loose = [row["id"] for row in rows if row["sheet_id"] is None]
        if loose and room.shop.location(claim.location).label_printer is not None:
            shipping.open_sheet(connection, claim.location, loose, at)

    room.database.write(commit)
    ill = {one.row_id for one in sick}
    return [part for part in parcels if part["id"] not in ill], sick


def _buy_from(
    room: Room,
    claim: Claim,
    spec: CarrierSpec,
    parcels: Sequence[RowMapping],
    keys: Mapping[int, bytes],
    weights: Mapping[int, int],
    layouts: Layouts,
) -> tuple[list[shipping.NewShipment], list[Sick]]:
    carrier = carrier_from(room, spec)
    sink = CarrierSink(carrier)
    requests = {part["id"]: _request(room, part, keys[part["id"]], weights[part["id"]]) for part in parcels}
    effects = [
        Effect(
            requests[part["id"]].key,
            PURCHASE,
            part["order_id"],
            request_hash({"carrier": spec.id} | plain(requests[part["id"]]), room.seals),
            requests[part["id"]],
        )
        for part in parcels
    ]
    results = perform(room.database, claim.token, effects, sink)
    new: list[shipping.NewShipment] = []
    sick: list[Sick] = []
    for part in parcels:
        request = requests[part["id"]]
        result = results[request.key]
        if isinstance(result, BackroomError):
            sick.append(_sick(part, result))
            continue
        purchase = sink.bought.get(request.key) or Purchase.from_answer(request, result)
        new.append(_shipment(part, carrier.name, request, purchase, keys[part["id"]], layouts))
    return new, sick


def _print_sheets(
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
            request_hash({"labels": [plain(one) for one in labels[sheet]], "media": sink.media}, room.seals),
            render_labels(labels[sheet], layouts),
        )
        for sheet in sheets
    ]
    results = perform(room.database, claim.token, effects, sink)
    failed = {sheet: result for sheet in sheets if isinstance(result := results[keys[sheet]], BackroomError)}
    sheet_of = {row["fulfilment_order_id"]: row["sheet_id"] for row in rows}
    sick = [_sick(part, error) for part in parcels if (error := failed.get(sheet_of[part["id"]])) is not None]
    ill = {one.row_id for one in sick}
    return {part_id: data for part_id, data in told.items() if part_id not in ill}, sick


def _sick(part: RowMapping, error: BackroomError) -> Sick:
    """A parcel that failed: a carrier that is busy, a printer that is off or a full disk may pass by themselves."""
    may_pass = isinstance(error, Retry)
    return Sick(part["id"], part["order_id"], part["number"], error.cause, str(error), may_pass)


def _boxes(part: RowMapping, key: bytes) -> dict[str, int]:
    """How many characters of the address are boxes on the label, where there are any: a person writes them by hand.

    The order's story says how many, and never which: they are of somebody's name.
    """
    address = open_contact(key, part["contact"]).address
    count = boxes(" ".join(value for value in astuple(address) if isinstance(value, str))) if address else 0
    return {"characters_as_boxes": count} if count else {}


def _labels_on(room: Room, connection: Connection, sheet: int) -> list[LabelData]:
    rows = shipping.labels_of(connection, (row["id"] for row in shipping.shipments_on(connection, sheet)))
    return [
        LabelData.from_json(unseal(room.seals.unwrap(row["wrapped_key"]), row["data"], shipping.DATA_CONTEXT))
        for row in rows
    ]


def _advance(
    room: Room, claim: Claim, parts: Sequence[RowMapping], told: Mapping[int, Mapping[str, object]]
) -> list[StepOutcome]:
    if not parts:
        return []

    def commit(connection: Connection) -> list[StepOutcome]:
        at = fence(connection, claim.token)
        moved = set(
            fulfilment.move(
                connection,
                claim.token,
                [part["id"] for part in parts],
                FulfilmentState.PACKED,
                FulfilmentState.LABELLED,
                labelled_at=at,
            )
        )
        labelled = [part for part in parts if part["id"] in moved]
        entries = [
            history.Entry(part["order_id"], "parcel.labelled", told[part["id"]])
            for part in labelled
            if part["id"] in told
        ]
        history.record(connection, entries, at=at, run_id=claim.run_id)
        return [StepOutcome(part["number"], "advanced") for part in labelled]

    return room.database.write(commit)


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
        service=STANDARD,
        date=part["packed_at"].date().isoformat(),
    )


def _shipment(
    part: RowMapping, carrier: str, request: LabelRequest, purchase: Purchase, key: bytes, layouts: Layouts
) -> shipping.NewShipment:
    return shipping.NewShipment(
        part_id=part["id"],
        person_id=part["person_id"],
        carrier=carrier,
        service=request.service,
        tracking=purchase.tracking,
        return_tracking=purchase.return_tracking,
        weight_g=request.parcel.weight_g,
        cost_minor=purchase.cost_minor,
        currency=purchase.currency,
        labels=tuple(
            (
                kind,
                seal(key, data.to_json().encode(), shipping.DATA_CONTEXT),
                seal(key, zpl(data, layouts).encode(), shipping.ZPL_CONTEXT),
            )
            for kind, data in (("shipping", purchase.shipping), ("return", purchase.return_))
        ),
    )


def _weights(connection: Connection, parts: Sequence[RowMapping]) -> dict[int, int]:
    """Grams of each parcel: its pieces' weights, what the catalogue knows."""
    lines = fulfilment.lines_of(connection, (part["id"] for part in parts))
    variants = catalogue.variants_by_sku(connection, (line["sku"] for group in lines.values() for line in group))
    return {
        part["id"]: sum(
            variants[line["sku"]].weight_g * (line["from_stock"] + line["to_print"]) for line in lines[part["id"]]
        )
        for part in parts
    }
