"""F9 at the worker: waves and printers on a full disk and under failing fsync; half a file is no effect."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections import Counter
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, update
from sqlalchemy.exc import OperationalError

from backroom.domain.printing import PrintRequest
from backroom.printing.errors import PrinterUnreachable
from backroom.printing.folder import FolderPrinter
from backroom.store import stock
from backroom.store.claims import Claim
from backroom.store.database import Database, now
from backroom.store.tables import effects, fulfilment_orders, inbox, orders, print_jobs
from backroom.store.waiting import CRASHES_BEFORE_ASIDE
from tasks.claiming import claim_intake, holding
from tests.faults.day import presses
from tests.faults.disks import Disk, failed_flushes, failing_flushes, no_strace, small_disk
from tests.faults.shift import Shift, shift
from tests.faults.table import Fault
from tests.running import wait_until
from tests.shops import BOOTH, HUB, PLAIN, SCARCE, Floor, open_floor

GOES_ON_WITHIN = 60.0
DISK = 24 * 1024 * 1024
AT_HUB, AT_BOOTH = 4, 2
# The trouble lasts until so many waves failed of it, or it was too short for one.
FAILED_WAVES, LONGEST_TROUBLE = 3, 3.0


def let_time_pass(floor: Floor) -> None:
    """Until whatever was put off is due: its waits are of minutes."""

    def due(connection: Connection) -> None:
        for table in (orders, fulfilment_orders, inbox):
            late = update(table).where(table.c.next_attempt_at.is_not(None))
            connection.execute(late.values(next_attempt_at=now(connection) - timedelta(seconds=1)))

    floor.room.database.write(due)


def trouble(kind: str, disk: Disk, at_work: Shift, log: Path, leave: int) -> int:
    """Let the disk fail until some waves have failed of it; how many flushes failed."""
    before = len(at_work.failures())
    ends = time.monotonic() + LONGEST_TROUBLE

    def enough() -> bool:
        return len(at_work.failures()) - before >= FAILED_WAVES or time.monotonic() > ends

    if kind == "full":
        disk.fill(leave)
        wait_until(enough, "waves to fail")
        disk.empty()
        return 0
    with failing_flushes(at_work.process.pid, log, "1+1" if kind == "fsync" else "2+3"):
        wait_until(enough, "waves to fail")
    return failed_flushes(log)


def check_files(home: Path) -> None:
    """Every file that counts is whole."""
    for mail in (home / "mail").glob("*.eml"):
        message = message_from_bytes(mail.read_bytes(), policy=policy.default)
        assert message["To"], f"{mail.name} is no mail"
        assert message.get_body(("plain",)) is not None, f"{mail.name} has no text"
    for sheet in home.glob("labels-*/*.pdf"):
        content = sheet.read_bytes()
        assert content.startswith(b"%PDF"), f"{sheet.name} is no PDF"
        assert content.rstrip().endswith(b"%%EOF"), f"half of {sheet.name} is missing"
    for described in [*home.glob("labels-*/*.json"), *home.glob("press-*/*.json")]:
        told = json.loads(described.read_text())
        assert hashlib.sha256((described.parent / told["document"]).read_bytes()).hexdigest() == told["sha256"]


def drafts(home: Path) -> list[Path]:
    """Files that were begun and never got their names: they hold addresses."""
    folders = [*home.glob("labels-*"), *home.glob("press-*")]
    return [*(file for folder in folders for file in folder.glob(".*")), *(home / "mail" / "tmp").glob("*")]


def check_round(floor: Floor, prints: int) -> None:
    """All of it happened, once."""
    floor.check_sums()
    floor.check_effects()
    with floor.room.database.read() as connection:
        states = set(connection.execute(select(effects.c.kind, effects.c.state)).tuples())
    # A try at a print that certainly failed stays failed; the next one has a key of its own.
    assert {state for kind, state in states if kind != "print"} == {"done"}, states
    assert {state for kind, state in states if kind == "print"} <= {"done", "failed"}, states
    described = [file for press in presses(floor.room.home) for file in (floor.room.home / press.name).glob("*.json")]
    assert len(described) == prints, "a print came out twice, or not at all"
    check_files(floor.room.home)
    assert drafts(floor.room.home) == []


def left_over(floor: Floor, at_work: Shift) -> str:
    """What has not ended, and what the worker said last."""
    with floor.room.database.read() as connection:
        rows = [
            *connection.execute(select(orders.c.number, orders.c.state, orders.c.hold_reason, orders.c.sick_reason)),
            *connection.execute(
                select(fulfilment_orders.c.key, fulfilment_orders.c.state, fulfilment_orders.c.sick_reason)
            ),
            *connection.execute(select(print_jobs.c.order_number, print_jobs.c.state, print_jobs.c.reason)),
            *connection.execute(select(effects.c.key, effects.c.state, effects.c.reason)),
        ]
    ended = {"fulfilled", "done"}
    return "\n".join([*(str(tuple(row)) for row in rows if row.state not in ended), *at_work.failures()[-20:]])


@pytest.mark.fault("F9 worker")
@pytest.mark.timeout(3600)
def test_a_worker_on_a_failing_disk_goes_on_by_itself_and_does_nothing_twice(
    tmp_path: Path, sqlite_template: Path, fault: Fault
) -> None:
    rounds = fault.volume(2, 20, 50)
    troubles = ["full", *([] if no_strace() else ["fsync", "fsync now and then"])]
    counts: Counter[str] = Counter()
    slowest = 0.0
    prints = 0
    with small_disk(tmp_path / "home", DISK) as disk:
        shutil.copy(sqlite_template, disk.folder / "shop.db")
        floor = open_floor(Database(f"sqlite:///{disk.folder / 'shop.db'}"), disk.folder)
        floor.room.database.write(lambda c: stock.receive(c, "much", [(HUB, PLAIN, 1_000)], "delivered", now(c)))
        with shift(disk.folder, tmp_path / "shift") as at_work:
            for number in range(rounds):
                kind = troubles[(number + fault.seed) % len(troubles)]
                ids = [floor.order((PLAIN, 1), at=HUB) for _ in range(AT_HUB)]
                ids += [floor.order((SCARCE, 1), at=BOOTH) for _ in range(AT_BOOTH)]
                prints += AT_BOOTH
                time.sleep(fault.chance.random() * 0.5)
                leave = fault.chance.choice((0, 4096, 16_384, 65_536))
                counts["failed_flushes"] += trouble(kind, disk, at_work, tmp_path / f"flushes-{number}", leave)
                counts[kind.split()[0]] += 1
                began = time.monotonic()

                def all_ended(ids: list[int] = ids) -> bool:
                    let_time_pass(floor)
                    with floor.room.database.read() as connection:
                        query = select(orders.c.state).where(orders.c.external_id.in_(map(str, ids)))
                        return list(connection.execute(query).scalars()) == ["fulfilled"] * len(ids)

                try:
                    wait_until(all_ended, f"the orders of a round of {kind}", GOES_ON_WITHIN)
                except AssertionError as error:
                    error.add_note(left_over(floor, at_work))
                    raise
                slowest = max(slowest, time.monotonic() - began)
                check_round(floor, prints)
            counts["failed_waves"] = len(at_work.failures())
        check_round(floor, prints)
        floor.room.close()
    fault.tell(rounds=rounds, orders=rounds * (AT_HUB + AT_BOOTH), prints=prints, **counts)
    fault.tell(slowest_to_go_on_s=round(slowest, 1))
    assert counts["failed_waves"]


def fail(floor: Floor, claim: Claim, disk: Disk) -> None:
    """A step that writes more than there is room for; nor is there room to give the claim up."""
    with holding(floor.room, claim):
        disk.fill()
        floor.room.database.write(lambda c: c.exec_driver_sql(f"CREATE TABLE large AS SELECT zeroblob({DISK})"))


def test_a_wave_that_a_full_disk_ends_counts_against_none_of_its_orders_and_is_free_at_once(
    tmp_path: Path, sqlite_template: Path
) -> None:
    with small_disk(tmp_path / "home", DISK) as disk:
        shutil.copy(sqlite_template, disk.folder / "shop.db")
        floor = open_floor(Database(f"sqlite:///{disk.folder / 'shop.db'}"), disk.folder)
        floor.order((PLAIN, 1))
        for _ in range(CRASHES_BEFORE_ASIDE + 1):
            claim = claim_intake(floor.room)
            assert claim is not None, "its messages are still held, or were put aside"
            with pytest.raises(OperationalError, match="full"):
                fail(floor, claim, disk)
            disk.empty()
        floor.room.close()


def test_a_print_that_half_fits_on_the_disk_leaves_nothing_there(tmp_path: Path) -> None:
    with small_disk(tmp_path / "home", DISK) as disk:
        printer = FolderPrinter("press", disk.folder / "press")
        document = b"%PDF" + b"x" * 8_188
        assert printer.status().ready
        # Room for the document, and not for what describes it.
        disk.fill(leave=8_192)
        assert (printer.status().ready, printer.status().reasons) == (False, ("spool-area-full",))
        with pytest.raises(PrinterUnreachable):
            printer.submit(PrintRequest("a", document, "application/pdf", 1))
        assert list((disk.folder / "press").iterdir()) == []
        disk.empty()
        printer.submit(PrintRequest("a", document, "application/pdf", 1))
        assert len(list((disk.folder / "press").iterdir())) == 2
