"""How far each stage is from its limit, by the figures of one run."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.limits import Limit, ends, limits, table

STEP = {"commits": 2, "commit_ms": 0.1, "fsyncs": 0, "fsync_ms": 0.0, "cpu_ms": 0.5}
STAGES = {
    "orders": 100,
    "wall_ms_per_order": 4.0,
    "steps": {
        "claim": STEP,
        "label": STEP | {"fsyncs": 3, "fsync_ms": 0.4, "cpu_ms": 1.2},
        "notify": STEP | {"commits": 6, "fsyncs": 157, "fsync_ms": 1.2},
    },
    "floors": {"commit_ms": 2.0, "fsync_side_by_side_ms": 0.125, "drawing_ms_per_order": 0.4},
}


def told(cpu: dict[str, float]) -> dict[str, Any]:
    return {
        "orders": 1000,
        "seconds": 5.0,
        "cpu_s": sum(cpu.values()),
        "cpu_s_by_process": cpu,
        "prefect_kept": {"flow_runs": 4, "task_runs": 16, "artifacts": 4},
    }


WHOLE = told({"hub worker": 3.0, "prefect server": 1.0})


def found() -> dict[str, Limit]:
    bare = told({"hub worker": 0.3, "prefect server": 0.5})
    return {one.name.partition(",")[0].partition(":")[0]: one for one in limits(STAGES, WHOLE, bare)}


def test_commits_are_held_against_bare_commits_as_often_as_they_come() -> None:
    commits = found()["commits"]
    assert (commits.often, commits.least, commits.now) == (0.1, 0.2, pytest.approx(0.3))
    assert (commits.share, commits.times) == (pytest.approx(7.5), pytest.approx(1.5))


def test_flushes_are_held_against_eight_side_by_side() -> None:
    flushes = found()["flushes of mails and sheets"]
    assert (flushes.often, flushes.least, flushes.now) == (1.6, pytest.approx(0.2), pytest.approx(0.2))


def test_labels_are_held_against_drawing_them_and_prefect_against_the_bare_engine() -> None:
    label, server = found()["label"], found()["Prefect's server"]
    assert (label.times, label.share) == (pytest.approx(3.0), pytest.approx(30.0))
    assert (server.least, server.now, server.times) == (0.5, 1.0, 2.0)
    assert server.often == pytest.approx(0.024)


def test_the_table_has_a_line_for_each_limit_with_its_share_and_how_far_it_is() -> None:
    lines = table(list(found().values())).splitlines()
    assert len(lines) == 6
    assert lines[1].split()[-2:] == ["7.5%", "1.5×"]


def test_one_workers_core_and_all_cores_are_the_ends() -> None:
    told = ends(WHOLE)
    assert (told["one_worker_full"], told["measured"]) == (333.3, 200.0)
