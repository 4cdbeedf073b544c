"""Work in a process of its own that may end like a kill at any flush of the disk.

A plain fork of the test's process would copy its locks and none of its threads: where one of those held OpenSSL's lock
at that moment, the child waits for it for ever. So a server without threads is started once, and forks each child.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
from collections.abc import Callable

KILLED = 9
_SERVER = multiprocessing.get_context("forkserver")
# What its users import, once for all children.
_SERVER.set_forkserver_preload(["tests.integration.printing.test_alone", "tests.integration.till.test_till"])


def killed_at_flush(count: int, work: Callable[..., object], *given: object, seconds: float = 120) -> bool:
    """Whether the work was ended at its n-th fsync, before it happened. `work` is a function of a module."""
    child = _SERVER.Process(target=_work_until, args=(count, work, given))
    child.start()
    child.join(seconds)
    if child.is_alive():
        child.kill()
        child.join()
        raise AssertionError(f"the child did not end within {seconds:g} s")
    assert child.exitcode in (0, KILLED), child.exitcode
    return child.exitcode == KILLED


def _work_until(count: int, work: Callable[..., object], given: tuple[object, ...]) -> None:
    real, left = os.fsync, itertools.count(count - 1, -1)

    def deadly(descriptor: int) -> None:
        if next(left) == 0:
            os._exit(KILLED)
        real(descriptor)

    os.fsync = deadly
    work(*given)
    # Not by the interpreter's own end: that waits for threads, and flushes what a kill would not.
    os._exit(0)
