"""A person's word on a proposed transfer, as a form in the UI.

The run is named after the transfer and suspends, holding no process, until somebody chooses. Counterpart of
`flows/event_restock.py`, which proposes it.
"""

from __future__ import annotations

from prefect import flow, suspend_flow_run

from backroom.shop.room import this_room
from tasks.transfer_form import Answer, carry_out, question


@flow(name="transfer", flow_run_name="{number} to the market", validate_parameters=False)
def transfer(number: str) -> str:
    """Ask whether the pieces of a transfer shall go, and do it."""
    room = this_room()
    asked = question(room, number)
    if asked is None:
        return f"{number} does not wait for a word any more"
    answer = suspend_flow_run(wait_for_input=Answer.with_initial_data(description=asked), timeout=None)
    return carry_out(room, number, answer)
