"""Fixtures for real virtual printers; a conftest imports what its tests need."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from backroom.printing.virtual import PrivateBus, VirtualPrinter, missing_programs

VirtualPrinterFactory = Callable[[str], VirtualPrinter]

Seen = TypeVar("Seen")


@pytest.fixture(scope="session")
def private_bus() -> Iterator[PrivateBus]:
    """One D-Bus for all virtual printers of the session."""
    missing = missing_programs()
    if missing:
        reason = f"NO REAL PRINTERS: {', '.join(missing)} not installed (apt install cups-ipp-utils dbus)"
        warnings.warn(reason, stacklevel=1)
        pytest.skip(reason)
    bus = PrivateBus()
    yield bus
    bus.stop()


@pytest.fixture
def virtual_printer_factory(private_bus: PrivateBus, tmp_path: Path) -> Iterator[VirtualPrinterFactory]:
    """Starts real `ippeveprinter`s by name; they end with the test."""
    started: list[VirtualPrinter] = []

    def start(name: str) -> VirtualPrinter:
        printer = VirtualPrinter(name, tmp_path / name, private_bus)
        started.append(printer)
        printer.start()
        return printer

    yield start
    for printer in started:
        printer.stop()


def wait_for(check: Callable[[], Seen | None], *, pause_s: float = 0.02, deadline_s: float = 20) -> Seen:
    """What `check` gives as soon as it is true; fails after the deadline."""
    deadline = time.monotonic() + deadline_s
    while True:
        seen = check()
        if seen:
            return seen
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(pause_s)
