"""The proof of a sealed print looks into every backup there is, and counts none that it cannot read."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from base64 import b64encode
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete

from backroom.privacy.backups import make
from backroom.privacy.print_proof import prove
from backroom.shop.room import Room
from backroom.shop.secrets import Secrets
from backroom.store.tables import print_seals
from tests.integration.gateway.conftest import only_sqlite
from tests.integration.privacy.test_backups import folder_of
from tests.integration.privacy.test_backups_of_prints import Fetched, fetched

__all__ = ["fetched"]


def room_of(fetched: Fetched) -> Room:
    return fetched.bench.floor.room


def job_of(fetched: Fetched) -> int:
    return int(fetched.row["print_job_id"])


def backed_up(fetched: Fetched) -> Path:
    [path] = make(room_of(fetched)).paths
    return path


def with_folders(room: Room, *folders: str) -> Room:
    return replace(room, shop=replace(room.shop, backups=folders))


def leave_no_seals(path: Path) -> None:
    """Make of a backup one of the time before anything was sealed."""
    if path.suffix == ".db":
        with closing(sqlite3.connect(path, isolation_level=None)) as old:
            old.execute("DROP TABLE print_seals")
        return
    with zipfile.ZipFile(path) as packed:
        members = {name: packed.read(name) for name in packed.namelist() if name != "print_seals"}
    note = json.loads(members["backup.json"])
    del note["tables"]["print_seals"]
    members["backup.json"] = json.dumps(note).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)


def test_no_backup_opens_a_job_whether_it_was_made_before_or_after_its_end(fetched: Fetched) -> None:
    alive = backed_up(fetched)
    assert fetched.laptop.run() == {"done": 1}
    over = backed_up(fetched)
    older = backed_up(fetched)
    leave_no_seals(older)
    before = {path: path.read_bytes() for path in folder_of(fetched.bench.floor).iterdir()}

    found = prove(room_of(fetched), job_of(fetched))
    assert found.holds
    [told] = found.payloads
    assert (told["our_half"], told["destroyed_why"]) == ("gone", "done")
    assert told["tried_keys"] == 1, "the half that the first backup still has"
    assert (found.backups.looked_at, found.backups.opened, found.backups.left) == (3, [], [])
    assert sorted(found.backups.holding) == [alive, over]
    another = prove(room_of(fetched), job_of(fetched) + 1000)
    assert (another.payloads, another.backups.looked_at, another.backups.holding) == ([], 3, [])
    assert {path: path.read_bytes() for path in folder_of(fetched.bench.floor).iterdir()} == before


def test_a_job_that_opens_in_a_backup_alone_is_found_there(fetched: Fetched) -> None:
    """A proof that cannot fail is none: here the shop's next master key is what the payload was sealed with."""
    path = backed_up(fetched)
    room_of(fetched).database.write(lambda c: c.execute(delete(print_seals)))
    assert prove(room_of(fetched), job_of(fetched)).holds
    key = {"master_key_next": b64encode(fetched.key).decode()}
    leaky = replace(room_of(fetched), secrets=Secrets(room_of(fetched).home / "secrets.toml", key))
    found = prove(leaky, job_of(fetched))
    assert (found.holds, found.payloads, found.backups.opened) == (False, [], [path])


def test_what_cannot_be_looked_at_is_named_and_not_counted(fetched: Fetched, tmp_path: Path) -> None:
    good = backed_up(fetched)
    folder, away, empty = good.parent, tmp_path / "usb", tmp_path / "not-mounted"
    empty.mkdir()
    cut = folder / f"shop-1{good.suffix}"
    cut.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    (folder / "shop-2.db").write_bytes(b"no database")
    (folder / "shop-3.zip").mkdir()
    room = with_folders(room_of(fetched), "backups", str(away), str(empty), "not-begun")
    found = prove(room, job_of(fetched))
    assert (found.backups.looked_at, found.backups.holding) == (1, [good])
    assert [line.partition(": ")[0] for line in sorted(found.backups.left)] == sorted(
        str(one) for one in (away, empty, cut, folder / "shop-2.db", folder / "shop-3.zip")
    )


@pytest.mark.parametrize("column", ["expires_at", "once", "description"])
@only_sqlite
def test_a_backup_with_a_row_that_is_none_of_ours_is_not_counted(fetched: Fetched, column: str) -> None:
    path = backed_up(fetched)
    with closing(sqlite3.connect(path, isolation_level=None)) as changed:
        changed.execute(f"UPDATE print_seals SET {column} = 'x'")
    found = prove(room_of(fetched), job_of(fetched)).backups
    assert (found.looked_at, found.left) == (0, [f"{path}: {path.name} is no backup of ours, or it is damaged"])


@only_sqlite
def test_a_copy_that_is_not_whole_without_the_log_beside_it_is_not_counted(fetched: Fetched) -> None:
    path = backed_up(fetched)
    log = path.with_name(f"{path.name}-wal")
    log.write_bytes(b"what came last")
    found = prove(room_of(fetched), job_of(fetched)).backups
    assert found.looked_at == 0
    assert [log.name in line for line in found.left] == [True]
