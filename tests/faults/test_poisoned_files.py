"""F8 in files: every table, shop file and list of orders is taken in, or refused with file, place and remedy."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import strategies as st

from backroom.channels.csvfile import BrokenFile, read_file
from backroom.channels.delivering import delivery_of
from backroom.channels.registry import channel_for
from backroom.cli.processes import ROOT
from backroom.domain.errors import BackroomError
from backroom.shop.catalogue import read_catalogue, read_postcodes, read_stock
from backroom.shop.check import ShopFileInvalid
from backroom.shop.load import load_shop
from backroom.shop.secrets import Secrets
from backroom.store import stock
from backroom.store.catalogue import save_variants
from backroom.store.database import now
from backroom.store.inbox_door import accept
from tests.faults.ends import FILES, check_ends, check_good, open_every_channel
from tests.faults.poisoned_files import cells, shop_files, table, tables, tried
from tests.faults.table import Fault
from tests.shops import HUB, PLAIN, Floor

A_FILE_OF_ORDERS = 60
# One of it, and the file is no text file.
NUL, LONGEST_CELL = "\0", 100_000
HEADER = ["order_id", "placed_at", "email", "name", "line1", "postcode", "city", "country", "sku", "quantity"]
HEADER += ["unit_price", "total", "currency", "note"]
# Where in its file a problem is that belongs to no field; the end is what a text runs into that is never closed.
LINE = re.compile(r"\b(row|line) \d+|at end of document")


def an_order(id_: str) -> list[str]:
    person = ["ada@example.com", "Ada B", "Weg 1", "20095", "Hamburg", "DE"]
    return [id_, "2026-11-20T10:00:00+01:00", *person, PLAIN, "1", "29.00", "29.00", "EUR", "ring twice"]


def table_rows(name: str) -> list[list[str]]:
    return [line.split(",") for line in (ROOT / "data" / name).read_text().splitlines()[:6]]


def check_refusal(error: BackroomError, file: str) -> None:
    """An error of ours says which file, where in it, and what to do."""
    if not isinstance(error, ShopFileInvalid):
        assert file in str(error)
        assert LINE.search(str(error)), f"no place: {error}"
        assert error.remedy
        return
    assert error.problems
    for problem in error.problems:
        assert problem.file in (file, "postcodes.csv")
        assert problem.field or LINE.search(problem.message), f"no place: {problem}"
        assert problem.remedy.strip(), str(problem)
        assert len(str(problem)) < 2_000


def outcome(read: Callable[[], object], file: str) -> str:
    """Taken, or refused as it should be; anything else is a crash, and goes on to the test."""
    try:
        read()
    except (ShopFileInvalid, BrokenFile) as error:
        check_refusal(error, file)
        return "refused"
    return "taken"


@pytest.mark.fault("F8 tables")
@pytest.mark.timeout(1800)
def test_a_poisoned_table_is_stored_or_refused_with_file_place_and_remedy(
    floor: Floor, fault: Fault, tmp_path: Path
) -> None:
    many = fault.volume(20, 400, 1_000)
    ends: Counter[str] = Counter()

    def read(name: str, reader: Callable[[Path], object], content: bytes) -> None:
        path = tmp_path / name
        path.write_bytes(content)
        ends[f"{path.stem}_{outcome(lambda: reader(path), name)}"] += 1

    def catalogue(path: Path) -> None:
        sold = read_catalogue(path)
        floor.room.database.write(lambda connection: save_variants(connection, sold))

    def counted(path: Path) -> None:
        levels = [(HUB, PLAIN, pieces) for _, _, pieces in read_stock(path)][:1]
        floor.room.database.write(
            lambda connection: stock.receive(connection, f"counted {ends.total()}", levels, "counted", now(connection))
        )

    readers: dict[str, Callable[[Path], object]] = {
        "catalogue.csv": catalogue,
        "stock.csv": counted,
        "postcodes.csv": read_postcodes,
    }
    for name, reader in readers.items():
        tried(tables(table_rows(name)), many, fault.seed, partial(read, name, reader))
        # What came before keeps no good one out.
        taken = ends[f"{name.removesuffix('.csv')}_taken"]
        read(name, reader, (ROOT / "data" / name).read_bytes())
        assert ends[f"{name.removesuffix('.csv')}_taken"] == taken + 1
        assert ends[f"{name.removesuffix('.csv')}_refused"] > 0
    fault.tell(inputs=ends.total(), **dict(sorted(ends.items())))


@pytest.mark.fault("F8 shop files")
@pytest.mark.timeout(1800)
def test_a_poisoned_shop_file_is_read_or_refused_with_file_place_and_remedy(fault: Fault, tmp_path: Path) -> None:
    many = fault.volume(40, 1_000, 2_500)
    ends: Counter[str] = Counter()
    shutil.copy(ROOT / "data" / "postcodes.csv", tmp_path / "postcodes.csv")
    good = (ROOT / "data" / "shop.toml").read_text(encoding="utf-8")
    path = tmp_path / "shop.toml"

    def read(content: bytes) -> None:
        path.write_bytes(content)
        ends[outcome(lambda: load_shop(path), "shop.toml")] += 1

    tried(shop_files(good), many, fault.seed, read)
    taken = ends["taken"]
    read(good.encode())
    assert ends["taken"] == taken + 1
    fault.tell(inputs=ends.total(), **dict(sorted(ends.items())))
    assert ends["refused"]


@pytest.mark.fault("F8 secrets")
def test_a_poisoned_secrets_file_is_read_or_refused_and_never_quoted(fault: Fault, tmp_path: Path) -> None:
    many = fault.volume(20, 300, 500)
    ends: Counter[str] = Counter()
    path = tmp_path / "secrets.toml"
    path.touch(0o600)

    def read(content: bytes) -> None:
        path.write_bytes(content)
        refusals: list[BackroomError] = []
        try:
            Secrets.read(path)
        except ShopFileInvalid as error:
            refusals.append(error)
        for refusal in refusals:
            check_refusal(refusal, "secrets.toml")
            assert "hushhush" not in str(refusal)
        ends["refused" if refusals else "taken"] += 1

    good = 'master_key = "hushhush"\n"webhook.web" = "hushhush"\n"smtp.host" = "hushhush"\n'
    tried(shop_files(good), many, fault.seed, read)
    taken = ends["taken"]
    read(good.encode())
    assert ends["taken"] == taken + 1
    fault.tell(inputs=ends.total(), **dict(sorted(ends.items())))
    assert ends["refused"]


@pytest.mark.fault("F8 orders")
@pytest.mark.timeout(1800)
def test_poison_in_a_list_of_orders_holds_no_good_order_of_it_up(
    floor: Floor, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = fault.volume(40, 600, 1_500)
    open_every_channel(floor, monkeypatch)
    spec = FILES
    reader = channel_for(spec)
    ends: Counter[str] = Counter()
    good: list[int] = []

    def take_in(content: bytes) -> None:
        drop = read_file(content, "orders.csv")
        deliveries = [delivery_of(spec, reader, json.loads(one.body), {}, one.body) for one in drop.orders]
        hub = floor.room.shop.hub
        floor.room.database.write(lambda c: [accept(c, floor.room.seals, one, hub) for one in deliveries])
        for problem in drop.problems:
            assert "orders.csv" in str(problem)
            assert problem.row
            assert problem.remedy

    def spoilt_file(content: bytes) -> None:
        ends[outcome(lambda: take_in(content), "orders.csv")] += 1

    def spoilt_order(row: list[str]) -> None:
        good.append(next(floor.ids))
        take_in(table([HEADER, an_order(str(good[-1])), row]).encode("utf-8", "surrogatepass"))
        ends["beside_a_good_one"] += 1

    # A cell of one order, beside a good one in the same file; then the file itself.
    short_cells = cells.filter(lambda cell: len(cell) < LONGEST_CELL and NUL not in cell)

    def with_cell(drawn: tuple[int, int, str]) -> list[str]:
        id_, place, cell = drawn
        row = an_order(f"X-{id_}")
        return [*row[:place], cell, *row[place + 1 :]]

    with_id = st.tuples(st.integers(10**6, 10**9), st.integers(1, len(HEADER) - 1), short_cells).map(with_cell)
    for part in range(0, many, A_FILE_OF_ORDERS):
        tried(with_id, min(A_FILE_OF_ORDERS, many - part), fault.seed + part, spoilt_order)
        tried(tables([HEADER, an_order(f"F-{part}")]), 10, fault.seed + part, spoilt_file)
        floor.intake()
        floor.fulfil(HUB)
        check_good(floor, good)
    became = check_ends(floor)
    fault.tell(inputs=ends.total(), good=len(good), **dict(sorted(ends.items())))
    fault.tell(**{f"became_{key}": count for key, count in sorted(became.items())})
    assert ends["refused"]
