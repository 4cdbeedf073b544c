"""The sweep, every minute: the backstop for whatever a wake-up should have started and did not.

It ends leases of dead processes, lets abandoned reservations go, wakes every stage and location where something waits,
starts the runs that sick orders are owed, and tries open breakers again.
"""

from __future__ import annotations

from prefect import flow

from tasks.sweeping import expire_reservations, probe_breakers, start_owed_runs, wake_waiting


@flow(name="sweep", validate_parameters=False)
def sweep() -> str:
    """Look once at everything that waits."""
    expired = expire_reservations()
    woken = wake_waiting()
    owed = start_owed_runs()
    probed = probe_breakers()
    return f"woke {woken}, reservations expired {expired}, runs owed {owed}, breakers tried {probed}"
