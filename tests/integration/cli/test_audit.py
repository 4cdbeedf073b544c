"""`backroom audit` and `backroom plan`, as somebody or a program types them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, update

from backroom.domain.reconciliation import Figures, Look
from backroom.shop.room import Room
from backroom.store import looks, paid_elsewhere
from backroom.store.database import now
from backroom.store.tables import fulfilment_orders
from tests.integration.cli.typing_in import answered, refused, typed
from tests.integration.gateway.conftest import make_order

SHOPIFY = """Id,Name,Email,Financial Status,Fulfillment Status,Total,Currency,Created at,Fulfilled at
7001,#1,ada@example.com,paid,unfulfilled,29.00,EUR,2026-01-05 10:00:00 +0100,
7002,#2,ada@example.com,paid,fulfilled,58.00,EUR,2026-03-05 10:00:00 +0100,2026-03-06 10:00:00 +0100
"""


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "orders_export.csv"
    path.write_text(SHOPIFY, encoding="utf-8")
    return path


def test_the_list_says_what_to_do_in_words_and_to_a_program(room: Room) -> None:
    number = make_order(room, location="booth-a")
    assert "Lost: nothing" in typed("audit").stdout.replace("Lost piece", "")

    def age(connection: object) -> None:
        connection.execute(  # type: ignore[attr-defined]
            update(fulfilment_orders).values(opened_at=now(connection) - timedelta(days=20))  # type: ignore[arg-type]
        )

    room.database.write(age)
    told = answered("audit", "lost")
    (finding,) = told["findings"]
    assert (finding["subject"], finding["command"]) == (number, "backroom print queue booth-a")
    assert told["numbers"]["lost"]["count"] == 1
    assert number in typed("audit").stdout
    assert answered("audit", "lost", "--place", "main-hub")["findings"] == []
    assert answered("audit", "wrong")["findings"] == []
    assert answered("audit", "slow")["delay"] == []


def test_a_channels_list_is_compared_and_what_never_came_is_settled(room: Room, export: Path) -> None:
    said = typed("audit", "lost", "--paid", str(export), "--channel", "web").stdout
    assert "2 paid orders in the list: 0 are here, 2 never came" in said
    assert "ada@example.com" not in said
    compared = answered("audit", "lost", "--paid", str(export), "--channel", "web")["compared"]
    assert [order["external_id"] for order in compared["missing"]] == ["7001", "7002"]
    plan = {step["name"]: step for step in answered("plan")["steps"]}
    assert "friends" in plan["paid"]["says"]
    assert "web" not in plan["paid"]["says"]
    assert len(answered("audit", "lost")["findings"]) == 2
    typed("audit", "settle", "web", "7001", "--because", "paid_back")
    typed("audit", "settle", "web", "2", "--because", "not_ours")
    assert answered("audit", "lost")["findings"] == []
    assert "no order 2 of web is missing" in refused("audit", "settle", "web", "2", "--because", "not_ours")
    assert "Choose one of" in refused("audit", "settle", "web", "2", "--because", "bored")
    assert "Say --channel with one of" in refused("audit", "lost", "--paid", str(export))


def test_the_page_is_written_where_it_is_asked_for(room: Room, tmp_path: Path) -> None:
    typed("audit", "page", str(tmp_path / "pages"))
    (page,) = (tmp_path / "pages").iterdir()
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_past_is_audited_before_there_is_a_shop(
    tmp_path: Path, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "nothing-yet"
    monkeypatch.setenv("BACKROOM_HOME", str(home))
    assert "No past was read yet" in answered("plan")["steps"][0]["says"]
    told = answered("audit", "--csv", str(export))
    assert told["lost"] == {"count": 1, "of": 2, "minor": 2900}
    assert told["slow"]["count"] == 0
    assert {path.name for path in (home / "reports").iterdir()} == {"past-audit.html", "past-audit.json"}
    assert "ada@example.com" not in (home / "reports" / "past-audit.json").read_text(encoding="utf-8")
    said = typed("audit", "--csv", str(export)).stdout
    assert "Lost: paid and never sent: 1 of 2 (500.0 in a thousand), 29.00 EUR" in said
    assert "Assumed: an hour of work costs 20.00 EUR" in said
    plan = answered("plan")
    assert plan["before"]["lost_in_1000"] == 500
    assert [step["done"] for step in plan["steps"][:2]] == [True, False]
    assert "Next: Move in." in typed("plan").stdout


def test_what_is_no_list_of_orders_is_refused_in_a_sentence(tmp_path: Path) -> None:
    wrong = tmp_path / "people.csv"
    wrong.write_text("surname,mail\nByron,ada@example.com\n", encoding="utf-8")
    assert "no column names the order" in refused("audit", "--csv", str(wrong))
    assert "cannot be read" in refused("audit", "--csv", str(tmp_path / "gone.csv"))


def test_the_plan_keeps_what_it_is_told_and_refuses_what_is_no_answer(room: Room) -> None:
    typed("plan", "tell", "partner", "Nadel & Faden")
    typed("plan", "tell", "event_date", "2026-12-12")
    step = next(step for step in answered("plan")["steps"] if step["name"] == "partner")
    assert step["says"] == "Told: partner Nadel & Faden, event date 2026-12-12."
    assert not step["done"]
    assert "such as 6.50" in refused("plan", "tell", "partner_price", "not much")
    assert "such as 2026-12-12" in refused("plan", "tell", "event_date", "soon")
    assert "nobody asks 'weather'" in refused("plan", "tell", "weather", "fine")


def test_the_looks_at_the_sources_are_shown_with_what_to_do(room: Room) -> None:
    assert answered("audit", "sources") == []
    assert "No channel was asked" in typed("audit", "sources").stdout

    def look(connection: Connection) -> None:
        looks.begin(connection, "web", Look.RECENT, now(connection))
        looks.broke_off(connection, "web", Look.RECENT, Figures(paid=3, ours=2, missing=1), "away", "Shopify is away.")
        missing = [paid_elsewhere.PaidOrder("7001", "#1", None, 2900, "EUR")]
        paid_elsewhere.report(connection, "web", missing, now(connection), found_by=paid_elsewhere.BY_LOOK)

    room.database.write(look)
    (row,) = answered("audit", "sources")
    assert (row["channel"], row["paid there"], row["ours"], row["unaccounted"]) == ("web", 3, 2, 1)
    assert row["last complete look"] == "never yet"
    assert row["do"].startswith("Shopify is away.")
    assert "backroom audit lost --place web" in row["do"]
    assert "web" in typed("audit", "sources").stdout
    (finding,) = answered("audit", "lost", "--place", "web")["findings"]
    assert (finding["subject"], finding["kind"]) == ("#1", "never_came")
