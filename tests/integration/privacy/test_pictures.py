"""Pictures of buyers' own: they go with the last who needs them, at once or in the night, and nobody else's print fails
for it."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from backroom.privacy.erasure import erase, remove_all_files
from backroom.privacy.export import write_export
from backroom.privacy.retention import remove_old
from backroom.store import catalogue, own_artworks
from backroom.store.personal import Whose
from backroom.store.tables import order_lines, removals
from tests.integration.channels.test_own_artwork import Shop, png, shop
from tests.integration.outgoing.test_fetching import pictures
from tests.shops import HUB, PLAIN, SCARCE

__all__ = ["pictures", "shop"]


def name(colour: str) -> str:
    return f"own-{hashlib.sha256(png(colour)).hexdigest()}.png"


CAT, DOG = name("red"), name("blue")


@pytest.fixture(autouse=True)
def both_pictures(shop: Shop) -> None:
    for path, colour in (("/cat.png", "red"), ("/dog.png", "blue")):
        shop.pictures.answers[path] = (200, {}, png(colour))


def bring(shop: Shop, id_: str, picture: str, **changes: Any) -> None:
    shop.put(id_, (changes.pop("sku", PLAIN), shop.pictures.url(picture)), **changes)
    shop.floor.intake()


def make(shop: Shop) -> None:
    """Print and send all that was ordered."""
    shop.floor.fulfil(HUB)
    for job in shop.floor.hand_out(HUB):
        shop.floor.print(job)
    shop.floor.fulfil(HUB)


def person(shop: Shop, id_: str) -> int:
    return int(shop.floor.story(shop.number(id_)).order["person_id"])


def days_later(shop: Shop) -> None:
    """As if the pictures had been fetched two days earlier."""
    then = time.time() - 2 * 24 * 3600
    for path in shop.floor.room.artwork().rglob("*"):
        os.utime(path, (then, then))


def night(shop: Shop) -> dict[str, int]:
    return {one.kind: one.count for one in remove_old(shop.floor.room, lambda numbers: None) if one.count}


def test_a_picture_that_its_source_replaced_before_any_work_goes_in_the_night_after_a_day(shop: Shop) -> None:
    bring(shop, "B-1", "/cat.png")
    bring(shop, "B-1", "/dog.png", day=2)
    assert shop.kept() == sorted([CAT, DOG])
    assert night(shop) == {}
    days_later(shop)
    assert night(shop) == {"own pictures": 1}
    assert shop.kept() == [DOG]
    with shop.floor.room.database.read() as connection:
        noted = {row.kind: row.count for row in connection.execute(select(removals))}
    assert noted == {"own pictures": 1}
    make(shop)
    assert shop.floor.story(shop.number("B-1")).order["state"] == "fulfilled"


def test_erasing_somebody_removes_what_their_lines_name_at_once_and_what_they_named_before_in_the_night(
    shop: Shop,
) -> None:
    bring(shop, "B-1", "/cat.png")
    bring(shop, "B-1", "/dog.png", day=2)
    make(shop)
    report = erase(shop.floor.room, [Whose(person(shop, "B-1"))], "Ada", None)
    assert DOG not in shop.kept()
    assert report.files >= 1
    days_later(shop)
    assert night(shop) == {"own pictures": 1}
    assert shop.kept() == []


def test_erasing_anybody_removes_pictures_that_no_line_has_named_for_a_day(shop: Shop) -> None:
    bring(shop, "B-1", "/cat.png")
    # A person corrects the line's SKU after its picture was fetched.
    shop.floor.room.database.write(lambda c: c.execute(update(order_lines).values(sku=PLAIN)))
    bring(shop, "B-2", "/dog.png", email="berta@example.org")
    make(shop)
    days_later(shop)
    erase(shop.floor.room, [Whose(person(shop, "B-2"))], "Ada", None)
    assert shop.kept() == []


def test_the_picture_of_a_wave_that_died_goes_where_no_other_wave_comes_to_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(own_artworks, "take", dies)
    with pytest.raises(KeyboardInterrupt):
        bring(shop, "B-1", "/cat.png")
    # One that was cut off while it was looked at.
    draft = shop.floor.room.artwork() / ".fetched" / "7" / CAT
    draft.parent.mkdir(parents=True)
    draft.write_bytes(b"half of a pict")
    assert night(shop) == {}
    days_later(shop)
    assert night(shop) == {"own pictures": 2}
    assert shop.kept() == []
    assert not draft.exists()


def test_an_erasure_between_the_fetch_of_a_picture_and_its_commit_leaves_it_to_the_line_it_was_fetched_for(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tasks.own_artwork

    bring(shop, "B-1", "/cat.png")
    make(shop)
    fetch: Callable[..., Any] = tasks.own_artwork._fetch

    def fetch_and_be_slow(*told: Any) -> Any:
        found = fetch(*told)
        erase(shop.floor.room, [Whose(person(shop, "B-1"))], "Ada", None)
        return found

    monkeypatch.setattr(tasks.own_artwork, "_fetch", fetch_and_be_slow)
    bring(shop, "B-2", "/cat.png", sku=SCARCE, email="berta@example.org")
    assert shop.kept() == [CAT]
    assert [one for one in shop.floor.fulfil(HUB) if one.cause] == []
    make(shop)
    assert shop.floor.story(shop.number("B-2")).order["state"] == "fulfilled"


def test_what_one_channel_brought_goes_when_it_is_closed_and_the_person_stays(shop: Shop) -> None:
    bring(shop, "B-1", "/cat.png")
    make(shop)
    erase(shop.floor.room, [Whose(person(shop, "B-1"), "boutiques")], "Ada", None)
    assert shop.kept() == []


def test_a_picture_that_the_catalogue_names_and_files_of_the_shops_own_stay(shop: Shop) -> None:
    bring(shop, "B-1", "/cat.png")
    make(shop)
    folder = shop.floor.room.artwork()
    (folder / "own-label.png").write_bytes(b"a design of the shop's")
    shop.floor.room.database.write(
        lambda c: catalogue.save_variants(c, [replace(catalogue.all_variants(c)[0], sku="TEE-CAT", artwork=CAT)])
    )
    erase(shop.floor.room, [Whose(person(shop, "B-1"))], "Ada", None)
    days_later(shop)
    assert night(shop) == {}
    assert shop.kept() == sorted([CAT, "own-label.png"])


def test_a_folder_that_was_put_back_from_a_backup_loses_the_pictures_of_whoever_was_forgotten(shop: Shop) -> None:
    bring(shop, "B-1", "/cat.png")
    make(shop)
    erase(shop.floor.room, [Whose(person(shop, "B-1"))], "Ada", None)
    (shop.floor.room.artwork() / CAT).write_bytes(png())
    assert remove_all_files(shop.floor.room) == 1
    assert shop.kept() == []


def test_an_export_names_the_pictures_that_its_person_brought_and_no_others(shop: Shop, tmp_path: Path) -> None:
    bring(shop, "B-1", "/cat.png")
    bring(shop, "B-2", "/dog.png", email="berta@example.org")
    path = tmp_path / "person.html"
    write_export(shop.floor.room, person(shop, "B-1"), path)
    _, _, files = path.read_text(encoding="utf-8").partition("Files beside the database")
    assert f"<li>artwork/{CAT}</li>" in files
    assert DOG not in files
