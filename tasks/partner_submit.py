"""Submit: what a partner is to make or pick is asked of it, whole or not at all, once.

It stands in for print-or-pick where a location is somebody else's. Each order is an effect: planned, started, settled;
after a crash it is placed again under its key, or asked for, and never twice. Then the work waits as a row for the
partner's word (`tasks.partner_news`); where the partner says plainly no, it is routed again at once. Compensated by
cancelling it at the partner, as long as that is possible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, RowMapping

from backroom.domain.errors import BackroomError, OutcomeUnknown, Retry
from backroom.domain.locations import Location
from backroom.domain.model import Delivery, FulfilmentState, StepOutcome, Variant
from backroom.domain.partner_answers import Difference, compare
from backroom.domain.partner_orders import (
    ArtworkFile,
    CannotBeAsked,
    PartnerOrderState,
    PartnerRequest,
    PartnerStatus,
    Recipient,
    WantedLine,
    match,
    next_ask,
)
from backroom.domain.partners import PartnerSpec
from backroom.effects.ledger import Answer, Effect, perform
from backroom.outgoing.errors import AnswerUnreadable
from backroom.partners.artwork_urls import artwork_url
from backroom.partners.base import NotTaken, Partner
from backroom.partners.registry import spec_of
from backroom.printing.artwork import check_artwork
from backroom.shop.room import Room
from backroom.store import fulfilment, history, partner_news, partner_orders, people
from backroom.store.claims import Claim, Wakeup, fence, wakeup
from backroom.store.contacts import open_contact
from backroom.store.effects import request_hash
from backroom.store.notes import CONTEXT as NOTE
from backroom.store.seals import seal
from backroom.store.sickness import Sick
from tasks.connections import partner_from
from tasks.sick import failed, leave
from tasks.waking import send


@dataclass(frozen=True, slots=True)
class _Asked:
    part: RowMapping
    request: PartnerRequest


def submit(
    room: Room,
    claim: Claim,
    parts: Sequence[RowMapping],
    lines: Mapping[int, Sequence[RowMapping]],
    variants: Mapping[str, Variant],
) -> list[StepOutcome]:
    """Ask the partner at the claim's location for the wave's OPEN work; what it has then is MAKING, and waits."""
    location = room.shop.location(claim.location)
    spec = spec_of(location)
    with room.database.read() as connection:
        keys = people.load(connection, room.seals, (part["person_id"] for part in parts))
    designs = _Designs(room, spec)
    asked: list[_Asked] = []
    sick: list[Sick] = []
    for part in parts:
        try:
            key = keys[part["person_id"]].key
            request = _request(location, spec, part, lines[part["id"]], variants, designs, key)
            asked.append(_Asked(part, request))
        except BackroomError as error:
            sick.append(failed(part, error))
    effects = [
        Effect(
            one.request.reference,
            partner_orders.SUBMIT,
            one.part["order_id"],
            request_hash(_plain(location, one.request), room.seals),
            one.request,
        )
        for one in asked
    ]
    try:
        opened = partner_from(room, location)
    except BackroomError as error:
        return leave(room, claim, sick + [failed(one.part, error) for one in asked])
    with closing(opened) as partner:
        results = perform(room.database, claim.token, effects, PartnerSink(partner))
    there: list[tuple[_Asked, Answer]] = []
    outcomes: list[StepOutcome] = []
    for one in asked:
        result = results[one.request.reference]
        if isinstance(result, NotTaken):
            note = seal(keys[one.part["person_id"]].key, result.reason.encode(), NOTE) if result.reason else None
            outcomes.append(_send_on(room, claim, location, one, result.words, note))
        elif isinstance(result, BackroomError):
            sick.append(failed(one.part, result))
        else:
            there.append((one, result))
    outcomes += _wait(room, claim, location, there)
    return outcomes + leave(room, claim, sick)


class PartnerSink:
    """A partner as the ledger sees it."""

    def __init__(self, partner: Partner) -> None:
        self._partner = partner
        self.idempotent = partner.idempotent

    def carry_out(self, requests: Sequence[tuple[str, PartnerRequest]]) -> list[Answer | BackroomError]:
        answers: list[Answer | BackroomError] = []
        away: BackroomError | None = None
        for _, request in requests:
            try:
                if away is not None:
                    raise away
                answers.append(_answer(self._partner.submit(request), request))
            except AnswerUnreadable as error:
                # It took the call; what it made of it nobody can read.
                answers.append(OutcomeUnknown(error.message, remedy=error.remedy, cause=error.cause))
            except BackroomError as error:
                answers.append(error)
                # One that is away is away for the others as well: they are not begun one after the other.
                away = error if isinstance(error, Retry) else None
        return answers

    def ask(self, key: str, age: timedelta) -> Answer | None:
        found = self._partner.find(key)
        # One that is there and not yet given on (a draft) is gone through again: placing it finds it by its reference.
        return None if found is None or found.draft else _answer(found, None)


def _answer(status: PartnerStatus, request: PartnerRequest | None) -> Answer:
    """What the ledger keeps: ids, figures, and where the answer differs from what was asked."""
    differences = compare(request.lines, status.lines) if request else ()
    return {
        "partner_id": status.partner_id,
        "state": status.state,
        "draft": status.draft,
        "differences": [asdict(one) for one in differences],
    }


def _send_on(room: Room, claim: Claim, location: Location, one: _Asked, words: str, note: bytes | None) -> StepOutcome:
    """Have an order routed again that its partner does not take: nothing of it is there."""

    def commit(connection: Connection) -> tuple[StepOutcome, list[Wakeup]]:
        at = fence(connection, claim.token)
        context = partner_news.Context(location, room.shop.hub, claim.token, claim.run_id, at, note)
        submitted = _submitted(location, one, "", (), at)
        return partner_news.not_taken(connection, context, submitted, one.part["number"], words)

    outcome, wakeups = room.database.write(commit)
    send(wakeups)
    return outcome


def _submitted(
    location: Location, one: _Asked, partner_id: str, differences: Sequence[Difference], ask_at: datetime
) -> partner_orders.Submitted:
    return partner_orders.Submitted(
        part_id=one.part["id"],
        order_id=one.part["order_id"],
        location=location.id,
        reference=one.request.reference,
        partner_id=partner_id,
        priority=one.part["priority"],
        lines=one.request.lines,
        differences=differences,
        ask_at=ask_at,
    )


def _wait(room: Room, claim: Claim, location: Location, there: Sequence[tuple[_Asked, Answer]]) -> list[StepOutcome]:
    if not there:
        return []

    def commit(connection: Connection) -> tuple[list[StepOutcome], list[Wakeup]]:
        at = fence(connection, claim.token)
        waits = set(fulfilment.begin_making(connection, claim.token, {one.part["id"]: 1 for one, _ in there}))
        signed = bool(location.partner and location.partner.webhook_secret)
        submitted = []
        for one, answer in there:
            # A person who decided on a lost answer knows no more than that it is there: the partner is asked at once.
            unanswered = answer.get("state") == PartnerOrderState.SUBMITTED and not answer.get("differences")
            differences = [Difference(**one) for one in answer.get("differences", [])]
            ask_at = next_ask(at, at, signed=signed, draft=bool(answer.get("draft"))) if unanswered else at
            submitted.append(_submitted(location, one, str(answer.get("partner_id", "")), differences, ask_at))
        partner_orders.open_orders(connection, submitted, at)
        entries = [
            history.Entry(one.part["order_id"], "partner.submitted", {"location": location.id, "part": one.part["key"]})
            for one, _ in there
        ]
        history.record(connection, entries, at=at, run_id=claim.run_id)
        outcomes, wakeups = [], []
        for (one, _), row in zip(there, submitted, strict=True):
            number = one.part["number"]
            if row.differences:
                wakeups += partner_news.hold_for_difference(
                    connection, row.order_id, number, location.id, tuple(row.differences), claim.run_id
                )
                outcomes.append(StepOutcome(number, "held", partner_news.DIFFERS))
            elif row.part_id in waits:
                outcomes.append(StepOutcome(number, "waiting", f"asked of {location.name}"))
        if any(row.ask_at <= at for row in submitted):
            wakeups.append(wakeup(connection, partner_orders.STAGE, location.id))
        return outcomes, wakeups

    outcomes, wakeups = room.database.write(commit)
    send(wakeups)
    return outcomes


def _request(
    location: Location,
    spec: PartnerSpec,
    part: RowMapping,
    lines: Sequence[RowMapping],
    variants: Mapping[str, Variant],
    designs: _Designs,
    key: bytes,
) -> PartnerRequest:
    """All that is asked, and of the customer only what stands on a parcel that the partner sends."""
    number = part["number"]
    if part["delivery"] != Delivery.SHIP:
        raise CannotBeAsked(f"{number} is collected, and nobody collects at {location.id}.", remedy="Cancel it.")
    wanted, artwork = [], {}
    for line in lines:
        product, variant = spec.product(line["sku"]), variants[line["sku"]]
        sha256, size = "", (0, 0)
        if product is not None and product.artwork and variant.artwork:
            sha256, artwork[sha256] = designs.of(variant)
            size = variant.printed_width_mm, variant.printed_height_mm
        wanted.append(WantedLine(line["line_no"], line["sku"], line["from_stock"] + line["to_print"], sha256, *size))
    recipient = None
    if location.partner_ships:
        contact = open_contact(key, part["contact"])
        if contact.address is None:
            raise CannotBeAsked(f"{number} has no address.", remedy="Correct it on its page, then retry.")
        recipient = Recipient(contact.address, contact.phone)
    return PartnerRequest(
        reference=partner_orders.reference_of(number, part["key"]),
        lines=match(spec, number, wanted),
        recipient=recipient,
        artwork=artwork,
        shipping_method=spec.shipping_method,
    )


class _Designs:
    """The wave's artworks, each looked at once: whether it prints, and the SHA-256 of its bytes."""

    def __init__(self, room: Room, spec: PartnerSpec) -> None:
        self._room = room
        self._at = datetime.now(UTC)
        self._base = room.shop.messaging.public_url if spec.fetches else ""
        self._reachable = bool(self._base) or not spec.fetches
        self._seen: dict[tuple[str, int, int, str], tuple[str, ArtworkFile] | BackroomError] = {}

    def of(self, variant: Variant) -> tuple[str, ArtworkFile]:
        """Its hash and where it is; raises what is wrong with it."""
        if not self._reachable:
            raise CannotBeAsked(
                "Nobody outside can fetch artwork from this gateway.",
                remedy="Put it behind an address with TLS, and write that as public_url in [messaging].",
            )
        print_ = (variant.artwork, variant.printed_width_mm, variant.printed_height_mm, variant.print_process)
        if print_ not in self._seen:
            try:
                self._seen[print_] = self._look(variant)
            except BackroomError as error:
                self._seen[print_] = error
        found = self._seen[print_]
        if isinstance(found, BackroomError):
            raise found
        return found

    def _look(self, variant: Variant) -> tuple[str, ArtworkFile]:
        path = self._room.artwork() / variant.artwork
        size = variant.printed_width_mm, variant.printed_height_mm
        sha256 = check_artwork(path, *size, variant.print_process).picture.sha256
        url = artwork_url(self._base, self._room.seals, sha256, variant.artwork, self._at) if self._base else ""
        return sha256, ArtworkFile(str(path), url)


def _plain(location: Location, request: PartnerRequest) -> dict[str, object]:
    """All that is asked, for the hash; where an artwork lies is no part of it."""
    return {
        "location": location.id,
        "lines": [asdict(line) for line in request.lines],
        "recipient": asdict(request.recipient) if request.recipient else None,
    }


__all__ = ["FulfilmentState", "PartnerSink", "submit"]
