"""The audit, every hour: what is lost, wrong and slow, with the next action for each, and one number each for the wall.

What they mean is in `docs/audit.md`; the rules behind them are `backroom.domain.audit` and `backroom.insight.audit`.
"""

from __future__ import annotations

from prefect import flow

from tasks.audit import make_audit, show_plan
from tasks.kpi import read_changes


@flow(name="audit", validate_parameters=False)
def audit() -> str:
    """Look for paid orders nobody is moving, wrong pieces and late orders, and list what to do about each."""
    read_changes()
    numbers = make_audit()
    show_plan()
    return numbers
