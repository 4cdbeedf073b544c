"""Where a run is: links into Prefect's UI, and the ids of the run that is under way.

What belongs here: addresses and ids. What does not: starting runs (`backroom.engine.wake`) or reading their states.
"""

from __future__ import annotations

import os
import re
from urllib.parse import quote


def ui_url() -> str:
    """The address of the UI, from PREFECT_UI_URL or beside the API of PREFECT_API_URL; empty when neither is set."""
    given = os.environ.get("PREFECT_UI_URL", "").rstrip("/")
    beside = re.sub(r"/api/?$", "", os.environ.get("PREFECT_API_URL", ""))
    base = given or beside
    return base if not base or base.endswith("/v2") else f"{base}/v2"


def run_url(run_id: str) -> str:
    """The page of a flow run."""
    return f"{ui_url()}/runs/flow-run/{quote(run_id, safe='')}"


def artifact_url(key: str) -> str:
    """The page of an artifact by its key; no menu of the UI leads there."""
    return f"{ui_url()}/artifacts/key/{quote(key, safe='')}"


def this_run_id() -> str:
    """The id of the flow run that is under way here, empty outside one. Works in flows and in their tasks."""
    # Imported at use: the gateway wants links, and not the two seconds and 80 MB of Prefect.
    from prefect.runtime import flow_run

    return str(flow_run.id or "")


def this_run_name() -> str:
    """The name of the flow run that is under way here, empty outside one."""
    from prefect.runtime import flow_run

    return str(flow_run.name or "")
