"""The commands of an event: planned, made ready, lent pieces, opened, closed, counted, settled, and what is refused."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from backroom.shop.check import ShopFileInvalid
from backroom.shop.event_lists import list_names, read_list
from backroom.shop.room import Room
from backroom.store import overdue
from backroom.store.database import now
from backroom.store.tables import stock_leases
from backroom.store.till_numbers import hear
from tests.integration.cli.typing_in import answered, refused, typed

BERLIN = ZoneInfo("Europe/Berlin")
SKU = "TEE-MOTH-INK-M"


def hours(days: int) -> str:
    """Eight hours of a day so many days ahead, as people write them; today's are the whole day."""
    day = (datetime.now(BERLIN) + timedelta(days=days)).date()
    return f"{day} 15:00-23:00" if days else f"{day} 00:00-00:00"


def plan(name: str = "Night market", days: int = 30) -> str:
    code: str = answered("event", "new", name, "--open", hours(days), "--till", "till-1")["code"]
    return code


def make_ready(code: str) -> None:
    for row in answered("event", "show", code)["checks"]:
        if row["required"] and row["item"] != "power":
            assert typed("event", "check", code, row["item"], "--done", "--note", "seen").exit_code == 0
    loads = [f"--load={load}:60" for load in ("printer:booth-left", "printer:booth-right", "till:till-1")]
    assert typed("event", "power", code, "--supply", "mains:3680", *loads).exit_code == 0


@pytest.fixture
def code(room: Room) -> str:
    return plan(days=0)


def test_an_event_from_its_plan_to_its_settlement(room: Room, code: str) -> None:
    before = {row["sku"]: row["pieces"] for row in answered("stock", "online")}[SKU]
    make_ready(code)
    assert answered("event", "ready", code)["ready"] is True
    assert typed("event", "lend", code, SKU, "5").exit_code == 0
    # Booth A is shut until it opens, and what is lent to it is kept.
    online = {row["sku"]: row["pieces"] for row in answered("stock", "online")}
    assert online[SKU] < before
    assert typed("event", "open", code).exit_code == 0
    assert answered("event", "list")[0]["state"] == "live"
    assert answered("event", "close", code) == {"rerouted": [], "held": [], "finishing": []}
    assert "was not counted" in refused("event", "settle", code) or "were not counted" in refused(
        "event", "settle", code
    )
    [pieces] = answered("event", "show", code)["pieces"]
    assert typed("event", "count", code, SKU, str(pieces["there"] - 1)).exit_code == 0
    settled = {row["sku"]: row for row in answered("event", "settle", code)}
    assert (settled[SKU]["leased"], settled[SKU]["missing"]) == (5, 1)
    assert answered("event", "list") == []
    assert answered("event", "list", "--all")[0]["state"] == "settled"


def test_lent_pieces_get_more_time_and_what_does_not_come_back_is_missing(room: Room, code: str) -> None:
    assert "nothing is leased" in refused("event", "extend", code, "--until", "2099-01-01")
    assert typed("event", "lend", code, SKU, "5").exit_code == 0
    assert "is no later end" in refused("event", "extend", code, "--until", "2020-01-01")
    until = (datetime.now(BERLIN) + timedelta(days=30)).date()
    assert typed("event", "extend", code, "--until", str(until)).exit_code == 0
    assert [row["event"] for row in answered("event", "show", code)["history"]][-1] == "lease.extended"
    room.database.write(
        lambda c: c.execute(update(stock_leases).values(expires_at=now(c) - timedelta(hours=1))).rowcount
    )
    assert typed("event", "close", code).exit_code == 0
    room.database.write(lambda c: overdue.name_overdue(c, now(c)))
    assert answered("event", "list")[0]["overdue"] == 5
    assert f"backroom event settle {code} --rest-missing" in " ".join(typed("event", "show", code).output.split())
    assert "Give one of the two" in refused("event", "settle", code, "--all-there", "--rest-missing")
    settled = {row["sku"]: row for row in answered("event", "settle", code, "--rest-missing")}
    assert settled[SKU]["missing"] >= 5
    assert answered("event", "list", "--all")[0]["overdue"] == 0


