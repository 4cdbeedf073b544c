"""Commands about people and keys, as somebody types them."""

from __future__ import annotations

import html
import json
from pathlib import Path

import pytest
from sqlalchemy import update

from backroom.privacy.export import TITLES
from backroom.shop.room import Room
from backroom.store import api_keys, requests
from backroom.store.database import now
from backroom.store.sealing import register
from backroom.store.tables import orders
from backroom.store.till_numbers import hear
from tests.integration.cli.typing_in import answered, refused, typed
from tests.integration.gateway.conftest import make_order


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the commands are typed."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def end(room: Room, number: str) -> None:
    ended = update(orders).where(orders.c.number == number)
    room.database.write(lambda c: c.execute(ended.values(state="fulfilled", ended_at=now(c))))


def test_somebody_is_found_told_and_forgotten(room: Room, here: Path) -> None:
    number = make_order(room)
    assert answered("person", "find", "ada@example.com")[0]["still_open"] == number
    assert "is still served: " + number in refused("person", "erase", number, "--yes")
    typed("person", "export", "ADA@example.com")
    (page,) = here.glob("person-*.html")
    assert all(html.escape(title) in page.read_text() for title in TITLES.values())
    assert "is there already" in refused("person", "export", number)
    end(room, number)
    assert "Nobody can undo it" in typed("person", "erase", number).output
    said = typed("person", "erase", number, "--yes").output
    assert "Forgotten: 1." in said
    # The Prefect of these tests answers everything with an order's id.
    assert "nobody is known" in refused("person", "find", "ada@example.com")


def test_an_erasure_that_has_to_wait_is_noted_and_can_be_declined(room: Room) -> None:
    number = make_order(room)
    assert "in the night" in typed("person", "erase", number, "--yes", "--when-done").output
    (row,) = answered("person", "requests")
    assert (row["kind"], row["state"], len(row["people"])) == ("erase", "waiting", 1)
    assert "is still served" in refused("person", "settle", str(row["id"]))
    assert "declined" in typed("person", "settle", str(row["id"]), "--decline").output
    assert answered("person", "requests") == []
    assert [one["state"] for one in answered("person", "requests", "--all")] == ["declined"]
    assert "no request" in refused("person", "settle", str(row["id"]))


def test_a_request_for_somebodys_data_is_settled_by_writing_it(room: Room, here: Path) -> None:
    make_order(room)
    (found,) = answered("person", "find", "ada@example.com")
    room.database.write(lambda c: requests.ask(c, requests.EXPORT, "web:1", [found["person"]], "web"))
    (row,) = answered("person", "requests")
    assert typed("person", "settle", str(row["id"])).exit_code == 0
    assert [path.name for path in here.glob("*.html")] == [f"person-{found['person']}.html"]
    assert answered("person", "requests") == []


def test_a_key_works_for_a_year_where_nobody_says_otherwise_and_is_renewed_before_it_ends(room: Room) -> None:
    typed("key", "make", "staff", "--name", "Ada")
    typed("key", "make", "pos", "--location", "booth-a", "--days", "0")
    typed("key", "make", "metrics")
    rows = {row["name"]: row for row in answered("key", "list")}
    assert rows["Ada"]["state"] == "ends in 364 days"
    assert (rows["pos"]["state"], rows["metrics"]["state"]) == ("works", "works")
    renewed = typed("key", "renew", str(rows["Ada"]["id"]), "--days", "30", "--overlap", "3")
    key = renewed.stdout.split()[0]
    with room.database.read() as connection:
        info = api_keys.find_key(connection, key)
        assert info is not None
        assert (info.name, info.scope) == ("Ada", "staff")
    states = [row["state"] for row in answered("key", "list") if row["name"] == "Ada"]
    assert states == ["ends in 2 days", "ends in 29 days"]
    typed("key", "revoke", str(rows["Ada"]["id"]))
    assert "no working key" in refused("key", "renew", str(rows["Ada"]["id"]))


def test_a_new_master_key_is_told_by_its_name_only(room: Room) -> None:
    make_order(room)
    before = answered("master-key", "status")
    assert before["people_left"] == 0
    told = typed("master-key", "rotate")
    assert told.exit_code == 0
    after = answered("master-key", "status")
    assert after["key"] != before["key"]
    assert (after["changing"], after["before_kept"]) == (False, True)
    secrets = (room.home / "secrets.toml").read_text()
    assert not any(value in told.output for value in json.dumps(secrets).split('\\"') if len(value) > 30)
    assert "is kept" in typed("master-key", "status").output
    assert "still kept" in refused("master-key", "rotate")
    room.database.write(lambda c: hear(c, "till-7", "booth-a", [1]))
    warned = typed("master-key", "retire").output
    assert "look at every till" in " ".join(warned.split())
    assert "till-7" in warned
    assert not answered("master-key", "status")["before_kept"]
    assert answered("person", "find", "ada@example.com")


def test_a_backup_is_made_and_put_back_by_hand_and_a_missing_key_says_what_to_do(room: Room, here: Path) -> None:
    make_order(room)
    room.database.write(lambda c: register(c, room.seals))
    path = Path(typed("backup", "make", "--keep", "3").output.replace("\n", ""))
    assert path.parent == room.home / "backups"
    away = here / path.name
    path.rename(away)
    kept = [one.rename(here / f"kept-{one.name}") for one in (room.home / "backups").glob("people.keys*")]
    assert len(kept) == 2
    assert "name it with --keys" in refused("backup", "restore", str(away))
    assert "--replace" in refused("backup", "restore", str(away), "--keys", str(kept[0]))
    room.database.close()
    said = typed("backup", "restore", str(away), "--keys", str(kept[0]), "--replace").output
    assert "People who can be read: 1." in said
    assert len(answered("person", "find", "ada@example.com")) == 1
    assert "own database" in refused("backup", "forget-keys", str(room.database.engine.url.database))


def test_a_folder_of_backups_that_is_away_is_named_and_the_other_gets_its_backup(room: Room, here: Path) -> None:
    shop = room.home / "shop.toml"
    shop.write_text(shop.read_text() + f'\n[backups]\nfolders = ["backups", "{here / "disk"}"]\n')
    room.database.write(lambda c: register(c, room.seals))
    assert "disk is not there" in refused("backup", "make")
    assert len(list((room.home / "backups").glob("shop-*"))) == 1
    shop.write_text(shop.read_text().replace('"backups", ', '"backups", "backups", '))
    assert "one twice" in refused("backup", "make")
