"""A message goes to whom staff last corrected it to, in words that are still true, unless it may have gone already."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, select, update

from backroom.shop import room as rooms
from backroom.store import amending, desk
from backroom.store.database import now
from backroom.store.messages import CONTEXT
from backroom.store.people import load
from backroom.store.seals import unseal
from backroom.store.tables import consents, effects, messages
from tests.shops import CANARIES, HUB, Floor

FOLDERS = {"email": "mail", "sms": "sms"}
OLD = {"email": CANARIES[2], "sms": CANARIES[3]}
NEW = {"email": "right@example.org", "sms": "+4930999999"}
FIELD = {"email": "email", "sms": "phone"}
both = pytest.mark.parametrize("medium", ["email", "sms"])


def unsent(floor: Floor, medium: str) -> str:
    """An order whose parcel is labelled, and one of whose messages cannot be sent for now."""
    broken = floor.room.home / FOLDERS[medium]
    broken.write_text("a file where the folder should be")
    number = floor.taken_in()
    floor.fulfil(HUB)
    assert floor.state(number) == ("released", ["labelled"])
    broken.unlink()
    return number


def amend(floor: Floor, number: str, field: str, value: str) -> None:
    floor.room.database.write(lambda c: amending.amend(c, floor.room.seals, number, field, value, "Ada"))


def retry(floor: Floor, number: str) -> None:
    floor.room.database.write(lambda c: desk.retry(c, number, "Ada", HUB))
    floor.fulfil(HUB)


def written(floor: Floor, medium: str) -> list[str]:
    """What lies in the medium's folder."""
    return [file.read_text() for file in (floor.room.home / FOLDERS[medium]).glob("*.*")]


def recipient(floor: Floor, medium: str) -> str:
    """Whom the stored message is for."""
    with floor.room.database.read() as connection:
        row = connection.execute(select(messages).where(messages.c.medium == medium)).mappings().one()
        key = load(connection, floor.room.seals, [row["person_id"]])[row["person_id"]].key
    return str(json.loads(unseal(key, row["content"], CONTEXT))["recipient"])


@both
def test_a_message_that_could_not_be_sent_goes_to_the_corrected_recipient(floor: Floor, medium: str) -> None:
    number = unsent(floor, medium)
    assert recipient(floor, medium) == OLD[medium]
    amend(floor, number, FIELD[medium], NEW[medium])
    retry(floor, number)
    assert floor.state(number) == ("fulfilled", ["done"])
    (text,) = written(floor, medium)
    assert NEW[medium] in text
    assert OLD[medium] not in text
    assert recipient(floor, medium) == NEW[medium]
    assert [state for _, state in floor.effects("message")] == ["done", "done"]


@both
@pytest.mark.parametrize("state", ["started", "done", "unknown"])
def test_a_message_that_may_have_gone_keeps_its_words_and_goes_to_nobody_else(
    floor: Floor, medium: str, state: str
) -> None:
    number = unsent(floor, medium)
    begun = update(effects).where(effects.c.kind == "message", effects.c.key.endswith(medium))
    answer = {"provider": "folder", "at": datetime.now(UTC).isoformat()}
    floor.room.database.write(
        lambda c: c.execute(begun.values(state=state, answer=answer, started_at=datetime.now(UTC)))
    )
    amend(floor, number, FIELD[medium], NEW[medium])
    retry(floor, number)
    assert recipient(floor, medium) == OLD[medium]
    # Only what was started is sent again, under its own key: the folder knows it.
    assert len(written(floor, medium)) == (state == "started")
    assert all(OLD[medium] in text for text in written(floor, medium))
    assert floor.state(number) == (("released", ["labelled"]) if state == "unknown" else ("fulfilled", ["done"]))


@both
def test_a_message_that_its_reader_refused_meanwhile_is_not_sent(floor: Floor, medium: str) -> None:
    number = unsent(floor, medium)

    def refuse(connection: Connection) -> None:
        row = connection.execute(select(consents).where(consents.c.medium == medium)).mappings().first()
        assert row is not None
        values = {name: value for name, value in row.items() if name != "id"}
        connection.execute(consents.insert().values(**values | {"granted": False, "at": now(connection)}))

    floor.room.database.write(refuse)
    retry(floor, number)
    assert floor.state(number) == ("fulfilled", ["done"])
    assert written(floor, medium) == []
    assert [row["state"] for row in floor.story(number).messages if row["medium"] == medium] == ["skipped"]


def test_nothing_of_a_message_can_be_read_from_the_ledger(floor: Floor) -> None:
    floor.taken_in()
    floor.fulfil(HUB)
    with floor.room.database.read() as connection:
        rows = connection.execute(select(effects)).mappings().all()
    assert {row["kind"] for row in rows} == {"label", "sheet", "message"}
    assert all(len(row["request_hash"]) == 64 and int(row["request_hash"], 16) for row in rows)
    told = " ".join(str(dict(row)) for row in rows)
    assert not [word for word in CANARIES if word in told]


def test_no_parcel_is_promised_for_a_holiday(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    today = datetime.now(UTC).date()
    closed = frozenset(today + timedelta(days=days) for days in range(60))
    shop = replace(floor.room.shop, holidays=closed)
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), replace(floor.room, shop=shop))
    floor.taken_in()
    floor.fulfil(HUB)
    (text,) = written(floor, "sms")
    first = today + timedelta(days=60)
    first += timedelta(days=first.weekday() == 6)
    assert f"{first.day} {first:%b}" in text
