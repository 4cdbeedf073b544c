"""The booth's page in a real browser: a tablet at night in one hand, a phone, without scripts, with nobody else to ask.

Touch targets, contrast and what stands where are measured in the page itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from backroom.domain.events import Event, Session
from backroom.domain.power import Load, Supply
from backroom.gateway.pages.style import CSS
from backroom.store import events, print_promises
from backroom.store.database import now
from backroom.store.parcels import COLLECTED
from backroom.store.tables import events as event_table
from backroom.store.tables import fulfilment_orders, orders, parcels, print_jobs
from tests.browser import ENTER, Browser
from tests.integration.gateway.conftest import SKU, Gateway, gateway, make_order, only_sqlite, room
from tests.peers.conftest import PHONE, TABLET
from tests.printers import wait_for

__all__ = ["gateway", "room"]
pytestmark = [pytest.mark.peer, pytest.mark.slow, pytest.mark.timeout(180), only_sqlite]

PAGE = "/booths/booth-a"
THUMB = 44
READABLE = 4.5
# WCAG 2.2, relative luminance and contrast ratio: of each element with text of its own, against what is behind it.
CONTRASTS = """
const channel = v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
const parts = colour => colour.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const behind = e => { for (; e; e = e.parentElement) {
  const found = parts(getComputedStyle(e).backgroundColor); if (found.length < 4 || found[3] > 0) return found; }
  return null; };
return [...document.querySelectorAll('body *')].filter(e => e.checkVisibility()
    && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())).map(e => {
  const [a, b] = [light(parts(getComputedStyle(e).color)), light(behind(e))];
  return [e.textContent.trim().slice(0, 40), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]; });
"""
TARGETS = """
return [...document.querySelectorAll('a, button, summary, input:not([type=hidden])')]
  .filter(e => e.checkVisibility()).map(e => { const r = e.getBoundingClientRect();
    return [e.textContent.trim(), Math.round(r.width), Math.round(r.height), r.left, r.right, r.bottom]; });
