"""The commands of samples: printed, approved with a photo, rejected, a new batch, and the event that waits for them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from PIL import Image
from sqlalchemy import delete, select

from backroom.domain.sample_rules import SampleRules
from backroom.domain.samples import AtPrinter, Batches, Combination, Standing, Verdict
from backroom.shop import photos
from backroom.shop.demo_samples import UNSEEN, approve_samples
from backroom.shop.load import load_shop
from backroom.shop.room import Room
from backroom.store.tables import samples
from tests.integration.cli.typing_in import answered, refused, typed

SKU, BOOTH = "TEE-MOTH-INK-M", "booth-a"
PRINTERS = ("booth-left", "booth-right")


@pytest.fixture
def asks(room: Room) -> Room:
    """The demo shop, which asks for samples and has none."""
    path = room.home / "shop.toml"
    path.write_text(path.read_text().replace("valid_days = 90 ", "valid_days = 30 ", 1))
    shop = load_shop(path)
    room.database.write(lambda connection: connection.execute(delete(samples)))
    shutil.rmtree(room.home / "samples")
    assert shop.samples == SampleRules(require=True, valid_days=30)
    return replace(room, shop=shop)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "IMG 1.jpg"
    Image.effect_noise((400, 300), 50).save(path, "JPEG")
    return path


def new(printer: str) -> int:
    number: int = answered("sample", "new", SKU, BOOTH, "--printer", printer)["sample"]
    return number


def standing(printer: str = "booth-left") -> dict[str, object]:
    rows = answered("sample", "list", BOOTH)["standing"]
    found = [x for x in rows if (x["printer"], x["artwork"], x["fabric"]) == (printer, "night-moth.png", "blank-tee")]
    [row] = [x for x in found if x["colourway"] == "Ink"]
    return dict(row)


def test_a_sample_from_its_print_to_its_approval_and_the_next_batch(asks: Room, photo: Path, tmp_path: Path) -> None:
    assert standing()["standing"] == "none"
    document = tmp_path / "sample.pdf"
    assert typed("sample", "new", SKU, BOOTH, "--printer", "booth-left", "--save", str(document)).exit_code == 0
    assert document.read_bytes().startswith(b"%PDF")
    assert standing()["standing"] == "waiting"
    said = typed("sample", "approve", "1", "--photo", str(photo), "--note", "deep black").stdout
    until = datetime.now().astimezone() + timedelta(days=30)
    assert f"until {until:%Y-%m-%d}" in said
    row = standing()
    assert (row["standing"], row["sample"]) == ("approved", 1)
    assert len(list((asks.home / "samples").glob("1-*.jpg"))) == 1
    said = typed("sample", "batch", BOOTH, "ink", "booth-left", "K-9").stdout
    assert "asks for a new sample: night-moth.png on blank-tee Ink, dtg on booth-left" in said
    assert "in use there already" in typed("sample", "batch", BOOTH, "ink", "booth-left", "K-9").stdout
    assert standing()["standing"] == "new_batch"
    assert answered("sample", "list")["batches"][0]["batch"] == "K-9"
    assert typed("sample", "reject", str(new("booth-left")), "--note", "pale").exit_code == 0
    assert standing()["standing"] == "rejected"
    assert "night-moth.png" in typed("sample", "list").stdout


def test_what_is_wrong_is_said_with_what_to_do(asks: Room, tmp_path: Path) -> None:
    assert "It has" in refused("sample", "new", SKU, "moon") or "location" in refused("sample", "new", SKU, "moon")
    assert "booth-left, booth-right" in refused("sample", "new", SKU, BOOTH)
    number = str(new("booth-left"))
    assert "no photo" in refused("sample", "approve", number)
    note = tmp_path / "note.jpg"
    note.write_text("it is fine, believe me")
    assert "no picture that is known here" in refused("sample", "approve", number, "--photo", str(note))
    assert "no sample 77" in refused("sample", "reject", "77")
    assert standing()["standing"] == "waiting"


def test_an_event_is_ready_once_its_samples_are_and_nobody_ticks_them(asks: Room, photo: Path) -> None:
    day = (datetime.now(ZoneInfo("Europe/Berlin")) + timedelta(days=9)).date()
    code = answered("event", "new", "Night market", "--open", f"{day} 15:00-23:00")["code"]

    def why() -> str:
        rows = answered("event", "ready", code, code=1)["missing"]
        return next((row["said"] for row in rows if row["item"] == "samples"), "")

    assert "no sample of what is printed there is approved" in why()
    assert typed("event", "check", code, "samples", "--done").exit_code == 0
    assert "no sample of what is printed there is approved" in why()
    for printer in PRINTERS:
        assert typed("sample", "approve", str(new(printer)), "--photo", str(photo)).exit_code == 0
    assert why() == ""


def test_the_demo_has_looked_at_all_it_prints_but_for_one_colourway_at_the_canal(room: Room) -> None:
    rows = answered("sample", "list", "--all")["standing"]
    assert {row["standing"] for row in rows if not UNSEEN[0].is_(at_printer(row))} == {"approved"}
    [unseen] = [row for row in rows if UNSEEN[0].is_(at_printer(row))]
    assert (unseen["standing"], unseen["location"], unseen["sku"]) == ("none", "local-hub", "TEE-TRAM-BONE-L")
    with room.database.read() as connection:
        photographed = set(connection.execute(select(samples.c.photo)).scalars())
    assert all(photos.find(room.home, name) for name in photographed)
    assert approve_samples(room) == 0


def at_printer(row: dict[str, Any]) -> AtPrinter:
    of = Combination(row["artwork"], row["fabric"], row["colourway"], "", "")
    return AtPrinter(row["location"], row["printer"], of, Batches(), Verdict(Standing(row["standing"])))


@pytest.fixture
def asks_for_none(room: Room) -> Room:
    """The demo shop as one that has not begun with samples."""
    path = room.home / "shop.toml"
    words = path.read_text()
    begins, ends = words.index("[samples]"), words.index("# Returns. Days count from")
    path.write_text(words[:begins] + words[ends:])
    return room


def test_a_shop_that_asks_for_none_is_told_by_doctor_what_to_do(asks_for_none: Room) -> None:
    assert load_shop(asks_for_none.home / "shop.toml").samples == SampleRules()
    said = " ".join(typed("doctor").stdout.split())
    assert "samples: whatever a printer can print is printed on demand, looked at or not." in said
    assert "write [samples] into shop.toml" in said


def test_a_shop_that_asks_for_none_keeps_samples_and_ticks_the_list_by_hand(asks_for_none: Room) -> None:
    assert "asks for no samples" in typed("sample", "list").stdout
    code = answered("event", "new", "Night market", "--open", "2027-03-05 15:00-23:00")["code"]
    [item] = [row for row in answered("event", "show", code)["checks"] if row["item"] == "samples"]
    assert item["why"] == "it is missing"
    assert typed("event", "check", code, "samples", "--done").exit_code == 0
    [item] = [row for row in answered("event", "show", code)["checks"] if row["item"] == "samples"]
    assert item["green"] is True


def test_what_came_out_bad_is_said_in_the_terminal_and_counted(room: Room) -> None:
    assert answered("sample", "rejects") == {"combinations": [], "printers": [], "batches": []}
    assert "there is no print job 5" in refused("print", "bad", "5", "smeared")
    assert "By printer" in typed("sample", "rejects").stdout
