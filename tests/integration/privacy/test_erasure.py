"""Forgetting a person: nothing of theirs is found anywhere afterwards, others keep theirs, backups forget again."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, text

from backroom.channels import dropping
from backroom.channels.dropping import DropFolder
from backroom.domain.channels import ChannelSpec
from backroom.domain.reply_words import Word
from backroom.privacy import erasure, journal
from backroom.privacy.erasure import erase, finish, replay
from backroom.privacy.people import NobodyFound, find
from backroom.shop import room as rooms
from backroom.store import amending, cancelled_refunds, cancelling, desk, erased, opt_outs, push_subscriptions
from backroom.store.database import Database, now
from backroom.store.forgetting import StillServed, forget
from backroom.store.inbox_door import Delivery, Receipt, accept
from backroom.store.notes import seal_note
from backroom.store.people import PersonErased, load
from backroom.store.personal import HOLDINGS, Whose
from backroom.store.tables import erasures, inbox, orders, people, quarantine
from tests.integration.gateway.conftest import only_sqlite
from tests.searching import holding, places
from tests.shops import BOOTH, CANARIES, GTIN_TEE, HUB, PLAIN, SOUTH, Floor, an_order, reopen_floor

LABELS = {f"labels-{place}" for place in (HUB, SOUTH, BOOTH)}
OTHER = {
    "email": "brunhilde@example.org",
    "phone": "+4915187654321",
    "note": "ring twice",
    "shipping_address": {
        "name": "Brunhilde Eckersporn",
        "address1": "Lindwurmweg 9",
        "zip": "80331",
        "city": "München",
        "country_code": "DE",
        "latitude": 48.1,
        "longitude": 11.6,
    },
}


class Prefect:
    """Stands in for Prefect's server, which keeps what it was told to forget."""

    def __init__(self, *, away: bool = False) -> None:
        self.away = away
        self.forgotten: list[str] = []

    def forget(self, numbers: Sequence[str]) -> None:
        if self.away:
            raise ConnectionError
        self.forgotten += numbers


def serve(floor: Floor) -> list[str]:
    """Orders of the person whose words are canaries through every room of the house, and one of somebody else whose
    labels stand on the same sheet; returns the person's numbers."""
    mine = [floor.order((PLAIN, 1)), floor.order((PLAIN, 1), at=BOOTH), floor.order((GTIN_TEE, 1), at=SOUTH)]
    floor.order((PLAIN, 1), **OTHER)
    floor.intake()
    numbers = [floor.number(external_id) for external_id in mine]
    for location in (HUB, SOUTH, BOOTH):
        floor.fulfil(location)
    (job,) = floor.hand_out(BOOTH)
    floor.print(job)
    floor.scan(SOUTH, numbers[2], GTIN_TEE)
    held = floor.taken_in(("TEE-TYPO", 1))
    write = floor.room.database.write
    noted = f"{CANARIES[1]} calls back, {CANARIES[3]}"
    write(lambda c: desk.hold(c, held, desk.ASKED_BY_STAFF, "Ada", seal_note(c, floor.room.seals, held, noted)))
    write(lambda c: cancelling.cancel(c, held, "Ada", desk.CANCELLED_BY_STAFF))
    write(lambda c: cancelled_refunds.confirm(c, held, 2900, "re_1", "Ada"))
    # No order at all: it lies in quarantine.
    floor.deliver({"id": 7999, "note": CANARIES[5], "email": CANARIES[2], "phone": CANARIES[3]})
    floor.intake()
    for location in (SOUTH, BOOTH):
        floor.fulfil(location)
    browser = {"endpoint": f"https://push.example/{CANARIES[0]}", "p256dh": CANARIES[1], "auth": "secret"}
    seals, external_id = floor.room.seals, str(mine[0])
    write(lambda c: push_subscriptions.subscribe(c, seals, "web", external_id, browser, "Tell me here"))
    proof = opt_outs.Proof("twilio", "SM1", "stop")
    reply = opt_outs.Reply("sms", CANARIES[3], f"Stop, {CANARIES[0]}", Word.STOP, proof)
    write(lambda c: opt_outs.take(c, floor.room.seals, reply))
    return [*numbers, held]


