"""Where the gateway shows an order: for what people read in Prefect's UI."""

from __future__ import annotations

import os


def page_of(number: str) -> str:
    """The address of an order's page; its path alone where nobody told this worker where the gateway is."""
    return f"{os.environ.get('BACKROOM_GATEWAY_URL', '').rstrip('/')}/orders/{number}"
