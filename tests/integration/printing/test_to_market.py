"""From the plan to the booth: what lacks is printed at the hub on a real printer, and goes with its transfer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from backroom.domain.locations import PrinterSpec
from backroom.domain.prestaging import Kind
from backroom.domain.transfers import TransferState
from backroom.insight import restocking
from backroom.printing.booth import Booth
from backroom.printing.device import Device
from backroom.printing.holder import hold_bench
from backroom.printing.lanes import run_lanes
from backroom.store import stock, transfer_rows, transfers
from backroom.store.api_keys import make_key
from backroom.store.database import now
from backroom.store.transfer_stock import change
from tests.benches import open_bench
from tests.crews import Threads
from tests.markets import BLANK
from tests.printers import VirtualPrinterFactory
from tests.shops import BOOTH, HUB, PLAIN, Floor


@pytest.mark.printer
def test_what_the_plan_lacks_is_printed_at_the_hub_and_goes_to_the_market(
    market: Floor, virtual_printer_factory: VirtualPrinterFactory, tmp_path: Path
) -> None:
    printer = virtual_printer_factory("press-hub")
    shop = market.room.shop
    hub = replace(shop.location(HUB), printers=(PrinterSpec(printer.name, printer.uri, ("dtg",)),))
    # The booth prints nothing itself, and none of it lies free at the hub: what sells is printed before leaving.
    places = tuple(hub if one.id == HUB else one for one in shop.locations)
    market.room = replace(market.room, shop=replace(shop, locations=places))
    write, (there, reserved) = market.room.database.write, market.available(HUB, PLAIN)
    for sku, pieces in ((PLAIN, reserved - there), (BLANK.sku, -22)):
        write(lambda c, sku=sku, n=pieces: change(c, (HUB, sku), n, key=sku, reason="counted", at=now(c), free=False))
    with open_bench(market, ()) as bench:
        planned = restocking.propose(market.room, "next")
        wanted = {line.item: line.pieces for line in planned.stored.plan.lines if line.kind is Kind.TO_PRINT}
        assert wanted[PLAIN] >= 3
        number = planned.transfer
        one = write(lambda c: transfers.approve(c, market.room.shop, number, "Ada"))
        assert one.still_to_print == wanted[PLAIN]
        # What is printed already, or will be, is not proposed again.
        assert restocking.propose(market.room, "next").transfer == ""
        shelf, blanks = market.available(HUB, PLAIN), market.available(HUB, BLANK.sku)[0]

        key = write(lambda c: make_key(c, "hub", "booth", HUB))
        with hold_bench(tmp_path / "hub-machine") as holder, ThreadPoolExecutor(8) as pool:
            booth = Booth(gateway=bench.url, key=key, location=HUB, holder=holder, device=Device())
            ended = run_lanes(booth, Threads(booth, pool))
            again = run_lanes(booth, Threads(booth, pool))
    assert (ended["done"], again["done"]) == (wanted[PLAIN], 0)
    assert len(printer.jobs()) == wanted[PLAIN]

    with market.room.database.read() as connection:
        picked = transfer_rows.read(connection, number)
    assert picked.still_to_print == 0
    assert transfer_rows.short_of(picked) == {}
    assert market.available(HUB, PLAIN) == shelf
    assert market.available(HUB, BLANK.sku)[0] == blanks - wanted[PLAIN]
    write(lambda c: transfers.send(c, number, {}, "Ada"))
    for line in picked.lines:
        for _ in range(line.sent):
            assert write(lambda c, sku=line.sku: transfers.scan(c, number, sku)).accepted
    done = write(lambda c: transfers.book_in(c, number, "Bo"))
    assert (done.state, done.missing) == (TransferState.ARRIVED, {})
    with market.room.database.read() as connection:
        assert stock.levels(connection)[BOOTH, PLAIN].on_hand == wanted[PLAIN]
    market.check_sums()
