"""The stations in a real browser that reaches nobody else: returns, events, transfers; and pages that lie in files.

They come last, by their name: a booth that has an event is shut to orders until the event is live.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select
from typer.testing import CliRunner

from backroom.cli.app import app
from backroom.domain.events import Event, Session
from backroom.domain.leases import Loan
from backroom.domain.readiness import Check
from backroom.insight.offline import offline_page, table
from backroom.shop import demo_stories
from backroom.store import event_desk, events, leases, stock, transfers
from backroom.store.database import now
from backroom.store.tables import fulfilment_orders, orders, restock_plans, returns, shipments
from tests.browser import ENTER, Browser
from tests.peers.conftest import DESK, PHONE, TABLET
from tests.peers.sent_orders import send_one, state_of
from tests.running import RunningShop, wait_until

pytestmark = [pytest.mark.peer, pytest.mark.slow, pytest.mark.timeout(900)]

SKU = "TEE-MOTH-INK-M"
HUB, BOOTH = "main-hub", "booth-a"


def fits(staff: Browser, width: int, pictures: Path, name: str) -> None:
    """Nothing sticks out of the screen; keep a picture where somebody asked for it."""
    assert staff.run("return document.documentElement.scrollWidth") <= width
    staff.picture(pictures / f"station-{name}-{width}.png")


def shipped(shop: RunningShop) -> tuple[str, str, str]:
    """An order that left the house: its number, the code of its return label, a SKU in it."""
    number = send_one(shop, demo_stories.web_abroad)
    wait_until(lambda: state_of(shop, number) == "fulfilled", f"{number} to leave the house")
    query = (
        select(shipments.c.return_tracking)
        .join(fulfilment_orders, fulfilment_orders.c.id == shipments.c.fulfilment_order_id)
        .join(orders, orders.c.id == fulfilment_orders.c.order_id)
        .where(orders.c.number == number)
    )
    with shop.room.database.read() as connection:
        label = connection.execute(query).scalars().first()
    return number, str(label), shop.story(number).part_lines[0]["sku"]


def return_of(shop: RunningShop, number: str) -> str:
    query = select(returns.c.number, returns.c.state).join(orders, orders.c.id == returns.c.order_id)
    with shop.room.database.read() as connection:
        row = connection.execute(query.where(orders.c.number == number)).one()
    return f"{row.number} {row.state}"


@pytest.mark.parametrize(("size", "scripts"), [(TABLET, True), (PHONE, False)], ids=["tablet", "phone without scripts"])
def test_a_return_goes_from_its_label_to_its_refund_at_the_station(
    staff: Browser, shop: RunningShop, pictures: Path, size: tuple[int, int], scripts: bool
) -> None:
    number, label, sku = shipped(shop)
    staff.window(*size, phone=size == PHONE)
    staff.scripts(scripts)
    staff.open(f"{shop.ports.pages}/returns/at/local-hub")
    staff.type("#code", "nobody's" + ENTER)
    staff.find("p.answer.bad")
    staff.type("#code", label + ENTER)
    staff.find("p.answer", "is open")
    staff.type("#code", sku + ENTER)
    staff.find("p.answer", "Right.")
    fits(staff, size[0], pictures, "return-scanned")
    staff.run("document.querySelector('select[name=reason]').value = 'size'")
    staff.click("form[action$='/say'] button")
    staff.click("button", "Back to the shelf")
    staff.find("td", "Back to the shelf")
    if "That is all" in staff.text():
        staff.click("button", "That is all")
    wait_until(lambda: return_of(shop, number).endswith(" received"), f"the return of {number} to be received")
    fits(staff, size[0], pictures, "return-received")
    staff.open(f"{shop.ports.pages}/returns")
    rma = return_of(shop, number).split()[0]
    form = f"form[action='/returns/{rma}/refund']"
    fits(staff, size[0], pictures, "returns")
    staff.type(f"{form} input[name=reference]", "re_1")
    staff.click(f"{form} button")
    wait_until(lambda: return_of(shop, number).endswith(" closed"), f"the return of {number} to be paid back")


def add_event(connection: Connection, code: str, pieces: int = 0) -> int:
    """A night market that begins in an hour, its permit missing, with so many of the hub's pieces."""
    at = now(connection)
    sessions = (Session(at + timedelta(hours=1), at + timedelta(hours=5)),)
    checks = [Check("permit", "Permit of the town", True, "Ada", at + timedelta(minutes=30), help="Ask the town hall.")]
    event = Event(code, "Market at the canal", "street", BOOTH, "Maybachufer", sessions)
    event_id = events.add(connection, event, checks, at, "Ada")
    stock.receive(connection, f"for {code}", [(HUB, SKU, 5)], "delivered", at)
    if pieces:
        leases.lend(connection, code, [Loan(SKU, HUB, pieces)], key=code, actor="Ada")
    return event_id


