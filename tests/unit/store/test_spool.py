"""The spool: what is kept there is durable, sealed, found again by whoever opens it, and gone when it was dropped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backroom.store.inbox_door import Delivery
from backroom.store.seals import Seals
from backroom.store.spool import FILE, Spool, SpoolStands, check, is_needed

OLD, NEW = bytes(range(32)), bytes(range(1, 33))
OURS = Seals(OLD)
AT = datetime(2026, 11, 28, 14, 0, tzinfo=UTC)
ORDER = Delivery(
    "web", "d-1", "orders/create", "5001", 2, (("email", "ada@example.com"),), b'{"email": "ada@example.com"}'
)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    opened = Spool(tmp_path, OURS)
    yield opened
    opened.close()


def kept(spool: Spool, delivery: Delivery = ORDER, at: datetime = AT) -> int:
    return spool.keep(delivery, at).result(10)


def bytes_on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob(f"{FILE}*"))


def sealed_in(spool: Spool) -> bytes:
    with spool._database.read() as connection:
        (sealed,) = connection.exec_driver_sql("SELECT sealed FROM spool").one()
    assert isinstance(sealed, bytes)
    return sealed


words = st.text(max_size=20)
deliveries = st.builds(
    Delivery,
    channel=words,
    key=words,
    topic=words,
    external_id=words,
    priority=st.integers(0, 9),
    lookups=st.lists(st.tuples(words, words), max_size=3).map(tuple),
    body=st.binary(max_size=200),
    hint=st.booleans(),
    said_at=st.none() | st.datetimes(timezones=st.just(UTC)),
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(delivery=deliveries)
def test_every_delivery_comes_out_as_it_went_in(spool: Spool, delivery: Delivery) -> None:
    number = kept(spool, delivery)
    assert [(one.number, one.heard_at, one.delivery) for one in spool.waiting()] == [(number, AT, delivery)]
    spool.drop([number]).result(10)
    assert spool.waiting() == []


def test_another_process_finds_what_was_kept_in_order(tmp_path: Path, spool: Spool) -> None:
    numbers = [kept(spool) for _ in range(3)]
    spool.drop([numbers[1]]).result(10)
    later = Spool(tmp_path, OURS)
    assert [one.number for one in later.waiting()] == [numbers[0], numbers[2]]
    later.close()


def test_a_number_never_comes_again(spool: Spool) -> None:
    first = kept(spool)
    spool.drop([first]).result(10)
    second = kept(spool)
    spool.drop([first]).result(10)
    assert [one.number for one in spool.waiting()] == [second]


def test_nobody_can_read_it_without_the_master_key_and_one_row_that_does_not_open_hides_no_other(
    tmp_path: Path, spool: Spool
) -> None:
    kept(spool)
    assert b"ada@example.com" not in bytes_on_disk(tmp_path)
    stranger = Spool(tmp_path, Seals(NEW))
    kept(stranger)
    assert [one.delivery for one in stranger.waiting()] == [None, ORDER]
    stranger.close()


def test_nothing_of_a_dropped_delivery_is_left_in_its_files(tmp_path: Path, spool: Spool) -> None:
    number, sealed = kept(spool), sealed_in(spool)
    assert sealed in bytes_on_disk(tmp_path)
    spool.drop([number]).result(10)
    assert spool.scrub()
    assert sealed not in bytes_on_disk(tmp_path)


def test_it_is_sealed_by_the_master_key_that_the_shop_uses_at_that_moment(tmp_path: Path) -> None:
    """A change of the key restarts no gateway; afterwards the old one may be thrown away."""
    both, new = Seals(OLD, NEW), Seals(NEW)
    uses = [both.key_id]
    spool = Spool(tmp_path, both, lambda: uses[0])
    first = kept(spool)
    uses[0] = new.key_id
    kept(spool)
    assert is_needed(tmp_path, both, new.key_id), "the first is under the old key"
    assert [one.delivery for one in Spool(tmp_path, new).waiting()] == [None, ORDER]
    spool.drop([first]).result(10)
    assert not is_needed(tmp_path, both, new.key_id)
    spool.close()


def test_who_looks_is_told_what_lies_there_for_long_or_does_not_open(tmp_path: Path) -> None:
    check(tmp_path, OURS, 60)
    assert not (tmp_path / FILE).exists(), "whoever only looks makes none"
    spool = Spool(tmp_path, OURS)
    kept(spool, at=datetime.now(UTC) - timedelta(seconds=30))
    check(tmp_path, OURS, 60)
    with pytest.raises(SpoolStands, match="still not in the database"):
        check(tmp_path, OURS, 10)
    with pytest.raises(SpoolStands, match="do not open"):
        check(tmp_path, Seals(NEW), 60)
    spool.close()
