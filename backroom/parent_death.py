"""Children that end with their parent, even when it is killed and can say nothing (prctl(2), Linux only).

What belongs here: what a child does between fork and exec, for every layer that starts processes which must not outlive
us. What does not: keeping them alive and ending them in order, which is `backroom.engine.supervise`.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

PR_SET_PDEATHSIG = 1

T = TypeVar("T")
# Its thread ends when this process does.
_stays = ThreadPoolExecutor(1, thread_name_prefix="starts-children")


def ends_with_us(nice: int = 0) -> Callable[[], None]:
    """For `Popen(preexec_fn=…)`: stand back by `nice`, and have the kernel send SIGTERM when we are gone.

    Linux takes the end of the thread that started a child for the end of its parent: start it `from_one_that_stays`.
    """
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    parent = os.getpid()

    def ask() -> None:
        os.nice(nice)
        if libc is None:
            return
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return ask


def from_one_that_stays(start: Callable[[], T]) -> T:
    """Start something in a thread that lives as long as this process does; whoever asks may be gone sooner."""
    return _stays.submit(start).result()
