"""Reminders: one mail for each item and day, to the shop, and nobody's name in what Prefect is told."""

from __future__ import annotations

import email
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default

import pytest
from prefect.logging import disable_run_logger
from sqlalchemy import Connection, update

from backroom.domain.errors import Retry
from backroom.domain.events import Event, Session
from backroom.domain.leases import Loan
from backroom.domain.readiness import Check, CheckState
from backroom.store import event_desk, events, leases, overdue
from backroom.store.database import now
from backroom.store.tables import stock_leases
from tasks import event_reminders
from tasks.event_reminders import due_reminders, remind
from tests.shops import BOOTH, HUB, PLAIN, Floor


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What Prefect is told, outside a run."""
    said: list[str] = []
    monkeypatch.setattr(event_reminders, "create_markdown_artifact", lambda text, key: said.append(text))
    with disable_run_logger():
        yield said


@pytest.fixture
def fair(floor: Floor) -> Floor:
    """A floor with an event in two days: its permit is overdue, its lamps are due, its photo is not yet."""

    def work(connection: Connection) -> None:
        at = now(connection)
        opens = at + timedelta(days=2)
        checks = [
            Check("permit", "Permit of the town", True, "Ada", at - timedelta(days=12), help="With the drawing."),
            Check("lamps", "Lamps", False, "", opens),
            Check("photo", "Photo", False, "Bo", opens + timedelta(days=4)),
        ]
        event = Event("fair", "Fair", "street", BOOTH, "", (Session(opens, opens + timedelta(hours=8)),))
        events.add(connection, event, checks, at, "Ada")

    floor.room.database.write(work)
    return floor


def mails(floor: Floor) -> list[EmailMessage]:
    found = sorted((floor.room.home / "mail").glob("*.eml"))
    return [email.message_from_bytes(path.read_bytes(), policy=default) for path in found]  # type: ignore[misc]


def test_each_item_that_is_due_soon_or_overdue_is_one_mail_a_day(fair: Floor, told: list[str]) -> None:
    for _ in range(3):
        assert remind.fn() == "2 reminders of 1 events are sent today"
    lamps, permit = sorted(mails(fair), key=lambda mail: str(mail["Subject"]))
    assert str(permit["To"]) == "shop@example.com"
    assert permit["Subject"].endswith(": permit")
    body = permit.get_content()
    assert "Permit of the town: it is missing. Who: Ada, until " in body
    assert "With the drawing." in body
    assert "Who: nobody yet" in lamps.get_content()
    assert set(told) == {"Missing, or due within three days:\n\n- fair: permit\n- fair: lamps"}
    assert [state for _, state in fair.effects("message")] == ["done", "done"]


def test_the_next_day_they_are_sent_again_and_what_is_there_is_not(fair: Floor) -> None:
    remind.fn()

    def say(connection: Connection) -> None:
        row, at = events.locked(connection, "fair"), now(connection)
        done = CheckState.DONE
        events.say(connection, row, "permit", done, note="", file="", good_until=None, at=at, actor="Ada")

    fair.room.database.write(say)
    with fair.room.database.read() as connection:
        today = due_reminders(connection, fair.room, now(connection))
        tomorrow = due_reminders(connection, fair.room, now(connection) + timedelta(days=1))
    assert [one.item for one in today] == [one.item for one in tomorrow] == ["lamps"]
    assert today[0].key != tomorrow[0].key


def test_an_event_that_is_over_asks_to_be_settled_until_it_is(fair: Floor) -> None:
    fair.room.database.write(lambda c: leases.lend(c, "fair", [Loan(PLAIN, HUB, 3)], key="one", actor="Ada"))
    fair.room.database.write(lambda c: event_desk.close_event(c, "fair", HUB, "Ada"))
    assert remind.fn() == "1 reminders of 1 events are sent today"
    (mail,) = mails(fair)
    assert "3 pieces are leased to it until" in mail.get_content()
    fair.room.database.write(lambda c: leases.settle_event(c, "fair", hub=HUB, actor="Ada", all_there=True))
    assert remind.fn() == "nobody has to be reminded"


def test_overdue_pieces_are_reminded_of_once_for_each_end_and_not_day_by_day(fair: Floor) -> None:
    fair.room.database.write(lambda c: leases.lend(c, "fair", [Loan(PLAIN, HUB, 3)], key="one", actor="Ada"))
    fair.room.database.write(lambda c: event_desk.close_event(c, "fair", HUB, "Ada"))

    def run_out(hours: int) -> None:
        def work(connection: Connection) -> None:
            connection.execute(update(stock_leases).values(expires_at=now(connection) - timedelta(hours=hours)))
            event_desk.look_after_all(connection, HUB)

        fair.room.database.write(work)

    run_out(1)
    assert remind.fn() == "1 reminders of 1 events are sent today"
    (mail,) = mails(fair)
    assert mail["Subject"] == "Fair: 3 leased pieces are overdue"
    body = mail.get_content().replace("\r\n", "\n")
    for way_out in ("event settle fair\n", "event extend fair --until DAY", "event settle fair --rest-missing"):
        assert way_out in body
    assert remind.fn() == "nobody has to be reminded"
    with fair.room.database.read() as connection:
        assert due_reminders(connection, fair.room, now(connection) + timedelta(days=1)) == []
        until = now(connection) + timedelta(days=20)
    fair.room.database.write(lambda c: overdue.extend(c, "fair", until, "Ada"))
    assert remind.fn() == "nobody has to be reminded"
    run_out(2)
    assert remind.fn() == "1 reminders of 1 events are sent today"
    assert len(mails(fair)) == 2


def test_what_the_mail_does_not_take_now_is_sent_by_the_next_run(fair: Floor) -> None:
    (fair.room.home / "mail").touch()
    with pytest.raises(Retry):
        remind.fn()
    (fair.room.home / "mail").unlink()
    remind.fn()
    assert len(mails(fair)) == 2


def test_a_shop_without_mail_is_told_in_prefect_alone(fair: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = replace(fair.room, shop=replace(fair.room.shop, messaging=replace(fair.room.shop.messaging, mail="none")))
    monkeypatch.setattr(event_reminders, "this_room", lambda: silent)
    assert remind.fn() == "2 items are due; the shop sends no mail"


def test_a_reminder_says_nothing_of_anybody_where_it_might_be_logged(fair: Floor) -> None:
    with fair.room.database.read() as connection:
        shown = repr(due_reminders(connection, fair.room, now(connection)))
    assert "Ada" not in shown