def test_sales_that_a_till_never_told_are_named_and_kept_from_the_settlement_until_they_are_given_up(
    room: Room, code: str
) -> None:
    room.database.write(lambda c: hear(c, "till-1a2b3c4d", "booth-a", (1, 4)))
    said = "sales 2 and 3 of till-1a2b3c4d were never told"
    shown = " ".join(typed("event", "show", code).output.split())
    assert said in shown
    assert f"backroom event settle {code} --sales-lost" in shown
    told = answered("event", "show", code)
    assert told["untold"] == [{"till": "till-1a2b3c4d", "numbers": [[2, 3]]}]
    assert [one["till"] for one in told["tills_heard"]] == ["till-1a2b3c4d"]
    assert typed("event", "close", code).exit_code == 0
    assert said in refused("event", "settle", code, "--all-there")
    settled = typed("event", "settle", code, "--all-there", "--sales-lost")
    assert settled.exit_code == 0
    assert "sales.given_up" in [row["event"] for row in answered("event", "show", code)["history"]]
    assert answered("event", "show", code)["untold"] == []


def test_what_is_missing_is_named_with_who_and_until_when(room: Room) -> None:
    code = plan()
    assert typed("event", "check", code, "permit", "--who", "Ada", "--due", "2026-12-01").exit_code == 0
    shown = typed("event", "ready", code)
    assert shown.exit_code == 1
    said = " ".join(shown.stdout.split())
    assert "Special use permit of the town: it is missing. Who: Ada, until 2026-12-01." in said
    assert "nobody has said where the power comes from" in said


def test_evidence_is_kept_beside_the_shop(room: Room, tmp_path: Path) -> None:
    code = plan()
    paper = tmp_path / "Permit of the town.pdf"
    paper.write_bytes(b"%PDF-1.7")
    assert typed("event", "check", code, "permit", "--done", "--file", str(paper)).exit_code == 0
    kept = room.home / "evidence" / code / "permit-Permit-of-the-town.pdf"
    assert kept.read_bytes() == b"%PDF-1.7"
    [permit] = [row for row in answered("event", "show", code)["checks"] if row["item"] == "permit"]
    assert (permit["green"], permit["file"]) == (True, kept.name)
    assert "no file" in refused("event", "check", code, "permit", "--done", "--file", str(tmp_path / "none.pdf"))


def test_an_insurance_that_runs_out_too_early_is_not_there(room: Room) -> None:
    code = plan()
    yesterday = (datetime.now(BERLIN) + timedelta(days=29)).date()
    assert typed("event", "check", code, "insurance", "--done", "--good-until", str(yesterday)).exit_code == 0
    [row] = [row for row in answered("event", "show", code)["checks"] if row["item"] == "insurance"]
    assert "only, and the event ends later" in row["why"]


def test_power_says_at_once_what_is_wrong_with_it(room: Room) -> None:
    code = plan()
    loads = ["--load", "press:heat press:1400", "--load", "till:till-1:20"]
    said = " ".join(typed("event", "power", code, "--supply", "battery:1500:2000Wh", *loads).stdout.split())
    assert "1420 W at most" in said
    assert "nobody has said how many watts booth-left, booth-right draw" in said
    assert "carries 1200 W for hours" in said
    assert "lasts 1.4 h at 1420 W, and the longest day has 8.0 h" in said


