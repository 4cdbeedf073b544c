"""The engine without the shop: a flow of six tasks over waves of 500, each task one real commit of real rows.

What is kept: Prefect's server and the worker, a run from a deployment, claims with their leases and generations, a
fence in every commit, state changes that are conditional on state and claim, a history row for each order and step,
the product's own connections (SQLite with synchronous=FULL, or PostgreSQL with fsync).

What is left out: all that a shop is about. No messages and nothing sealed, no validation, catalogue, stock or routing,
no labels, no prints, no messages to customers, no effects ledger, no tables for the UI, no second flow, and no renewal
of leases beside a step, since no step lasts as long as one.
"""

from __future__ import annotations

import sys
from functools import partial

from prefect import flow, task
from prefect.runtime import flow_run

from backroom.engine.deploy import DeploymentSpec, apply
from backroom.shop.room import this_room
from backroom.store.claims import Claim, give_up
from benchmarks import backroom_bare_rows as rows


@flow(name="bare", validate_parameters=False)
def bare() -> str:
    """Take waves until nothing waits, and move each through six states."""
    database, waves = this_room().database, 0
    run_id = str(flow_run.get_id() or "")
    while taken := database.write(lambda connection: rows.claim(connection, run_id)):
        for old, new in zip(rows.STATES, rows.STATES[1:], strict=False):
            advance.with_options(task_run_name=new)(taken, old, new)
        database.write(partial(give_up, token=taken.token))
        waves += 1
    return f"{waves} waves"


@task(retries=2, retry_delay_seconds=2)
def advance(taken: Claim, old: str, new: str) -> int:
    """Move the wave's orders from one state to the next, in one commit."""
    return this_room().database.write(lambda connection: rows.advance(connection, taken, old, new))


if __name__ == "__main__":
    apply([DeploymentSpec("benchmarks/backroom_bare.py:bare", "bare", sys.argv[1])])
