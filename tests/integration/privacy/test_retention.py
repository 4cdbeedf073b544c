"""Retention: what was kept for long enough goes, what is younger or still needed stays, and it says what went."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, delete, func, insert, select, update

from backroom.domain.channels import ChannelSpec
from backroom.domain.shop import Retention
from backroom.privacy.erasure import erase
from backroom.privacy.retention import remove_old
from backroom.shop import photos
from backroom.store import api_keys, desk, intake, requests, retention, sample_desk
from backroom.store.booth_devices import OtherMachine, let_in
from backroom.store.database import now
from backroom.store.personal import Whose
from backroom.store.tables import api_keys as api_keys_table
from backroom.store.tables import (
    booth_devices,
    booth_lines,
    inbox,
    labels,
    message_replies,
    messages,
    orders,
    people,
    print_jobs,
    print_seals,
    privacy_requests,
    quarantine,
    removals,
    samples,
)
from tests.integration.gateway.conftest import only_sqlite
from tests.integration.privacy.test_erasure import everybody, person_of, serve
from tests.searching import places
from tests.shops import BOOTH, CANARIES, HUB, PLAIN, SCARCE, Floor, an_order


def removed(floor: Floor) -> dict[str, int]:
    return {one.kind: one.count for one in remove_old(floor.room, lambda numbers: None) if one.count}


def keep(floor: Floor, **days: int) -> None:
    """Keep everything for ever, but for what is said."""
    forever = Retention(raw=0, labels=0, messages=0, customers=0, reports=0, samples=0, keys=0, booths=0)
    floor.room = replace(floor.room, shop=replace(floor.room.shop, retention=replace(forever, **days)))


def age(floor: Floor, days: int) -> None:
    """As if everything had happened so many days earlier, files included."""

    def work(connection):  # type: ignore[no-untyped-def]
        then = now(connection) - timedelta(days=days)
        for column in (inbox.c.received_at, labels.c.at, messages.c.at, message_replies.c.at, people.c.created_at):
            connection.execute(update(column.table).values({column.name: then}))
        connection.execute(update(orders).where(orders.c.ended_at.is_not(None)).values(ended_at=then))
        return then

    then = floor.room.database.write(work)
    for path in floor.room.home.rglob("*"):
        if path.is_file():
            os.utime(path, (then.timestamp(), then.timestamp()))


def filled(floor: Floor, *columns) -> list[int]:  # type: ignore[no-untyped-def]
    """How many rows of each sealed column still hold something."""
    with floor.room.database.read() as connection:
        return [
            connection.execute(select(func.count()).where(func.length(column) > 0)).scalar_one() for column in columns
        ]


SEALED = (inbox.c.body, labels.c.data, labels.c.zpl, messages.c.content, orders.c.contact, message_replies.c.content)


def test_each_kind_goes_after_its_own_time_and_only_then(floor: Floor) -> None:
    serve(floor)
    all_of = filled(floor, *SEALED)
    keep(floor, raw=90, labels=90, messages=90)
    age(floor, 89)
    assert removed(floor) == {}
    assert filled(floor, *SEALED) == all_of
    age(floor, 91)
    raw, label, _, message, _, reply = all_of
    keep(floor, labels=90)
    assert removed(floor) == {"labels": label, "label files": 3}
    assert filled(floor, *SEALED) == [raw, 0, 0, message, all_of[4], reply]
    keep(floor, raw=90)
    assert removed(floor) == {"raw": raw}
    keep(floor, messages=90)
    mails = len(list((floor.room.home / "mail").glob("*.eml"))) + len(list((floor.room.home / "sms").glob("*.txt")))
    assert removed(floor) == {"messages": message, "replies": reply, "message files": mails}
    assert filled(floor, *SEALED) == [0, 0, 0, 0, all_of[4], 0]
    assert removed(floor) == {}
    assert not places(floor.room.home, CANARIES)
    with floor.room.database.read() as connection:
        noted = {row.kind: row.count for row in connection.execute(select(removals))}
    assert noted == {
        "labels": label,
        "label files": 3,
        "raw": raw,
        "messages": message,
        "replies": reply,
        "message files": mails,
    }


def test_what_is_under_way_stays_however_old_it_is(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 1))
    floor.order((PLAIN, 1))
    floor.taken_in(("TEE-TYPO", 1))
    age(floor, 5000)
    floor.intake()
    keep(floor, raw=1, labels=1, messages=1, customers=1)
    floor.order((PLAIN, 1))
    age(floor, 5000)
    assert "customers" not in removed(floor)
    floor.intake()
    floor.fulfil(HUB)
    assert floor.state(number)[0] == "fulfilled"


@only_sqlite
def test_a_message_in_quarantine_goes_too_and_cannot_be_replayed_empty(floor: Floor) -> None:
    floor.deliver({"id": 7999, "email": CANARIES[2]})
    floor.intake()
    keep(floor, raw=30)
    age(floor, 31)
    assert removed(floor) == {"raw": 1}
    with floor.room.database.read() as connection:
        (row,) = connection.execute(select(quarantine)).all()
    assert row.state == "expired"
    assert not floor.room.database.write(lambda c: intake.replay(c, row.id, now(c)))


def test_a_customer_of_whom_nothing_was_heard_is_forgotten(floor: Floor) -> None:
    numbers = serve(floor)
    keep(floor, customers=1000)
    age(floor, 1001)
    # The other one ordered again.
    floor.order((PLAIN, 1), email="brunhilde@example.org", phone="+4915187654321")
    assert removed(floor) == {"customers": 1}
    assert person_of(floor, numbers[0]) not in everybody(floor)
    assert len(everybody(floor)) == 1
    assert not places(floor.room.home.parent, CANARIES[:2])


def test_a_customer_whose_parcel_never_arrived_and_of_whom_nothing_was_heard_is_forgotten(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    floor.room.database.write(lambda c: desk.hold_for_news(c, number, "delivery_failed"))
    assert floor.state(number)[0] == "held"
    keep(floor, customers=1000)
    age(floor, 999)
    assert removed(floor) == {}
    age(floor, 1001)
    with floor.room.database.read() as connection:
        listed = retention.silent(connection, now(connection) - timedelta(days=1000), 0)
    assert listed == everybody(floor)
    assert removed(floor) == {"customers": 1}
    assert everybody(floor) == []
    assert floor.state(number)[0] == "fulfilled"
    assert floor.events(number)[-3:] == ["order.released_by_retention", "order.fulfilled", "customer.forgotten"]


def test_who_asks_to_be_forgotten_while_their_parcel_comes_back_is_still_served(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    floor.room.database.write(lambda c: desk.hold_for_news(c, number, "parcel_returning"))
    done = erase(floor.room, [Whose(person_of(floor, number))], "Ada", None)
    assert (done.people, len(done.still)) == ([], 1)
    assert floor.state(number)[0] == "held"


def test_who_came_in_by_late_news_of_a_forgotten_customers_order_goes_the_same_night(floor: Floor) -> None:
    external_id = floor.order((PLAIN, 1))
    floor.intake()
    floor.fulfil(HUB)
    keep(floor, customers=1000)
    age(floor, 1001)
    assert removed(floor) == {"customers": 1}
    floor.deliver(an_order(external_id, [(PLAIN, 1)], minute=30), "orders/fulfilled")
    assert removed(floor) == {}
    floor.intake()
    assert removed(floor) == {"late news": 1}
    assert everybody(floor) == []


def test_keys_that_work_no_more_go_after_a_while(floor: Floor) -> None:
    write = floor.room.database.write

    def make(days: int) -> None:
        write(lambda c: api_keys.make_key(c, "till", "staff", "", now(c) + timedelta(days=days)))

    for days in (-400, -300, 10):
        make(days)
    write(lambda c: api_keys.make_key(c, "for ever", "staff"))
    keep(floor, keys=365)
    assert removed(floor) == {"keys": 1}
    with floor.room.database.read() as connection:
        assert len(api_keys.list_keys(connection)) == 3


def test_it_goes_in_batches_and_goes_on_where_it_was_stopped(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        floor.order((PLAIN, 1))
    floor.intake()
    age(floor, 100)
    monkeypatch.setattr(retention, "BATCH", 2)
    before = floor.room.database.write(lambda c: now(c) - timedelta(days=90))
    sizes = [floor.room.database.write(lambda c: retention.empty_raw(c, before)) for _ in range(2)]
    assert sizes == [2, 2]
    keep(floor, raw=90)
    assert removed(floor) == {"raw": 1}


@only_sqlite
def test_old_reports_go(floor: Floor) -> None:
    folder = floor.room.home / "reports"
    folder.mkdir()
    (folder / "2020-01-01.html").write_text("old")
    age(floor, 800)
    (folder / "2026-11-25.html").write_text("new")
    keep(floor, reports=730)
    assert removed(floor) == {"report files": 1}
    assert [path.name for path in folder.iterdir()] == ["2026-11-25.html"]


@only_sqlite
def test_photos_of_samples_that_are_good_no_more_go_and_the_word_on_them_stays(floor: Floor) -> None:
    folder = floor.room.home / photos.FOLDER
    folder.mkdir()

    def approved(connection: Connection, name: str, ended: timedelta) -> None:
        (folder / name).write_bytes(b"a photo")
        number = sample_desk.printed(connection, floor.room.shop, PLAIN, BOOTH, "press-1", "Ada")
        sample_desk.approve(connection, floor.room.shop, number, photo=name, note="black", actor="Ada")
        until = update(samples).where(samples.c.id == number)
        connection.execute(until.values(good_until=now(connection) - ended))

    floor.room.database.write(lambda c: approved(c, "1-old.jpg", timedelta(days=800)))
    floor.room.database.write(lambda c: approved(c, "2-new.jpg", timedelta(days=700)))
    keep(floor, samples=730)
    assert removed(floor) == {"sample photos": 1}
    assert [path.name for path in folder.iterdir()] == ["2-new.jpg"]
    with floor.room.database.read() as connection:
        rows = connection.execute(select(samples.c.photo, samples.c.decided_by).order_by(samples.c.id)).all()
    assert [tuple(row) for row in rows] == [("", "Ada"), ("2-new.jpg", "Ada")]
    assert removed(floor) == {}


@only_sqlite
def test_a_request_whose_last_week_has_come_makes_the_nights_run_fail(floor: Floor) -> None:
    from tasks.retention import RequestsDue, remind_of_requests

    person = person_of(floor, floor.taken_in((PLAIN, 1)))
    floor.room.database.write(lambda c: requests.ask(c, requests.ERASE, "web:1", [person], "web"))
    remind_of_requests.fn()

    def three_weeks_later(connection: Connection) -> None:
        due = now(connection) + timedelta(days=6)
        connection.execute(update(privacy_requests).values(due_at=due))

    floor.room.database.write(three_weeks_later)
    with pytest.raises(RequestsDue, match="1 by "):
        remind_of_requests.fn()
    floor.room.database.write(lambda c: requests.settle(c, 1, requests.DECLINED))
    remind_of_requests.fn()


def test_dropped_files_go_with_raw_messages(floor: Floor) -> None:
    keep(floor, raw=90)
    boutiques = ChannelSpec("boutiques", "csv", 5, "standard", folder="drop")
    shop = replace(floor.room.shop, channels=(*floor.room.shop.channels, boutiques))
    floor.room = replace(floor.room, shop=shop)
    for name in ("done/a.csv", "refused/b.csv", "refused/b.csv.txt", "waiting.csv"):
        path = floor.room.folder("drop") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("order_id\n")
    age(floor, 89)
    assert removed(floor) == {}
    age(floor, 91)
    assert removed(floor) == {"dropped files": 3}
    assert (floor.room.folder("drop") / "waiting.csv").exists()


def booth_line(source: str, seq: int, heard: datetime, **values: object) -> dict[str, object]:
    """A line of the machine or till `one`, shown, unless said otherwise."""
    row: dict[str, object] = {"source": source, "name": "one", "seq": seq, "location": BOOTH, "print_job_id": None}
    row |= {"attempt": 0, "what": "sale" if source == "till" else "outcome", "printer": "", "done_at": None}
    return row | {"heard_at": heard, "shown_at": heard} | values


def lines_left(floor: Floor, source: str) -> list[int]:
    query = select(booth_lines.c.seq).where(booth_lines.c.source == source).order_by(booth_lines.c.seq)
    with floor.room.database.read() as connection:
        return list(connection.execute(query).scalars())


def test_what_booths_told_goes_once_their_machine_has_told_of_later_things(floor: Floor) -> None:
    floor.taken_in((SCARCE, 1), at=BOOTH)
    floor.fulfil(BOOTH)

    def work(connection: Connection) -> None:
        at = now(connection)
        old, older = at - timedelta(days=100), at - timedelta(days=200)
        job = connection.execute(select(print_jobs.c.id)).scalar_one()
        rows = [booth_line("till", seq, older) for seq in (1, 2, 4)]
        rows += [booth_line("till", 5, at), booth_line("till", 6, old), booth_line("till", 7, old)]
        # Nobody has heard of this till since: it may tell all of that once more.
        rows += [booth_line("till", seq, older, name="two") for seq in (21, 22)]
        rows += [booth_line("bench", seq, older) for seq in (1, 2)]
        rows += [booth_line("bench", 3, older, print_job_id=job), booth_line("bench", 4, older, shown_at=None)]
        rows += [booth_line("bench", 5, at)]
        connection.execute(insert(booth_lines), rows)

    floor.room.database.write(work)
    keep(floor, booths=90)
    assert removed(floor) == {"booth lines": 5}
    # 5 came in late, and with it 6 and 7 are not the first any more.
    assert lines_left(floor, "till") == [5, 6, 7, 21, 22]
    assert lines_left(floor, "bench") == [3, 4, 5]
    assert removed(floor) == {}
    floor.room.database.write(lambda c: c.execute(update(print_jobs).values(state="done")))
    assert removed(floor) == {"booth lines": 1}


def test_whatever_was_heard_when_only_the_first_numbers_of_a_till_go_and_never_one_of_the_middle(floor: Floor) -> None:
    chance = random.Random(5)
    seqs = [seq for seq in range(1, 9) if seq != 4]
    went: set[int] = set()
    for _ in range(40):
        days = {seq: chance.choice((0, 50, 100, 150)) for seq in seqs}

        def work(connection: Connection, days: dict[int, int] = days) -> None:
            at = now(connection)
            connection.execute(delete(booth_lines))
            rows = [booth_line("till", seq, at - timedelta(days=days[seq])) for seq in seqs]
            connection.execute(insert(booth_lines), rows)

        floor.room.database.write(work)
        keep(floor, booths=90)
        removed(floor)
        left = lines_left(floor, "till")
        assert left == seqs[-len(left) :]
        assert all(days[seq] > 90 for seq in seqs if seq not in left)
        went.add(len(seqs) - len(left))
    assert len(went) > 2


def sealed_for(connection: Connection, key_id: int, machine: str, job: int, destroyed: datetime | None) -> int:
    """A machine that was let in long ago, and a print sealed for it; returns the machine's id."""
    at = now(connection) - timedelta(days=400)
    device = insert(booth_devices).values(
        api_key_id=key_id, key_name="booth", location=BOOTH, public_key=machine, paired_at=at
    )
    id_: int = connection.execute(device.returning(booth_devices.c.id)).scalar_one()
    seal = insert(print_seals).values(
        print_job_id=job,
        attempt=0,
        device_id=id_,
        device=machine,
        location=BOOTH,
        once=None if destroyed else "half",
        description=b"sealed",
        document_bytes=1,
        document_digest="",
        sealed_at=at,
        expires_at=at,
        destroyed_at=destroyed,
    )
    connection.execute(seal)
    return id_


