"""An event's page for everybody in a real browser, on a phone: with scripts and without, by day and at night."""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from prefect.logging import disable_run_logger
from sqlalchemy import Connection, func, select, update

from backroom.cli.processes import ROOT
from backroom.domain.events import Event, EventState, Session
from backroom.domain.leases import Loan
from backroom.domain.opt_in import wording
from backroom.shop.catalogue import read_catalogue
from backroom.store import catalogue, event_page, events, leases, opt_ins, stock
from backroom.store.database import now
from backroom.store.tables import consents, stock_levels
from backroom.store.tables import events as events_table
from backroom.store.tables import opt_ins as opt_ins_table
from tasks import opt_ins as sending
from tasks.opt_ins import send_codes
from tests.browser import Browser
from tests.integration.gateway.conftest import Gateway, gateway, room
from tests.peers.conftest import DESK, PHONE
from tests.sqlite_only import database_url

__all__ = ["database_url", "gateway", "room"]

pytestmark = [pytest.mark.peer, pytest.mark.timeout(180)]

# No printer at that booth prints it.
PATCH = "PATCH-TRAM"


@pytest.fixture
def url(gateway: Gateway) -> str:
    """A night market that is on, with some of the demo shop's things at its booth."""
    shutil.copytree(ROOT / "data" / "artwork", gateway.room.artwork(), ignore=shutil.ignore_patterns("*.py"))
    names = ("TEE-MOTH-INK-", "TEE-FOX-", "HOOD-CAT-", "TOTE-CAT-", "PATCH-TRAM")
    things = [one for one in read_catalogue(ROOT / "data" / "catalogue.csv") if one.sku.startswith(names)]

    def work(connection: Connection) -> None:
        at = now(connection)
        catalogue.save_variants(connection, things)
        sold = {"HOOD-CAT-SLATE-M": 2, "HOOD-CAT-SLATE-L": 5, "TEE-MOTH-INK-M": 9, PATCH: 6}
        stock.receive(connection, "first", [("hub", sku, pieces) for sku, pieces in sold.items()], "delivered", at)
        sessions = tuple(
            Session(at + timedelta(days=day, hours=-1), at + timedelta(days=day, hours=6)) for day in range(2)
        )
        event = Event("night-market", "Night market", "street", "booth-a", "Marheinekeplatz, row C", sessions)
        events.add(connection, event, (), at, "Ada")
        loans = [Loan(sku, "hub", pieces) for sku, pieces in sold.items()]
        leases.lend(connection, "night-market", loans, key="one", actor="Ada")
        event_page.publish(connection, "night-market", at, by="Ada", when=at)
        connection.execute(update(events_table).values(state=EventState.LIVE, opened_at=at))

    gateway.room.database.write(work)
    return f"{gateway.url}/e/night-market/"


def left(gateway: Gateway, pieces: int) -> None:
    here = (stock_levels.c.location == "booth-a") & (stock_levels.c.sku == PATCH)
    gateway.room.database.write(lambda c: c.execute(update(stock_levels).where(here).values(on_hand=pieces)))


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_it_is_whole_on_a_phone(window: Browser, gateway: Gateway, url: str, scripts: bool, pictures: Path) -> None:
    left(gateway, 2)
    window.window(*PHONE, phone=True)
    window.scripts(scripts)
    window.colours("dark" if scripts else "light")
    window.open("about:blank")
    window.asked_hosts()
    window.complaints()
    window.open(url)
    for expected in (
        "Open now, until",
        "A new print takes about",
        "Marheinekeplatz, row C",
        "Night Moth Tee",
        "34.00 EUR",
        "2 left",
        "printed in about",
    ):
        window.see(expected)
    assert window.run("return document.documentElement.scrollWidth") <= PHONE[0]
    loaded = "return [...document.images].every(one => one.loading === 'lazy' || one.naturalWidth > 0)"
    assert window.run(loaded)
    assert window.run("return [...document.images].filter(one => one.naturalWidth > 0).length") > 0
    assert window.asked_hosts() == {"127.0.0.1"}
    assert window.complaints() == []
    window.picture(pictures / f"event-{'scripts' if scripts else 'plain'}.png")
    window.click("a", "Deutsch")
    window.see("Jetzt offen, bis")
    assert window.complaints() == []


def test_what_is_sold_changes_on_the_page_without_loading_it_anew(
    window: Browser, gateway: Gateway, url: str, pictures: Path
) -> None:
    window.window(*DESK)
    window.open(url)
    window.find(f"[data-sku={PATCH}] span", "in stock")
    window.run("document.body.dataset.same = 'yes'")
    left(gateway, 1)
    # What makes it ask at once, instead of in a quarter of a minute.
    window.run("window.dispatchEvent(new Event('online'))")
    window.find(f"[data-sku={PATCH}] span", "1 left")
    left(gateway, 0)
    window.run("window.dispatchEvent(new Event('online'))")
    window.find(f"[data-sku={PATCH}]", "sold out")
    assert window.run("return document.body.dataset.same") == "yes"
    assert window.complaints() == []
    window.picture(pictures / "event-desk.png")


