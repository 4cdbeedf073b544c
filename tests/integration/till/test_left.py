"""What the online shop sells, a booth's till knows within seconds; without network it says how old its figure is."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import requests
from starlette.testclient import TestClient

from backroom.domain.channels import ChannelSpec
from backroom.domain.leases import Loan
from backroom.gateway.serve import server
from backroom.shop.secrets import Secrets
from backroom.store import event_desk, leases, stock
from backroom.store.api_keys import make_key
from backroom.store.database import now
from backroom.till.sales_box import SalesBox
from backroom.till.serve import create_till
from backroom.till.telling import LOOK_SECONDS, Telling
from tests.integration.store.test_leases import plan
from tests.lines import Line
from tests.printers import wait_for
from tests.shops import BOOTH, GTIN_TEE, HUB, PLAIN, SCARCE, Floor

# What is beside the store: its reads are the same on both databases, and shown on both once.
only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
# The till looks every three seconds; what is left is room for a busy machine.
SECONDS = LOOK_SECONDS + 7


class Stall:
    """The floor's booth with a gateway that listens, a line to it, and a till."""

    def __init__(self, floor: Floor, url: str, line: Line, folder: Path) -> None:
        self.floor, self.url, self.line, self.folder = floor, url, line, folder
        self.key = floor.room.database.write(lambda c: make_key(c, "till", "pos", BOOTH))
        self.box = SalesBox(folder)
        self.telling = Telling(gateway=line.url, key=self.key, box=self.box, folder=folder)
        self.client = TestClient(create_till(self.box, self.telling), follow_redirects=True)

    def shown(self, sku: str) -> str:
        """The words beside a piece on a freshly loaded page."""
        found = re.search(rf'<output data-sku="{sku}">([^<]*)<', self.client.get("/").text)
        return found[1] if found else ""

    def form(self, sku: str, count: int = 1, way: str = "rack") -> dict[str, str]:
        selling = self.client.get("/").text.split('action="/sell"')[1]
        return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', selling)) | {
            f"n:{sku}": str(count),
            "way": way,
        }

    def ask(self, **headers: str) -> httpx.Response:
        return httpx.get(f"{self.url}/pos/stock", headers={"Authorization": f"Bearer {self.key}"} | headers, timeout=30)

    @contextmanager
    def looking(self) -> Iterator[None]:
        """While the till's own thread looks for the shop."""
        over = threading.Event()
        teller = threading.Thread(target=self.telling.run, args=(over,), daemon=True)
        teller.start()
        try:
            yield
        finally:
            over.set()
            teller.join(20)


@pytest.fixture
def stall(floor: Floor, tmp_path: Path) -> Iterator[Stall]:
    """A live fair with a shared last piece, kept ones, and none of a third; web orders may be made at the booth."""
    shop = floor.room.shop
    till = ChannelSpec("till", "pos", 1, "standard", location=BOOTH)
    anywhere = replace(shop.rules[2], where=(replace(shop.rules[2].where[0], value="booth"),))
    object.__setattr__(floor.room, "shop", replace(shop, rules=(anywhere,), channels=(*shop.channels, till)))
    object.__setattr__(floor.room, "secrets", Secrets(tmp_path / "secrets.toml", {"webhook.web": "hush"}))
    plan(floor)
    floor.room.database.write(lambda c: event_desk.open_event(c, "fair", HUB, "Ada"))
    loans = [Loan(SCARCE, HUB, 1, shared=True), Loan(PLAIN, HUB, 3)]
    floor.room.database.write(lambda c: leases.lend(c, "fair", loans, key="first", actor="Ada"))
    running = server(floor.room, floor.waker, port=0)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    wait_for(lambda: running.started)
    url = f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
    with Line(urlsplit(url).port or 0) as line:
        stall = Stall(floor, url, line, tmp_path / "till")
        yield stall
        stall.box.close()
    running.should_exit = True
    thread.join(20)


def test_a_web_order_takes_the_last_shared_piece_and_the_till_shows_none_left_within_seconds(stall: Stall) -> None:
    with stall.looking():
        wait_for(lambda: stall.shown(SCARCE) == "1 left, printed here")
        number = stall.floor.taken_in((SCARCE, 1))
        began = time.monotonic()
        wait_for(lambda: stall.shown(SCARCE) == "0 left, printed here", deadline_s=SECONDS)
        took = time.monotonic() - began
    assert [part["location"] for part in stall.floor.story(number).parts] == [BOOTH]
    print(f"web order reserved → till shows 0: {took:.2f} s")


def test_none_left_is_asked_about_and_never_forbidden_and_the_piece_in_the_hand_wins(stall: Stall) -> None:
    web = stall.floor.taken_in((SCARCE, 1))
    stall.telling.look()
    form = stall.form(SCARCE)
    asked = stall.client.post("/sell", data=form)
    assert asked.status_code == 409
    assert "0 left" in asked.text
    assert stall.box.waiting() == []
    again = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]+)"', asked.text))
    answers = [stall.client.post("/sell", data=again).text for _ in range(2)]
    assert all("Sold: number 1." in answer for answer in answers)
    assert "Sold: number 1." in stall.client.post("/sell", data=form).text, "a late tap is no second sale"
    assert len(stall.box.waiting()) == 1
    stall.telling.look()
    stall.floor.intake()
    assert "order.rerouted" in stall.floor.events(web)
    # It is printed now; one that nothing can make is held (`tests/integration/store/test_carried_out.py`).
    assert stall.floor.state(web)[0] == "released"
    stall.floor.check_sums()


