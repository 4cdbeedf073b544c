"""Partners: what is at one of them is asked about when it is due, and when a message says that something is new.

Submitting is a part of fulfilment (`flows/fulfilment.py`), for a partner's location like for any other; what its word
moves on goes on there.
"""

from __future__ import annotations

from functools import partial

from prefect import flow

from backroom.shop.room import this_room
from tasks.claiming import claim_partner, holding, one_after_another
from tasks.partner_news import ask_partner
from tasks.tell import Report, tell_wave


@flow(name="partners", validate_parameters=False)
def partners(location: str) -> str:
    """Ask a partner about every order of ours that is due."""
    room = this_room()
    report = Report("partner", location)
    for claim in one_after_another(partial(claim_partner, room, location)):
        with holding(room, claim):
            outcomes = ask_partner(claim)
        tell_wave(room, claim, outcomes)
        report.add(outcomes)
    return report.sentence()
