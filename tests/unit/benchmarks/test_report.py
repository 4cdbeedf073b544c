"""What the benchmark writes down: the shape that results.json promises, the table for people, and how it ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.figures import FIGURES, NEEDED, Sample, checked, sample
from benchmarks.goals import AGAINST
from benchmarks.record import LeftOut, Record
from benchmarks.report import code, results, tables
from benchmarks.systems import ALONE, PEERS, SYSTEMS
from benchmarks.verdicts import of_run

NAMES = {"backroom-sqlite", "backroom-postgres", "prefect-serve", "dbos-sqlite", "dbos-postgres", "celery", "restate"}
ORDERS, ROUNDS = 10_000, 5


def one(seconds: float, orders: int = ORDERS, **counts: int) -> Sample:
    """A sample whose counts are what is due, but for those that are given."""
    due = {"orders_fulfilled": orders, "labels": 2 * orders, "delivered": orders, "prints": 2 * orders}
    told = {"orders": orders, "seconds": seconds, "cpu_s": orders / 1000, "p50_s": 0.2, "p95_s": 0.4, "peak_mb": 100.0}
    return sample({**told, "counts": due | counts, "due": due})


def latency() -> dict[str, Any]:
    way = {"to_printer_s": {"p50": 0.8, "p95": 1.0, "samples": 60}}
    answers = {"answer_ms": {"p99": 40.0, "samples": 3000}, "refused": 0, "stored": 3000, "fulfilled_meanwhile": 9}
    return {"rate": 100.0, "to_printer": way, "to_printer_past": way, "past": 100_000, "answers": answers}


def measured() -> Record:
    """A run in which all was measured: Backroom a hundred times as fast as the others, and more in later rounds."""
    record = Record()
    for system in SYSTEMS:
        for kind in ("whole", "bare"):
            for number in range(1, ROUNDS + 1):
                found = one(20.0 if system.is_ours else 2000.0 * number)
                record.rounds.setdefault((system.name, kind), {})[number] = found
        record.trickles[system.name, "whole"] = one(60.0, 60)
        record.samples.append({"system": system.name, "kind": "whole"})
    record.calibration["backroom-postgres"] = {"--hub-workers 1": 200.0, "--hub-workers 2": 300.0}
    record.tried["backroom-postgres"] = 3000
    record.alone = {"latency": latency(), "idle": {"idle_percent_of_a_core": 4.0, "seconds": 120.0}}
    return record


def test_results_hold_all_five_figures_of_all_seven_systems_whole_and_bare() -> None:
    told = json.loads(json.dumps(results(measured(), {"commit": "abc"})))
    assert told["commit"] == "abc"
    for part in ("systems", "bare"):
        assert told[part].keys() == NAMES
        assert all(set(each) == set(FIGURES) for each in told[part].values())


def test_ratios_are_of_backroom_whole_against_the_others_bare() -> None:
    told = results(measured(), {})
    assert set(told["ratios"]) == {"backroom-sqlite", "backroom-postgres"}
    assert told["ratios"]["backroom-sqlite"]["celery"] == {"median": 300.0, "least": 100.0, "most": 500.0}


def test_every_goal_of_the_table_is_judged_and_a_whole_good_run_ends_with_0() -> None:
    record = measured()
    assert [each.verdict for each in of_run(record)] == ["held"] * 22
    assert code(record) == 0
    assert tables(record).splitlines()[-1] == "22 goals: 22 held, 0 BROKEN, 0 NOT MEASURED"
    assert results(record, {})["goals_summed"] == "22 goals: 22 held, 0 BROKEN, 0 NOT MEASURED"


def test_every_peer_has_a_goal() -> None:
    assert AGAINST.keys() == {peer.name for peer in PEERS}


def test_a_broken_goal_is_named_with_its_figure_and_ends_the_run_with_3() -> None:
    record = measured()
    record.rounds["backroom-sqlite", "whole"] = dict(enumerate([one(100.0)] * ROUNDS, 1))
    [line] = [line for line in tables(record).splitlines() if "10,000 waiting, backroom-sqlite" in line]
    assert line.split()[-6:] == ["≥", "184/s", "100/s", "(10,000", "orders)", "BROKEN"]
    assert code(record) == 3


def left_out(asked: bool) -> Record:
    record = measured()
    for kind in ("whole", "bare"):
        del record.rounds["celery", kind]
    del record.trickles["celery", "whole"]
    record.left_out["celery"] = LeftOut("redis-server is not installed", asked)
    return record


def test_a_system_that_cannot_be_run_is_left_out_by_name_with_its_reason_and_fails_the_run() -> None:
    record = left_out(asked=False)
    told = results(record, {})
    assert "celery" not in told["systems"]
    assert told["left_out"] == {"celery": {"why": "redis-server is not installed", "asked": False}}
    assert [each["verdict"] for each in told["goals"] if "celery" in str(each["measure"])] == ["NOT MEASURED"] * 2
    assert "celery was left out: redis-server is not installed" in tables(record)
    assert code(record) == 1


def test_a_system_that_was_left_out_as_asked_is_named_and_does_not_fail_the_run() -> None:
    record = left_out(asked=True)
    assert results(record, {})["left_out"]["celery"]["asked"] is True
    assert "celery: redis-server is not installed (as asked)" in tables(record)
    assert code(record) == 0


def test_a_failed_measurement_fails_the_run_although_others_of_its_kind_gave_figures() -> None:
    record = measured()
    record.failed.append("restate, bare, round 4: Failed: no figures within 300 s")
    assert results(record, {})["failed"] == record.failed
    assert "FAILED:\n  restate, bare, round 4" in tables(record)
    assert code(record) == 1


def test_four_rounds_of_five_are_no_verdict_on_a_ratio() -> None:
    record = measured()
    del record.rounds["restate", "bare"][4]
    assert [each.why for each in of_run(record) if "restate" in each.measure] == [
        "4 rounds are too few: 5 are asked for"
    ] * 2


def test_the_table_says_of_how_many_orders_a_latency_is() -> None:
    whole = tables(measured()).partition("Bare:")[0]
    assert sum("60 trickled" in line for line in whole.splitlines()) == len(SYSTEMS)


def test_what_was_counted_back_is_summed_up_by_system_and_compared() -> None:
    record = measured()
    told = results(record, {})["counted_back"]["whole"]
    assert told.keys() == NAMES
    assert told["celery"]["labels"] == [2 * (ROUNDS * ORDERS + 60)] * 2
    assert "labels 100,120 of 100,120" in tables(record)


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("off", [-1, 1])
def test_an_order_label_message_or_print_too_few_or_too_many_counts_for_nothing(name: str, off: int) -> None:
    assert checked(one(1.0, 10), whole=True)
    due = one(1.0, 10).due[name]
    with pytest.raises(ValueError, match=f"{due + off} {name} and not {due}"):
        checked(one(1.0, 10, **{name: due + off}), whole=True)


@pytest.mark.parametrize("name", NEEDED)
def test_a_whole_measurement_that_does_not_count_something_back_is_refused(name: str) -> None:
    told = one(1.0, 10)
    due = {key: value for key, value in told.due.items() if key != name}
    less = sample({each: getattr(told, each) for each in Sample.__dataclass_fields__} | {"due": due})
    with pytest.raises(ValueError, match=f"not counted back: {name}"):
        checked(less, whole=True)
    checked(less, whole=False)


def test_what_is_measured_alone_is_measured_at_the_size_its_goals_ask_for() -> None:
    assert {"--orders", "60", "--past", "100000"} <= set(ALONE["latency"].command(quick=False))
    assert {"--seconds", "120"} <= set(ALONE["idle"].command(quick=False))
