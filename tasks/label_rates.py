"""Choosing who takes each packed parcel: every carrier that may is asked for its rates, and one of them is kept.

What belongs here: asking, and keeping the choice before anything is paid. What does not: the choice itself
(`backroom.domain.rates`), and buying (`tasks.label_purchase`).

A choice stays as long as its parcel is what it was, and for some hours. Once its purchase was begun, it stays for good.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import Connection, RowMapping

from backroom.carriers.base import ParcelRefused
from backroom.domain.carriers import CarrierSpec
from backroom.domain.errors import BackroomError, Retry
from backroom.domain.labels import LabelRequest, plain
from backroom.domain.promise import arrival_date, delivery_window
from backroom.domain.rates import Outcome, Rate, RateChoice, choose_rate
from backroom.shop.room import Room
from backroom.store import effects, rate_choices
from backroom.store.claims import Claim, fence
from backroom.store.database import now
from backroom.store.effects import request_hash
from backroom.store.rate_choices import NewChoice
from backroom.store.sickness import Sick
from tasks.connections import carrier_from
from tasks.sick import failed

# Prices and pick-up days change: what was asked yesterday is asked anew, unless it was bought.
GOOD_FOR = timedelta(hours=6)


def choose(
    room: Room, claim: Claim, parcels: Sequence[RowMapping], requests: Mapping[int, LabelRequest]
) -> tuple[dict[int, RowMapping], list[Sick]]:
    """The kept choice of each parcel, by its id, and the parcels that no carrier takes."""
    hashes = {id_: request_hash(_asked(request), room.seals) for id_, request in requests.items()}
    with room.database.read() as connection:
        kept = rate_choices.choices_of(connection, requests)
        rows = effects.read(connection, (request.key for request in requests.values()))
        at = now(connection)
    begun = {key for key, row in rows.items() if row["state"] in (effects.STARTED, effects.DONE, effects.UNKNOWN)}
    failed_ones = {key for key, row in rows.items() if row["state"] == effects.FAILED}
    to_ask = [
        part
        for part in parcels
        if (row := kept.get(part["id"])) is None
        or (
            requests[part["id"]].key not in begun
            and (
                row["request_hash"] != hashes[part["id"]]
                or row["at"] < at - GOOD_FOR
                or requests[part["id"]].key in failed_ones
            )
        )
    ]
    sick: list[Sick] = []
    new: list[NewChoice] = []
    if to_ask:
        offers = _offers(room, to_ask, requests)
        for part in to_ask:
            rates, errors = offers[part["id"]]
            due = _due(room, part)
            choice = _choice(room, rates, due, at)
            if choice is None:
                sick.append(failed(part, _why_none(part, rates, errors)))
            else:
                new.append(NewChoice(part["id"], choice, due, hashes[part["id"]]))

        def commit(connection: Connection) -> dict[int, RowMapping]:
            rate_choices.save_choices(connection, new, fence(connection, claim.token))
            return rate_choices.choices_of(connection, requests)

        kept = room.database.write(commit)
    ill = {one.row_id for one in sick}
    return {id_: row for id_, row in kept.items() if id_ not in ill}, sick


def _offers(
    room: Room, parcels: Sequence[RowMapping], requests: Mapping[int, LabelRequest]
) -> dict[int, tuple[list[Rate], list[BackroomError]]]:
    """The rates of every carrier that may take each parcel, and the errors of those that had none."""
    by_carrier: dict[CarrierSpec, list[RowMapping]] = defaultdict(list)
    for part in parcels:
        request = requests[part["id"]]
        may = room.shop.carriers_for(part["location"], part["channel"])
        # Where none serves it, they say so themselves, each in its words.
        serving = [spec for spec in may if spec.takes(request.recipient.country, request.parcel.weight_g)]
        for spec in serving or may[:1]:
            by_carrier[spec].append(part)
    offers: dict[int, tuple[list[Rate], list[BackroomError]]] = {part["id"]: ([], []) for part in parcels}
    for spec, group in by_carrier.items():
        try:
            answers = carrier_from(room, spec).rates([requests[part["id"]] for part in group])
        except BackroomError as error:
            # Its account cannot even be opened; the others may do.
            answers = [error] * len(group)
        for part, answer in zip(group, answers, strict=True):
            rates, errors = offers[part["id"]]
            if isinstance(answer, BackroomError):
                errors.append(answer)
            else:
                rates += answer
    return offers


def _choice(room: Room, rates: Sequence[Rate], due: date | None, at: datetime) -> RateChoice | None:
    shop = room.shop
    # Nothing is weighed where there is nothing to weigh, which is every parcel of most shops.
    if len(rates) == 1 and rates[0].days is None and not any(spec.services for spec in shop.carriers):
        return RateChoice(rates[0], Outcome.UNKNOWN, None, ())
    return choose_rate(
        rates,
        currency=shop.owner.currency,
        due=due,
        arrival=partial(_arrival, room, at),
        services={spec.id: spec.services for spec in shop.carriers if spec.services},
    )


def _arrival(room: Room, at: datetime, days: int) -> date:
    return arrival_date(at, days, room.shop.owner.timezone, room.shop.holidays)


def _due(room: Room, part: RowMapping) -> date | None:
    """The last day that was promised: by when it was to be handed over, and the channel's days on the way after it."""
    if part["ship_by"] is None:
        return None
    shop = room.shop
    channel = shop.find_channel(part["channel"])
    if channel is None or not channel.sla:
        return None
    return delivery_window(part["ship_by"], shop.sla(channel.sla), shop.owner.timezone, shop.holidays).to_date


def _why_none(part: RowMapping, rates: Sequence[Rate], errors: Sequence[BackroomError]) -> BackroomError:
    """Of several errors the one that may pass by itself, else the first."""
    if errors:
        return next((error for error in errors if isinstance(error, Retry)), errors[0])
    offered = ", ".join(sorted({f"{rate.brand} {rate.service}" for rate in rates})[:8]) or "none"
    return ParcelRefused(
        f"no rate for the parcel of {part['number']} may be taken",
        remedy=f"Allow one of them in `services`, or name one carrier for it. Offered were: {offered}.",
    )


def _asked(request: LabelRequest) -> dict[str, object]:
    return {name: value for name, value in plain(request).items() if name not in ("service", "rate")}
