"""The drop folder: whole files come in once, half-written ones wait, refused ones say why, and people are forgotten."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from backroom.channels import dropping
from backroom.channels.dropping import DropFolder, Taken
from backroom.domain.channels import ChannelSpec
from backroom.shop import room as rooms
from backroom.store.inbox_door import Delivery, Receipt, accept
from backroom.store.tables import inbox
from tests.mapped_shops import a_spec
from tests.shops import Floor
from tests.unit.channels.samples import payload, raw

CSV = b"""order_id,placed_at,sku,quantity,unit_price,total,currency,email
X-1,2026-11-01,TEE-BLK-M,1,29.00,29.00,EUR,one@example.org
X-2,2026-11-01,TEE-BLK-M,2,29.00,58.00,EUR,two@example.org
"""
FILES = ChannelSpec("boutiques", "csv", 5, "standard", folder="drop")


class Dropped:
    """A drop folder of a shop with a database."""

    def __init__(self, floor: Floor, spec: ChannelSpec) -> None:
        self.floor = floor
        self.path = floor.room.home / "drop"
        self.path.mkdir(parents=True)
        self.folder = DropFolder(self.path, spec, "DE")

    def put(self, name: str, data: bytes, *, age: float = 60.0) -> Path:
        path = self.path / name
        path.write_bytes(data)
        dated(path, age)
        return path

    def look(self, accept: Callable[[Sequence[Delivery]], Sequence[Receipt]] | None = None) -> list[Taken]:
        return list(self.folder.take_all(accept or self.store))

    def store(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        room = self.floor.room
        return room.database.write(lambda c: [accept(c, room.seals, one, room.shop.hub) for one in deliveries])

    def stored(self) -> int:
        with self.floor.room.database.read() as connection:
            return connection.execute(select(func.count()).select_from(inbox)).scalar_one()

    def names(self, where: str = "") -> set[str]:
        return {path.name for path in (self.path / where).iterdir() if path.is_file()}


def dated(path: Path, age: float) -> None:
    """Make a file seem last written to so long ago; its change of status cannot be dated back, and is passed over."""
    then = time.time() - age
    os.utime(path, (then, then))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is still at once: what it waits for is tested by itself."""
    monkeypatch.setattr(dropping, "STILL_SECONDS", -1.0)


@pytest.fixture
def dropped(floor: Floor, quick: None) -> Dropped:
    return Dropped(floor, FILES)


def test_a_file_comes_in_and_is_put_away(dropped: Dropped) -> None:
    dropped.put("orders.csv", CSV)
    [taken] = dropped.look()
    assert (taken.new, taken.known, taken.refused) == (2, 0, [])
    assert taken.wakeup is not None
    assert dropped.stored() == 2
    assert dropped.names() == set()
    assert dropped.names("done") == {"orders.csv"}
    assert dropped.look() == []


def test_the_same_file_twice_is_one(dropped: Dropped) -> None:
    for name in ("orders.csv", "orders.csv", "again.csv"):
        dropped.put(name, CSV)
        dropped.look()
    assert dropped.stored() == 2
    assert dropped.names("done") == {"orders.csv", "orders-2.csv", "again.csv"}


