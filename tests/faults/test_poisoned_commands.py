"""F8 at commands that are given a file: one plain sentence and an exit code, and never a traceback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from hypothesis import strategies as st

from backroom.cli.app import main
from backroom.shop.room import Room
from tests.faults.poisoned_files import shop_files, table, tables, tried
from tests.faults.poisoned_pictures import picture, pictures
from tests.faults.table import Fault
from tests.faults.test_poisoned_files import HEADER, an_order, table_rows
from tests.integration.cli.conftest import room

__all__ = ["room"]

WORKSHOP = """
[locations.workshop]
name = "Workshop"
kind = "partner"
pool = "hub"
country = "DE"
latitude = 53.55
longitude = 9.99

[locations.workshop.partner]
lead_days = 3
url = "https://workshop.example/api/v1"
secret = "partner.workshop"

[[locations.workshop.partner.products]]
sku = "TEE-MOTH-INK-M"
code = "4012"
"""
BILL = [["order", "amount"], ["A-1042", "12.40"], ["A-1043", "7.00"]]
SKU, BOOTH, PRINTER = "TEE-MOTH-INK-M", "booth-a", "booth-left"


@dataclass(frozen=True)
class Door:
    """A command that reads a file: its poison, one that is good, what the command says of that (`taken`), and by which
    causes it may refuse the others: any other refusal stands before the door, and the file was never read."""

    words: Callable[[], tuple[str, ...]]
    file: Path
    poison: st.SearchStrategy[bytes]
    good: bytes
    taken: str
    refused: tuple[str, ...]


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    text: str


Run = Callable[..., Said]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The program in this process; whatever it would show as a traceback goes on to the test."""

    def run(*words: str) -> Said:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["backroom", *words])
        code: object = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        said = capsys.readouterr()
        assert isinstance(code, int), code
        return Said(code, said.out + said.err)

    return run


@pytest.fixture
def doors(room: Room, tmp_path: Path, run: Run) -> dict[str, Door]:
    """Every command that reads a file which came from somewhere, in a shop that was started."""
    shop = room.home / "shop.toml"
    good_shop = shop.read_text(encoding="utf-8")
    shop.write_text(good_shop + WORKSHOP, encoding="utf-8")
    shutil.copy(room.home / "postcodes.csv", tmp_path)
    # The one artwork that the demo's designer still owes.
    shutil.copy(room.artwork() / "night-moth.png", room.artwork() / "eclipse.png")
    spoilt, photo, artwork = tmp_path / "spoilt.csv", tmp_path / "IMG 1.jpg", room.artwork() / "night-moth.png"
    catalogue, stock = room.home / "catalogue.csv", room.home / "stock.csv"
    order = [HEADER, an_order("X-1")]

    def sample() -> tuple[str, ...]:
        made = run("sample", "new", SKU, BOOTH, "--printer", PRINTER, "--json")
        return ("sample", "reject", str(json.loads(made.text)["sample"]), "--photo", str(photo))

    def always(*words: str) -> Callable[[], tuple[str, ...]]:
        return lambda: words

    in_tables = ("shop_file_invalid",)
    return {
        "shop": Door(
            words=always("shop", "check", str(tmp_path / "shop.toml")),
            file=tmp_path / "shop.toml",
            poison=shop_files(good_shop),
            good=good_shop.encode(),
            taken="shop.toml is fine",
            refused=in_tables,
        ),
        "catalogue": Door(
            words=always("stock", "load", str(spoilt)),
            file=spoilt,
            poison=tables(table_rows("catalogue.csv")),
            good=catalogue.read_bytes(),
            taken=" variants, 0 stock levels",
            refused=in_tables,
        ),
        "stock": Door(
            words=always("stock", "load", str(catalogue), str(spoilt)),
            file=spoilt,
            poison=tables(table_rows("stock.csv")),
            good=stock.read_bytes(),
            taken=" stock levels.",
            refused=(*in_tables, "unknown_sku", "not_in_shop_file"),
        ),
        "orders": Door(
            words=always("import", str(spoilt)),
            file=spoilt,
            poison=tables(order),
            good=table(order).encode(),
            taken=" orders in spoilt.csv",
            refused=("broken_file",),
        ),
        "bill": Door(
            words=always("partner", "bill", "workshop", str(spoilt), "--take"),
            file=spoilt,
            poison=tables(BILL),
            good=table(BILL).encode(),
            taken="2 unknown",
            refused=("no_bill",),
        ),
        "photo": Door(
            words=sample,
            file=photo,
            poison=pictures(),
            good=picture("JPEG"),
            taken="is not good",
            refused=("no_photo",),
        ),
        "artwork": Door(
            words=always("artwork", "check"),
            file=artwork,
            poison=pictures(),
            good=artwork.read_bytes(),
            taken="All artwork prints",
            # It lists what is wrong, each with its file.
            refused=("Artwork night-moth.png",),
        ),
    }


def ended(door: Door, run: Run, content: bytes) -> str:
    """How the command ended: taken, or refused by the door itself; anything else goes on to the test."""
    door.file.write_bytes(content)
    said = run(*door.words())
    assert said.code in (0, 1), said
    assert said.text.strip()
    assert "Traceback" not in said.text
    assert "\x1b]" not in said.text.replace("\x1b]8;", ""), "a terminal was told what a stranger wrote"
    if said.code == 0:
        assert content != door.good or door.taken in said.text, said.text
        return "taken"
    assert any(cause in said.text for cause in door.refused), f"the door was not reached: {said.text}"
    return "refused"


@pytest.mark.fault("F8 commands")
@pytest.mark.timeout(3600)
def test_a_command_says_what_is_wrong_with_a_file_and_never_shows_a_traceback(
    doors: dict[str, Door], run: Run, fault: Fault
) -> None:
    ends: Counter[str] = Counter()
    many = fault.volume(4, 60, 250)

    def enter(name: str, content: bytes) -> None:
        ends[f"{name}_{ended(doors[name], run, content)}"] += 1

    for name, door in doors.items():
        enter(name, door.good)
        assert ends[f"{name}_taken"] == 1, f"{name} refuses what is good: nothing is proved here"
        tried(door.poison, many, fault.seed, partial(enter, name))
        enter(name, b"")
        # What came before keeps no good one out.
        before = ends[f"{name}_taken"]
        enter(name, door.good)
        assert ends[f"{name}_taken"] == before + 1
    fault.tell(inputs=ends.total(), doors=len(doors), **dict(sorted(ends.items())))
    assert {name for name in doors if ends[f"{name}_refused"]} >= set(doors) - {"orders"}, "poison was never poison"


def test_a_shop_that_was_never_started_is_not_taken_for_a_door(run: Run, doors: dict[str, Door], room: Room) -> None:
    """What this test is about: commands that end before they read their file prove nothing."""
    room.close()
    (room.home / "shop.db").unlink()
    for name in set(doors) - {"shop", "photo"}:
        with pytest.raises(AssertionError, match="the door was not reached: never_started"):
            ended(doors[name], run, doors[name].good)


def test_a_command_in_a_process_of_its_own_ends_as_it_does_here(room: Room, tmp_path: Path) -> None:
    spoilt = tmp_path / "spoilt.csv"
    spoilt.write_bytes(b"order_id\0\xff\n")
    command = [sys.executable, "-c", "from backroom.cli.app import main; main()", "import", str(spoilt)]
    done = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    assert "spoilt.csv" in done.stderr