@pytest.mark.parametrize(
    ("size", "code", "pieces"), [(DESK, "canal-desk", 3), (PHONE, "canal-phone", 0)], ids=["desk", "phone"]
)
def test_an_event_is_made_ready_on_its_page(
    staff: Browser, shop: RunningShop, pictures: Path, size: tuple[int, int], code: str, pieces: int
) -> None:
    shop.room.database.write(lambda connection: add_event(connection, code, pieces))
    staff.window(*size, phone=size == PHONE)
    staff.open(f"{shop.ports.pages}/events/{code}")
    staff.see("Permit of the town")
    staff.see("No orders come here")
    fits(staff, size[0], pictures, "event-planned")
    form = f"form[action='/events/{code}/checks/permit']"
    staff.click("summary", "Say")
    staff.type(f"{form} input[name=note]", "stamped on Monday")
    staff.click(f"{form} button[value=done]")
    staff.see("stamped on Monday")
    staff.find("h1 + p", "ready")
    fits(staff, size[0], pictures, "event-ready")


@pytest.mark.parametrize("size", [TABLET, PHONE], ids=["tablet", "phone"])
def test_a_transfer_is_packed_and_scanned_at_the_booth(
    staff: Browser, shop: RunningShop, pictures: Path, size: tuple[int, int]
) -> None:
    code = "canal-lorry"

    def propose(connection: Connection) -> str:
        known = {row["code"]: row["id"] for row in events.listing(connection)}
        event_id, at = known.get(code) or add_event(connection, code), now(connection)
        # Pieces of the event before would be in its way, as they are at a real booth.
        for other in events.listing(connection, settled=False):
            if other["code"] != code:
                event_desk.close_event(connection, other["code"], HUB, "Ada")
                leases.settle_event(connection, other["code"], hub=HUB, actor="Ada", all_there=True)
        nothing: dict[str, object] = {"open_share": 0.0, "lost_without": 0.0, "lost_with": 0.0, "used": {}}
        lists: dict[str, object] = {name: [] for name in ("lines", "packs", "full", "forecasts")}
        plan = insert(restock_plans).values(event_id=event_id, digest="", at=at, **nothing, **lists)
        plan_id = connection.execute(plan.returning(restock_plans.c.id)).scalar_one()
        return transfers.propose(connection, events.locked(connection, code), plan_id, {SKU: 2}, HUB, at)

    number = shop.room.database.write(propose)
    staff.window(*size, phone=size == PHONE)
    staff.open(f"{shop.ports.pages}/transfers/{number}")
    fits(staff, size[0], pictures, "transfer-proposed")
    staff.click("button", "Yes, set them aside")
    staff.click("button", "Packed, it leaves")
    staff.type("#code", SKU + ENTER)
    staff.find("p.answer.good", "1 to go")
    staff.type("#code", "1" + ENTER)
    staff.find("p.answer.bad", "No:")
    staff.type("#code", SKU + ENTER)
    staff.find("p.answer.good", "That was the last one")
    fits(staff, size[0], pictures, "transfer-scanned")
    staff.click("button", "That is all")
    staff.find("h1 + p", "arrived")


def test_the_audit_and_the_data_docs_are_read_without_a_network(
    window: Browser, shop: RunningShop, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped(shop)
    monkeypatch.setenv("BACKROOM_HOME", str(shop.home))
    cli = CliRunner()
    assert cli.invoke(app, ["audit", "page", str(tmp_path)]).exit_code == 0
    assert cli.invoke(app, ["quality", "check", "--full"]).exit_code == 0
    [audit] = tmp_path.glob("*.html")
    docs = shop.home / "quality" / "index.html"
    window.open("about:blank")
    window.asked_hosts()
    window.complaints()
    for page, words in ((audit, ("lost", "wrong", "slow")), (docs, ("orders", "stock", "returns"))):
        window.open(page.as_uri())
        for word in words:
            window.see(word)
        window.picture(pictures / f"page-{page.stem}.png")
        for width in (1280, 390):
            window.window(width, 844, phone=width == 390)
            assert window.run("return document.documentElement.scrollWidth") <= width, page
    # Each suite's own page opens from the first one, and no page asked anybody for anything.
    window.window(1280, 900)
    window.click("a", "orders")
    window.find("h1, h2")
    assert window.asked_hosts() == set()
    assert window.complaints() == []


@pytest.mark.parametrize("cls", ["", "list", "list words"])
def test_a_table_that_is_too_wide_for_a_phone_moves_by_itself_and_not_its_page(
    window: Browser, tmp_path: Path, cls: str
) -> None:
    cells = ("A-1042 at a booth with a long name", "made", "nobody", "<code>backroom-" + "a" * 60 + "</code>", "129.00")
    path = tmp_path / "page.html"
    path.write_text(
        offline_page("Lost", table(("what", "where", "why", "do", "money"), [cells], cls)), encoding="utf-8"
    )
    window.window(*PHONE, phone=True)
    window.open(path.as_uri())
    window.see("129.00")
    assert window.run("return document.querySelector('table').scrollWidth") > PHONE[0]
    assert window.run("return document.documentElement.scrollWidth") <= PHONE[0]
