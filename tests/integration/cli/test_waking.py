"""Commands in a terminal that knows nothing but the home folder: what they owe reaches the Prefect of that shop."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pytest_httpserver import HTTPServer

from backroom.cli.environments import Ports, note_ports
from backroom.cli.prepare import PREFECT_AUTH
from backroom.shop.room import Room
from tests.integration.cli.typing_in import typed

ORDER = "order_id,placed_at,sku,quantity,unit_price,total,currency\nBQ-1,2026-11-20,TEE-MOTH-INK-M,1,34.00,34.00,EUR\n"


@pytest.fixture
def terminal(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal as somebody opens it: nothing of Prefect stands in its environment."""
    for name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING"):
        monkeypatch.delenv(name, raising=False)


def test_a_command_wakes_the_prefect_that_up_started_with_the_shops_own_login(
    room: Room, terminal: None, httpserver: HTTPServer, tmp_path: Path
) -> None:
    port = urlsplit(httpserver.url_for("/")).port
    assert port is not None
    note_ports(room.home, Ports(prefect=port))
    file = tmp_path / "orders.csv"
    file.write_text(ORDER)
    said = typed("import", str(file))
    assert "1 new" in said.stdout
    assert "does not answer" not in said.output
    asked = [request for request, _ in httpserver.log]
    assert re.search(r"/create_flow_run$", asked[-1].path)
    login = base64.b64encode(room.secret(PREFECT_AUTH).encode()).decode()
    assert {request.headers["Authorization"] for request in asked} == {f"Basic {login}"}
