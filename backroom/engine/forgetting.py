"""Forgetting orders in Prefect: the stories that were written of them, and the runs that were named after them.

Prefect is never told anything personal; what goes here is what still leads from an order's number to what was done for
it. What waves list stays until Prefect's own retention takes it: numbers of orders, among others'.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import requests

SECONDS = 20.0
AT_ONCE = 50
_PAGE = 200
GONE = requests.codes.not_found


class Runs:
    """Prefect's server, by its REST API; PREFECT_API_URL and PREFECT_API_AUTH_STRING where nothing is given."""

    def __init__(self, api_url: str = "", auth: str = "") -> None:
        self._api = (api_url or os.environ.get("PREFECT_API_URL", "")).rstrip("/")
        user, _, password = (auth or os.environ.get("PREFECT_API_AUTH_STRING", "")).partition(":")
        self._session = requests.Session()
        self._session.auth = (user, password) if user else None

    def forget(self, numbers: Sequence[str]) -> None:
        """Delete what is of these orders; raises requests' errors where the server is away. Safe to do again."""
        for start in range(0, len(numbers), AT_ONCE):
            some = numbers[start : start + AT_ONCE]
            keys = [f"order-{number.lower()}" for number in some]
            names = [name for number in some for name in (number, f"{number} on hold")]
            for id_ in list(self._ids("artifacts", {"artifacts": {"key": {"any_": keys}}})):
                self._delete(f"artifacts/{id_}")
            for id_ in list(self._ids("flow_runs", {"flow_runs": {"name": {"any_": names}}})):
                self._delete(f"flow_runs/{id_}")

    def _ids(self, what: str, wanted: dict[str, Any]) -> Iterator[str]:
        offset = 0
        while True:
            answer = self._session.post(
                f"{self._api}/{what}/filter", json=wanted | {"limit": _PAGE, "offset": offset}, timeout=SECONDS
            )
            answer.raise_for_status()
            page = answer.json()
            yield from (one["id"] for one in page)
            if len(page) < _PAGE:
                return
            offset += len(page)

    def _delete(self, path: str) -> None:
        answer = self._session.delete(f"{self._api}/{path}", timeout=SECONDS)
        if answer.status_code != GONE:
            answer.raise_for_status()
