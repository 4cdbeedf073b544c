"""How a running shop stood when a test that used it failed, said with the failure: its rows, Prefect's runs, its logs.

What belongs here: saying it. A test that waited in vain says what it waited for; where the order was instead is gone
with the shop's folder on whatever machine it failed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from backroom.store.tables import (
    breakers,
    claims,
    effects,
    fulfilment_orders,
    generations,
    history,
    orders,
    partner_orders,
)
from tests.running import RunningShop

HISTORY, RUNS, LINES = 60, 60, 40


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and report.when == "call":
        for shop in _shops(getattr(item, "funcargs", {})):
            report.sections.append(("how the shop stood", how_it_stands(shop)))
    return report


def _shops(given: dict[str, Any]) -> list[RunningShop]:
    found = [getattr(one, "shop", one) for one in given.values()]
    return [one for one in found if isinstance(one, RunningShop)]


def how_it_stands(shop: RunningShop) -> str:
    """Everything a reader would look up first. Whatever cannot be read says so, and hides nothing else."""
    parts: tuple[Callable[[RunningShop], list[str]], ...] = (_processes, _rows, _history, _runs, _logs)
    said: list[str] = []
    for part in parts:
        try:
            said += part(shop)
        except Exception as error:  # noqa: BLE001 - the test's own failure is what is told of here
            said.append(f"{part.__name__}: {error!r}")
    return "\n".join(said)


def _processes(shop: RunningShop) -> list[str]:
    return [
        f"{one.name} {one.state} pid={one.pid} restarts={one.restarts} up={one.up_seconds:.0f} s last={one.last_exit}"
        for one in [*shop.server.status(), *shop.rest.status()]
    ]


def _rows(shop: RunningShop) -> list[str]:
    said = []
    with shop.room.database.read() as connection:
        for table, left_out in (
            (orders, ("contact", "payment_token")),
            (fulfilment_orders, ()),
            (partner_orders, ()),
            (effects, ("answer",)),
            (claims, ()),
            (generations, ()),
            (breakers, ()),
        ):
            shown = [column for column in table.c if column.name not in left_out]
            for row in connection.execute(select(*shown).limit(LINES)).mappings():
                filled = {name: value for name, value in row.items() if value not in (None, "", 0)}
                said.append(f"{table.name}: {' '.join(f'{name}={value}' for name, value in filled.items())}")
    return said


def _history(shop: RunningShop) -> list[str]:
    query = select(history).order_by(history.c.id.desc()).limit(HISTORY)
    with shop.room.database.read() as connection:
        rows = connection.execute(query).mappings().all()
    return [f"history: {row['at']:%H:%M:%S.%f} {row['order_id']} {row['event']} {row['data']}" for row in rows[::-1]]


def _runs(shop: RunningShop) -> list[str]:
    # What is planned for the coming days would hide what is due.
    due = {"expected_start_time": {"before_": datetime.now(UTC).isoformat()}}
    asked = {"sort": "EXPECTED_START_TIME_DESC", "limit": RUNS, "flow_runs": due}
    found = shop.prefect("POST", "/flow_runs/filter", asked)
    return [
        f"run: {one['expected_start_time']} {one['name']} {one['state_name']} started {one['start_time']}"
        for one in found[::-1]
    ]


def _logs(shop: RunningShop) -> list[str]:
    said = []
    for file in sorted((shop.home / "logs").glob("*.log")):
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()[-LINES:]
        said += [f"{file.name}: {line}" for line in lines]
    return said