def test_what_is_left_of_sealed_prints_goes_and_then_machines_whose_key_is_gone(floor: Floor) -> None:
    floor.taken_in((SCARCE, 1), at=BOOTH)
    floor.fulfil(BOOTH)
    old_key = find_key_of(floor)
    new_key = find_key_of(floor)

    def work(connection: Connection) -> tuple[int, int, int]:
        at = now(connection)
        job = connection.execute(select(print_jobs.c.id)).scalar_one()
        long_ago = at - timedelta(days=380)
        lost = sealed_for(connection, old_key, "lost", job, long_ago)
        alive = sealed_for(connection, new_key, "alive", job, None)
        # Forgotten, and its key works: it must not be let in as somebody new.
        stolen = sealed_for(connection, new_key, "stolen", job, long_ago)
        connection.execute(update(booth_devices).where(booth_devices.c.id == stolen).values(forgotten_at=long_ago))
        connection.execute(update(api_keys_table).where(api_keys_table.c.id == old_key).values(revoked_at=long_ago))
        return lost, alive, stolen

    lost, alive, stolen = floor.room.database.write(work)
    keep(floor, booths=365)
    assert removed(floor) == {"sealed prints": 2}
    keep(floor, keys=365)
    assert removed(floor) == {"keys": 1, "machines": 1}
    with floor.room.database.read() as connection:
        left = set(connection.execute(select(booth_devices.c.id)).scalars())
        assert left == {alive, stolen}
        assert lost not in left
        assert connection.execute(select(func.count()).select_from(print_seals)).scalar_one() == 1
    with pytest.raises(OtherMachine, match="was forgotten"):
        floor.room.database.write(lambda c: let_in(c, key_info(c, new_key), "stolen", alone=False))


def find_key_of(floor: Floor) -> int:
    key = floor.room.database.write(lambda c: api_keys.make_key(c, "booth", "booth", BOOTH))
    with floor.room.database.read() as connection:
        found = api_keys.find_key(connection, key)
    assert found is not None
    return found.id


def key_info(connection: Connection, id_: int) -> api_keys.KeyInfo:
    row = connection.execute(select(api_keys_table).where(api_keys_table.c.id == id_)).mappings().one()
    return api_keys.KeyInfo(**{name: row[name] for name in api_keys.KeyInfo.__slots__ if name in row})
