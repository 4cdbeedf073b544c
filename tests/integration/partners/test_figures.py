"""What partners make in the figures and in the checks: their bill is a cost, and an honest day has no findings."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backroom.cli import partner_bills
from backroom.cli.app import app
from backroom.domain.cost_rates import CostRates
from backroom.domain.quality import Scope
from backroom.quality.checking import Check
from backroom.quality.suites import SUITES
from backroom.quality.validate import Inspector
from backroom.shop import room as rooms
from backroom.store import sku_returns
from backroom.store.quality import findings
from backroom.store.tables import order_facts
from tests.integration.insight.test_refresh import bring_up_to_date
from tests.shops import HUB, PLAIN, SCARCE, Floor
from tests.workshops import WORKSHOP, Partnership, Workshop, a_partner, a_place, with_partners


def shipped(partnership: Partnership, workshop: Workshop, bill: str, currency: str = "EUR") -> str:
    number = partnership.placed((PLAIN, 2), (SCARCE, 1))
    reference = partnership.reference(number)
    workshop.press(reference, "accepted", cost=bill, currency=currency)
    workshop.press(reference, "shipped", carrier="DHL", tracking=f"T-{number}")
    partnership.ask_about(number)
    partnership.floor.fulfil(WORKSHOP)
    return number


def with_rates(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    rates = CostRates(packaging=50, print=200, blank=300, picking_minutes=3, wage_per_hour=2000)
    floor.room = replace(floor.room, shop=replace(floor.room.shop, costs=rates))
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)


def test_a_partners_bill_is_the_cost_of_its_order_and_what_it_does_costs_nothing_here(
    floor: Floor, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    partnership = with_partners(floor, monkeypatch, a_place(a_partner(workshop.url)))
    with_rates(floor, monkeypatch)
    shipped(partnership, workshop, "31.90")
    bring_up_to_date(floor)
    with floor.room.database.read() as connection:
        (fact,) = connection.execute(order_facts.select()).mappings().all()
    counted = {name: fact[name] for name in ("partner_minor", "parcels", "pieces", "printed", "label_minor")}
    assert counted == {"partner_minor": 3190, "parcels": 0, "pieces": 0, "printed": 0, "label_minor": 0}


def test_what_a_partner_sends_is_sold_as_well_and_may_come_back(
    floor: Floor, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    partnership = with_partners(floor, monkeypatch, a_place(a_partner(workshop.url)))
    shipped(partnership, workshop, "31.90")
    bring_up_to_date(floor)
    with floor.room.database.read() as connection:
        (month,) = sku_returns.by_month(connection)
        by_sku = sku_returns.by_sku(connection, "2000-01-01", "2999-12-31")
    assert month[1:] == ("online", 3, 0)
    assert sorted(by_sku) == [(PLAIN, False, 2, 0), (SCARCE, False, 1, 0)]


def test_a_bill_in_another_currency_counts_by_the_exchange_of_the_shop_file(
    floor: Floor, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = a_partner(workshop.url, currency="USD", exchange=Decimal("0.90"))
    partnership = with_partners(floor, monkeypatch, a_place(spec))
    for bill, currency in (("10.00", "USD"), ("10.00", "GBP")):
        shipped(partnership, workshop, bill, currency)
    with floor.room.database.read() as connection:
        rows = connection.exec_driver_sql("select bill_minor, currency, cost_minor from partner_orders").all()
    assert sorted(map(tuple, rows)) == [(1000, "GBP", None), (1000, "USD", 900)]


@pytest.mark.parametrize("ships_to", ["customer", "hub"])
def test_nothing_is_found_in_an_honest_day_with_partners(
    floor: Floor, workshop: Workshop, monkeypatch: pytest.MonkeyPatch, ships_to: str
) -> None:
    partnership = with_partners(floor, monkeypatch, a_place(a_partner(workshop.url, ships_to=ships_to)))
    shipped(partnership, workshop, "31.90")
    partnership.placed((PLAIN, 1))
    refused = partnership.placed((PLAIN, 1))
    reference = partnership.reference(refused)
    workshop.press(reference, "rejected", reason="no")
    partnership.ask_about(refused)
    floor.intake()
    floor.fulfil(HUB)
    inspector = Inspector()
    for _ in Check.begin(floor.room.database, floor.room.shop, Scope.FULL, inspector).steps(SUITES):
        pass
    with floor.room.database.read() as connection:
        found = Counter(row["code"] for row in findings.open_findings(connection, 1000))
    assert found == Counter()


def test_a_bill_is_compared_and_what_is_taken_of_it_is_the_orders_cost(
    floor: Floor, workshop: Workshop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    partnership = with_partners(floor, monkeypatch, a_place(a_partner(workshop.url)))
    numbers = [shipped(partnership, workshop, bill) for bill in ("10.00", "11.00", "12.00")]
    file = tmp_path / "bill.csv"
    file.write_text(f"order,amount\n{numbers[0]},10.00\n{numbers[1]},11.50\nA-9,3.00\n")
    monkeypatch.setattr(partner_bills, "open_room", lambda: floor.room)
    command = ["partner", "bill", WORKSHOP, str(file), "--json"]
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 1
    verdicts = [(row["verdict"], row["order"]) for row in json.loads(told.output)]
    assert verdicts == [("agrees", numbers[0]), ("differs", numbers[1]), ("unknown", "A-9"), ("missing", numbers[2])]
    assert CliRunner().invoke(app, [*command, "--take"]).exit_code == 0
    with floor.room.database.read() as connection:
        rows = connection.exec_driver_sql("select bill_minor, cost_minor from partner_orders order by id").all()
    assert list(map(tuple, rows)) == [(1000, 1000), (1150, 1150), (1200, 1200)]
    assert floor.events(numbers[1])[-1] == "partner.billed"
