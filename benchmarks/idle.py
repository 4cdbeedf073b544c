"""What the running system takes of the processor while nothing is to do: three workers, the gateway, Prefect's server.

    python -m benchmarks.idle --seconds 120

The goal is 5 % of one core for all of them together. A table by process, the goal, and one line of JSON at the end.
Ends with 3 where the goal is broken.
"""

from __future__ import annotations

import argparse
import json
import time

from benchmarks import goals
from benchmarks.latency_shop import machine, measured_shop, sharing
from benchmarks.verdicts import of_idle


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.idle", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120, help="how long to look (120)")
    parser.add_argument(
        "--settle", type=float, default=75, help="how long to wait before: starts end, a sweep runs (75)"
    )
    asked = parser.parse_args()
    with measured_shop() as shop:
        time.sleep(asked.settle)
        with sharing(shop) as told:
            time.sleep(asked.seconds)
    (took,) = told
    print(f"idle for {took.seconds:.0f} s, % of one core")
    for name, percent in sorted(took.percent.items(), key=lambda item: -item[1]):
        print(f"  {name:<16} {percent:6.2f}")
    print(f"  {'all':<16} {took.total:6.2f}")
    figures = {
        "idle_percent_of_a_core": round(took.total, 2),
        "by_process": {name: round(percent, 2) for name, percent in took.percent.items()},
        "seconds": round(took.seconds, 1),
        "machine": machine(),
    }
    judged = of_idle(figures)
    print("\n".join(goals.lines(judged)))
    print(json.dumps(figures | {"goals": goals.told(judged)}))
    return goals.code(judged)


if __name__ == "__main__":
    raise SystemExit(main())
