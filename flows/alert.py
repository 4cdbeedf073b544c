"""An alert: what an automation tells when an order failed for good or a booth went away.

It writes the artifact `alerts`, and mails the shop where mail is set up.
"""

from __future__ import annotations

from prefect import flow

from tasks.alerting import raise_alert


@flow(name="alert", validate_parameters=False)
def alert(kind: str, subject: str = "", link_id: str = "") -> str:
    """Tell the people of the shop that something needs them; `kind` is run_failed or booth_gone."""
    return raise_alert(kind, subject, link_id)
