"""F6: `backroom worker` at a booth whose line to the shop is cut: it prints on, and the shop hears of it afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from backroom.domain.locations import PrinterSpec
from backroom.engine.deploy import DeploymentSpec, apply
from backroom.printing.connect import connect
from backroom.printing.vault import TAG
from backroom.store import offline_conflicts
from tests.benches import open_bench
from tests.faults.table import Fault
from tests.lines import Line
from tests.prefect_server import PrefectServer, asking, without_prefect
from tests.printers import VirtualPrinterFactory, private_bus, virtual_printer_factory, wait_for
from tests.shops import BOOTH, Floor
from tests.sqlite_only import database_url

__all__ = ["database_url", "private_bus", "virtual_printer_factory"]

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.fault("F6 alone")
@pytest.mark.prefect
@pytest.mark.printer
@pytest.mark.timeout(900)
def test_a_booths_worker_prints_on_without_network_and_each_piece_once(
    floor: Floor,
    running_prefect: PrefectServer,
    virtual_printer_factory: VirtualPrinterFactory,
    tmp_path: Path,
    fault: Fault,
) -> None:
    many = fault.volume(10, 18, 18)
    left, right = (virtual_printer_factory(name) for name in ("left", "right"))
    specs = [PrinterSpec(one.name, one.uri, ("dtg",)) for one in (left, right)]
    laptop = tmp_path / "laptop"
    with (
        asking(running_prefect),
        open_bench(floor, specs) as bench,
        Line(urlsplit(bench.url).port or 0) as line,
    ):
        apply([DeploymentSpec("flows/print_jobs.py:print_jobs", BOOTH, BOOTH, (), {"location": BOOTH})])
        deployment = running_prefect.get(f"/deployments/name/print-jobs/{BOOTH}")["id"]
        # Nothing comes out while it fetches ahead.
        for printer in (left, right):
            printer.set_state("+media-empty")
        numbers = bench.orders(*[1] * many)
        clean = {k: v for k, v in without_prefect(dict(os.environ)).items() if not k.startswith("BACKROOM")}
        environment = clean | {
            "BACKROOM_GATEWAY_URL": line.url,
            "BACKROOM_BOOTH_KEY": bench.key_at(laptop),
            "BACKROOM_HOME": str(laptop),
            "HOME": str(laptop),
        }
        command = [sys.executable, "-c", "from backroom.cli.app import main; main()", "worker", "--location", BOOTH]
        process = subprocess.Popen(command, env=environment, cwd=ROOT)
        try:
            asked = {"name": "before", "idempotency_key": str(tmp_path)}
            running_prefect.post(f"/deployments/{deployment}/create_flow_run", asked)
            sealed = laptop / "bench" / BOOTH / "sealed"

            def here() -> set[int]:
                """The jobs that are fetched ahead, or begun at a printer, which has their document first."""
                begun = {row["id"] for row in bench.jobs().values() if row["printer"]}
                return begun | {int(path.name.partition("-")[0]) for path in sealed.glob("*.key")}

            wait_for(lambda: len(here()) == many, deadline_s=150)
            line.cut(silent=fault.chance.random() < 0.5)
            for printer in (left, right):
                printer.set_state("-media-empty")

            def came_out() -> Counter[str]:
                return Counter(job.key for printer in (left, right) for job in printer.jobs())

            try:
                wait_for(lambda: len(came_out()) == many, deadline_s=300)
            except AssertionError:
                left = {number: (row["state"], row["printer"], row["reason"]) for number, row in bench.jobs().items()}
                kept = sorted(path.name for path in sealed.iterdir())
                logs = {path.name: path.read_text()[-3000:] for path in laptop.rglob("*.log")}
                journal = {path.name: path.read_bytes()[-3000:] for path in sealed.parent.iterdir() if path.is_file()}
                raise AssertionError(
                    f"out: {came_out()}; the shop knows {left}; kept {kept}; {journal}; {logs}"
                ) from None
            unheard = sum(row["state"] != "done" for row in bench.jobs().values())
            line.mend()
            wait_for(lambda: {row["state"] for row in bench.jobs().values()} == {"done"}, deadline_s=200, pause_s=0.2)
            for printer in (left, right):
                asked_for = connect(printer.uri, name=printer.name)
                wait_for(lambda asked_for=asked_for: asked_for.status().state == "idle", deadline_s=60)
            printed = came_out()
        finally:
            process.terminate()
            assert process.wait(90) == 0
        assert printed == Counter(bench.key_of(number) for number in numbers)
        with floor.room.database.read() as connection:
            assert offline_conflicts.listing(connection) == []
        assert [path.name for path in sealed.iterdir()] == [TAG]
        floor.check_sums()
        floor.check_effects()
        fault.tell(jobs=many, unheard=unheard, twice=printed.total() - len(printed))
