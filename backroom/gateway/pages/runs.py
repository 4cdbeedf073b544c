"""Links to Prefect's UI, where the run that did something is shown."""

from __future__ import annotations

from backroom.engine.runs import run_url, ui_url
from backroom.gateway.pages.html import Html, link


def run_link(run_id: str) -> Html | None:
    """A link to the run's page; None for what no run did, or where Prefect's address is not known."""
    return link(run_url(run_id), "run") if run_id and ui_url() else None
