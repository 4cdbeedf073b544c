"""Keys: made once, kept as hashes, bound to a scope and a place, over at once when revoked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, select

from backroom.store import api_keys
from backroom.store.api_keys import KeyInfo, KeyRefused, allows, check_key, find_key, key_by_id, make_key, revoke
from backroom.store.tables import metadata
from backroom.store.tables.intake import api_keys as table


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def test_a_key_names_its_scope_and_works(connection: Connection) -> None:
    key = make_key(connection, "Ada", "staff")
    assert key.startswith("bk_staff_")
    assert find_key(connection, key) == KeyInfo(1, "Ada", "staff", "")


def test_the_key_itself_is_not_stored(connection: Connection) -> None:
    key = make_key(connection, "Ada", "staff")
    row = connection.execute(select(table)).one()
    assert key not in row
    # Its random part may hold an underscore itself.
    assert all(key.removeprefix("bk_staff_") not in str(value) for value in row)
    assert "digest" not in api_keys.list_keys(connection)[0]


def test_a_revoked_key_is_over_at_once(connection: Connection) -> None:
    key = make_key(connection, "Ada", "staff")
    assert revoke(connection, 1)
    assert find_key(connection, key) is None
    assert key_by_id(connection, 1) is None
    assert not revoke(connection, 1)


def test_an_expired_key_is_over(connection: Connection) -> None:
    soon, past = datetime.now(UTC) + timedelta(minutes=1), datetime.now(UTC) - timedelta(seconds=1)
    assert find_key(connection, make_key(connection, "Ada", "staff", expires_at=soon)) is not None
    assert find_key(connection, make_key(connection, "Bob", "staff", expires_at=past)) is None


def test_a_booth_key_works_at_its_own_location_only(connection: Connection) -> None:
    key = make_key(connection, "Booth A", "booth", "booth-a")
    assert check_key(connection, key, "booth", "booth-a") is not None
    assert check_key(connection, key, "booth", "booth-b") is None
    assert check_key(connection, key, "staff") is None


@pytest.mark.parametrize("scope", ["pos", "booth"])
def test_a_key_for_a_place_needs_its_place(connection: Connection, scope: str) -> None:
    with pytest.raises(KeyRefused):
        make_key(connection, "Till", scope)


def test_a_scope_that_does_not_exist_is_refused(connection: Connection) -> None:
    with pytest.raises(KeyRefused):
        make_key(connection, "Ada", "admin")


def test_a_staff_key_reads_metrics_and_nothing_else_stands_in_for_another_scope() -> None:
    def open_doors(place: str) -> set[tuple[str, str]]:
        """What keys open that are bound to booth A, but for those that may be bound to none and are to this."""
        return {
            (scope, door)
            for scope in api_keys.SCOPES
            for door in api_keys.SCOPES
            if allows(KeyInfo(1, "x", scope, place if scope in api_keys.AT_ANY_OR_ONE else "booth-a"), door, "booth-a")
        }

    own = {(scope, scope) for scope in api_keys.SCOPES}
    assert open_doors("") == own | {("staff", "metrics")}
    assert open_doors("booth-a") == own, "a staff key of one place reads no figures of the whole shop"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text())
def test_no_text_but_a_key_is_a_key(connection: Connection, text: str) -> None:
    assert find_key(connection, text) is None
