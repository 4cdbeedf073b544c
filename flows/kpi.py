"""Key figures: how fast, at what cost, how well, and what and who comes back.

Hourly what changed, daily the reports as well.

What the figures mean is in `docs/kpis.md`; the rules behind them are `backroom.insight`.
"""

from __future__ import annotations

from typing import Literal

from prefect import flow

from tasks.kpi import compute_figures, compute_months, read_changes, show_figures, write_reports


@flow(name="kpi", flow_run_name="kpi {period}", validate_parameters=False)
def kpi(period: Literal["hourly", "daily"] = "hourly") -> str:
    """Bring the key figures up to date: `hourly` for today, `daily` with what is told by month, and the reports."""
    orders = read_changes()
    corrected = compute_figures()
    pages: list[str] = []
    if period == "daily":
        compute_months()
        pages = write_reports()
    day = show_figures()
    written = f", written {' and '.join(pages)}" if pages else ""
    return f"{orders} orders read, {corrected} figures of past days corrected, shown {day}{written}"
