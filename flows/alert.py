"""An alert: what an automation tells when an order or a wave failed for good, or a booth went away.

It writes the artifact `alerts`, and mails the shop where mail is set up.
"""

from __future__ import annotations

from prefect import flow

from tasks.alerting import raise_alert


@flow(name="alert", validate_parameters=False)
def alert(what: str, subject: str = "", link: str = "") -> str:
    """Tell the people of the shop that something needs them: `what` happened to `subject`."""
    return raise_alert(what, subject, link)
