"""Metrics for Prometheus: what this process counts, and what is counted in the database when somebody asks.

Names follow Prometheus' own advice: a prefix, base units, `_total` for counters. Labels are channels, states,
locations and outcomes: few, and never a person's data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import RowMapping

from backroom.domain.kpi import BY_DAY, BY_MONTH
from backroom.domain.opening import instant
from backroom.insight.reconciled import age_of
from backroom.store import audit_days, looks, paid_elsewhere
from backroom.store.database import Database, now
from backroom.store.figures import Counts, Figures, read_figures
from backroom.store.kpi_figures import last_full_day, last_sure_months

# The gateway answers within 50 ms (p99); what takes longer than Shopify's five seconds was given up by the sender.
BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Meters:
    """The meters of one gateway, in a registry of its own; days are those of the zone `local`. `spool` tells how many
    messages lie there, and for how many seconds the oldest has."""

    def __init__(
        self, database: Database, local: ZoneInfo, spool: Callable[[], tuple[int, float]] = lambda: (0, 0.0)
    ) -> None:
        self._registry = CollectorRegistry()
        self.webhooks = Counter(
            "backroom_webhooks_total", "Deliveries by outcome.", ["channel", "outcome"], registry=self._registry
        )
        self.webhook_seconds = Histogram(
            "backroom_webhook_seconds",
            "From the first byte to the answer of a delivery, in seconds.",
            buckets=BUCKETS,
            registry=self._registry,
        )
        kept = Gauge(
            "backroom_spool_messages",
            "Acknowledged messages that are not in the database yet.",
            registry=self._registry,
        )
        kept.set_function(lambda: spool()[0])
        oldest = Gauge(
            "backroom_spool_oldest_seconds", "For how long the oldest of them has not been.", registry=self._registry
        )
        oldest.set_function(lambda: spool()[1])
        self._registry.register(_FromDatabase(database, local))

    def page(self) -> bytes:
        """The metrics in Prometheus' text format 0.0.4."""
        return generate_latest(self._registry)


class _FromDatabase(Collector):
    def __init__(self, database: Database, local: ZoneInfo) -> None:
        self._database, self._local = database, local

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        with self._database.read() as connection:
            figures = read_figures(connection)
            of_day = last_full_day(connection, BY_DAY)
            rows = [*of_day, *last_sure_months(connection, BY_MONTH)]
            audited = audit_days.last(connection)
            at, looked = now(connection), looks.all_looks(connection)
            missing = paid_elsewhere.count_missing(connection)
        yield from _gauges(figures)
        kpis: dict[tuple[str, ...], float] = {(row["name"], row["way"]): row["value"] for row in rows}
        yield _family(
            "backroom_kpi",
            "Key figures of the last full day (of the last sure month, where they are told by month): "
            "seconds, shares, minor units or counts (docs/kpis.md).",
            ("name", "way"),
            kpis,
        )
        if of_day:
            begins = instant(date.fromisoformat(of_day[0]["day"]), time(), self._local).timestamp()
            yield GaugeMetricFamily("backroom_kpi_day_timestamp_seconds", "When that day began.", value=begins)
        for name, help_, column in (
            ("backroom_audit", "What the last audit counted: lost, wrong, slow (docs/audit.md).", "count"),
            ("backroom_audit_money", "What it costs or is at stake, in minor units of the shop's currency.", "minor"),
        ):
            counted: dict[tuple[str, ...], int] = {(row["failure"],): row[column] for row in audited}
            yield _family(name, help_, ("failure",), counted)
        yield from _reconciled(looked, missing, at)


def _reconciled(looked: Sequence[RowMapping], missing: Mapping[str, int], at: datetime) -> Iterable[Metric]:
    """Of each channel that is asked for its orders, also where nothing is missing."""
    unaccounted: Counts = dict.fromkeys(((row["channel"],) for row in looked), 0)
    unaccounted |= {(channel,): count for channel, count in missing.items()}
    found: Counts = {}
    ages: dict[tuple[str, ...], float] = {}
    for row in looked:
        of = row["channel"], row["look"]
        found |= {(*of, name): count for name, count in asdict(looks.figures_of(row)).items()}
        ages[of] = age_of(row, at)
    yield _family(
        "backroom_unaccounted_orders",
        "Paid at the source, and neither here nor waiting nor in quarantine nor settled (docs/connectors.md).",
        ("channel",),
        unaccounted,
    )
    yield _family(
        "backroom_reconciliation_orders",
        "What the last look at a source counted, recent or full, by what was found.",
        ("channel", "look", "found"),
        found,
    )
    yield _family(
        "backroom_reconciliation_age_seconds",
        "Since the last look at a source that came to its end; since the first try where none did.",
        ("channel", "look"),
        ages,
    )


def _gauges(figures: Figures) -> Iterable[Metric]:
    yield _family("backroom_inbox_messages", "Messages by channel and state.", ("channel", "state"), figures.inbox)
    yield _family("backroom_orders", "Orders by channel and state.", ("channel", "state"), figures.orders)
    yield _family(
        "backroom_fulfilment_orders", "Fulfilment orders by location and state.", ("location", "state"), figures.parts
    )
    yield _family("backroom_print_jobs", "Print jobs by location and state.", ("location", "state"), figures.prints)
    yield _family(
        "backroom_returns", "Returns that are under way, by way back and state.", ("lane", "state"), figures.returns
    )
    yield _family("backroom_messages", "Messages to customers by medium and state.", ("medium", "state"), figures.sent)
    yield _family("backroom_samples", "Samples by location and state.", ("location", "state"), figures.samples)
    yield _family(
        "backroom_print_rejects", "Pieces that came out bad, by printer.", ("location", "printer"), figures.rejects
    )
    yield _family("backroom_sick", "Orders that left their wave, by stage.", ("stage",), figures.sick)
    yield _family(
        "backroom_oldest_waiting_seconds", "How long the oldest has waited, by queue.", ("queue",), figures.oldest
    )
    for name, help_, value in (
        ("backroom_effects_unknown", "Effects whose outcome a person must decide.", figures.effects_unknown),
        ("backroom_quarantine_open", "Messages in quarantine.", figures.quarantined),
        ("backroom_breakers_open", "Open breakers.", figures.breakers_open),
    ):
        yield GaugeMetricFamily(name, help_, value=value)


def _family(
    name: str, help_: str, labels: tuple[str, ...], values: dict[tuple[str, ...], int] | dict[tuple[str, ...], float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
