"""The export of one person: all that is held of them, opened, and of nobody else."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from backroom.privacy.erasure import erase
from backroom.privacy.export import TITLES, write_export
from backroom.store.people import PersonErased
from backroom.store.personal import HOLDINGS, Whose
from tests.integration.gateway.conftest import only_sqlite
from tests.integration.privacy.test_erasure import OTHER, person_of, serve
from tests.shops import CANARIES, Floor


def data_of(page: str) -> dict[str, list[dict[str, Any]]]:
    found = re.search(r'<script type="application/json" id="data">(.*)</script>', page, re.DOTALL)
    assert found
    told: dict[str, list[dict[str, Any]]] = json.loads(found.group(1))
    return told


def test_everything_that_is_held_of_somebody_is_told_opened_and_of_nobody_else(floor: Floor, tmp_path: Path) -> None:
    number = serve(floor)[0]
    path = tmp_path / "person.html"
    write_export(floor.room, person_of(floor, number), path)
    page = path.read_text(encoding="utf-8")
    told = data_of(page)
    assert list(told) == [holding.table.name for holding in HOLDINGS]
    empty = {name for name, rows in told.items() if not rows}
    assert empty == {
        "order_facts",
        "stock_outs",
        "returns",
        "return_lines",
        "print_seals",
        "partner_orders",
        "tracking_events",
        "print_promises",
        "offline_conflicts",
        "channel_news",
        "opt_ins",
        "print_rejects",
    }
    body, _, _ = page.partition("<script")
    assert all(word in body for word in CANARIES)
    assert told["orders"][0]["contact"]["address"]["line1"] == f"{CANARIES[4]} 4"
    assert told["inbox"][0]["body"]["email"] == CANARIES[2]
    assert any(row["note"] == f"{CANARIES[1]} calls back, {CANARIES[3]}" for row in told["history"])
    assert {row["content"]["recipient"] for row in told["messages"]} == {CANARIES[2], CANARIES[3]}
    assert any("^XA" in row["zpl"] for row in told["labels"])
    assert not any(word in page for word in (OTHER["email"], "Brunhilde", "Lindwurm"))
    assert "wrapped_key" not in page
    assert "message-" in body.rpartition("Files beside the database")[2]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@only_sqlite
def test_a_page_that_is_there_is_left_alone(floor: Floor, tmp_path: Path) -> None:
    number = serve(floor)[0]
    path = tmp_path / "person.html"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        write_export(floor.room, person_of(floor, number), path)
    assert path.read_text() == "mine"


@only_sqlite
def test_whoever_is_forgotten_cannot_be_told_any_more(floor: Floor, tmp_path: Path) -> None:
    person = person_of(floor, serve(floor)[0])
    erase(floor.room, [Whose(person)], "Ada", lambda numbers: None)
    with pytest.raises(PersonErased):
        write_export(floor.room, person, tmp_path / "person.html")


@only_sqlite
def test_what_a_customer_wrote_cannot_become_part_of_the_page(floor: Floor, tmp_path: Path) -> None:
    note = "</script><script>alert(1)</script>"
    number = floor.taken_in(note=note)
    path = tmp_path / "person.html"
    write_export(floor.room, person_of(floor, number), path)
    page = path.read_text(encoding="utf-8")
    assert note not in page
    assert data_of(page)["orders"][0]["contact"]["note"] == note


def test_every_kind_of_data_has_a_title_that_its_person_understands() -> None:
    assert set(TITLES) == {holding.table.name for holding in HOLDINGS}
