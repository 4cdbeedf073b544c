"""What the benchmark writes down: the shape that results.json promises, and the table for people."""

from __future__ import annotations

import json

import pytest

from benchmarks.bench import checked
from benchmarks.figures import FIGURES, sample
from benchmarks.report import GOALS, Record, results, tables
from benchmarks.systems import PEERS, SYSTEMS


def measured(orders: int, seconds: float) -> Record:
    """A record in which every system has two rounds and a trickle, Backroom a hundred times as fast as the others."""
    record = Record()
    for system in SYSTEMS:
        for kind in ("whole", "bare"):
            for number in (1, 2):
                factor = 1 if system.is_ours else 100 * number
                told = {"orders": orders, "seconds": seconds * factor, "cpu_s": 1.0, "p50_s": 0.2, "p95_s": 0.4}
                found = sample({**told, "peak_mb": 100.0, "counts": {"orders_fulfilled": orders}})
                record.rounds.setdefault((system.name, kind), {})[number] = found
            record.trickles[system.name, kind] = found
    return record


def test_results_hold_all_five_figures_of_all_seven_systems_whole_and_bare() -> None:
    told = json.loads(json.dumps(results(measured(100, 1.0), {"commit": "abc"})))
    names = {
        "backroom-sqlite",
        "backroom-postgres",
        "prefect-serve",
        "dbos-sqlite",
        "dbos-postgres",
        "celery",
        "restate",
    }
    assert told["commit"] == "abc"
    for part in ("systems", "bare"):
        assert told[part].keys() == names
        assert all(set(one) == set(FIGURES) for one in told[part].values())


def test_ratios_are_of_backroom_whole_against_the_others_bare() -> None:
    told = results(measured(100, 1.0), {})
    assert set(told["ratios"]) == {"backroom-sqlite", "backroom-postgres"}
    assert told["ratios"]["backroom-sqlite"]["celery"] == {"median": 150.0, "least": 100.0, "most": 200.0}


def test_a_system_that_was_not_measured_is_named_with_its_reason_and_has_no_figures() -> None:
    record = measured(100, 1.0)
    for kind in ("whole", "bare"):
        del record.rounds["celery", kind], record.trickles["celery", kind]
    record.missing["celery"] = "redis-server is not installed"
    told = results(record, {})
    assert "celery" not in told["systems"]
    assert "celery" not in told["ratios"]["backroom-sqlite"]
    assert "celery: redis-server is not installed" in tables(record)


def test_the_table_says_which_goals_are_met() -> None:
    lines = [line for line in tables(measured(100, 1.0)).splitlines() if "goal" in line]
    assert len(lines) == 2 * len(PEERS)
    assert all(line.endswith(": met") for line in lines)
    slow = measured(100, 1.0)
    slow.rounds["backroom-sqlite", "whole"] = slow.rounds["restate", "bare"]
    assert "NOT MET" in tables(slow)


def test_every_peer_has_a_goal() -> None:
    assert GOALS.keys() == {peer.name for peer in PEERS}


def test_a_measurement_whose_orders_are_not_all_in_the_database_counts_for_nothing() -> None:
    told = {"orders": 10, "seconds": 1.0, "cpu_s": 1.0, "p50_s": 0.1, "p95_s": 0.1, "peak_mb": 1.0}
    checked("whole", sample({**told, "counts": {"orders_fulfilled": 10}}))
    with pytest.raises(ValueError, match="9 orders are fulfilled"):
        checked("whole", sample({**told, "counts": {"orders_fulfilled": 9}}))
