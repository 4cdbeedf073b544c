"""When a printer's silence about a job proves that it never had it."""

from __future__ import annotations

from collections.abc import Iterable

# Printers count whole seconds, and the question itself takes time.
SLACK_S = 3.0


def history_reaches_back(*, age_s: float, up_time_s: float, kept_s: int | None, ended_at_s: Iterable[float]) -> bool:
    """Whether a printer that lists its jobs would have to list one that was sent at most `age_s` seconds ago.

    `up_time_s` is printer-up-time (RFC 8011 section 5.4.29), in whose seconds `ended_at_s` gives the time-at-completed
    of listed jobs; `kept_s` is job-history-interval-configured, the seconds a printer keeps ended jobs, where it says.

    It must have been up for all that time: a restart forgets. Then either it promises to keep jobs for longer, or it
    still lists one that ended before: histories forget what ended first.
    """
    began_s = up_time_s - age_s - SLACK_S
    if began_s <= 0:
        return False
    if kept_s is not None and age_s + SLACK_S < kept_s:
        return True
    return any(ended < began_s for ended in ended_at_s)
