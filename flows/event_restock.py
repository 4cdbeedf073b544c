"""What to take to a market: a plan and a proposed transfer for each event that is near or open, every half hour.

A transfer is made only with a person's yes (`flows/transfer.py`, or `backroom restock yes`). After an event its plan
is held against what happened. Running again changes nothing where nothing has changed.
"""

from __future__ import annotations

from prefect import flow

from tasks.restock import end_settled_forms, events_to_plan, events_to_review, plan_event, review_event


@flow(name="event-restock", validate_parameters=False)
def event_restock(event: str = "") -> str:
    """Plan for one event by its code, or for all that are near or open; `restock-<code>` is the artifact of each."""
    said = [plan_event(code) for code in events_to_plan(event)]
    said += [review_event(code) for code in events_to_review(event)]
    end_settled_forms()
    return "; ".join(said) or "no event is near"
