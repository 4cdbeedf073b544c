"""The flow that stock Prefect runs once for each order, six tasks in it, and the process that serves it.

What belongs here: what `serve()` loads in the process of every run. What does not: starting it (`prefect_serve`).
"""

from __future__ import annotations

import sys

from prefect import flow, task

from benchmarks.peers.measuring import steps_of_this_process
from benchmarks.peers.stopwatch import Stopwatch


@flow(name="fulfil")
def fulfil(order: int) -> None:
    """One order: validate, route, reserve, print or pick, label, notify."""
    stopwatch = Stopwatch.inherited()
    stopwatch.begun(order)
    for name, work in steps_of_this_process().items():
        task(work, name=name, persist_result=False)(order)
    stopwatch.ended(order)


if __name__ == "__main__":
    fulfil.serve(name=sys.argv[1], limit=int(sys.argv[2]))