"""


def an_evening(gateway: Gateway) -> dict[str, str]:
    """A live event on a battery; what waits for paper, a decision, its time, no power, and its customer: numbers."""
    names = ("unknown", "blocked", "parcel", "late", "person", "ready")
    numbers = {name: make_order(gateway.room, to_print=0 if name == "ready" else 2) for name in names}

    def work(connection: Connection) -> None:
        at = now(connection)
        ids = {
            name: one
            for name, number in numbers.items()
            for one in connection.execute(select(orders.c.id).where(orders.c.number == number)).scalars()
        }
        parts = {
            name: one
            for name, id_ in ids.items()
            for one in connection.execute(
                select(fulfilment_orders.c.id).where(fulfilment_orders.c.order_id == id_)
            ).scalars()
        }
        for name in ("late", "person"):
            here = update(fulfilment_orders).where(fulfilment_orders.c.id == parts[name])
            connection.execute(here.values(delivery="collect"))
        done = update(fulfilment_orders).where(fulfilment_orders.c.id == parts["ready"])
        connection.execute(done.values(state="done", delivery="collect", done_at=at))
        lies = {"fulfilment_order_id": parts["ready"], "order_id": ids["ready"], "location": "booth-a"}
        lies |= {"kind": COLLECTED, "state": "ready", "state_at": at - timedelta(minutes=50), "at": at}
        connection.execute(insert(parcels).values(**lies))
        event = Event(
            code="market",
            name="Market",
            template="street",
            location="booth-a",
            place="",
            sessions=(Session(at - timedelta(hours=1), at + timedelta(hours=5)),),
            loads=(Load("press", "press", 1000),),
            supply=Supply("battery", 2000, watt_hours=1750),
        )
        events.add(connection, event, [], at, "Ada")
        connection.execute(update(event_table).values(state="live"))

    def then(connection: Connection) -> None:
        at = now(connection)
        place = gateway.room.shop.location("booth-a")
        print_promises.review(connection, gateway.room.shop, gateway.room.seals, place, at)
        late = select(orders.c.id).where(orders.c.number == numbers["late"]).scalar_subquery()
        told = update(print_promises.print_promises).where(print_promises.print_promises.c.order_id == late)
        connection.execute(told.values(promised_at=at - timedelta(minutes=12), moved=1))

    def job(name: str, **values: object) -> None:
        of = update(print_jobs).where(print_jobs.c.order_number == numbers[name])
        gateway.room.database.write(lambda c: c.execute(of.values(**values)))

    gateway.room.database.write(work)
    gateway.room.database.write(then)
    started = gateway.room.database.write(now) - timedelta(minutes=3)
    job("unknown", state="unknown", printer="press-1", reason="the printer was lost while it took the document")
    job("blocked", state="blocked", printer="press-2", reason="out of paper", started_at=started)
    return numbers


@pytest.fixture
def tablet(window: Browser, gateway: Gateway) -> Iterator[Browser]:
    """A tablet that is logged in, whose scripts are off, at night. It asked nobody but us, and nothing complained."""
    window.open("about:blank")
    window.asked_hosts()
    window.complaints()
    window.window(*TABLET, phone=True)
    window.colours("dark")
    window.scripts(False)
    window.open(f"{gateway.url}/login")
    window.type("#key", gateway.key("staff"))
    window.click("button", "Log in")
    window.find("h1", "Orders", exact=True)
    yield window
    assert window.asked_hosts() == {"127.0.0.1"}
    assert window.complaints() == []


def measured(page: Browser, width: int) -> list[list[Any]]:
    """Everything that can be touched is large enough, everything that is read stands out; returns what is touched."""
    assert page.run("return document.documentElement.scrollWidth") <= width
    for text, ratio in page.run(CONTRASTS):
        assert ratio >= READABLE, (text, ratio)
    touched: list[list[Any]] = page.run(TARGETS)
    for text, wide, high, *_ in touched:
        assert min(wide, high) >= THUMB, (text, wide, high)
    return touched


def kept(page: Browser, pictures: Path, name: str) -> None:
    page.picture(pictures / f"booth-{name}.png")


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", [TABLET, PHONE], ids=["tablet", "phone"])
def test_a_booths_evening_is_read_at_night_and_worked_with_a_thumb(
    tablet: Browser, gateway: Gateway, pictures: Path, size: tuple[int, int], scheme: str
) -> None:
    numbers = an_evening(gateway)
    tablet.window(*size, phone=True)
    tablet.colours(scheme)
    tablet.open(f"{gateway.url}{PAGE}")
    for words in ("A new print", "the battery lasts until about", "out of paper", "It was printed", "waits here"):
        tablet.see(words)
    touched = {text: place for text, *place in measured(tablet, size[0])}
    kept(tablet, pictures, f"{scheme}-{size[0]}")
    # What is done most often lies at the lower edge, whatever is scrolled.
    for way in ("Scan", "Hand over", "Take back", "Prints"):
        *_, bottom = touched[way]
        assert size[1] - 90 <= bottom <= size[1], way
    # A decision is as wide as the page: either thumb reaches it.
    _, _, left, _, _ = touched["It was printed"]
    _, _, _, right, _ = touched["Print it again"]
    assert left < 60
    assert right > size[0] - 60
    shown = tablet.text()
    assert shown.index(numbers["blocked"]) < shown.index("Queue") < shown.index(numbers["late"])
    assert numbers["ready"] in shown.partition("Ready to collect")[2]
    assert "should be there, later than first said" in shown
    tablet.run("window.scrollTo(0, document.body.scrollHeight)")
    kept(tablet, pictures, f"{scheme}-{size[0]}-below")
    last = tablet.run(
        "const r = [...document.querySelectorAll('main > p')].pop().getBoundingClientRect();"
        "return document.querySelector('.bar').getBoundingClientRect().top - r.bottom;"
    )
    assert last >= 0


def test_a_decision_and_a_full_battery_are_one_tap_and_lead_back_to_the_booth(
    tablet: Browser, gateway: Gateway, pictures: Path
) -> None:
    numbers = an_evening(gateway)
    tablet.open(f"{gateway.url}{PAGE}")

    def is_done() -> bool:
        query = select(print_jobs.c.state).where(print_jobs.c.order_number == numbers["unknown"])
        with gateway.room.database.read() as connection:
            return bool(connection.execute(query).scalar_one() == "done")

    tablet.click("button", "It was printed")
    # The page that it leads back to looks like the one that was left.
    wait_for(is_done)
    tablet.find("h1", "Booth-A", exact=True)
    assert tablet.address.endswith(PAGE)
    tablet.click("button", "The battery is full again")
    tablet.see("The battery lasts until about")
    assert tablet.address.endswith(PAGE)
    measured(tablet, TABLET[0])
    tablet.click("summary", "All pages")
    measured(tablet, TABLET[0])
    kept(tablet, pictures, "all-pages")
    tablet.click(".bar a", "Scan")
    tablet.type("#code", numbers["late"] + ENTER)
    tablet.find("p.answer", "Scan its pieces")
    kept(tablet, pictures, "scan")
    measured(tablet, TABLET[0])
    tablet.click(".bar a", "Hand over")
    tablet.find("td", numbers["ready"])
    kept(tablet, pictures, "hand-over")
    measured(tablet, TABLET[0])
    tablet.click(".bar a", "Booth")
    tablet.find("h2", "Queue")


def test_an_empty_booth_says_when_a_print_would_be_ready(tablet: Browser, gateway: Gateway, pictures: Path) -> None:
    tablet.open(f"{gateway.url}{PAGE}")
    tablet.see("A new print: about")
    tablet.see("Nothing waits for paper or a decision.")
    measured(tablet, TABLET[0])
    kept(tablet, pictures, "empty")
    tablet.click("summary", "How fast the printers are")
    tablet.see("goes by a guess")
    measured(tablet, TABLET[0])
    kept(tablet, pictures, "paces")
    assert SKU not in tablet.text()
    # Nothing of how it looks comes from anywhere else.
    assert [word for word in ("url(", "@font-face", "@import") if word in CSS] == []
    assert "system-ui" in CSS
