"""What our own modules wrote to the log."""

from __future__ import annotations

import threading

import pytest


def ours(caplog: pytest.LogCaptureFixture) -> list[str]:
    """All lines of the package from this thread: a thread that an earlier test has left behind may write as well."""
    here = threading.get_ident()
    return [one.getMessage() for one in caplog.records if one.name.startswith("backroom.") and one.thread == here]
