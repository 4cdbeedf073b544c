"""F6: a booth is cut off from the shop for a while, and a second worker for it appears meanwhile."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from backroom.domain.locations import PrinterSpec
from backroom.printing.booth import GatewayAway
from backroom.printing.connect import connect
from backroom.printing.virtual import VirtualPrinter
from backroom.store import print_attempts
from tests.benches import Bench, open_bench
from tests.faults.table import Fault
from tests.lines import Line
from tests.printers import VirtualPrinterFactory, private_bus, virtual_printer_factory, wait_for
from tests.shops import Floor
from tests.sqlite_only import database_url

__all__ = ["database_url", "private_bus", "virtual_printer_factory"]


def in_hand(bench: Bench, state: str = "") -> dict[str, str]:
    """The orders whose jobs are in somebody's hands, and in whose."""
    active = (state,) if state else ("handed", "printing", "blocked")
    return {number: row["holder"] for number, row in bench.jobs().items() if row["state"] in active}


def idle(printer: VirtualPrinter) -> bool:
    """Whether a printer has nothing left to do."""
    status = connect(printer.uri, name=printer.name).status()
    return status.state == "idle" and status.queued == 0


@pytest.mark.fault("F6 bench")
@pytest.mark.printer
@pytest.mark.timeout(600)
def test_what_the_first_worker_has_in_hand_is_printed_by_it_or_by_a_persons_yes_and_by_nobody_else(
    floor: Floor, virtual_printer_factory: VirtualPrinterFactory, tmp_path: Path, fault: Fault
) -> None:
    many = fault.volume(16, 100, 100)
    left, right = (virtual_printer_factory(name) for name in ("left", "right"))
    specs = [PrinterSpec(one.name, one.uri, ("dtg",)) for one in (left, right)]
    with open_bench(floor, specs) as bench, Line(urlsplit(bench.url).port or 0) as line, ThreadPoolExecutor(1) as pool:
        first = replace(bench, url=line.url)
        numbers = bench.orders(*[1] * many)
        working = pool.submit(first.run, tmp_path / "first")
        done = fault.chance.randrange(1, many // 4)
        wait_for(lambda: len(left.jobs()) + len(right.jobs()) >= done, deadline_s=120)
        # Jobs lie at printers without paper, and others are in the worker's hands, when the line is cut.
        for printer in (left, right):
            printer.set_state("+media-empty")
        wait_for(lambda: in_hand(bench, "blocked"), deadline_s=60)
        line.cut(silent=fault.volume(False, fault.chance.random() < 0.5, True))
        with suppress(GatewayAway):
            working.result(120)
        held = in_hand(bench)
        assert len(set(held.values())) == 1
        begun = {number for number in held if bench.jobs()[number]["started_at"] is not None}
        assert begun

        # It goes on with what it has: paper comes, and nobody is told.
        for printer in (left, right):
            printer.set_state("-media-empty")
        wait_for(lambda: idle(left) and idle(right), deadline_s=60)
        unheard = {bench.key_of(number) for number in begun} & {job.key for job in (*left.jobs(), *right.jobs())}
        with pytest.raises(GatewayAway):
            first.run(tmp_path / "first")

        # Somebody may say yes to one that was not begun. Nothing else in the first one's hands is anybody else's.
        asked_for = fault.chance.choice([*sorted(held.keys() - begun), ""])
        if asked_for:
            job = bench.jobs()[asked_for]["id"]
            floor.room.database.write(lambda c: print_attempts.decide(c, job, "print_again", "Ada"))
        bench.run(tmp_path / "second")
        assert in_hand(bench) == {number: holder for number, holder in held.items() if number != asked_for}
        came_out = {job.key for printer in (left, right) for job in printer.jobs()}
        assert not {bench.key_of(number) for number in held.keys() - begun - {asked_for}} & came_out

        line.mend()
        first.run(tmp_path / "first")
        # Of one that was cut off in the middle of its hand-over nobody can tell that it came whole: somebody looks.
        looked_at = {number for number, state, _ in bench.queue() if state == "unknown"}
        assert looked_at <= begun
        lying = {job.key for printer in (left, right) for job in printer.jobs()}
        for number in looked_at:
            said = "printed" if bench.key_of(number) in lying else "print_again"
            id_ = bench.jobs()[number]["id"]
            floor.room.database.write(lambda c, id_=id_, said=said: print_attempts.decide(c, id_, said, "Ada"))
        first.run(tmp_path / "first")
        assert bench.queue() == []
        printed = Counter(job.key for printer in (left, right) for job in printer.jobs())
        assert printed == Counter(bench.key_of(number) for number in numbers)
        fault.tell(
            jobs=many,
            in_hand=len(held),
            begun=len(begun),
            came_out_unheard=len(unheard),
            decided=int(bool(asked_for)) + len(looked_at),
            twice=printed.total() - len(printed),
        )
