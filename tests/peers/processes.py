"""Peers that are programs of this machine: finding one, and running it until a test is over."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


def program(name: str) -> str:
    """Where it is, empty when it is not installed: Debian puts some where only root's PATH looks."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin") or ""


@contextmanager
def running(argv: Sequence[str], log: Path, stdin: int = subprocess.DEVNULL) -> Iterator[subprocess.Popen[bytes]]:
    """It runs in the log's folder, says what it says there, and ends with the block."""
    with (
        log.open("wb") as out,
        subprocess.Popen(argv, stdin=stdin, stdout=out, stderr=subprocess.STDOUT, cwd=log.parent) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
