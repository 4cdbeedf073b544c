"""What-ifs and checks as they are typed, with the demo shop and its own example files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import Result

from backroom.cli.processes import ROOT
from backroom.engine import wake
from backroom.shop import room as rooms
from backroom.shop.room import Room
from backroom.store.tables import orders
from tests.fakes import RememberingWaker
from tests.integration.cli.typing_in import answered, refused, typed
from tests.shops import CANARIES, Floor, an_order

RULES, RESTOCK = (str(ROOT / "data" / "what-if" / name) for name in ("rules.toml", "restock.toml"))
# Fifteen kilometres from the workshop on the canal: farther than its rule allows, nearer than the changed one does.
FIFTEEN_KM = {"latitude": 52.4960 + 15 / 111.2, "longitude": 13.4230}


@pytest.fixture
def busy(room: Room, monkeypatch: pytest.MonkeyPatch) -> Room:
    """The demo shop after eight orders, six of them from within the city, all made at the main hub."""
    floor = Floor(room, RememberingWaker())
    monkeypatch.setitem(rooms._open, room.home.resolve(), room)
    monkeypatch.setitem(vars(wake), "_this", floor.waker)
    for number in range(8):
        order = an_order(8000 + number, [("TEE-MOTH-INK-S", 1), ("TOTE-MOTH-NAT", 2)])
        if number < 6:
            order["shipping_address"] |= FIFTEEN_KM
        floor.deliver(order)
        floor.intake()
        floor.fulfil("main-hub")
    with room.database.read() as connection:
        assert set(connection.execute(select(orders.c.state)).scalars()) == {"fulfilled"}
    return room


def words(said: Result) -> str:
    """What was said, however wide the terminal is."""
    return " ".join(said.stdout.split())


def test_changed_rules_are_answered_in_words_as_a_table_as_files_and_for_programs(busy: Room, tmp_path: Path) -> None:
    csv, html = tmp_path / "out" / "answer.csv", tmp_path / "out" / "answer.html"
    said = typed("route", "replay", "--rules", RULES, "--csv", str(csv), "--html", str(html))
    assert said.exit_code == 0, said.output
    assert "8 orders were routed" in words(said)
    assert "6 of those would have been made elsewhere" in words(said)
    assert "Workshop on the canal would get 6 orders and had none" in words(said)
    assert csv.read_text(encoding="utf-8-sig").count("local-hub") == 6
    page = html.read_text(encoding="utf-8")
    assert "data:image/svg+xml" in page
    assert "http" not in page.replace("http://www.w3.org", "")
    told = said.stdout + page + csv.read_text(encoding="utf-8")
    assert not [word for word in CANARIES if word in told]
    answer: dict[str, Any] = answered("route", "replay", "--rules", RULES)
    assert [row["moved"] for row in answer["orders"]].count(1) == 6


def test_a_whole_changed_shop_file_changes_its_rates_too(busy: Room) -> None:
    path = busy.home / "changed.toml"
    text = (busy.home / "shop.toml").read_text(encoding="utf-8")
    path.write_text(text.replace("price = 4.90", "price = 3.90"), encoding="utf-8")
    said = typed("route", "replay", "--rules", str(path))
    assert "0 of those would have been made elsewhere" in words(said)
    assert "8.00 EUR" in words(said)


def test_other_thresholds_and_print_or_buy_are_answered(busy: Room, tmp_path: Path) -> None:
    said = typed("route", "replay", "--thresholds", RESTOCK)
    assert said.exit_code == 0, said.output
    assert "All in all it would have cost" in words(said)
    html = tmp_path / "answer.html"
    said = typed("route", "replay", "--print-or-buy", RESTOCK, "--html", str(html))
    assert said.exit_code == 0, said.output
    assert "All printed:" in words(said)
    assert "data:image/svg+xml" in html.read_text(encoding="utf-8")
    rows = answered("route", "replay", "--print-or-buy", RESTOCK)["skus"]
    assert {row["sku"]: row["pieces"] for row in rows} == {"TEE-MOTH-INK-S": 8, "TOTE-MOTH-NAT": 16}


def test_the_checks_answer_honestly_of_a_shop_that_is_a_minute_old(busy: Room, tmp_path: Path) -> None:
    html = tmp_path / "robots.html"
    said = typed("check", "robotics", "--html", str(html))
    assert said.exit_code == 0, said.output
    assert said.stdout.startswith("Not for you yet.")
    assert "say little of a year" in words(said)
    assert html.read_text(encoding="utf-8").count("<img") == 2
    html = tmp_path / "hosting.html"
    said = typed("check", "hosting", "--html", str(html))
    assert said.exit_code == 0, said.output
    assert said.stdout.startswith("Always on: the cheapest that keeps the goal.")
    assert "say little of a month" in words(said)
    assert html.read_text(encoding="utf-8").count("<img") == 5
    assert answered("check", "hosting")["ways"][0]["bill"] == 24.0


def test_nothing_to_look_back_at_is_said(room: Room) -> None:
    assert "No order was routed in this time." in words(typed("route", "replay", "--rules", RULES))
    assert "Nothing that can be printed was sold" in words(typed("route", "replay", "--print-or-buy", RESTOCK))
    assert typed("check", "robotics").stdout.startswith("Not for you yet.")
    assert typed("check", "hosting").exit_code == 0


def test_a_replay_answers_one_question_and_knows_what_since_means(room: Room) -> None:
    assert "Give one of --rules" in refused("route", "replay")
    assert "Give one of --rules" in refused("route", "replay", "--rules", RULES, "--thresholds", RESTOCK)
    assert "Write 30d" in refused("route", "replay", "--rules", RULES, "--since", "yesterday")
    assert typed("route", "replay", "--rules", RULES, "--since", "2026-11-01").exit_code == 0
