"""An event's page for everybody in a real browser, on a phone: with scripts and without, by day and at night."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, update

from backroom.cli.processes import ROOT
from backroom.domain.events import Event, EventState, Session
from backroom.domain.leases import Loan
from backroom.shop.catalogue import read_catalogue
from backroom.store import catalogue, event_page, events, leases, stock
from backroom.store.database import now
from backroom.store.tables import events as events_table
from backroom.store.tables import stock_levels
from tests.browser import Browser
from tests.integration.gateway.conftest import Gateway, gateway, room
from tests.peers.conftest import DESK, PHONE

__all__ = ["gateway", "room"]

pytestmark = [pytest.mark.peer, pytest.mark.timeout(180)]

# No printer at that booth prints it.
PATCH = "PATCH-TRAM"


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> str:
    path = tmp_path / "shop.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


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
def test_it_is_whole_on_a_phone(
    window: Browser, gateway: Gateway, url: str, scripts: bool, pictures: Path | None
) -> None:
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
    if pictures is not None:
        window.picture(pictures / f"event-{'scripts' if scripts else 'plain'}.png")
    window.click("a", "Deutsch")
    window.see("Jetzt offen, bis")
    assert window.complaints() == []


def test_what_is_sold_changes_on_the_page_without_loading_it_anew(
    window: Browser, gateway: Gateway, url: str, pictures: Path | None
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
    if pictures is not None:
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
    window.devtools("Network.enable")
    window.devtools(
        "Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0
    )
    window.run("window.dispatchEvent(new Event('online'))")
    window.see("No network: as of")
