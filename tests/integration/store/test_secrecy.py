"""After the whole life of orders nothing of their customer stands in clear: not in the file, its WAL, or any column."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import cast, select
from sqlalchemy import types as sql

from backroom.store import amending, cancelling, desk, history
from backroom.store.database import Database, now
from backroom.store.notes import open_notes, seal_note
from backroom.store.tables import metadata
from tests.shops import BOOTH, CANARIES, GTIN_TEE, HUB, PLAIN, SOUTH, Floor, an_order


def live(floor: Floor) -> list[str]:
    """Orders through every room of the house: sold, printed, scanned, held, amended, changed, cancelled, put aside."""
    numbers = [
        floor.taken_in((PLAIN, 1)),
        floor.taken_in((PLAIN, 1), at=BOOTH),
        floor.taken_in((GTIN_TEE, 1), at=SOUTH),
    ]
    for location in (HUB, SOUTH, BOOTH):
        floor.fulfil(location)
    (job,) = floor.hand_out(BOOTH)
    floor.print(job)
    floor.scan(SOUTH, numbers[2], PLAIN)
    floor.scan(SOUTH, numbers[2], GTIN_TEE)
    held = floor.taken_in(("TEE-TYPO", 1))
    write = floor.room.database.write
    write(lambda c: amending.amend(c, floor.room.seals, held, "address.line1", f"{CANARIES[4]} 5", "Ada"))
    noted = f"{CANARIES[1]} calls back, {CANARIES[3]}"
    write(lambda c: desk.hold(c, held, desk.ASKED_BY_STAFF, "Ada", seal_note(c, floor.room.seals, held, noted)))
    floor.deliver(an_order(7001, [(PLAIN, 1)], minute=7), "orders/updated")
    floor.deliver(an_order(7004, [(PLAIN, 1)], minute=8, cancelled_at="2026-11-01T10:08:00Z"), "orders/cancelled")
    floor.deliver({"id": 7999, "note": CANARIES[5], "email": CANARIES[2], "phone": CANARIES[3]})
    floor.intake()
    for location in (SOUTH, BOOTH):
        floor.fulfil(location)
    return [*numbers, held]


def in_clear(database: Database) -> list[tuple[str, str, str]]:
    """Canaries that stand in a column that is not sealed, with table and column."""
    found = []
    with database.read() as connection:
        for table in metadata.sorted_tables:
            for column in table.c:
                for value in connection.execute(select(cast(column, sql.Text))).scalars() if _is_text(column) else ():
                    found += [(table.name, column.name, word) for word in CANARIES if word in str(value)]
    return found


def _is_text(column: object) -> bool:
    return isinstance(getattr(column, "type", None), sql.Text | sql.JSON)


def sealed_bytes(database: Database) -> bytes:
    with database.read() as connection:
        return b"".join(
            bytes(value)
            for table in metadata.sorted_tables
            for column in table.c
            if isinstance(column.type, sql.LargeBinary)
            for value in connection.execute(select(column)).scalars()
            if value is not None
        )


def test_nothing_of_a_customer_stands_in_clear_after_a_whole_life(floor: Floor) -> None:
    numbers = live(floor)
    assert [floor.state(number)[0] for number in numbers] == ["fulfilled", "fulfilled", "fulfilled", "cancelled"]
    database = floor.room.database
    assert in_clear(database) == []
    sealed = sealed_bytes(database)
    assert [word for word in CANARIES if word.encode() in sealed] == []
    if database.is_sqlite:
        path = Path(str(database.engine.url.database))
        for file in path.parent.glob(path.name + "*"):
            content = file.read_bytes()
            assert [word for word in CANARIES if word.encode() in content] == [], file.name


def test_the_ledger_knows_no_postcode(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    told = [str(effect["answer"]) for effect in floor.story(number).effects]
    assert len(told) == 4
    assert not any("80331" in answer for answer in told)


def test_the_search_finds_what_stands_in_clear(floor: Floor) -> None:
    """A search that finds nothing must be able to find something."""
    number = floor.taken_in((PLAIN, 1))
    entry = history.Entry(floor.story(number).order["id"], "order.held", {"reason": CANARIES[0]})
    floor.room.database.write(lambda c: history.record(c, [entry], at=now(c)))
    assert ("history", "data", CANARIES[0]) in in_clear(floor.room.database)


def test_a_reason_is_a_code_and_what_a_person_says_is_a_note(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 1))
    write = floor.room.database.write
    for reason in ("Frau Novak 0151 ruft zurück", "", "with space", "Novak", "x" * 61):
        with pytest.raises(history.NotACode) as refused:
            write(lambda c, reason=reason: desk.hold(c, number, reason, "Ada"))
        assert not reason or reason not in str(refused.value)
        with pytest.raises(history.NotACode):
            write(lambda c, reason=reason: cancelling.cancel(c, number, "Ada", reason))
    for words in ("Frau Novak ruft zurück", "", "twice"):
        write(
            lambda c, words=words: desk.hold(
                c, number, desk.ASKED_BY_STAFF, "Ada", seal_note(c, floor.room.seals, number, words)
            )
        )
    told = floor.story(number)
    assert told.order["hold_reason"] == "asked_by_staff"
    with floor.room.database.read() as connection:
        notes = open_notes(connection, floor.room.seals, told)
    assert [(entry["event"], notes.get(entry["id"])) for entry in told.history[-2:]] == [
        ("order.held", "Frau Novak ruft zurück"),
        ("order.noted", "twice"),
    ]


def test_the_story_of_an_order_is_complete(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 1), at=BOOTH)
    floor.fulfil(BOOTH)
    (job,) = floor.hand_out(BOOTH)
    floor.print(job)
    floor.fulfil(BOOTH)
    told = floor.story(number)
    assert [entry["event"] for entry in told.history] == [
        "order.accepted",
        "order.routed",
        "order.reserved",
        "order.released",
        "making.begun",
        "print.done",
        "parcel.packed",
        "parcel.labelled",
        "parcel.announced",
        "order.fulfilled",
    ]
    assert [entry["at"] for entry in told.history] == sorted(entry["at"] for entry in told.history)
    assert [effect["kind"] for effect in told.effects] == ["print", "label", "sheet", "message", "message"]
    assert {effect["state"] for effect in told.effects} == {"done"}
    assert [row["kind"] for row in told.labels] == ["shipping", "return"]
    assert (len(told.lines), len(told.decisions), len(told.parts), len(told.print_jobs)) == (1, 1, 1, 1)
    assert (len(told.shipments), len(told.messages)) == (1, 2)
    assert all("content" not in row for row in told.messages)
