"""Runs over an honest shop that is damaged: resumed, repeated, narrowed to what changed; repaired, accepted, told."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from backroom.domain.quality import FindingState, Scope, Severity
from backroom.quality import checking
from backroom.quality.checking import Check
from backroom.quality.docs import INDEX, write_pages
from backroom.quality.repairing import NotCertain, Workshop
from backroom.quality.suites import RULES, SUITES
from backroom.quality.telling import alert, markdown, read_told, sentence, summary
from backroom.quality.validate import Inspector
from backroom.store.database import Database, now
from backroom.store.quality import findings, runs
from backroom.store.quality.findings import NoFinding
from backroom.store.tables import (
    consents,
    due_days,
    history,
    messages,
    orders,
    people,
    quality_findings,
    quality_results,
    stock_levels,
)
from tests.integration.quality.damages import DAMAGES, Damage
from tests.integration.quality.test_damages import look
from tests.shops import CANARIES, HUB, PLAIN, a_shop

BY_NAME = {damage.name: damage for damage in DAMAGES}
LOST_HISTORY = BY_NAME["an order has lost its history"]
TOO_MANY_ON_HAND = BY_NAME["what is on hand is not the sum of the movements"]


def found(database: Database) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(select(quality_findings).order_by(quality_findings.c.id)).mappings())


def damaged(database: Database, name: str, inspector: Inspector) -> int:
    """Plant a damage and find it; the id of its (first) finding."""
    BY_NAME[name].plant(database)
    look(database, inspector, BY_NAME[name].subjects)
    return int(found(database)[0]["id"])


def test_a_finding_names_its_order_what_was_seen_and_since_when(shop_on_sqlite: Database, inspector: Inspector) -> None:
    LOST_HISTORY.plant(shop_on_sqlite)
    look(shop_on_sqlite, inspector, ["orders"])
    (row,) = found(shop_on_sqlite)
    with shop_on_sqlite.read() as connection:
        number = connection.execute(select(orders.c.number).where(orders.c.id == int(row["row_key"]))).scalar_one()
    assert (row["code"], row["number"], row["severity"]) == ("orders.history", number, Severity.CRITICAL)
    assert row["data"] == {"has_history": 0, "state": "fulfilled"}


def test_a_finding_is_one_however_often_it_is_found_and_gone_when_its_row_is_well(
    shop_on_sqlite: Database, inspector: Inspector
) -> None:
    TOO_MANY_ON_HAND.plant(shop_on_sqlite)
    for _ in range(2):
        look(shop_on_sqlite, inspector, ["stock"])
    (row,) = found(shop_on_sqlite)
    assert row["state"] == FindingState.OPEN
    shop_on_sqlite.write(
        lambda c: c.execute(
            update(stock_levels)
            .values(on_hand=stock_levels.c.on_hand - 3)
            .where(stock_levels.c.location == HUB, stock_levels.c.sku == PLAIN)
        )
    )
    look(shop_on_sqlite, inspector, ["stock"])
    (row,) = found(shop_on_sqlite)
    assert row["state"] == FindingState.GONE
    TOO_MANY_ON_HAND.plant(shop_on_sqlite)
    look(shop_on_sqlite, inspector, ["stock"])
    (row,) = found(shop_on_sqlite)
    assert (row["state"], row["told_at"], row["ended_at"]) == (FindingState.OPEN, None, None)


def test_a_finding_whose_row_was_deleted_is_gone_after_a_run_over_every_row(
    shop_on_sqlite: Database, inspector: Inspector
) -> None:
    damaged(shop_on_sqlite, "a line belongs to no order", inspector)
    shop_on_sqlite.write(lambda c: c.execute(text("DELETE FROM order_lines WHERE order_id = 999999")))
    assert not look(shop_on_sqlite, inspector, ["order_lines"])


def test_what_a_person_accepted_is_not_open_again_while_it_lasts(
    shop_on_sqlite: Database, inspector: Inspector
) -> None:
    id_ = damaged(shop_on_sqlite, "what is on hand is not the sum of the movements", inspector)
    shop_on_sqlite.write(lambda c: findings.settle(c, id_, FindingState.ACCEPTED, "Ada", now(c)))
    assert not look(shop_on_sqlite, inspector, ["stock"])
    assert [row["state"] for row in found(shop_on_sqlite)] == [FindingState.ACCEPTED]
    with pytest.raises(NoFinding):
        shop_on_sqlite.write(lambda c: findings.settle(c, id_, FindingState.ACCEPTED, "Ada", now(c)))


def test_a_run_in_small_pieces_counts_what_one_in_a_single_piece_counts(
    shop_on_sqlite: Database, inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    subjects = ["orders", "order_lines", "stock_movements"]
    look(shop_on_sqlite, inspector, subjects)
    monkeypatch.setattr(checking, "ROWS_AT_ONCE", 5)
    look(shop_on_sqlite, inspector, subjects)
    with shop_on_sqlite.read() as connection:
        rows = connection.execute(select(quality_results)).mappings().all()
    whole, pieces = ({row["code"]: row["rows"] for row in rows if row["run_id"] == id_} for id_ in (1, 2))
    assert whole == pieces


def test_a_run_that_was_broken_off_goes_on_where_it_stood_and_counts_nothing_twice(
    shop_on_sqlite: Database, inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "ROWS_AT_ONCE", 5)
    wanted = [suite for suite in SUITES if suite.subject in ("orders", "order_lines", "stock")]
    LOST_HISTORY.plant(shop_on_sqlite)
    steps = Check.begin(shop_on_sqlite, a_shop(), Scope.FULL, inspector).steps(wanted)
    done = list(itertools.islice(steps, 2))
    steps.close()
    again = Check.begin(shop_on_sqlite, a_shop(), Scope.FULL, inspector)
    done += again.steps(wanted)
    with shop_on_sqlite.read() as connection:
        counted = {row["code"]: row["rows"] for row in runs.results(connection, again.run.id)}
        total = connection.execute(select(orders.c.id)).all()
    assert again.run.id == 1
    assert counted["orders.history"] == len(total)
    assert sum(step.rows for step in done if step.subject == "orders") == len(total)
    assert [row["code"] for row in found(shop_on_sqlite)] == ["orders.history"]


def test_a_run_of_what_changed_looks_at_orders_under_way_and_those_written_about(
    shop_on_sqlite: Database, inspector: Inspector
) -> None:
    look(shop_on_sqlite, inspector)
    with shop_on_sqlite.read() as connection:
        under_way = set(
            connection.execute(select(orders.c.id).where(orders.c.state.not_in(["fulfilled", "cancelled"]))).scalars()
        )
        done = connection.execute(select(orders.c.id).where(orders.c.state == "fulfilled")).scalars().first()
    assert not look(shop_on_sqlite, inspector, scope=Scope.CHANGED)
    counted = _rows_of_last(shop_on_sqlite, "orders.state")
    assert counted == len(under_way)

    def write(connection: Any) -> None:
        entry = connection.execute(select(history).limit(1)).mappings().one()
        connection.execute(history.insert().values(dict(entry) | {"id": None, "order_id": done, "note": None}))

    shop_on_sqlite.write(write)
    look(shop_on_sqlite, inspector, scope=Scope.CHANGED)
    assert _rows_of_last(shop_on_sqlite, "orders.state") == len(under_way) + 1


def test_the_first_run_of_all_looks_at_every_row(shop_on_sqlite: Database, inspector: Inspector) -> None:
    LOST_HISTORY.plant(shop_on_sqlite)
    assert set(look(shop_on_sqlite, inspector, ["orders"], Scope.CHANGED)) == {"orders.history"}


def _rows_of_last(database: Database, code: str) -> int:
    with database.read() as connection:
        (run,) = runs.last(connection, 1)
        return next(int(row["rows"]) for row in runs.results(connection, run["id"]) if row["code"] == code)


CERTAIN = (
    "what is on hand is not the sum of the movements",
    "what is reserved is not the sum of the reservations",
    "all parcels are on the way and the order is not fulfilled",
    "a cancelled order keeps its pieces",
    "a fulfilled order has no end",
)


@pytest.mark.parametrize("name", CERTAIN)
def test_a_certain_repair_leaves_nothing_to_find(name: str, shop_on_sqlite: Database, inspector: Inspector) -> None:
    BY_NAME[name].plant(shop_on_sqlite)
    look(shop_on_sqlite, inspector, BY_NAME[name].subjects)
    workshop = Workshop(shop_on_sqlite, a_shop(), inspector)
    repaired = [row["id"] for row in found(shop_on_sqlite) if RULES[row["code"]].repair]
    said = [workshop.repair(id_, "Ada") for id_ in repaired]
    assert any("is repaired" in one for one in said)
    assert not look(shop_on_sqlite, inspector, BY_NAME[name].subjects)


def test_a_figure_that_is_wrong_is_computed_again_when_the_flow_next_looks(
    shop_on_sqlite: Database, inspector: Inspector
) -> None:
    id_ = damaged(shop_on_sqlite, "a key figure counts another number of orders than were shipped", inspector)
    assert "is repaired" in Workshop(shop_on_sqlite, a_shop(), inspector).repair(id_, "Ada")
    with shop_on_sqlite.read() as connection:
        assert len(connection.execute(select(due_days)).all()) == 1


def test_what_nobody_can_be_certain_of_is_left_to_a_person_with_what_to_do(
    shop_on_sqlite: Database, inspector: Inspector
) -> None:
    id_ = damaged(shop_on_sqlite, "an order has lost its history", inspector)
    workshop = Workshop(shop_on_sqlite, a_shop(), inspector)
    with pytest.raises(NotCertain) as refused:
        workshop.repair(id_, "Ada")
    assert refused.value.remedy == RULES["orders.history"].person
    with pytest.raises(NotCertain, match="still fails"):
        workshop.replay(id_, "Ada")


def test_stock_that_is_promised_beyond_its_movements_is_not_recounted(
    shop_on_sqlite: Database, inspector: Inspector
) -> None:
    lose = text("DELETE FROM stock_movements WHERE pieces > 0 AND location = 'hub' AND sku = 'TEE-BLK-M'")
    shop_on_sqlite.write(lambda c: c.execute(lose))
    look(shop_on_sqlite, inspector, ["stock"])
    (row,) = found(shop_on_sqlite)
    with pytest.raises(NotCertain, match="as it was"):
        Workshop(shop_on_sqlite, a_shop(), inspector).repair(row["id"], "Ada")


def test_a_row_that_somebody_mended_passes_its_replay(shop_on_sqlite: Database, inspector: Inspector) -> None:
    id_ = damaged(shop_on_sqlite, "a total is below zero", inspector)
    shop_on_sqlite.write(lambda c: c.execute(update(orders).where(orders.c.total_minor < 0).values(total_minor=2900)))
    assert "passes its check now" in Workshop(shop_on_sqlite, a_shop(), inspector).replay(id_, "Ada")
    assert [row["actor"] for row in found(shop_on_sqlite)] == ["Ada"]


def test_the_pages_and_the_artifact_say_what_is_wrong_load_nothing_and_name_nobody(
    shop_on_sqlite: Database, inspector: Inspector, tmp_path: Path
) -> None:
    for name in ("an order has lost its history", "a label is addressed to somebody else"):
        BY_NAME[name].plant(shop_on_sqlite)
    look(shop_on_sqlite, inspector)
    with shop_on_sqlite.read() as connection:
        told = read_told(connection)
    assert told is not None
    write_pages(tmp_path / "quality", "Atelier Nord", told.run, told.results)
    pages = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "quality").iterdir()}
    assert pages.keys() == {INDEX, *(f"{suite.subject}.html" for suite in SUITES)}
    for name, page in pages.items():
        assert "http:" not in page, name
        assert "https:" not in page, name
        assert "<script" not in page, name
    assert "orders.history: 1" in pages[INDEX]
    assert RULES["orders.history"].says in pages["orders.html"]
    said = markdown(told, "quality/index.html")
    assert "labels.person" in json.dumps([row["code"] for row in found(shop_on_sqlite)])
    everything = "".join(pages.values()) + said + json.dumps([dict(row) for row in found(shop_on_sqlite)], default=str)
    for canary in (*CANARIES, "somebody.", "example.org", "+4915"):
        assert canary not in everything
    assert sentence(told) in said


def test_people_are_told_once_of_what_is_new_gravest_first(shop_on_sqlite: Database, inspector: Inspector) -> None:
    for name in ("an order has lost its history", "a GTIN has a wrong check digit"):
        BY_NAME[name].plant(shop_on_sqlite)
    look(shop_on_sqlite, inspector, ["orders", "catalogue"])
    with shop_on_sqlite.read() as connection:
        grave = findings.untold(connection, [Severity.CRITICAL])
        others = findings.untold(connection, [Severity.WARNING])
    assert set(grave) == {"orders.history"}
    subject, what = alert("orders.history", grave["orders.history"])
    assert "A-1" in subject
    assert what.startswith(RULES["orders.history"].says)
    assert "GTIN" in summary(others)[1]
    ids = [row["id"] for row in grave["orders.history"]]
    shop_on_sqlite.write(lambda c: findings.told(c, ids, now(c)))
    with shop_on_sqlite.read() as connection:
        assert findings.untold(connection, [Severity.CRITICAL]) == {}


@pytest.mark.parametrize(("whose", "found_by"), [("their own", {"messages.consent"}), ("somebody else's", set())])
def test_a_message_is_held_against_its_own_customers_refusals_only(
    whose: str, found_by: set[str], shop_on_sqlite: Database, inspector: Inspector
) -> None:
    def refuse(connection: Any) -> None:
        sent = connection.execute(select(messages).where(messages.c.state == "sent").limit(1)).mappings().one()
        someone = select(people.c.id).where(people.c.id != sent["person_id"]).limit(1)
        person = sent["person_id"] if whose == "their own" else connection.execute(someone).scalar_one()
        refusal = {"person_id": person, "medium": sent["medium"], "purpose": "order_updates", "granted": False}
        at = sent["at"] - timedelta(microseconds=1) if whose == "their own" else sent["at"] - timedelta(days=90)
        connection.execute(consents.insert().values(refusal | {"source": "phone", "wording": "", "at": at}))

    shop_on_sqlite.write(refuse)
    assert set(look(shop_on_sqlite, inspector, ["messages"])) == found_by


def test_of_a_flood_a_thousand_findings_are_kept_and_all_are_counted(
    shop_on_sqlite: Database, inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "NEW_MOST", 2)
    Damage("flood", frozenset({"orders.total"}), ("UPDATE orders SET total_minor = -1",)).plant(shop_on_sqlite)
    assert look(shop_on_sqlite, inspector, ["orders"])["orders.total"] == 2
    with shop_on_sqlite.read() as connection:
        counted = {row["code"]: row for row in runs.results(connection, 1)}["orders.total"]
    assert counted["failed"] == counted["rows"] > 2
