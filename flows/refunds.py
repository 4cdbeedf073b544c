"""Refunds: an order that was paid and is cancelled here is paid back, at the channels that do that themselves.

Cancelling an order is done in the commit of whoever does it, and so is writing down what is owed. What no channel pays
waits for a person on the pages of returns. Counterparts: `flows/returns.py`, which pays back what came back,
`flows/tell_channel.py`, which tells the channel of the cancellation, and `flows/order.py`, the run of one that is sick.
"""

from __future__ import annotations

from functools import partial

from prefect import flow

from backroom.shop.room import this_room
from tasks.claiming import claim_refunds, holding, one_after_another
from tasks.pay_cancelled import pay_cancelled
from tasks.tell import Report, tell_wave


@flow(name="refunds", validate_parameters=False)
def refunds(location: str = "") -> str:
    """Pay every cancelled order back that is owed its money; `location` is the hub, for the run's sake."""
    room = this_room()
    report = Report("refunds", location or room.shop.hub)
    for claim in one_after_another(partial(claim_refunds, room)):
        with holding(room, claim):
            outcomes = pay_cancelled(claim)
        tell_wave(room, claim, outcomes)
        report.add(outcomes)
    return report.sentence()
