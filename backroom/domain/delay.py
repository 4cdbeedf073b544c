"""A late order's delay, shared out over its stages: who took longer than those that are in time carries it.

What belongs here: that sum, and what to do about a stage that carries much. What does not: reading times
(`backroom.store.audit_late`) and adding up over orders (`backroom.insight.audit.slow`).
"""

from __future__ import annotations

from collections.abc import Mapping

from backroom.domain.audit import Action
from backroom.domain.kpi import STAGES


def shares_of_delay(stages: Mapping[str, float], normal: Mapping[str, float], late_s: float) -> dict[str, float]:
    """Seconds of the delay that each stage carries; together they are `late_s`.

    In proportion to what each took beyond its normal time; of an order that was nowhere slower than normal, in
    proportion to what each took.
    """
    beyond = {stage: max(0.0, stages.get(stage, 0.0) - normal.get(stage, 0.0)) for stage in STAGES}
    if not sum(beyond.values()):
        beyond = {stage: stages.get(stage, 0.0) for stage in STAGES}
    total = sum(beyond.values())
    if not total:
        # Promised for a moment that had passed when it was ordered.
        return {stage: late_s if stage == "waiting" else 0.0 for stage in STAGES}
    return {stage: late_s * seconds / total for stage, seconds in beyond.items()}


def act_on_delay(stage: str, place: str, printer: str) -> Action:
    """What to do about a stage of a place that carries much of the delay."""
    match stage:
        case "waiting":
            words = f"See how {place} delivers: a webhook that fails, a till that is offline, a file that comes late."
            return Action(words, f"backroom audit lost --channel {place}")
        case "intake":
            words = "Look at what is on hold or waits for stock; release it in the morning, before anything else."
            return Action(words, "backroom order list --waiting", "/orders")
        case "making" if printer:
            words = (
                f"{printer} is where it waits. Send some of its orders elsewhere by a routing rule, open earlier, or "
                "put a second printer beside it."
            )
            return Action(words, f"backroom print queue {place}", f"/prints/{place}")
        case "making":
            words = f"Picking at {place} is late. Pick twice a day, the earliest promise first."
            return Action(words, f"backroom audit slow --place {place}")
        case "packing":
            words = f"Parcels at {place} wait for their label or for somebody to pack. Pack before the carrier comes."
            return Action(words, f"backroom audit slow --place {place}")
    return Action(f"Messages of {place} go out late: see whether the mail server answers.", "backroom effect list")