def test_a_boutique_cancels_an_order_by_a_file_and_the_file_from_before_does_not_bring_it_back(
    dropped: Dropped, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor = dropped.floor
    floor.room = replace(floor.room, shop=replace(floor.room.shop, channels=(FILES,)))
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
    told = CSV.replace(b"email\n", b"email,status\n")
    cancelled = told.replace(b"one@example.org", b"one@example.org,cancelled")
    for name, data in (("orders.csv", told), ("friday.csv", cancelled), ("again.csv", told + b"\n")):
        dropped.put(name, data)
        [taken] = dropped.look()
        assert taken.refused == []
        floor.intake()
    states = {id_: floor.story(floor.number(id_)).order["state"] for id_ in ("X-1", "X-2")}  # type: ignore[arg-type]
    assert states["X-1"] == "cancelled"
    assert states["X-2"] != "cancelled"


def test_a_file_that_was_just_written_to_is_left_until_it_is_still(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Dropped(floor, FILES)
    monkeypatch.setattr(dropping, "STILL_SECONDS", 3600.0)
    path = one.put("orders.csv", CSV, age=7200.0)
    # Its date is old, as that of a copy may be, and it was changed a moment ago.
    assert one.look() == []
    assert path.exists()
    monkeypatch.setattr(dropping, "STILL_SECONDS", 0.0)
    assert [taken.new for taken in one.look()] == [2]


def test_a_file_dated_ahead_of_its_own_disk_is_not_still(dropped: Dropped, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dropping, "STILL_SECONDS", 0.0)
    dropped.put("orders.csv", CSV, age=-3600.0)
    assert dropped.look() == []


@pytest.mark.parametrize("name", [".orders.csv", "~$orders.csv", "orders.csv.part", "ORDERS.CSV.TMP", "o.filepart"])
def test_what_a_program_has_not_finished_is_left_alone(dropped: Dropped, name: str) -> None:
    dropped.put(name, CSV)
    assert dropped.look() == []
    assert dropped.names() == {name}


def test_a_file_that_grows_while_it_is_read_waits_for_the_next_look(
    dropped: Dropped, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = dropped.put("orders.csv", CSV)
    read = dropping._read

    def read_and_grow(path: Path) -> bytes:
        data = read(path)
        with path.open("ab") as file:
            file.write(b"X-3,2026-11-01,TEE-BLK-M,1,29.00,29.00,EUR,\n")
        return data

    monkeypatch.setattr(dropping, "_read", read_and_grow)
    assert dropped.look() == []
    assert dropped.stored() == 0
    assert path.exists()
    monkeypatch.setattr(dropping, "_read", read)
    assert [taken.new for taken in dropped.look()] == [3]


def test_a_refused_file_lies_beside_its_reasons_and_the_rest_of_it_came_in(dropped: Dropped) -> None:
    dropped.put("orders.csv", CSV + b"X-3,2026-11-01,TEE-BLK-M,none,29.00,29.00,EUR,x@example.org\n,,A,1,1,1,EUR,\n")
    [taken] = dropped.look()
    assert taken.new == 2
    assert dropped.names("refused") == {"orders.csv", "orders.csv.txt"}
    said = (dropped.path / "refused" / "orders.csv.txt").read_text()
    assert "2 of its orders were taken in." in said
    assert "order X-3: orders.csv row 4 quantity is not a whole number" in said
    assert "orders.csv, row 5, column order_id: is empty." in said
    assert "example.org" not in said


def test_a_mended_file_brings_only_what_was_missing(dropped: Dropped) -> None:
    row = b"X-3,2026-11-01,TEE-BLK-M,%s,29.00,29.00,EUR,\n"
    dropped.put("orders.csv", CSV + row % b"none")
    dropped.look()
    dropped.put("orders.csv", CSV + row % b"1")
    assert [(taken.new, taken.known, taken.refused) for taken in dropped.look()] == [(1, 2, [])]


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("orders.xlsx", b"PK\x03\x04", "orders.xlsx is no .csv file. Save it as CSV"),
        ("orders.csv", b"", "row 1: no column order_id"),
        ("orders.csv", b"order_id\0", "is not a text file"),
        ("orders.csv", b"a" * 21_000_000, "is larger than"),
    ],
)
def test_a_file_of_no_use_says_why(dropped: Dropped, name: str, data: bytes, says: str) -> None:
    dropped.put(name, data)
    [taken] = dropped.look()
    assert (taken.new, taken.known) == (0, 0)
    said = (dropped.path / "refused" / f"{name}.txt").read_text()
    assert "Nothing of it was taken in." in said
    assert says in said


def test_a_crash_between_the_commit_and_the_move_takes_nothing_twice(dropped: Dropped) -> None:
    dropped.put("orders.csv", CSV)

    class Killed(BaseException):
        pass

    def store_and_die(deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        dropped.store(deliveries)
        raise Killed

    with pytest.raises(Killed):
        dropped.look(store_and_die)
    assert dropped.stored() == 2
    assert [(taken.new, taken.known) for taken in dropped.look()] == [(0, 2)]
    assert dropped.names("done") == {"orders.csv"}


def test_a_link_leads_nowhere(dropped: Dropped) -> None:
    elsewhere = dropped.floor.room.home / "elsewhere.csv"
    elsewhere.write_bytes(CSV)
    (dropped.path / "orders.csv").symlink_to(elsewhere)
    assert dropped.look() == []
    assert elsewhere.exists()


@pytest.mark.usefixtures("quick")
def test_json_of_a_mapped_shop_comes_in_alone_and_in_lists(floor: Floor) -> None:
    one = Dropped(floor, a_spec())
    other = payload("mapped_order.json")
    other["data"]["order"]["id"] = "ord_8"
    one.put("one.json", raw("mapped_order.json"))
    one.put("two.json", json.dumps([payload("mapped_order.json"), other, "x"]).encode())
    first, second = one.look()
    assert (first.new, first.known) == (1, 0)
    assert (second.new, second.refused) == (1, ["two.json, [2]: is not an order."])


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("data", [b"{", b"[]", b"\xff", b'{"a": 1, "a": 2}', b"7"])
def test_json_that_is_no_order_is_refused(floor: Floor, data: bytes) -> None:
    one = Dropped(floor, a_spec())
    one.put("one.json", data)
    [taken] = one.look()
    assert taken.refused
    assert one.names("refused") == {"one.json", "one.json.txt"}


def test_files_with_somebodys_orders_go_with_them_and_others_stay(dropped: Dropped) -> None:
    dropped.put("theirs.csv", CSV)
    dropped.put("others.csv", CSV.replace(b"X-", b"Y-"))
    dropped.put("refused.csv", CSV + b"X-9,soon,A,1,1,1,EUR,\n")
    dropped.put("broken.csv", b'X-2,"never closed')
    dropped.look()
    assert dropped.folder.forget({"X-2"}) == 3
    assert dropped.names("done") == {"others.csv"}
    assert dropped.names("refused") == set()


def test_kept_files_go_by_the_day_on_which_they_were_taken(dropped: Dropped) -> None:
    dropped.put("orders.csv", CSV, age=400 * 86_400.0)
    dropped.look()
    now = datetime.now(UTC)
    assert dropped.folder.remove_older(now - timedelta(days=1)) == 0
    dated(dropped.path / "done" / "orders.csv", 2 * 86_400.0)
    assert dropped.folder.remove_older(now - timedelta(days=1)) == 1