def test_what_is_due_moves_with_the_start_of_its_event(room: Room) -> None:
    code = plan()
    due = {row["item"]: row["until"] for row in answered("event", "show", code)["checks"]}
    assert typed("event", "change", code, "--open", hours(37), "--place", "The square").exit_code == 0
    for row in answered("event", "show", code)["checks"]:
        was = datetime.fromisoformat(due[row["item"]])
        assert datetime.fromisoformat(row["until"]) - was == timedelta(days=7)
    assert answered("event", "show", code)["place"] == "The square"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("event", "new", "M", "--open", "saturday"), "2026-11-28 15:00-01:00"),
        (("event", "new", "M", "--open", "2026-11-28 15:00-22:00", "--at", "main-hub"), "There is: booth-a"),
        (("event", "new", "M", "--open", "2026-11-28 15:00-22:00", "--list", "moon"), "parking-lot"),
        (("event", "new", "M", "--open", "2026-11-28 15:00-22:00", "--near", "north"), "52.5069,13.4418"),
        (("event", "new", "M", "--open", "2026-11-28 15:00-22:00", "--printer", "x"), "booth-left, booth-right"),
        (("event", "show", "moon"), "There is: "),
        (("event", "ready", "moon"), "There is: "),
        (("event", "check", "CODE", "moon", "--done"), "It has: permit"),
        (("event", "check", "CODE", "permit"), "--done"),
        (("event", "check", "CODE", "permit", "--done", "--missing"), "either there, or not"),
        (("event", "check", "CODE", "permit", "--done", "--good-until", "soon"), "2026-12-31"),
        (("event", "power", "CODE", "--supply", "sun"), "mains:3680"),
        (("event", "open", "CODE"), "is not ready"),
        (("event", "lend", "CODE", "TEE-MOTH-INK-N", "1"), SKU),
        (("event", "lend", "CODE", SKU, "9999"), "Lease fewer"),
        (("event", "lend", "CODE", SKU, "1", "--from", "hub"), "main-hub"),
        (("event", "count", "CODE", SKU, "1"), "between its close and its settling"),
        (("event", "settle", "CODE"), "Close it first"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_to_type(room: Room, words: tuple[str, ...], said: str) -> None:
    code = plan()
    assert said in refused(*(code if word == "CODE" else word for word in words))
    assert [row["code"] for row in answered("event", "list")] == [code]


def test_every_list_of_ours_asks_for_what_the_law_and_the_printers_need(room: Room) -> None:
    needed = {"permit", "insurance", "site-plan", "power", "network", "staff", "materials", "samples"}
    for name in ("market-hall", "parking-lot", "street"):
        items = {item.item: item for item in read_list(room.home, name).items}
        assert needed <= items.keys()
        assert all(items[item].required for item in needed)
        assert items["power"].measure == "power"
    assert [row["list"] for row in answered("event", "lists")] == ["market-hall", "parking-lot", "street"]


def test_a_shop_adds_a_list_of_its_own_as_a_file(room: Room) -> None:
    own = room.home / "events"
    own.mkdir()
    (own / "street.toml").write_text('name = "Our street"\n[items.lamp]\ntitle = "Lamp"\ndays_before = 1\n')
    (own / "broken.toml").write_text('[items.lamp]\ntitle = "Lamp"\nmeasure = "light"\n')
    assert list_names(room.home) == ["broken", "market-hall", "parking-lot", "street"]
    assert [item.item for item in read_list(room.home, "street").items] == ["lamp"]
    with pytest.raises(ShopFileInvalid) as refusal:
        read_list(room.home, "broken")
    assert [problem.field for problem in refusal.value.problems] == [
        "name",
        "items.lamp.days_before",
        "items.lamp.measure",
    ]


def test_an_event_is_shown_with_its_hours_by_the_clocks_there_and_with_what_comes_along(room: Room, code: str) -> None:
    make_ready(code)
    shown = " ".join(typed("event", "show", code).output.split())
    day = datetime.now(BERLIN).date()
    for expected in (
        f"{day} 00:00 to 00:00 (Europe/Berlin)",
        "Tills: till-1",
        "Printers: booth-left, booth-right",
        "Power: 180 W plugged in, 180 W on average; supply: mains of 3680 W",
    ):
        assert expected in shown, expected
