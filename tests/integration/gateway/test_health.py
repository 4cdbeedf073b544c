"""Health and metrics: whether a commit reaches the disk, and what is counted."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from backroom.store.tables import counters
from tests.integration.gateway.conftest import Gateway, an_order, make_order, only_sqlite


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
    assert samples["backroom_oldest_waiting_seconds", "inbox"] > 0
    assert samples["backroom_effects_unknown",] == 0
    assert "ada@example.com" not in answer.text