def person_of(floor: Floor, number: str) -> int:
    person: int = floor.story(number).order["person_id"]
    return person


def wrapped_keys(database: Database, ids: Sequence[int]) -> list[bytes]:
    with database.read() as connection:
        return [
            bytes(key) for key in connection.execute(select(people.c.wrapped_key).where(people.c.id.in_(ids))).scalars()
        ]


def everybody(floor: Floor) -> list[int]:
    with floor.room.database.read() as connection:
        return list(connection.execute(select(people.c.id).where(people.c.wrapped_key.is_not(None))).scalars())


@pytest.fixture
def folder(floor: Floor) -> Path:
    """The folder that holds the shop's home and, on SQLite, its database."""
    return floor.room.home.parent


def test_nothing_of_somebody_is_found_anywhere_once_they_are_forgotten(floor: Floor, folder: Path) -> None:
    numbers = serve(floor)
    person = person_of(floor, numbers[0])
    (key,) = wrapped_keys(floor.room.database, [person])
    before = places(folder, CANARIES)
    # What a search must find, or its silence would mean nothing: mails, SMS and sheets lie there in clear.
    assert {path.split("/")[1] for path, _ in before} == {"mail", "sms", *LABELS}
    assert {word for _, word in before} >= {CANARIES[0], CANARIES[2], CANARIES[4]}
    prefect = Prefect()
    report = erase(floor.room, [Whose(person)], "Ada", prefect.forget)
    assert (report.people, report.still, report.left) == ([person], [], [])
    assert places(folder, CANARIES) == []
    assert set(prefect.forgotten) == set(numbers)
    if floor.room.database.is_sqlite:
        assert holding(folder, key) == []
    with floor.room.database.read() as connection:
        for holding_ in HOLDINGS:
            rows = connection.execute(select(holding_.table).where(holding_.rows(Whose(person)))).mappings().all()
            assert not (holding_.whole and rows)
            assert not any(row[name] for row in rows for name in holding_.sealed), holding_.table.name
        assert set(connection.execute(select(quarantine.c.state)).scalars()) == {"forgotten"}
        with pytest.raises(PersonErased):
            load(connection, floor.room.seals, [person])
    # What the shop counts is what it was.
    assert [floor.state(number)[0] for number in numbers] == ["fulfilled"] * 3 + ["cancelled"]
    assert floor.events(numbers[0])[-1] == "customer.forgotten"
    floor.check_sums()


@only_sqlite
def test_others_keep_what_is_theirs_and_their_labels_stay_on_the_sheet(floor: Floor, folder: Path) -> None:
    number = serve(floor)[0]
    name, street = "Brunhilde Eckersporn", "Lindwurmweg"
    sheets = sorted((floor.room.home / f"labels-{HUB}").glob("*.pdf"))
    erase(floor.room, [Whose(person_of(floor, number))], "Ada", Prefect().forget)
    assert {path.split("/")[1] for path, _ in places(folder, [name, street])} >= {f"labels-{HUB}"}
    assert sorted((floor.room.home / f"labels-{HUB}").glob("*.pdf")) == sheets
    (other,) = find(floor.room, "brunhilde@example.org")
    assert other.open == ()
    with floor.room.database.read() as connection:
        load(connection, floor.room.seals, [other.person_id])


def test_the_same_person_is_somebody_new_afterwards(floor: Floor) -> None:
    number = serve(floor)[0]
    person = person_of(floor, number)
    erase(floor.room, [Whose(person)], "Ada", Prefect().forget)
    with pytest.raises(NobodyFound):
        find(floor.room, CANARIES[2])
    again = floor.taken_in((PLAIN, 1))
    assert person_of(floor, again) != person
    assert [one.person_id for one in find(floor.room, CANARIES[3])] == [person_of(floor, again)]


