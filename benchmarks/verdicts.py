"""From what was measured to what is said of each goal.

What belongs here: which figure a goal is about, from how many samples, and what keeps it from being judged. What does
not: the limits themselves (`goals`). `of_latency` and `of_idle` take what those commands print as their last line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks import goals
from benchmarks.goals import Judged
from benchmarks.record import Record
from benchmarks.systems import OURS, PEERS

ONE_WORKER, TWO_WORKERS = "--hub-workers 1", "--hub-workers 2"


def of_run(record: Record) -> list[Judged]:
    """Every goal, in the order of the issue's table."""
    return [*_against(record), *_ours(record), *_workers(record), *_alone(record)]


def of_latency(told: Mapping[str, Any]) -> list[Judged]:
    """Answers, the way to the printer, and the same with a past; what was not asked for is NOT MEASURED."""
    return [*_answers(told.get("answers"), told.get("rate")), *_printing(told)]


def of_idle(told: Mapping[str, Any]) -> list[Judged]:
    """What the idle system takes."""
    return [goals.IDLE.judge(told["idle_percent_of_a_core"], int(told["seconds"]))]


def _against(record: Record) -> list[Judged]:
    judged = []
    ratios = record.ratios()
    for ours in OURS:
        for peer in PEERS:
            found = ratios.get(ours.name, {}).get(peer.name)
            shared = record.of(ours.name, "whole").keys() & record.of(peer.name, "bare").keys()
            why = "" if found else _why(record, ours.name, peer.name)
            figure = found.median if found else None
            judged.append(goals.AGAINST[peer.name].judge(figure, len(shared), why, where=ours.name))
    return judged


def _ours(record: Record) -> list[Judged]:
    judged = []
    figures = record.figures("whole")
    for goal, name in ((goals.SPEED, "orders_per_s"), (goals.PROCESSOR, "cpu_ms_per_order")):
        for ours in OURS:
            figure = figures.get(ours.name, {}).get(name)
            waiting = min((one.orders for one in record.of(ours.name, "whole").values()), default=0)
            why = "" if figure is not None else _why(record, ours.name)
            judged.append(goal.judge(figure, waiting, why, where=ours.name))
    return judged


def _workers(record: Record) -> list[Judged]:
    """Both were tried when the best setting was looked for, and a thing that was done twice is a failure there."""
    judged = []
    for ours in OURS:
        if ours.name != "backroom-postgres":
            continue
        tried = record.calibration.get(ours.name, {})
        both = ONE_WORKER in tried and TWO_WORKERS in tried
        figure = tried[TWO_WORKERS] / tried[ONE_WORKER] if both else None
        why = "" if both else _why(record, ours.name)
        judged.append(goals.WORKERS.judge(figure, record.tried.get(ours.name, 0), why, where=ours.name))
    return judged


def _alone(record: Record) -> list[Judged]:
    latency, idle = record.alone.get("latency"), record.alone.get("idle")
    judged = of_latency(latency) if latency is not None else _unmeasured_latency(_why(record, "latency"))
    why = _why(record, "idle")
    return [*judged, *(of_idle(idle) if idle is not None else [goals.IDLE.judge(None, 0, why)])]


def _unmeasured_latency(why: str) -> list[Judged]:
    every = (goals.ANSWER, goals.DURABLE, goals.PRINT_P50, goals.PRINT_P95, goals.PAST_P50, goals.PAST_P95)
    return [goal.judge(None, 0, why) for goal in every]


def _why(record: Record, *names: str) -> str:
    for name in names:
        if name in record.left_out:
            return f"{name} was left out: {record.left_out[name].why.splitlines()[0]}"
    for name in names:
        for failure in record.failed:
            if failure.startswith(name):
                return failure.splitlines()[0]
    return ""


def _answers(told: Mapping[str, Any] | None, rate: float | None) -> list[Judged]:
    if told is None:
        return [goals.ANSWER.judge(None, 0), goals.DURABLE.judge(None, 0)]
    sent = told["answer_ms"]["samples"] + told["refused"]
    lost = told["refused"] + told["answer_ms"]["samples"] - told["stored"]
    why = "" if told["fulfilled_meanwhile"] else "no wave ran meanwhile"
    if rate is not None and rate < 100:
        why = f"only {rate:g} webhooks a second were sent"
    return [goals.ANSWER.judge(told["answer_ms"]["p99"], sent, why), goals.DURABLE.judge(lost, sent)]


def _printing(told: Mapping[str, Any]) -> list[Judged]:
    fresh, later = told.get("to_printer"), told.get("to_printer_past")
    judged = []
    for goal, name in ((goals.PRINT_P50, "p50"), (goals.PRINT_P95, "p95")):
        spread = fresh["to_printer_s"] if fresh else None
        judged.append(goal.judge(spread[name], spread["samples"]) if spread else goal.judge(None, 0))
    for goal, name in ((goals.PAST_P50, "p50"), (goals.PAST_P95, "p95")):
        if not fresh or not later:
            judged.append(goal.judge(None, 0))
            continue
        before, after = fresh["to_printer_s"], later["to_printer_s"]
        past = told["past"]
        why = "" if past >= goals.PAST else f"the past had {past:,} orders only"
        figure = round(after[name] / before[name], 3)
        judged.append(goal.judge(figure, min(before["samples"], after["samples"]), why))
    return judged
