"""Messages that waited for their hour: sent when it has come, while the orders they are about have gone on. Before
them the codes for those who asked for SMS at an event, and wait for one.

Which message waits is decided where it is written, by `flows/fulfilment.py` and `flows/returns.py`. The sweep wakes
this one when quiet hours are over.
"""

from __future__ import annotations

from prefect import flow, get_run_logger

from backroom.shop.room import this_room
from backroom.store.claims import Claim
from tasks.claiming import claim_codes, claim_messages, holding, one_after_another
from tasks.opt_ins import send_codes
from tasks.tell import Report, tell_wave
from tasks.waiting_messages import send_waiting


@flow(name="messages", validate_parameters=False)
def messages(location: str = "") -> str:
    """Send what is due; `location` is the hub, for the run's sake."""
    room = this_room()
    report = Report("messages", location or room.shop.hub)
    codes, sent = set[str](), 0

    def next_claim() -> Claim | None:
        """Codes before messages, each time anew: somebody stands there and waits for one."""
        claim = claim_codes(room)
        if claim is None:
            return claim_messages(room)
        codes.add(claim.token)
        return claim

    for claim in one_after_another(next_claim):
        with holding(room, claim):
            if claim.token in codes:
                sent += send_codes(claim)
                continue
            outcomes = send_waiting(claim)
        if failed := [outcome.subject for outcome in outcomes if outcome.result == "failed"]:
            get_run_logger().warning("messages need a person: %s", ", ".join(failed))
        tell_wave(room, claim, outcomes)
        report.add(outcomes)
    return f"{report.sentence()}; codes sent {sent}" if codes else report.sentence()
