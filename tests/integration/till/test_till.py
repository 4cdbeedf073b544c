"""The booth's own till: it sells without network, keeps nothing that can be read, and each sale counts once."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from prefect.logging import disable_run_logger
from sqlalchemy import select
from starlette.testclient import TestClient

from backroom.domain.opt_in import wording
from backroom.shop.room import MASTER_KEY_BEFORE
from backroom.shop.secrets import Secrets
from backroom.store import booth_devices, opt_ins
from backroom.store.api_keys import make_key
from backroom.store.catalogue import save_variants
from backroom.store.database import now
from backroom.store.quarantined import open_quarantine
from backroom.store.seals import MasterKey, new_master_key, read_master_key
from backroom.store.tables import consents, inbox
from backroom.store.till_numbers import gaps, hear
from backroom.till import telling
from backroom.till.form import CONSENT
from backroom.till.sales_box import SalesBox, TillRunsAlready
from backroom.till.sealed_sale import open_sale, public_of
from backroom.till.serve import create_till
from backroom.till.telling import Telling
from tasks import opt_ins as sending
from tests.children import killed_at_flush
from tests.integration.gateway.conftest import SKU, VARIANT, Gateway, gateway, room
from tests.integration.gateway.test_event_page import plan
from tests.lines import Line
from tests.printers import wait_for
from tests.sqlite_only import database_url

__all__ = ["database_url", "gateway", "room"]

CANARY = "zaphrodel.q@example.org"


@pytest.fixture
def line(gateway: Gateway) -> Iterator[Line]:
    gateway.room.database.write(lambda c: save_variants(c, [VARIANT]))
    with Line(urlsplit(gateway.url).port or 0) as line:
        yield line


class Till:
    """A till on a booth's machine, without its thread: the test says when it looks for the shop."""

    def __init__(self, gateway: Gateway, line: Line, folder: Path, key: str = "") -> None:
        self.folder = folder
        self.box = SalesBox(folder)
        key = key or gateway.room.database.write(lambda c: make_key(c, "till", "pos", "booth-a"))
        self.telling = Telling(gateway=line.url, key=key, box=self.box, folder=folder)
        self.client = TestClient(create_till(self.box, self.telling), follow_redirects=True)

    def page(self) -> str:
        return self.client.get("/").text

    def form(self) -> dict[str, str]:
        """What a fresh page's form brings by itself."""
        selling = self.page().split('action="/sell"')[1]
        return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', selling))

    def sell(self, count: int = 1, **more: str) -> str:
        return self.client.post("/sell", data=self.form() | {f"n:{SKU}": str(count), "way": "rack"} | more).text


PHONE, NATIONAL, ODD = "+4915123456789", "0151 23456789", "151 2345"


