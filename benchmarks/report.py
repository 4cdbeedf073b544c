"""What the benchmark says: the tables at the end, and the content of results.json.

What belongs here: words, columns and keys. What does not: the arithmetic (`figures`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from benchmarks import goals, verdicts
from benchmarks.record import Record
from benchmarks.systems import Kind


def results(record: Record, about: Mapping[str, Any]) -> dict[str, Any]:
    """The content of results.json."""
    judged = verdicts.of_run(record)
    return {
        **about,
        "systems": record.figures("whole"),
        "bare": record.figures("bare"),
        "waves_of_one": record.figures("waves of one"),
        "ratios": {
            ours: {peer: asdict(one) for peer, one in against.items()} for ours, against in record.ratios().items()
        },
        "goals": goals.told(judged),
        "goals_summed": goals.summed(judged),
        # Of all rounds and the trickle together: how many were found, and how many are due.
        "counted_back": record.counted_back(),
        "left_out": {name: asdict(one) for name, one in record.left_out.items()},
        "failed": record.failed,
        "fewer_rounds": record.fewer,
        # Of these, p50_s and p95_s are of a trickle of one order a second; of the others, of their rounds.
        "trickled": {
            kind: {name: one.orders for (name, of), one in record.trickles.items() if of == kind}
            for kind in ("whole", "bare")
        },
        "settings": {name: " ".join(chosen) for name, chosen in record.settings.items()},
        "calibration": record.calibration,
        "alone": record.alone,
        "samples": record.samples,
    }


def code(record: Record) -> int:
    """How the run ends: 1 where anything failed or was left out unasked, 3 where a goal is broken, else 0."""
    return goals.code(verdicts.of_run(record)) if record.is_whole else goals.NOT_WHOLE


def tables(record: Record) -> str:
    """For people: the figures of each system, the ratios with their spread, what was counted, and each goal."""
    lines = []
    kinds: tuple[tuple[str, Kind], ...] = (
        ("Whole lifecycle: six steps with their rows, both labels, the message", "whole"),
        ("Bare: six durable steps without domain work", "bare"),
        ("Backroom with waves held at one", "waves of one"),
    )
    for title, kind in kinds:
        lines += _figures(record, title, kind)
    lines += ["", "Orders a second of Backroom, whole, against the others, bare: median (least to most) of the rounds"]
    for ours, against in record.ratios().items():
        lines += [
            f"  {ours:<18} {peer:<15} {one.median:8.1f} ×  ({one.least:.1f} to {one.most:.1f})"
            for peer, one in against.items()
        ]
    lines += _counted(record)
    for title, found in (
        ("Repeated less often than asked", [f"{name}: {why}" for name, why in record.fewer.items()]),
        ("FAILED", record.failed),
        (
            "LEFT OUT",
            [
                f"{name}: {one.why.splitlines()[0]}{' (as asked)' if one.asked else ''}"
                for name, one in record.left_out.items()
            ],
        ),
    ):
        if found:
            lines += ["", f"{title}:", *(f"  {one}" for one in found)]
    return "\n".join([*lines, "", "Goals", *goals.lines(verdicts.of_run(record))])


def _counted(record: Record) -> list[str]:
    """What was found in the databases and the sinks of each, with what is due."""
    found = record.counted_back()
    if not found:
        return []
    lines = ["", "Counted back from databases, folders and printers, all rounds and the trickle: found of due"]
    for kind, systems in found.items():
        for name, counts in systems.items():
            said = "  ".join(f"{what} {one:,} of {due:,}" for what, (one, due) in counts.items())
            lines.append(f"  {name:<18} {kind:<12} {said}")
    return lines


def _figures(record: Record, title: str, kind: Kind) -> list[str]:
    figures = record.figures(kind)
    if not figures:
        return []
    lines = ["", title]
    lines.append(
        f"  {'':<18} {'orders/s':>9} {'(spread)':>17} {'CPU ms':>8} {'p50 s':>7} {'p95 s':>7} {'MB':>6}"
        f"  {'latency of':<12} setting"
    )
    for name, one in figures.items():
        trickle = record.trickles.get((name, kind))
        late = f"{trickle.orders} trickled" if trickle else "in rounds"
        speeds = [each.orders_per_s for each in record.of(name, kind).values()]
        spread = f"{min(speeds):.1f} to {max(speeds):.1f}" if len(speeds) > 1 else ""
        setting = " ".join(record.settings.get(name, ()))
        lines.append(
            f"  {name:<18} {_number(one['orders_per_s'], 1):>9} {spread:>17} {_number(one['cpu_ms_per_order'], 1):>8}"
            f" {_number(one['p50_s'], 2):>7} {_number(one['p95_s'], 2):>7} {_number(one['peak_mb'], 0):>6}"
            f"  {late:<12} {setting}"
        )
    return lines


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