def test_an_event_that_ends_turns_the_page(window: Browser, gateway: Gateway, url: str) -> None:
    window.open(url)
    window.see("Open now")
    gateway.room.database.write(lambda c: c.execute(update(events_table).values(state=EventState.SETTLED)))
    window.run("window.dispatchEvent(new Event('online'))")
    window.see("This event is over")


def test_without_network_it_says_of_when_it_is(window: Browser, url: str) -> None:
    window.open(url)
    window.see("As of")
    network(window, there=False)
    window.run("window.dispatchEvent(new Event('online'))")
    window.see("No network: as of")


def network(window: Browser, *, there: bool) -> None:
    """Cut the browser off, or connect it again: it fires its own `online`."""
    window.devtools("Network.enable")
    window.devtools(
        "Network.emulateNetworkConditions", offline=not there, latency=0, downloadThroughput=-1, uploadThroughput=-1
    )


def code_of(gateway: Gateway) -> str:
    """Send what waits, and read the newest code from the folder of SMS."""
    claim = gateway.room.database.write(lambda c: opt_ins.claim_codes(c, hub="hub", instance="t", run_id="", most=9))
    assert claim is not None
    with disable_run_logger():
        assert send_codes.fn(claim) == 1
    [path] = gateway.room.folder("sms").glob("*.txt")
    return re.findall(r"\b\d{6}\b", path.read_text("utf-8"))[-1]


def agreed(gateway: Gateway) -> list[str]:
    with gateway.room.database.read() as connection:
        return list(connection.execute(select(consents.c.wording).where(consents.c.granted)).scalars())


def test_who_asks_for_sms_without_network_is_asked_once_there_is_some_and_agrees_once(
    window: Browser, gateway: Gateway, url: str, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "this_room", lambda: gateway.room)
    window.window(*PHONE, phone=True)
    window.open(f"{url}de.html")
    window.see(wording("de", "Atelier Nord"))
    window.run("document.querySelector('.sms').scrollIntoView()")
    window.picture(pictures / "event-sms-form.png")
    network(window, there=False)
    window.type("#phone", "0151 23456789")
    window.click("button", "Zustimmen")
    window.see("Kein Netz: deine Nummer liegt nur auf diesem Gerät")
    assert "0151 23456789" in window.run("return JSON.stringify(localStorage)")
    window.run("document.querySelector('.sms').scrollIntoView()")
    window.picture(pictures / "event-sms-offline.png")
    # Several who send what waits, at once and again, are one wish.
    network(window, there=True)
    for _ in range(3):
        window.run("window.dispatchEvent(new Event('online'))")
    window.see("ist ein Code unterwegs")
    assert "23456789" not in window.run("return JSON.stringify(localStorage)")
    code = code_of(gateway)
    # The page was closed meanwhile: it still knows that a code is to come.
    window.open(f"{url}de.html")
    network(window, there=False)
    window.type("#code", code)
    window.click("button", "Bestätigen")
    window.see("Kein Netz: dein Code wird gesendet")
    network(window, there=True)
    window.see("Fertig: du bekommst SMS")
    assert window.run("return localStorage.length") == 0
    assert agreed(gateway) == [wording("de", "Atelier Nord")]
    window.run("document.querySelector('.sms').scrollIntoView()")
    window.picture(pictures / "event-sms-done.png")
    assert window.run("return document.documentElement.scrollWidth") <= PHONE[0]


def test_a_number_that_waits_can_be_deleted_from_the_device(window: Browser, gateway: Gateway, url: str) -> None:
    window.open(url)
    network(window, there=False)
    window.type("#phone", "+4915123456789")
    window.click("button", "Agree")
    window.click("button", "Delete it")
    assert window.run("return localStorage.length") == 0
    network(window, there=True)
    window.find("#phone")
    with gateway.room.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(opt_ins_table)).scalar_one() == 0


def test_without_scripts_the_form_leads_to_the_code(
    window: Browser, gateway: Gateway, url: str, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "this_room", lambda: gateway.room)
    window.window(*PHONE, phone=True)
    window.scripts(False)
    window.open(url)
    window.type("#phone", "+4915123456789")
    window.click("button", "Agree")
    window.see("a code is on its way")
    window.type("#code", code_of(gateway))
    window.picture(pictures / "event-sms-plain.png")
    window.click("button", "Confirm")
    window.see("Done: you get SMS about your orders")
    assert agreed(gateway) == [wording("en", "Atelier Nord")]
    window.click("a", "Back to the event")
    window.see("Night market")