def wish(till: Till, **form: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', till.page())
    assert found
    return till.client.post("/wish", data={"token": found[1]} | form).text


def send_codes(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Send what waits; every code that went so far."""
    monkeypatch.setattr(sending, "this_room", lambda: gateway.room)
    claim = gateway.room.database.write(lambda c: opt_ins.claim_codes(c, hub="hub", instance="t", run_id="", most=9))
    with disable_run_logger():
        assert claim is None or sending.send_codes.fn(claim)
    texts = (path.read_text("utf-8") for path in gateway.room.folder("sms").glob("*.txt"))
    return [re.findall(r"\b\d{6}\b", text)[-1] for text in texts]


def agreed(gateway: Gateway) -> list[tuple[str, str]]:
    with gateway.room.database.read() as connection:
        rows = connection.execute(select(consents).where(consents.c.granted))
        return [(row.source, row.wording) for row in rows]


@pytest.fixture
def fair(gateway: Gateway) -> Gateway:
    """An event at the till's booth."""
    plan(gateway)
    return gateway


@pytest.fixture
def till(gateway: Gateway, line: Line, tmp_path: Path) -> Iterator[Till]:
    till = Till(gateway, line, tmp_path / "till")
    till.telling.look()
    yield till
    till.box.close()


def in_the_shops_place(monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    """Something else answers, well and with these words."""
    answer = requests.Response()
    answer.status_code, answer._content = 200, said
    monkeypatch.setattr(requests.Session, "request", lambda *_, **__: answer)


@contextmanager
def running(till: Till) -> Iterator[None]:
    """While the till's own thread looks for the shop."""
    over = threading.Event()
    teller = threading.Thread(target=till.telling.run, args=(over,), daemon=True)
    teller.start()
    try:
        yield
        assert teller.is_alive()
    finally:
        over.set()
        teller.join(20)


def heard(gateway: Gateway) -> list[str]:
    with gateway.room.database.read() as connection:
        return sorted(connection.execute(select(inbox.c.delivery_key)).scalars())


def test_it_sells_without_network_and_each_sale_is_told_once_when_the_line_is_back(
    gateway: Gateway, line: Line, till: Till
) -> None:
    line.cut(silent=False)
    assert "Sold: number 1." in till.sell()
    till.sell(2, way="print")
    till.telling.look()
    page = till.page()
    assert "No line to the shop" in page
    assert "Waiting: 2." in page
    assert heard(gateway) == []
    line.mend()
    till.telling.look()
    till.telling.look()
    assert heard(gateway) == [f"{till.box.device}:1", f"{till.box.device}:2"]
    assert "Waiting: 0." in till.page()


def test_an_answer_that_was_lost_is_asked_for_again_and_nothing_counts_twice(
    gateway: Gateway, line: Line, till: Till
) -> None:
    till.sell()
    kept = {path.name: path.read_bytes() for path in till.folder.glob("*.sale")}
    till.telling.look()
    for name, raw in kept.items():
        (till.folder / name).write_bytes(raw)
    till.telling.look()
    assert heard(gateway) == [f"{till.box.device}:1"]
    assert till.box.waiting() == []


def test_nobody_reads_on_its_disk_what_was_sold_to_whom(fair: Gateway, line: Line, till: Till) -> None:
    line.cut(silent=False)
    till.sell(1, email=CANARY, consent="yes", phone=PHONE)
    assert {path.suffix for path in till.folder.iterdir()} >= {".sale", ".wish"}
    for path in till.folder.iterdir():
        raw = path.read_bytes()
        opened = base64.b64decode(raw) if path.suffix in (".sale", ".wish") else raw
        assert CANARY.encode() not in raw + opened, path
        assert PHONE.encode() not in raw + opened, path
        if path.name not in ("catalogue.json", "stock.json"):
            assert SKU.encode() not in raw + opened, path


def test_what_is_sold_to_somebody_arrives_as_it_was_said(gateway: Gateway, till: Till) -> None:
    till.sell(1, email=CANARY, consent="yes")
    till.telling.look()
    assert heard(gateway) == [f"{till.box.device}:1"]
    with gateway.room.database.read() as connection:
        assert open_quarantine(connection) == []


def sold(gateway: Gateway, till: Till) -> dict[str, Any]:
    """What the one sale says that waits at the till, as the shop reads it."""
    [kept] = till.box.waiting()
    return open_sale(gateway.room.seals.till_secrets(), till.box.device, kept.seq, kept.sealed)


def test_a_number_given_with_a_sale_is_agreed_to_by_its_code_alone_and_told_once_after_no_network(
    fair: Gateway, line: Line, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.cut(silent=False)
    form = till.form() | {f"n:{SKU}": "1", "way": "print", "phone": NATIONAL, "email": CANARY, "consent": "yes"}
    answers = [till.client.post("/sell", data=form).text for _ in range(2)]
    assert all("Sold: number 1." in answer and "their code" in answer for answer in answers)
    assert len(till.box.wishes.waiting()) == 1, "two taps are one wish"
    assert (sold(fair, till)["phone"], sold(fair, till)["email"]) == (PHONE, CANARY)
    assert sold(fair, till)["consents"] == [
        {"medium": "email", "purpose": "order_updates", "granted": True, "wording": CONSENT}
    ]
    line.mend()
    kept = {path: path.read_bytes() for path in till.folder.glob("*.wish")}
    till.telling.look()
    for path, raw in kept.items():
        path.write_bytes(raw)
    till.telling.look()
    assert till.box.wishes.waiting() == []
    assert agreed(fair) == []
    [code] = send_codes(fair, monkeypatch)
    wish(till, phone=PHONE, code=code)
    till.telling.look()
    with fair.room.database.read() as connection:
        [row] = connection.execute(select(consents)).mappings()
        [buyer] = connection.execute(select(inbox.c.person_id)).scalars()
        since = (now(connection) - row["at"]).total_seconds()
    assert row["person_id"] == buyer, "who bought is who is told"
    assert (row["medium"], row["purpose"], row["granted"]) == ("sms", "order_updates", True)
    assert (row["source"], row["wording"]) == (opt_ins.TILL, wording("en", "Atelier Nord"))
    assert 0 <= since < 60


@pytest.mark.parametrize("language", ["en", "de"])
def test_beside_the_number_of_a_sale_stand_the_words_in_the_shops_language_and_the_box_is_for_mail_alone(
    fair: Gateway, till: Till, language: str
) -> None:
    owner = replace(fair.room.shop.owner, language=language)
    object.__setattr__(fair.room, "shop", replace(fair.room.shop, owner=owner))
    (till.folder / "catalogue.json").unlink()
    till.telling.look()
    selling = till.page().split('action="/sell"')[1].split("</form>")[0]
    assert f'<blockquote lang="{language}">{wording(language, owner.name)}</blockquote>' in selling
    mail, sms = selling.split("<blockquote")
    assert 'name="email"' in mail
    assert CONSENT in mail
    assert 'name="phone"' in sms
    assert 'type="checkbox"' not in sms


def test_without_an_event_or_with_no_number_nothing_is_sold_and_nobody_is_asked_for_one(
    gateway: Gateway, till: Till
) -> None:
    assert 'name="phone"' not in till.page()
    form = {f"n:{SKU}": "1", "phone": PHONE}
    answer = till.client.post("/sell", data=till.form() | form)
    assert (answer.status_code, "sends no SMS" in answer.text) == (400, True)
    plan(gateway)
    (till.folder / "catalogue.json").unlink()
    till.telling.look()
    for path, data in (("/sell", till.form() | form), ("/wish", till.form())):
        answer = till.client.post(path, data=data | {"phone": ODD})
        assert (answer.status_code, "no phone number" in answer.text) == (400, True)
    assert (till.box.waiting(), till.box.wishes.waiting()) == ([], [])


def test_a_disk_that_takes_no_sale_asks_for_no_second_code_when_the_button_is_pressed_again(
    fair: Gateway, line: Line, till: Till
) -> None:
    line.cut(silent=False)
    form = till.form() | {f"n:{SKU}": "1", "phone": PHONE}
    in_the_way = till.folder / "000000001.sale.new"
    in_the_way.mkdir()
    assert "NOT KEPT" in till.client.post("/sell", data=form).text
    in_the_way.rmdir()
    assert "Sold: number 1." in till.client.post("/sell", data=form).text
    assert len(till.box.wishes.waiting()) == 1


def test_a_number_never_comes_again_after_a_restart_and_a_second_process_is_refused(
    gateway: Gateway, line: Line, till: Till
) -> None:
    till.sell()
    till.sell()
    till.telling.look()
    with pytest.raises(TillRunsAlready):
        SalesBox(till.folder)
    till.box.close()
    again = Till(gateway, line, till.folder)
    assert again.box.device == till.box.device
    again.telling.look()
    assert "Sold: number 3." in again.sell()
    again.box.close()
    till.box = SalesBox(till.folder)


def test_a_form_of_another_page_sells_nothing(till: Till) -> None:
    answer = till.client.post("/sell", data={"token": "guessed", f"n:{SKU}": "1", "way": "rack"})
    assert answer.status_code == 403
    known = till.form()
    for missing in known:
        left = {name: value for name, value in known.items() if name != missing}
        assert till.client.post("/sell", data=left | {f"n:{SKU}": "1"}).status_code == 403
    for form in ({}, {f"n:{SKU}": "-1"}, {f"n:{SKU}": "99"}, {f"n:{SKU}": "1", "way": "stolen"}, {"n:OTHER": "1"}):
        assert till.client.post("/sell", data=till.form() | form).status_code == 400
    assert till.client.post("/again", data={"token": "guessed"}).status_code == 403
    assert till.box.waiting() == []


def test_a_sale_of_another_tills_number_is_refused_and_the_till_says_so(
    gateway: Gateway, line: Line, till: Till
) -> None:
    line.cut(silent=False)
    till.sell()
    till.sell()
    first, second = sorted(till.folder.glob("*.sale"))
    first.write_bytes(second.read_bytes())
    line.mend()
    till.telling.look()
    assert heard(gateway) == [f"{till.box.device}:2"]
    assert "could not open sales 1" in till.page()
    assert till.box.aside() == [1]


def test_two_taps_are_one_sale_and_what_a_sold_form_says_later_is_told_and_not_lost(line: Line, till: Till) -> None:
    line.cut(silent=False)
    form = till.form() | {f"n:{SKU}": "1", "way": "rack"}
    answers = [till.client.post("/sell", data=form) for _ in range(3)]
    assert all("Sold: number 1." in answer.text for answer in answers)
    assert ["came twice" in answer.text for answer in answers] == [False, True, True]
    assert [one.seq for one in till.box.waiting()] == [1]
    other = till.client.post("/sell", data=form | {f"n:{SKU}": "2"})
    assert other.status_code == 409
    assert "NOT SOLD: this form was sold already, as number 1" in other.text
    assert "Sold: number 2." in till.sell()


def test_a_sale_that_no_key_of_the_shop_opens_stays_at_the_till_until_the_key_is_back(
    gateway: Gateway, line: Line, till: Till
) -> None:
    former = new_master_key()
    public = public_of(MasterKey(read_master_key(former)).till_secret)
    path = till.folder / "catalogue.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sealing_key": public}))
    line.cut(silent=False)
    till.sell()
    till.sell()
    line.mend()
    till.telling.look()
    assert (till.box.waiting(), till.box.aside(), till.box.refusals()) == ([], [1, 2], {})
    page = till.page()
    assert "could not open sales 1, 2" in page
    assert "quarantine" not in page
    till.telling.look()  # asks which key the shop has now
    till.box.close()
    again = Till(gateway, line, till.folder)
    assert "Sold: number 3." in again.sell()
    again.telling.look()
    assert heard(gateway) == [f"{again.box.device}:3"]
    secrets = Secrets.read(gateway.room.home / "secrets.toml")
    secrets.add({MASTER_KEY_BEFORE: former})
    assert "could not open" not in again.client.post("/again", data=again.form()).text
    again.telling.look()
    assert heard(gateway) == [f"{again.box.device}:{seq}" for seq in (1, 2, 3)]
    assert (again.box.waiting(), again.box.aside()) == ([], [])
    again.box.close()
    till.box = SalesBox(till.folder)


def test_a_wish_that_no_key_of_the_shop_opens_stays_at_the_till_until_the_key_is_back(
    fair: Gateway, line: Line, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = new_master_key()
    public = public_of(MasterKey(read_master_key(former)).till_secret)
    path = till.folder / "catalogue.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sealing_key": public}))
    assert "Kept" in wish(till, phone=PHONE)
    till.telling.look()
    assert (till.box.wishes.waiting(), till.box.wishes.aside()) == ([], 1)
    assert "could not open 1 wish for SMS" in till.page()
    assert till.box.aside() == []
    till.box.close()
    again = Till(fair, line, till.folder)
    again.telling.look()  # asks which key the shop has now, and leaves what is aside
    assert again.box.wishes.aside() == 1
    assert send_codes(fair, monkeypatch) == []
    Secrets.read(fair.room.home / "secrets.toml").add({MASTER_KEY_BEFORE: former})
    assert "could not open" not in again.client.post("/again", data=again.form()).text
    again.telling.look()
    assert (again.box.wishes.waiting(), again.box.wishes.aside()) == ([], 0)
    [code] = send_codes(fair, monkeypatch)
    wish(again, phone=PHONE, code=code)
    again.telling.look()
    assert [source for source, _ in agreed(fair)] == [opt_ins.TILL]
    again.box.close()
    till.box = SalesBox(till.folder)


