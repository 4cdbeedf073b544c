"""Messages that waited for their hour: sent when it has come, while the orders they are about have gone on.

Which message waits is decided where it is written, by `flows/fulfilment.py` and `flows/returns.py`. The sweep wakes
this one when quiet hours are over.
"""

from __future__ import annotations

from functools import partial

from prefect import flow, get_run_logger

from backroom.shop.room import this_room
from tasks.claiming import claim_messages, holding, one_after_another
from tasks.tell import Report, tell_wave
from tasks.waiting_messages import send_waiting


@flow(name="messages", validate_parameters=False)
def messages(location: str = "") -> str:
    """Send what is due; `location` is the hub, for the run's sake."""
    room = this_room()
    report = Report("messages", location or room.shop.hub)
    for claim in one_after_another(partial(claim_messages, room)):
        with holding(room, claim):
            outcomes = send_waiting(claim)
        if failed := [outcome.subject for outcome in outcomes if outcome.result == "failed"]:
            get_run_logger().warning("messages need a person: %s", ", ".join(failed))
        tell_wave(room, claim, outcomes)
        report.add(outcomes)
    return report.sentence()
