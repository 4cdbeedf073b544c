"""Advancing one order and its returns as far as they go, whatever stage they stand at, sick or not: by its number."""

from __future__ import annotations

from prefect.runtime import flow_run

from backroom.domain.model import StepOutcome
from backroom.shop.room import Room
from backroom.store import desk, fulfilment, partner_orders, sickness
from backroom.store.waiting import CRASHED, WHY_ASIDE
from tasks.claiming import (
    claim_fulfilment,
    claim_intake,
    claim_news,
    claim_parcels,
    claim_partner,
    claim_refunds,
    claim_returns,
    holding,
)
from tasks.fetch import fetch_hinted, has_hints
from tasks.label import label
from tasks.notify import notify
from tasks.own_artwork import brings_artwork, fetch_artwork
from tasks.pack import pack
from tasks.parcel_notices import tell_of_parcels
from tasks.parcel_refunds import refund_labels
from tasks.partner_news import ask_partner
from tasks.pay_back import pay_back
from tasks.pay_cancelled import pay_cancelled
from tasks.print_or_pick import print_or_pick
from tasks.release import release
from tasks.reserve import reserve
from tasks.return_notices import tell_customers
from tasks.route import route
from tasks.tell_channel import tell_channel
from tasks.validate import validate

# The run of a sick order starts once and is retried twice by itself; a later start is a person's Retry.
AUTOMATIC_STARTS = 3


def advance(room: Room, number: str) -> list[StepOutcome]:
    """Run every step that is left of one order; a step with nothing to do shows as done at once.

    One that was put aside, because it ended every run that had it, is only told of: a person's Retry takes it up.
    """
    if waits_for_a_word(room, number):
        return [StepOutcome(number, "sick", WHY_ASIDE, CRASHED)]
    outcomes: list[StepOutcome] = []
    if claim := claim_intake(room, number):
        with holding(room, claim):
            outcomes += validate(claim)
            if brings_artwork(room, claim):
                outcomes += fetch_artwork(claim)
            outcomes += route(claim) + reserve(claim) + release(claim)
            if has_hints(room, claim):
                outcomes += fetch_hinted(claim)
    with room.database.read() as connection:
        order_id = desk.find(connection, number)["id"]
        locations = fulfilment.locations_of(connection, order_id)
        partners = partner_orders.locations_of(connection, order_id)
    for location in partners:
        if claim := claim_partner(room, location, number):
            with holding(room, claim):
                outcomes += ask_partner(claim)
    for location in locations:
        if claim := claim_fulfilment(room, location, number):
            with holding(room, claim):
                outcomes += print_or_pick(claim) + pack(claim) + label(claim) + notify(claim)
    if claim := claim_returns(room, number):
        with holding(room, claim):
            outcomes += pay_back(claim) + tell_customers(claim)
    if claim := claim_news(room, number=number):
        with holding(room, claim):
            outcomes += tell_channel(claim)
    if claim := claim_refunds(room, number):
        with holding(room, claim):
            outcomes += pay_cancelled(claim)
    if claim := claim_parcels(room, number):
        with holding(room, claim):
            outcomes += refund_labels(claim) + tell_of_parcels(claim)
    return outcomes + _still_sick(room, number, outcomes)


def _still_sick(room: Room, number: str, outcomes: list[StepOutcome]) -> list[StepOutcome]:
    """What no step could touch: a print that waits for a person, or work that another run holds."""
    if any(outcome.result == "sick" for outcome in outcomes):
        return []
    with room.database.read() as connection:
        sick = sickness.of_order(connection, desk.find(connection, number)["id"])
    return [StepOutcome(number, "sick", reason, cause) for cause, reason in sick]


def waits_for_a_word(room: Room, number: str) -> bool:
    """Whether this order was put aside, and nobody has pressed Retry on its run yet."""
    with room.database.read() as connection:
        aside = sickness.put_aside(connection, desk.find(connection, number)["id"])
    return aside and int(flow_run.run_count) <= AUTOMATIC_STARTS
