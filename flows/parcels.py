"""Parcels after their label: customers are told what became of theirs, and unused labels are given back.

What a carrier tells by webhook is written where it comes in (`backroom.gateway.carrier_events`), and wakes this flow.
On a schedule it follows: it asks for parcels that are quiet. Counterparts: `flows/fulfilment.py`, which makes and
labels parcels, and `flows/order.py`, the run of one that is sick.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

from prefect import flow

from backroom.shop.room import this_room
from tasks.claiming import claim_parcels, holding, one_after_another
from tasks.parcel_following import ask_for_parcels, follow_refunds, look_at_what_waits
from tasks.parcel_notices import tell_of_parcels
from tasks.parcel_refunds import refund_labels
from tasks.tell import Report, tell_wave


@flow(name="parcels", validate_parameters=False)
def parcels(location: str = "", act: Literal["tell", "follow"] = "tell") -> str:
    """See to every parcel with news: give unused labels back → tell its customer; `follow` asks the carriers first."""
    room = this_room()
    asked = ""
    if act == "follow":
        heard, refunds, quiet = ask_for_parcels(), follow_refunds(), look_at_what_waits()
        asked = f"; asked: news of {heard}, refunds {refunds}, quiet {quiet}"
    report = Report("parcels", location or room.shop.hub)
    for claim in one_after_another(partial(claim_parcels, room)):
        with holding(room, claim):
            outcomes = refund_labels(claim) + tell_of_parcels(claim)
        tell_wave(room, claim, outcomes)
        report.add(outcomes)
    return report.sentence() + asked
