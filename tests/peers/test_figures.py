"""Key figures where people look at them, in a real browser: the report's page without a network, and Prefect's UI."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, update

from backroom.insight.files import write_files
from backroom.insight.reading import day_span, last_day, read_report, week_span
from backroom.insight.refresh import refresh_figures, refresh_months
from backroom.shop.load import load_shop
from backroom.shop.room import Room
from backroom.shop.secrets import Secrets
from backroom.store import order_facts
from backroom.store.database import Database, now
from backroom.store.seals import Seals
from backroom.store.tables import history, stock_outs
from backroom.store.tables import order_facts as facts_table
from tests.browser import Browser
from tests.databases import migrated
from tests.facts import invented_facts, invented_stock_outs
from tests.running import ROOT, RunningShop, wait_until
from tests.shops import MASTER_KEY

pytestmark = [pytest.mark.peer, pytest.mark.slow, pytest.mark.timeout(900)]

DAYS, ORDERS = 120, 6000
FEW = 10
SHOWN = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of a day and of its week, of a shop with four months of orders."""
    home = tmp_path_factory.mktemp("figures")
    url = f"sqlite:///{home / 'shop.db'}"
    migrated(url)
    shop = load_shop(ROOT / "data" / "shop.toml")
    room = Room(home, shop, Database(url), Seals(MASTER_KEY), Secrets.read(home / "secrets.toml"))
    facts = invented_facts(ORDERS, SHOWN - timedelta(days=DAYS - 1), DAYS)

    def lay(connection: Connection) -> None:
        connection.execute(insert(facts_table), facts)
        connection.execute(insert(stock_outs), invented_stock_outs(facts))
        order_facts.mark_due(connection, {fact["accepted_day"]: [] for fact in facts})

    room.database.write(lay)
    list(refresh_figures(room))
    refresh_months(room)
    day = last_day(room)
    for span in (day_span(day), week_span(day)):
        write_files(read_report(room, span, with_orders=True), home / "reports")
    room.close()
    return home / "reports"


def drawn(page: Browser) -> list[int]:
    """How wide each picture of the page is, once all are there."""
    script = "return [...document.images].filter(i => i.complete).map(i => i.naturalWidth)"
    wait_until(lambda: 0 not in page.run(script), "the pictures to be drawn", 20)
    widths: list[int] = page.run(script)
    return widths


@pytest.mark.parametrize("title", ["2026-11-24", "2026-W48"])
def test_the_report_is_read_without_a_network_and_each_figure_opens_to_its_orders(
    window: Browser, reports: Path, pictures: Path, title: str
) -> None:
    window.open((reports / f"{title}.html").as_uri())
    window.see(title)
    assert len(drawn(window)) == 6
    assert all(width > 300 for width in drawn(window))
    window.picture(pictures / f"report-{title}.png")
    window.click("a", "On time", exact=True)
    window.find("#on_time td", "late")
    window.find("#on_time td", "A-")
    assert window.asked_hosts() == set()
    assert window.complaints() == []
    window.window(390, 844, phone=True)
    assert window.run("return document.documentElement.scrollWidth") <= 390


@pytest.fixture
def counted(shop: RunningShop) -> RunningShop:
    """The shop with some orders that were shipped, whose figures the nightly flow has computed and shown."""
    # Other orders than those that the other tests of this shop send.
    shop.send(40, seed=77)
    # Those at the local hub wait for somebody who scans.
    wait_until(lambda: len(shop.numbers("fulfilled")) >= FEW, "some orders to be shipped")

    def age(connection: Connection) -> None:
        # What was written in the last two minutes would wait for the next time.
        connection.execute(update(history).values(at=now(connection) - timedelta(minutes=5)))

    shop.room.database.write(age)
    deployment = shop.prefect("GET", "/deployments/name/kpi/daily")
    run = shop.prefect("POST", f"/deployments/{deployment['id']}/create_flow_run", {})
    wait_until(lambda: shop.prefect("GET", f"/flow_runs/{run['id']}")["state"]["type"] == "COMPLETED", "the figures")
    return shop


def test_prefects_ui_shows_the_figures_their_picture_and_what_changed(
    window: Browser, counted: RunningShop, pictures: Path
) -> None:
    def open_artifact(key: str) -> None:
        window.open(f"{counted.ports.ui}/artifacts/key/{key}")
        window.click("a[href*='/artifacts/artifact/']")

    open_artifact("kpi")
    window.find("table")
    window.see("Orders shipped")
    open_artifact("kpi-chart")
    window.find("img[src^='data:image']")
    wait_until(lambda: max(drawn(window), default=0) > 300, "the chart", 20)
    window.picture(pictures / "kpi-chart.png")
    open_artifact("kpi-report")
    window.see("What changed in the past")
    window.see("Where the hours go")
    wait_until(lambda: max(drawn(window), default=0) > 300, "the charts of the report", 20)
    window.picture(pictures / "kpi-report.png")
