"""Fulfilment at one location: print or pick → pack → label → notify, for whatever can advance there.

An order that waits for a printer or a scan waits as a row; whoever reports the last piece wakes this flow again.
Counterparts: `flows/order_intake.py` before it, `flows/print_jobs.py` beside the printers.
"""

from __future__ import annotations

from functools import partial

from prefect import flow

from backroom.shop.room import this_room
from tasks.claiming import claim_fulfilment, holding, one_after_another
from tasks.label import label
from tasks.notify import notify
from tasks.pack import pack
from tasks.print_or_pick import print_or_pick
from tasks.print_promises import review_promises
from tasks.tell import Report, tell_wave


@flow(name="fulfil", validate_parameters=False)
def fulfil(location: str) -> str:
    """Advance every fulfilment order of a location as far as it goes."""
    room = this_room()
    report = Report("fulfilment", location)
    for claim in one_after_another(partial(claim_fulfilment, room, location)):
        with holding(room, claim):
            outcomes = print_or_pick(claim) + pack(claim) + label(claim) + notify(claim)
        tell_wave(room, claim, outcomes)
        report.add(outcomes)
    if room.shop.location(location).promise is not None:
        review_promises(location)
    return report.sentence()
