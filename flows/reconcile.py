"""Reconciliation: every paid order at every source is matched with one of ours, and what is missing is fetched.

Every quarter of an hour what changed since the last look, every night the last 30 days. A source that is away keeps no
other from being looked at. What the figures mean stands in `docs/connectors.md`, what to do in
`docs/guide/missing-order.md`.
"""

from __future__ import annotations

from typing import Literal

from prefect import flow

from backroom.domain.errors import BackroomError
from backroom.domain.reconciliation import Look
from backroom.insight.reconciled import sentence
from backroom.shop.room import this_room
from tasks.reconcile import asked_channels, look, show, tell


@flow(name="reconcile", flow_run_name="reconcile {reach}", validate_parameters=False)
def reconcile(reach: Literal["recent", "full"] = "recent") -> str:
    """Look at every channel that is asked: `recent` for what changed since the last look, `full` for 30 days."""
    channels, told = asked_channels(this_room()), []
    broken: list[str] = []
    for channel in channels:
        # As a state: what breaks at one source, whatever it is, is no reason to leave the others unseen.
        state = look(channel, Look(reach), return_state=True)
        if not state.is_completed():
            broken.append(channel)
            continue
        looked = state.result()
        told.append(sentence(channel, looked.figures) + (f" ({looked.error})" if looked.error else ""))
        tell(looked, Look(reach))
    show(channels)
    if broken:
        raise BackroomError(
            f"the look at {', '.join(broken)} broke off.", remedy="See its task run, then press Retry.", cause="look"
        )
    return "; ".join(told) or "no channel is asked for its orders"
