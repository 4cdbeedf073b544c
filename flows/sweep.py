"""The sweep, every minute: the backstop for whatever a wake-up should have started and did not.

It ends leases of dead processes, lets abandoned reservations go, opens and closes events on time, takes in files that
were dropped, wakes every stage and location where something waits or was freed, starts the runs that sick orders and
breakers are owed, tries open breakers again, ends the runs whose trouble is over, asks for the forms that Holds are
owed, writes the pages of events whose stock or waiting time has changed, and looks at what booths promised.
"""

from __future__ import annotations

from prefect import flow

from tasks.dropped import take_dropped_files
from tasks.event_pages import write_event_pages
from tasks.events import look_after_events
from tasks.print_promises import review_all_promises
from tasks.sweeping import (
    ask_owed_questions,
    end_mended_runs,
    expire_reservations,
    start_owed_runs,
    try_breakers,
    wake_waiting,
)


@flow(name="sweep", flow_run_name="sweep", validate_parameters=False)
def sweep() -> str:
    """Look once at everything that waits."""
    expired = expire_reservations()
    moved = look_after_events()
    dropped = take_dropped_files()
    woken = wake_waiting()
    started = start_owed_runs()
    tried = try_breakers()
    ended = end_mended_runs()
    asked = ask_owed_questions()
    written = write_event_pages()
    # Last: whatever is wrong with what a booth promised keeps nobody else's work waiting.
    review_all_promises()
    return (
        f"woke {woken}, reservations expired {expired}, runs started {started}, breakers tried {tried}, "
        f"runs ended {ended}, questions asked {asked}, events moved {moved}, orders from files {dropped}, "
        f"pages written {written}"
    )