def test_nobody_is_forgotten_while_an_order_is_open_and_it_is_named(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 1))
    floor.order((PLAIN, 1))
    person = person_of(floor, number)
    report = erase(floor.room, [Whose(person)], "Ada", Prefect().forget)
    assert report.people == []
    assert number in str(report.still[0])
    assert "message" in str(report.still[0])
    with pytest.raises(StillServed):
        floor.room.database.write(lambda c: forget(c, Whose(person)))
    assert everybody(floor) == [person]


def test_what_was_cut_off_is_done_later(floor: Floor, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    number = serve(floor)[0]
    person = person_of(floor, number)
    (key,) = wrapped_keys(floor.room.database, [person])

    class Killed(BaseException):
        pass

    def killed(*_: object) -> int:
        raise Killed

    for step in ("remove_files", "scrub"):
        monkeypatch.setattr(erasure, step, killed)
        with pytest.raises(Killed):
            erase(floor.room, [Whose(person)], "Ada", Prefect().forget)
        monkeypatch.undo()
        monkeypatch.setenv("BACKROOM_HOME", str(floor.room.home))
        with floor.room.database.read() as connection:
            assert len(erased.unfinished(connection)) == 1
    report = finish(floor.room, Prefect(away=True).forget)
    assert report.left == ["Prefect: it did not answer (ConnectionError)"]
    assert places(folder, CANARIES) == []
    if floor.room.database.is_sqlite:
        assert holding(folder, key) == []
    prefect = Prefect()
    assert finish(floor.room, prefect.forget).left == []
    assert number in prefect.forgotten
    assert len(journal.read(floor.room.home)) == 1
    assert finish(floor.room, prefect.forget).people == []


@only_sqlite
def test_a_draft_of_a_mail_that_a_crash_left_behind_goes_too(floor: Floor, folder: Path) -> None:
    number = serve(floor)[0]
    mail = floor.room.home / "mail"
    (one,) = mail.glob(f"message-{number}-*.eml")
    shutil.copy(one, mail / "tmp" / "0123456789abcdef")
    erase(floor.room, [Whose(person_of(floor, number))], "Ada", Prefect().forget)
    assert places(folder, CANARIES) == []


@only_sqlite
def test_a_backup_from_before_forgets_again_when_it_is_put_back(floor: Floor, folder: Path) -> None:
    """A copy that somebody made by hand, with keys inside (`test_backups` has ours, which have none): the database and
    the folders are put back, the journal is not."""
    numbers = serve(floor)
    person = person_of(floor, numbers[0])
    home, database = floor.room.home, floor.room.database
    path = Path(str(database.engine.url.database))
    backup = folder.parent / f"{folder.name}-backup"
    with sqlite3.connect(path) as source, sqlite3.connect(f"{backup}.db") as target:
        source.backup(target)
    shutil.copytree(home, backup)
    erase(floor.room, [Whose(person)], "Ada", Prefect().forget)
    # Somebody who came after the backup and was forgotten as well: their number is given to another person later.
    later = floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    erase(floor.room, [Whose(person_of(floor, later))], "Ada", Prefect().forget)
    database.close()

    for old in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        old.unlink(missing_ok=True)
    shutil.copy(f"{backup}.db", path)
    shutil.copytree(backup, home, dirs_exist_ok=True)
    put_back = reopen_floor(Database(f"sqlite:///{path}"), home)
    assert places(folder, CANARIES) != []
    (key,) = wrapped_keys(put_back.room.database, [person])
    assert holding(folder, key) != []

    report = replay(put_back.room)
    assert report.people == [person]
    assert places(folder, CANARIES) == []
    assert holding(folder, key) == []
    assert replay(put_back.room).people == []
    assert len(everybody(put_back)) == 1
    put_back.room.close()
    shutil.rmtree(backup)
    Path(f"{backup}.db").unlink()


def test_what_a_backup_shows_as_open_is_closed_when_it_forgets_again(floor: Floor) -> None:
    """In the backup their orders stand at every step; when they were forgotten all had ended."""
    new = floor.taken_in((PLAIN, 1))
    making = floor.taken_in((PLAIN, 1), at=BOOTH)
    floor.fulfil(BOOTH)
    held = floor.taken_in(("TEE-TYPO", 1))
    labelled = floor.taken_in((PLAIN, 2))
    with floor.room.database.read() as connection:
        before = connection.execute(text("SELECT count(*) FROM messages")).scalar_one()
    floor.room.database.write(
        lambda c: c.execute(
            text("UPDATE fulfilment_orders SET state = 'labelled' WHERE order_id = :id"),
            {"id": floor.story(labelled).order["id"]},
        )
    )
    floor.order((PLAIN, 1))
    person = person_of(floor, new)
    with floor.room.database.read() as connection:
        since = connection.execute(select(people.c.created_at).where(people.c.id == person)).scalar_one()
    journal.append(floor.room.home, [journal.Entry(person, since, "", since)])
    assert replay(floor.room).people == [person]
    assert [floor.state(number)[0] for number in (new, making, held, labelled)] == ["cancelled"] * 3 + ["fulfilled"]
    assert floor.state(labelled)[1] == ["done"]
    # Nothing of them holds a wave up, and nobody is written to.
    other = floor.taken_in((PLAIN, 1), **OTHER)
    floor.fulfil(HUB)
    assert floor.state(other)[0] == "fulfilled"
    with floor.room.database.read() as connection:
        assert set(connection.execute(select(inbox.c.state)).scalars()) == {"done"}
        told = connection.execute(text("SELECT count(*) FROM messages")).scalar_one()
    assert told - before == 2
    floor.check_sums()


@only_sqlite
def test_a_journal_that_was_lost_is_written_again_from_the_database(floor: Floor) -> None:
    number = serve(floor)[0]
    erase(floor.room, [Whose(person_of(floor, number))], "Ada", Prefect().forget)
    path = floor.room.home / journal.NAME
    told = path.read_text()
    path.unlink()
    replay(floor.room)
    assert path.read_text() == told
    assert not any(word in told for word in CANARIES)


@only_sqlite
def test_a_journal_whose_last_line_was_cut_off_is_read_and_goes_on(floor: Floor) -> None:
    home = floor.room.home
    with floor.room.database.read() as connection:
        at = now(connection)
    first, second = journal.Entry(1, at, "", at), journal.Entry(2, at, "web", at)
    journal.append(home, [first])
    with (home / journal.NAME).open("a") as file:
        file.write('{"person": 7, "sin')
    journal.append(home, [second])
    assert journal.read(home) == [first, second]


@pytest.fixture
def postgres_files(request: pytest.FixtureRequest, floor: Floor) -> Path:
    """The folder in which PostgreSQL keeps this database's tables."""
    if floor.room.database.is_sqlite:
        pytest.skip("of PostgreSQL")
    with floor.room.database.read() as connection:
        folder = Path(connection.execute(text("SHOW data_directory")).scalar_one())
        ours = text("SELECT oid FROM pg_database WHERE datname = current_database()")
        number = connection.execute(ours).scalar_one()
    return folder / "base" / str(number)


def test_the_destroyed_key_is_in_none_of_postgresqls_tables(floor: Floor, postgres_files: Path) -> None:
    number = serve(floor)[0]
    person = person_of(floor, number)
    (key,) = wrapped_keys(floor.room.database, [person])
    flush = floor.room.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    flush.execute(text("CHECKPOINT"))
    assert holding(postgres_files, key) != []
    erase(floor.room, [Whose(person)], "Ada", Prefect().forget)
    flush.execute(text("CHECKPOINT"))
    flush.close()
    assert holding(postgres_files, key) == []
    assert places(postgres_files, CANARIES) == []


def test_somebody_is_found_by_mail_phone_order_number_and_by_what_was_corrected(floor: Floor) -> None:
    number = floor.taken_in(("TEE-TYPO", 1))
    person = person_of(floor, number)
    for known_by in ("Zaphrodel.Q@example.org", "01511 2345678", number.lower(), str(person)):
        assert [one.person_id for one in find(floor.room, known_by)] == [person]
    floor.room.database.write(
        lambda c: amending.amend(c, floor.room.seals, number, "email", "quibbleton@example.net", "Ada")
    )
    with pytest.raises(NobodyFound) as nobody:
        find(floor.room, "quibbleton@example.net")
    assert "quibbleton" not in str(nobody.value)
    (found,) = find(floor.room, "quibbleton@example.net", everywhere=True)
    assert (found.person_id, found.open) == (person, (number,))


@only_sqlite
def test_late_news_of_a_forgotten_customers_order_are_told_to_nobody(floor: Floor) -> None:
    external_id = floor.order((PLAIN, 1))
    floor.intake()
    floor.fulfil(HUB)
    number = floor.number(external_id)
    erase(floor.room, [Whose(person_of(floor, number))], "Ada", Prefect().forget)
    floor.deliver(an_order(external_id, [(PLAIN, 1)], minute=30), "orders/fulfilled")
    floor.intake()
    assert floor.events(number)[-1] == "news.noted"
    assert floor.state(number)[0] == "fulfilled"


@only_sqlite
def test_an_erasure_is_noted_by_number_only(floor: Floor) -> None:
    number = serve(floor)[0]
    person = person_of(floor, number)
    erase(floor.room, [Whose(person)], "Ada", Prefect().forget)
    with floor.room.database.read() as connection:
        (row,) = connection.execute(select(erasures)).mappings().all()
    assert (row["person_id"], row["actor"], row["channel"]) == (person, "Ada", "")
    assert None not in (row["files_at"], row["scrubbed_at"], row["prefect_at"])


def test_dropped_files_of_somebody_go_with_them_and_others_stay(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    boutiques = ChannelSpec("boutiques", "csv", 5, "standard", folder="drop/boutiques")
    shop = replace(floor.room.shop, channels=(*floor.room.shop.channels, boutiques))
    floor.room = replace(floor.room, shop=shop)
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
    monkeypatch.setattr(dropping, "STILL_SECONDS", -1.0)
    header = "order_id,placed_at,sku,quantity,unit_price,total,currency,email,name,line1,postcode,city,country\n"
    row = f"{{}},2026-11-01,{PLAIN},1,29.00,29.00,EUR,{{}},{{}},{{}} 4,80331,München,DE\n"
    folder = DropFolder(floor.room.folder("drop/boutiques"), boutiques, "DE")
    folder.path.mkdir(parents=True)
    theirs = row.format("B-1", CANARIES[2], CANARIES[0], CANARIES[4])
    (folder.path / "theirs.csv").write_text(header + theirs)
    (folder.path / "refused.csv").write_text(header + theirs + row.format("B-2", "soon", "", "").replace("29.00", "x"))
    (folder.path / "others.csv").write_text(header + row.format("B-3", OTHER["email"], "Brunhilde", "Lindwurmweg"))

    def store(deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        room = floor.room
        return room.database.write(lambda c: [accept(c, room.seals, one, room.shop.hub) for one in deliveries])

    assert len(list(folder.take_all(store))) == 3
    assert {path.split("/")[-2] for path, _ in places(folder.path, CANARIES)} == {"done", "refused"}
    floor.intake()
    with floor.room.database.read() as connection:
        query = select(orders.c.person_id, orders.c.number).where(orders.c.external_id == "B-1")
        person, number = connection.execute(query).one()
    for location in (HUB, SOUTH):
        floor.fulfil(location)
    if floor.story(number).order["state"] not in desk.ENDED:
        floor.room.database.write(
            lambda c: cancelling.cancel(c, number, "Ada", desk.CANCELLED_BY_STAFF, keep_money=True)
        )
    report = erase(floor.room, [Whose(person)], "Ada", Prefect().forget)
    assert report.still == []
    assert places(folder.path, CANARIES) == []
    assert [path.name for path in (folder.path / "done").iterdir()] == ["others.csv"]
    assert list((folder.path / "refused").iterdir()) == []
