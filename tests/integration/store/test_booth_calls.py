"""Whether a booth can be heard: by when it called last, and not by what it does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from backroom.store.booth_calls import NEWS_AFTER, SILENT_AFTER, hear, is_news, is_silent
from backroom.store.database import Database
from tests.shops import BOOTH

AT = datetime(2026, 11, 28, 20, tzinfo=UTC)


def test_a_booth_is_silent_once_it_has_not_called_for_long_and_no_more_when_it_calls(database: Database) -> None:
    def silent(at: datetime) -> bool:
        return database.write(lambda connection: is_silent(connection, BOOTH, at))

    assert not silent(AT)
    database.write(lambda connection: hear(connection, BOOTH, AT))
    assert not silent(AT + SILENT_AFTER)
    later = AT + SILENT_AFTER + timedelta(seconds=1)
    assert silent(later)
    database.write(lambda connection: hear(connection, BOOTH, later))
    database.write(lambda connection: hear(connection, BOOTH, AT))
    assert not silent(later)


def test_a_call_is_written_down_now_and_then_only(database: Database) -> None:
    def news(at: datetime) -> bool:
        return database.write(lambda connection: is_news(connection, BOOTH, at))

    assert news(AT)
    database.write(lambda connection: hear(connection, BOOTH, AT))
    assert not news(AT + NEWS_AFTER)
    assert news(AT + NEWS_AFTER + timedelta(seconds=1))
