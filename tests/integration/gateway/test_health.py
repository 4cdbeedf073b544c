"""Health and metrics: whether a commit reaches the disk, and what is counted."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Connection

from backroom.domain.audit import Failure, Number
from backroom.domain.kpi import KPIS
from backroom.store import audit_days, kpi_figures
from backroom.store.database import now
from backroom.store.kpi_figures import Figure
from backroom.store.return_opening import open_by_code
from backroom.store.tables import counters
from tests.integration.gateway.conftest import Gateway, an_order, make_order, make_sold_order, only_sqlite

# 2026-11-06, 00:00 in Berlin.
DAY_BEGINS = 1_793_919_600.0
GRID_COLUMNS = 24


def test_a_gateway_that_can_write_is_healthy(gateway: Gateway) -> None:
    answer = gateway.client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "database": "writable"})


def test_a_database_that_cannot_be_written_is_503(gateway: Gateway) -> None:
    gateway.room.database.write(lambda c: c.exec_driver_sql(f"DROP TABLE {counters.name}").rowcount)
    answer = gateway.client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["status"] == "unavailable"


@only_sqlite
def test_a_locked_database_is_503_within_seconds(gateway: Gateway) -> None:
    with gateway.room.database.engine.connect().execution_options(backroom_writes=True) as other, other.begin():
        answer = gateway.client.get("/health")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_metrics_count_deliveries_orders_and_queues(gateway: Gateway) -> None:
    body = an_order()
    gateway.deliver(body)
    gateway.deliver(body)
    gateway.client.post("/webhooks/web", content=body)
    make_order(gateway.room)
    sold, room = make_sold_order(gateway.room, "BR000000000000004242"), gateway.room
    room.database.write(lambda c: open_by_code(c, room.shop, sold, "hub", "Ada"))
    numbers = [Number(Failure.LOST, 3, 20, 8700), Number(Failure.SLOW, 2, 40, 650)]
    gateway.room.database.write(lambda c: audit_days.save(c, "2026-11-25", numbers, now(c)))
    answer = gateway.client.get("/metrics", headers=gateway.bearer("metrics"))
    assert answer.status_code == 200
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert samples["backroom_webhooks_total", "accepted", "web"] == 1
    assert samples["backroom_webhooks_total", "duplicate", "web"] == 1
    assert samples["backroom_webhooks_total", "refused", "web"] == 1
    assert samples["backroom_webhook_seconds_count",] == 3
    assert samples["backroom_inbox_messages", "waiting", "web"] == 1
    assert samples["backroom_orders", "released", "web"] == 1
    assert samples["backroom_print_jobs", "booth-a", "waiting"] == 1
    assert samples["backroom_returns", "label", "open"] == 1
    assert samples["backroom_oldest_waiting_seconds", "refund"] == 0
    assert samples["backroom_oldest_waiting_seconds", "inbox"] > 0
    assert samples["backroom_effects_unknown",] == 0
    assert (samples["backroom_audit", "lost"], samples["backroom_audit_money", "lost"]) == (3, 8700)
    assert samples["backroom_audit", "slow"] == 2
    assert "ada@example.com" not in answer.text


def test_key_figures_are_those_of_the_last_full_day_and_of_the_last_sure_month(gateway: Gateway) -> None:
    figures = [
        Figure("2026-11-01", "all", "returning_60d", 0.9, 10, provisional=True),
        Figure("2026-09-01", "all", "returning_60d", 0.2, 10),
        Figure("2026-08-01", "all", "returning_60d", 0.1, 10),
        Figure("2026-11-06", "all", "orders", 7.0, 7),
        Figure("2026-11-07", "all", "orders", 3.0, 3, provisional=True),
    ]

    def lay(connection: Connection) -> None:
        kpi_figures.save(
            connection, {one.day for one in figures}, {one.name for one in figures}, figures, {}, now(connection)
        )

    gateway.room.database.write(lay)
    text = gateway.client.get("/metrics", headers=gateway.bearer("metrics")).text
    assert 'backroom_kpi{name="orders",way="all"} 7.0' in text
    assert 'backroom_kpi{name="returning_60d",way="all"} 0.2' in text
    assert text.count("backroom_kpi{") == 2
    (begins,) = re.findall(r"^backroom_kpi_day_timestamp_seconds (\S+)$", text, re.MULTILINE)
    assert float(begins) == DAY_BEGINS


@pytest.fixture
def dashboard() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(Path("deployments/grafana/backroom.json").read_text(encoding="utf-8"))
    return read


@only_sqlite
def test_the_dashboard_asks_only_for_metrics_labels_and_figures_that_there_are(
    gateway: Gateway, dashboard: dict[str, Any]
) -> None:
    gateway.deliver(an_order())
    make_order(gateway.room)
    a_figure = [Figure("2026-11-06", "all", "orders", 7.0, 7)]
    gateway.room.database.write(lambda c: kpi_figures.save(c, ["2026-11-06"], ["orders"], a_figure, {}, now(c)))
    text = gateway.client.get("/metrics", headers=gateway.bearer("metrics")).text
    families = list(text_string_to_metric_families(text))
    there = {family.name for family in families} | {one.name for family in families for one in family.samples}
    labels = _labels_of_docs()
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    assert len(expressions) > 20
    for expression in expressions:
        (name,) = set(re.findall(r"\bbackroom_\w+", expression))
        assert name in there, expression
        known = {*labels[name.removesuffix("_bucket")], "le"}
        asked = re.findall(r"(\w+)(?:=~|!~|!=|=)\"", expression)
        grouped = [label for group in re.findall(r"by \(([^)]+)\)", expression) for label in group.split(", ")]
        assert {*asked, *grouped} <= known, expression
        for operator, wanted in re.findall(r'name(=~?|!=)"([^"]+)"', expression):
            fits = [kpi for kpi in KPIS if (re.fullmatch(wanted, kpi.name) if operator == "=~" else kpi.name == wanted)]
            assert fits, expression


def test_the_dashboards_panels_have_numbers_and_places_of_their_own(dashboard: dict[str, Any]) -> None:
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= GRID_COLUMNS
        taken |= cells


def _labels_of_docs() -> dict[str, list[str]]:
    page = Path("docs/gateway.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(backroom_\w+)` \|([^|]*)\|", page, re.MULTILINE)
    return {name: [label.strip() for label in labels.split(",") if label.strip()] for name, labels in rows}
