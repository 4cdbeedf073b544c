"""Retention, every night: what the shop keeps no longer is removed, and whoever asked to be forgotten is.

For how long what is kept stands in the shop file (`[retention]`); the rules behind it are `backroom.privacy`.
"""

from __future__ import annotations

from prefect import flow

from tasks.retention import carry_out_requests, finish_erasures, remind_of_requests, remove_old, show_privacy


@flow(name="retention", flow_run_name="retention", validate_parameters=False)
def retention() -> str:
    """Remove what was kept for long enough, and carry out what was asked. Fails where a request is nearly overdue."""
    finish_erasures()
    forgotten = carry_out_requests()
    removed = remove_old()
    waiting = show_privacy()
    remind_of_requests()
    return f"forgotten on request {forgotten}; removed: {removed}; requests that wait {waiting}"
