"""F5: printers that are switched off, run out of paper, flap, forget, and lose their answers; what came out is counted.

What came out of a printer is what the printer kept, never what our database says.
"""

from __future__ import annotations

import re
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from backroom.domain.locations import PrinterSpec
from backroom.printing.virtual import VirtualPrinter
from backroom.store.api_keys import make_key
from backroom.store.print_jobs import job_key
from tests.benches import Bench, open_bench
from tests.faults.presses import Pace, suffering
from tests.faults.table import Fault
from tests.printers import VirtualPrinterFactory, private_bus, virtual_printer_factory, wait_for
from tests.shops import BOOTH, Floor
from tests.sqlite_only import database_url

__all__ = ["database_url", "private_bus", "virtual_printer_factory"]

pytestmark = pytest.mark.printer

PRINTERS = ("left", "right", "third")
SHORT = Pace(quiet=(0.5, 2.0), off=(0.2, 0.8), paper=(0.2, 1.0), unplugged=(0.2, 0.8), uploads=3)
FAULTS = Pace(quiet=(0.3, 3.0), off=(0.3, 6.0), paper=(0.5, 8.0), unplugged=(0.5, 6.0), uploads=4)
FULL = Pace(quiet=(5.0, 30.0), off=(62.0, 120.0), paper=(60.0, 240.0), unplugged=(65.0, 120.0), uploads=4)


@dataclass(frozen=True, slots=True)
class Output:
    """What lies in a printer's tray: the job's name on it, and whether it is all there."""

    key: str
    whole: bool


def trays(printers: Sequence[VirtualPrinter]) -> dict[str, list[Output]]:
    """What came out of all printers, by what its attempts have in common."""
    found: defaultdict[str, list[Output]] = defaultdict(list)
    for printer in printers:
        for job in printer.jobs():
            found[job.key.rpartition("-")[0]].append(Output(job.key, job.document.rstrip().endswith(b"%%EOF")))
    return found


@contextmanager
def working(bench: Bench, folder: Path) -> Iterator[Future[None]]:
    """The booth's worker: one run after the other, as wake-ups and the sweep start them."""
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            bench.run(folder)
            over.wait(0.5)

    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(work)
        try:
            yield worker
        finally:
            over.set()
    worker.result()


def wait_for_ends(bench: Bench, worker: Future[None], ends: set[str], deadline_s: float) -> None:
    """Until every job is in one of these states, or the worker has died of something."""
    wait_for(
        lambda: worker.done() or {row["state"] for row in bench.jobs().values()} <= ends,
        pause_s=0.3,
        deadline_s=deadline_s,
    )


class Person:
    """Somebody with a staff key, who reads the page of the booth's prints, goes and looks, and presses a button."""

    def __init__(self, bench: Bench, printers: Sequence[VirtualPrinter]) -> None:
        self._bench = bench
        self._printers = printers
        self._client = httpx.Client(base_url=bench.url)
        # What was spoilt is thrown away before it is printed again.
        self.bin: set[str] = set()
        key = bench.floor.room.database.write(lambda c: make_key(c, "Ada", "staff", ""))
        assert self._client.post("/login", data={"key": key}).status_code == 303

    def sees(self) -> dict[str, list[Output]]:
        """What lies in the trays for each order."""
        lying = trays(self._printers)
        found = {}
        for number, row in self._bench.jobs().items():
            name = job_key(number, row["part_key"], row["line_no"], 1).rpartition("-")[0]
            found[number] = [one for one in lying.get(name, []) if one.key not in self.bin]
        return found

    def answers(self, numbers: Sequence[str]) -> list[str]:
        """Go through the page, and say of each what happened: the state it was in, and the answer."""
        page = self._client.get(f"/prints/{BOOTH}").text
        csrf = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
        assert csrf is not None
        rows = {order[1]: row for row in page.split("<tr>") if (order := re.search(r'href="/orders/([^"]+)"', row))}
        jobs, out, said = self._bench.jobs(), self.sees(), []
        for number in numbers:
            job, key = jobs[number], self._bench.key_of(number)
            told = f"Look at {job['printer']} for {key}" if job["state"] == "unknown" else "Mend what is wrong"
            assert told in rows[number], f"{number} is not told what to do: {rows[number]}"
            answer = "printed" if any(one.whole for one in out[number]) else "print_again"
            assert f'value="{answer}"' in rows[number]
            if answer == "print_again":
                self.bin |= {one.key for one in out[number]}
            given = {"csrf": csrf[1], "decision": answer}
            assert self._client.post(f"/prints/{BOOTH}/{job['id']}/decision", data=given).status_code == 303
            said.append(f"{job['state']}_{answer}")
        return said


def check(bench: Bench, out: dict[str, list[Output]]) -> None:
    """What is said of every job is true of what came out, and nothing came out twice."""
    for number, row in bench.jobs().items():
        match row["state"]:
            case "done":
                assert out[number] == [Output(bench.key_of(number), whole=True)], f"{number} is said to be printed"
            case "failed":
                assert out[number] == [], f"{number} is said not to have been printed"
            case "unknown":
                assert len(out[number]) <= 1, f"{number} came out twice"


@pytest.mark.fault("F5")
@pytest.mark.timeout(5400)
def test_whatever_befalls_the_printers_every_job_is_printed_once_or_waits_for_a_person_who_is_told_what_to_do(
    floor: Floor, virtual_printer_factory: VirtualPrinterFactory, tmp_path: Path, fault: Fault
) -> None:
    many, at_once = fault.volume((12, 6), (200, 10), (200, 10))
    between_s = fault.volume(1.0, 4.0, 30.0)
    printers = [virtual_printer_factory(name) for name in PRINTERS]
    asked: Counter[str] = Counter()
    with suffering(printers, fault.chance, fault.volume(SHORT, FAULTS, FULL), direct=1) as (presses, over):
        specs = [PrinterSpec(press.printer.name, press.uri, ("dtg",)) for press in presses]
        with open_bench(floor, specs) as bench, working(bench, tmp_path / "bench") as worker:
            for _ in range(0, many, at_once):
                bench.orders(*(fault.chance.randint(1, 3) for _ in range(at_once)))
                over.wait(between_s)
            over.set()
            person = Person(bench, printers)
            # Whatever chance brought: prints of which nobody can know are among them.
            for press in presses:
                press.next_upload = "forgotten"
            bench.orders(*[1] * len(presses) * 2)
            while True:
                wait_for_ends(bench, worker, {"done", "unknown", "failed"}, deadline_s=180)
                for press in presses:
                    press.rest()
                check(bench, person.sees())
                waiting = [number for number, row in bench.jobs().items() if row["state"] != "done"]
                if not waiting:
                    break
                asked.update(person.answers(waiting))
            floor.fulfil(BOOTH)
            befell = sum((press.befell for press in presses), Counter[str]())
            came_out, jobs = person.sees(), len(bench.jobs())
    wholes = sum(one.whole for outputs in came_out.values() for one in outputs)
    fault.tell(jobs=jobs, out=wholes, spoilt=len(person.bin), **asked, **dict(sorted(befell.items())))
    assert jobs == many + 2 * len(printers)
    assert sum(asked[f"unknown_{answer}"] for answer in ("printed", "print_again")), "nothing was ever unknown"
    assert {tuple(one.whole for one in outputs) for outputs in came_out.values()} == {(True,)}
    assert all(floor.state(number) == ("fulfilled", ["done"]) for number in came_out)
    floor.check_sums()
    floor.check_effects()
