"""Virtual printers and their bus end with the process that plugged them in, however it ended."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from backroom.printing.connect import connect
from backroom.printing.virtual import PrivateBus
from tests.printers import VirtualPrinterFactory, wait_for

ROOT = Path(__file__).resolve().parents[3]
PLUGS_IN = """
import sys, time
from pathlib import Path
from backroom.printing.virtual import PrivateBus, VirtualPrinter
folder = Path(sys.argv[1])
bus = PrivateBus()
VirtualPrinter("left", folder / "left", bus).start()
(folder / "ready").touch()
time.sleep(60)
"""


def children_of(pid: int) -> dict[int, str]:
    """The processes that one has started, by their ids, with their names."""
    listed = [child for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()]
    return {int(child): Path(f"/proc/{child}/comm").read_text().strip() for child in listed}


def is_gone(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_printer_goes_on_after_the_thread_that_switched_it_on_has_ended(
    virtual_printer_factory: VirtualPrinterFactory,
) -> None:
    printer = virtual_printer_factory("left")
    for switch in (printer.stop, printer.start):
        thread = threading.Thread(target=switch)
        thread.start()
        thread.join()
    assert connect(printer.uri, name="left").status().state == "idle"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent is gone")
@pytest.mark.parametrize("word", ["SIGHUP", "SIGKILL"])
def test_printers_and_their_bus_end_with_who_plugged_them_in(
    private_bus: PrivateBus, tmp_path: Path, word: str
) -> None:
    # Who starts the tests may ignore a closed terminal, as nohup does, and what they start would inherit it.
    at_a_terminal = "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
    with subprocess.Popen([sys.executable, "-c", at_a_terminal + PLUGS_IN, str(tmp_path)], cwd=ROOT) as owner:
        wait_for((tmp_path / "ready").exists, deadline_s=60)
        started = children_of(owner.pid)
        assert sorted(started.values()) == ["dbus-daemon", "ippeveprinter"]
        owner.send_signal(signal.Signals[word])
        owner.wait(15)
    wait_for(lambda: all(is_gone(pid) for pid in started))