def test_a_disk_that_takes_nothing_is_said_and_the_teller_goes_on_when_there_is_room(
    gateway: Gateway, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "LOOK_SECONDS", 0.02)
    till.sell()
    # No name of this kind can be written any more.
    in_the_way = till.folder / "000000001.told"
    in_the_way.mkdir()
    with running(till):
        wait_for(lambda: till.telling.standing.disk_full)
        assert "disk takes nothing" in till.page()
        assert "hears every sale" not in till.page()
        in_the_way.rmdir()
        wait_for(lambda: till.box.waiting() == [])
        wait_for(lambda: till.telling.standing.answered)
    assert heard(gateway) == [f"{till.box.device}:1"]


def test_the_teller_survives_whatever_answers_in_the_shops_place(
    gateway: Gateway, till: Till, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(telling, "LOOK_SECONDS", 0.02)
    till.sell(1, email=CANARY)
    with monkeypatch.context() as brief:
        in_the_shops_place(brief, b"[" * 200_000)
        with running(till):
            wait_for(lambda: "could not look for the shop" in caplog.text)
            assert "No line to the shop" in till.page()
            assert CANARY not in caplog.text
            brief.undo()
            wait_for(lambda: till.box.waiting() == [])
            wait_for(lambda: "hears every sale" in till.page())
    assert heard(gateway) == [f"{till.box.device}:1"]


@pytest.mark.parametrize("left", [b"", b"\0" * 30, b"[]", b"[1]"])
def test_a_price_list_that_a_power_cut_broke_is_asked_for_anew(line: Line, till: Till, left: bytes) -> None:
    (till.folder / "catalogue.json").write_bytes(left)
    assert "The shop was never reached" in till.page()
    till.telling.look()
    assert "Sold: number 1." in till.sell()


def test_answers_about_other_sales_than_ours_are_no_answer(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    till.sell()
    in_the_shops_place(monkeypatch, b'{"sales": [{"seq": 99, "result": "accepted"}], "missing": []}')
    till.telling.look()
    assert [one.seq for one in till.box.waiting()] == [1]
    assert "No line to the shop" in till.page()


def test_a_gap_is_noticed_and_named(gateway: Gateway, line: Line, till: Till) -> None:
    line.cut(silent=False)
    for _ in range(4):
        till.sell()
    lost = sorted(till.folder.glob("*.sale"))[1:3]
    for path in lost:
        path.unlink()
    line.mend()
    till.telling.look()
    assert "lacks sales of this till: 2, 3" in till.page()
    with gateway.room.database.read() as connection:
        assert gaps(connection) == [{"till": till.box.device, "location": "booth-a", "missing": [2, 3]}]
    gateway.room.database.write(lambda c: hear(c, till.box.device, "booth-a", [3, 2]))
    with gateway.room.database.read() as connection:
        assert gaps(connection) == []


def test_a_revoked_key_is_said_and_what_is_sold_is_kept(gateway: Gateway, line: Line, till: Till) -> None:
    gateway.room.database.write(lambda c: booth_devices.revoke(c, "booth-a"))
    till.sell()
    till.telling.look()
    assert "does not take this till" in till.page()
    assert len(till.box.waiting()) == 1


def test_the_page_of_a_markets_network_is_not_the_shop(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    in_the_shops_place(monkeypatch, b"<html>Log in to MarketNet</html>")
    till.sell()
    till.telling.look()
    assert len(till.box.waiting()) == 1
    assert "No line to the shop" in till.page()


def sell_twice(folder: Path, public: str, count: int) -> None:
    """What the customer was told is noted beside the folder."""
    box = SalesBox(folder)
    for _ in range(2):
        seq = box.add(public, {"total": "1.00"})
        (folder.parent / f"answered-{count}-{seq}").touch()


def test_killed_at_any_flush_a_sale_is_there_whole_or_was_never_sold(tmp_path: Path) -> None:
    public = "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWZnaGk="
    for count in range(1, 9):
        folder = tmp_path / str(count)
        SalesBox(folder).close()
        killed_at_flush(count, sell_twice, folder, public, count)
        box = SalesBox(folder)
        kept = {one.seq for one in box.waiting()}
        answered = {int(path.name.rsplit("-", 1)[1]) for path in tmp_path.glob(f"answered-{count}-*")}
        assert answered <= kept, "what the customer was told is there"
        assert box.add(public, {"total": "1.00"}) == max(kept, default=0) + 1
        box.close()