@only_sqlite
def test_a_customer_who_waits_for_a_print_is_not_asked_about_the_rack(stall: Stall) -> None:
    stall.floor.taken_in((SCARCE, 1))
    stall.telling.look()
    assert "Sold: number 1." in stall.client.post("/sell", data=stall.form(SCARCE, way="print")).text


@only_sqlite
@pytest.mark.parametrize("way", ["print", "collect"])
def test_who_has_no_piece_in_their_hand_is_asked_about_what_nobody_prints_here(stall: Stall, way: str) -> None:
    """No printer prints it, or no sample of it was approved: the booth could not keep what was promised."""
    stall.telling.look()
    asked = stall.client.post("/sell", data=stall.form(GTIN_TEE, way=way))
    assert asked.status_code == 409
    assert "not printed here" in asked.text
    assert "no sample of it was approved" in asked.text
    assert stall.box.waiting() == []
    again = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]+)"', asked.text))
    assert "Sold: number 1." in stall.client.post("/sell", data=again).text


@only_sqlite
def test_what_nobody_counts_at_the_booth_is_neither_shown_nor_asked_about(stall: Stall) -> None:
    stall.telling.look()
    assert stall.shown(GTIN_TEE) == ""
    assert "Sold: number 1." in stall.client.post("/sell", data=stall.form(GTIN_TEE, 5)).text


@only_sqlite
def test_without_network_the_last_figure_stands_with_its_age_less_what_was_sold_since(stall: Stall) -> None:
    stall.telling.look()
    assert stall.shown(PLAIN).startswith("3 left")
    stall.line.cut(silent=False)
    stall.client.post("/sell", data=stall.form(PLAIN, 2))
    stall.telling.look()
    assert stall.shown(PLAIN).startswith("1 left")
    assert "minutes ago" not in stall.client.get("/").text
    old = time.time() - 12 * 60
    os.utime(stall.folder / "stock.json", (old, old))
    assert "12 minutes ago" in stall.client.get("/").text
    assert "12 minutes ago" in stall.client.get("/left.json").json()["age"]
    assert stall.client.post("/sell", data=stall.form(PLAIN, 2)).status_code == 409
    stall.line.mend()
    stall.telling.look()
    assert "minutes ago" not in stall.client.get("/").text
    assert stall.shown(PLAIN).startswith("1 left"), "told, and not taken in yet: it is subtracted still"
    stall.floor.intake()
    stall.floor.fulfil(BOOTH)
    assert stall.ask().json()["free"][PLAIN] == 1


@only_sqlite
def test_what_has_not_changed_is_not_sent_again(stall: Stall) -> None:
    first = stall.ask()
    assert first.json() == {"free": {PLAIN: 3, SCARCE: 1}, "printed": [PLAIN, SCARCE]}
    second = stall.ask(**{"If-None-Match": first.headers["etag"]})
    assert (second.status_code, second.content) == (304, b"")
    stall.floor.room.database.write(lambda c: stock.receive(c, "more", [(BOOTH, PLAIN, 1)], "delivered", now(c)))
    third = stall.ask(**{"If-None-Match": first.headers["etag"]})
    assert (third.status_code, third.json()["free"][PLAIN]) == (200, 4)


@only_sqlite
def test_a_till_knows_its_own_booths_figures_only(stall: Stall) -> None:
    elsewhere = stall.floor.room.database.write(lambda c: make_key(c, "till", "pos", HUB))
    assert stall.ask(Authorization=f"Bearer {elsewhere}").status_code == 404
    assert stall.ask(Authorization="Bearer guessed").status_code == 401


@only_sqlite
@pytest.mark.parametrize("left", [b"", b"\0" * 30, b"[]", b'{"free": {"X": "many"}, "printed": []}'])
def test_a_figure_that_a_power_cut_broke_is_not_shown_and_is_asked_for_anew(stall: Stall, left: bytes) -> None:
    stall.telling.look()
    (stall.folder / "stock.json").write_bytes(left)
    assert stall.shown(PLAIN) == ""
    stall.telling.look()
    assert stall.shown(PLAIN).startswith("3 left")


@only_sqlite
def test_what_answers_in_the_shops_place_changes_no_figure(stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    stall.telling.look()
    answer = requests.Response()
    answer.status_code, answer._content = 200, b'{"free": "all", "printed": 1}'
    monkeypatch.setattr(requests.Session, "request", lambda *_, **__: answer)
    stall.telling.look()
    assert stall.shown(PLAIN).startswith("3 left")
    assert "No line to the shop" in stall.client.get("/").text
