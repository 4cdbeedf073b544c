"""Asking for SMS on an event's page: a code, one consent, nothing told of any number, and no number bombed."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import httpx
import pytest
from prefect.logging import disable_run_logger
from sqlalchemy import Connection, func, select, update

from backroom.domain.events import EventState
from backroom.domain.opt_in import PER_ADDRESS, PER_NUMBER, wording
from backroom.eventpage.opting_in import FORM_WORDS, shown
from backroom.privacy.erasure import erase
from backroom.privacy.retention import remove_old
from backroom.store import opt_ins, opt_outs
from backroom.store.claims import Claim
from backroom.store.database import now
from backroom.store.messages import consents_of
from backroom.store.opt_outs import Proof
from backroom.store.personal import Whose
from backroom.store.tables import consents, effects, people, person_lookups
from backroom.store.tables import opt_ins as opt_ins_table
from tasks import opt_ins as sending
from tests.integration.gateway.conftest import Gateway
from tests.integration.gateway.test_event_page import PAGE, become, plan

PHONE = "+4915123456789"
SMS = f"{PAGE}sms"
SHOP = "Atelier Nord"


@pytest.fixture
def fair(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    plan(gateway)
    become(gateway, EventState.LIVE)
    monkeypatch.setattr(sending, "this_room", lambda: gateway.room)
    with disable_run_logger():
        yield gateway


def ask(gateway: Gateway, phone: str = PHONE, *, key: str = "", language: str = "en") -> httpx.Response:
    fields = {"phone": phone, "shown": shown(language, SHOP), "key": key or uuid.uuid4().hex}
    return gateway.client.post(SMS, data=fields, headers={"Accept": "application/json"})


def confirm(gateway: Gateway, key: str, code: str) -> httpx.Response:
    fields = {"key": key, "code": code, "language": "en"}
    return gateway.client.post(f"{SMS}/confirm", data=fields, headers={"Accept": "application/json"})


def claim(gateway: Gateway) -> Claim | None:
    return gateway.room.database.write(
        lambda c: opt_ins.claim_codes(c, hub="hub", instance="test", run_id="", most=100)
    )


def send(gateway: Gateway) -> int:
    claimed = claim(gateway)
    return sending.send_codes.fn(claimed) if claimed else 0


def sms(gateway: Gateway) -> list[str]:
    folder = gateway.room.folder("sms")
    return sorted((path.read_text("utf-8") for path in folder.glob("*.txt")), key=len) if folder.is_dir() else []


def code_in(text: str) -> str:
    return re.findall(r"\b\d{6}\b", text)[-1]


def stated(gateway: Gateway) -> list[tuple[bool, str, str]]:
    with gateway.room.database.read() as connection:
        rows = connection.execute(select(consents).where(consents.c.medium == "sms").order_by(consents.c.id))
        return [(row.granted, row.source, row.wording) for row in rows if row.purpose == "order_updates"]


def rows(gateway: Gateway) -> int:
    with gateway.room.database.read() as connection:
        return connection.execute(select(func.count()).select_from(opt_ins_table)).scalar_one()


def age(gateway: Gateway, by: timedelta) -> None:
    with gateway.room.database.read() as connection:
        at = now(connection)
    gateway.room.database.write(lambda c: c.execute(update(opt_ins_table).values(asked_at=at - by)))


def test_a_number_is_agreed_to_by_its_code_once_in_the_words_that_were_shown(fair: Gateway) -> None:
    told = ask(fair).json()
    assert told["outcome"] == "asked"
    assert ("messages", "hub") in {(stage, location) for stage, location, _ in fair.waker.told}
    assert send(fair) == 1
    assert send(fair) == 0
    [text] = sms(fair)
    assert stated(fair) == []
    for _ in range(2):
        assert confirm(fair, told["key"], code_in(text)).json()["outcome"] == "done"
    assert stated(fair) == [(True, "event.page", wording("en", SHOP))]


def test_the_same_wish_again_is_one_wish(fair: Gateway) -> None:
    key = uuid.uuid4().hex
    answers = {ask(fair, key=key).text for _ in range(3)}
    assert len(answers) == 1
    assert rows(fair) == 1
    assert send(fair) == 1
    # And a second wish of somebody who has agreed already states nothing new.
    again = ask(fair).json()["key"]
    send(fair)
    for wish, text in ((key, sms(fair)[0]), (again, sms(fair)[1]), (key, sms(fair)[1]), (again, sms(fair)[0])):
        confirm(fair, wish, code_in(text))
    assert len(stated(fair)) == 1


def test_a_wrong_code_is_refused_and_after_a_few_the_right_one_as_well(fair: Gateway) -> None:
    key = ask(fair).json()["key"]
    send(fair)
    right = code_in(sms(fair)[0])
    wrong = f"{(int(right) + 1) % 10**6:06}"
    for _ in range(5):
        assert confirm(fair, key, wrong).status_code == 403
    assert confirm(fair, key, right).json()["outcome"] == "wrong_code"
    assert stated(fair) == []


def test_a_code_ends_after_an_hour(fair: Gateway) -> None:
    key = ask(fair).json()["key"]
    send(fair)
    age(fair, timedelta(minutes=61))
    assert confirm(fair, key, code_in(sms(fair)[0])).status_code == 403


def test_a_code_that_could_not_go_in_its_time_goes_no_more(fair: Gateway) -> None:
    ask(fair)
    age(fair, timedelta(minutes=61))
    assert claim(fair) is None


def test_a_code_of_another_wish_or_event_is_none(fair: Gateway) -> None:
    first, second = ask(fair).json()["key"], ask(fair, "+4915198765432").json()["key"]
    send(fair)
    with fair.room.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(effects)).scalar_one() == 2
    codes = {code_in(text) for text in sms(fair)}
    answers = [confirm(fair, key, code).status_code for key in (first, second) for code in codes]
    assert sorted(answers) == [200, 200, 403, 403] or len(codes) == 1
    assert confirm(fair, uuid.uuid4().hex, codes.pop()).status_code == 403
    assert confirm(fair, "'; drop", "123456").status_code == 403


def test_a_number_gets_few_codes_a_day_and_whoever_asks_does_not_learn_it(fair: Gateway) -> None:
    answers = []
    for _ in range(PER_NUMBER.most + 2):
        told = ask(fair)
        answers.append((told.status_code, told.json()["outcome"], told.json()["said"], len(told.json()["key"])))
    assert len(set(answers)) == 1
    assert rows(fair) == PER_NUMBER.most
    assert send(fair) == PER_NUMBER.most


def test_from_one_address_there_are_so_many_an_hour(fair: Gateway) -> None:
    for number in range(PER_ADDRESS.most):
        assert ask(fair, f"+49151234567{number:02}").status_code == 202
    refused = ask(fair, "+4915123456799")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3600")
    age(fair, timedelta(minutes=61))
    assert ask(fair, "+4915123456799").status_code == 202


def test_who_said_stop_gets_no_code_and_stop_ends_what_was_agreed_to(fair: Gateway) -> None:
    key = ask(fair).json()["key"]
    send(fair)
    confirm(fair, key, code_in(sms(fair)[0]))

    def stop(connection: Connection) -> None:
        proof = Proof("kannel", "r-1", "STOP")
        opt_outs.stop(connection, fair.room.seals, "sms", PHONE, proof, now(connection))

    waiting = ask(fair).json()["key"]
    fair.room.database.write(stop)
    assert [granted for granted, *_ in stated(fair)] == [True, False]
    # Not the one that was asked for before, nor any other; and nobody learns why.
    assert send(fair) == 0
    assert ask(fair).json()["outcome"] == "asked"
    assert send(fair) == 0
    assert len(sms(fair)) == 1
    assert confirm(fair, waiting, "000000").status_code == 403


def test_what_is_no_number_is_refused_and_old_words_are_not_agreed_to(fair: Gateway) -> None:
    assert ask(fair, "call me").json()["outcome"] == "no_number"
    old = fair.client.post(SMS, data={"phone": PHONE, "shown": "0123456789abcdef"}, headers={"Accept": "text/html"})
    assert old.status_code == 409
    assert rows(fair) == 0


def test_without_scripts_pages_lead_from_number_to_code(fair: Gateway) -> None:
    page = fair.client.get(PAGE).text
    assert wording("en", SHOP) in unescape(page)
    assert 'action="sms"' in page
    asked = fair.client.post(SMS, data={"phone": "0151 23456789", "shown": shown("en", SHOP)})
    assert asked.headers["Content-Type"].startswith("text/html")
    assert asked.headers["Cache-Control"] == "no-store"
    key = re.search(r'name="key" value="([0-9a-f]{32})"', asked.text)
    assert key
    send(fair)
    done = fair.client.post(f"{SMS}/confirm", data={"key": key[1], "code": code_in(sms(fair)[0]), "language": "de"})
    assert FORM_WORDS["de"].done in unescape(done.text)
    assert len(stated(fair)) == 1


def test_a_page_at_a_cdn_may_ask_and_an_event_that_is_over_has_no_form(fair: Gateway) -> None:
    assert ask(fair).headers["Access-Control-Allow-Origin"] == "*"
    become(fair, EventState.SETTLED)
    assert ask(fair).status_code == 404
    assert 'name="phone"' not in fair.client.get(PAGE).text


def test_the_number_is_sealed_until_its_code_went_and_then_gone(fair: Gateway) -> None:
    key = ask(fair).json()["key"]

    def kept() -> tuple[bytes, str]:
        with fair.room.database.read() as connection:
            row = connection.execute(select(opt_ins_table).where(opt_ins_table.c.key == key)).one()
            assert PHONE not in str(row)
            return row.content, row.state

    content, state = kept()
    assert (bool(content), state) == (True, "asked")
    assert PHONE.encode() not in content
    send(fair)
    assert kept() == (b"", "sent")


def test_a_number_that_was_never_confirmed_is_forgotten_by_the_next_night(fair: Gateway) -> None:
    ask(fair)
    kept = ask(fair, "+4915198765432").json()["key"]
    send(fair)
    [code] = [code_in(text) for text in sms(fair) if "98765432" in text] or [""]
    if not code:
        with fair.room.database.read() as connection:
            id_ = connection.execute(select(opt_ins_table.c.id).where(opt_ins_table.c.key == kept)).scalar_one()
        code = code_in(next(p.read_text() for p in fair.room.folder("sms").glob(f"*opt-in-code-{id_}*")))
    assert confirm(fair, kept, code).status_code == 200
    assert not any(one.count for one in remove_old(fair.room, lambda numbers: None))
    assert rows(fair) == 2
    age(fair, timedelta(hours=25))
    removed = {one.kind: one.count for one in remove_old(fair.room, lambda numbers: None) if one.count}
    assert removed == {"opt-ins": 2, "unconfirmed numbers": 1}
    with fair.room.database.read() as connection:
        known = connection.execute(select(person_lookups.c.person_id)).scalars().all()
        alive = connection.execute(select(people.c.id).where(people.c.wrapped_key.is_not(None))).scalars().all()
        addresses = connection.execute(select(opt_ins_table.c.address).distinct()).scalars().all()
    assert known == alive
    assert len(alive) == 1
    assert addresses == [""]
    assert len(sms(fair)) == 1


def test_who_is_forgotten_takes_their_wishes_and_their_sms_along(fair: Gateway) -> None:
    ask(fair)
    key = ask(fair).json()["key"]
    send(fair)
    ask(fair)
    with fair.room.database.read() as connection:
        [person] = connection.execute(select(people.c.id)).scalars()
        assert consents_of(connection, [person])[person] == []
    erase(fair.room, [Whose(person)], "Ada", lambda numbers: None)
    assert sms(fair) == []
    assert send(fair) == 0
    assert confirm(fair, key, "000000").status_code == 403
    with fair.room.database.read() as connection:
        left = connection.execute(select(opt_ins_table.c.number, opt_ins_table.c.content, opt_ins_table.c.state))
        assert {tuple(row) for row in left} == {("", b"", "refused")}
