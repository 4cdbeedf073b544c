"""Rows that are looked up in a backup of a PostgreSQL database, out of the text that COPY wrote."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from backroom.store import backup_postgresql
from backroom.store.backup_postgresql import rows_of


def packed(path: Path, rows: bytes) -> Path:
    note = {
        "made_at": "2026-11-28T14:00:00+00:00",
        "people": 0,
        "revision": "x",
        "tables": {"jobs": ["id", "job", "a"]},
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("backup.json", json.dumps(note))
        file.writestr("jobs", rows)
    return path


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
def test_rows_are_found_by_one_column_whole_and_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(backup_postgresql, "_BLOCK", block)
    rows = [rb"12" + b"\t1\t12", rb"2" + b"\t12\t" + rb"a\tb\nc\\d", rb"3" + b"\t112\tx", rb"4" + b"\t12\t" + rb"\N"]
    path = packed(tmp_path / "shop-1.zip", b"".join(row + b"\n" for row in rows))
    assert rows_of(path, "jobs", "job", 12) == [
        {"id": "2", "job": "12", "a": "a\tb\nc\\d"},
        {"id": "4", "job": "12", "a": None},
    ]
    assert rows_of(path, "jobs", "job", 13) == []
    assert rows_of(path, "others", "job", 12) == []


def test_what_ends_in_the_middle_of_a_row_is_not_read_as_if_it_was_whole(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cut off"):
        rows_of(packed(tmp_path / "shop-1.zip", b"1\t2\tx\n2\t3"), "jobs", "job", 2)
