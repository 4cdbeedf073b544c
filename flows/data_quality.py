"""Data quality: whether what stands in the database can be true. Hourly what changed, nightly every row.

What fails a grave check is put into quarantine: its order is on hold, its stock is not sold, no figure counts it. Which
checks there are stands in `docs/quality.md`; the suites are `backroom.quality.suites`. It has a work pool of its
own: Great Expectations, which carries them out, is heavy, and nothing waits behind it there.
"""

from __future__ import annotations

from typing import Literal

from prefect import flow

from backroom.domain.quality import Scope
from tasks.quality import alert_people, check_rows, keep_quarantine, show_findings


@flow(name="data-quality", flow_run_name="data quality {scope}", validate_parameters=False)
def data_quality(scope: Literal["changed", "full"] = "changed") -> str:
    """Check the shop's rows: `changed` for what was written about lately and what is under way, `full` for all."""
    run_id = check_rows(Scope(scope))
    kept = keep_quarantine()
    said = show_findings(run_id)
    alerts = alert_people(Scope(scope))
    return f"{said}; {kept}; {alerts} alerts"
