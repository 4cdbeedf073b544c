"""A real label printer on a bad line: a sheet that may lack labels is a person's to look at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backroom.domain.locations import PrinterSpec
from backroom.printing.operations import Operation
from backroom.shop import room as rooms
from backroom.store.decisions import undecided
from tests.integration.printing.relay import Fault, Relay, cut_in_the_document, lose_the_answer, whole
from tests.printers import VirtualPrinterFactory, wait_for
from tests.shops import HUB, PLAIN, Floor
from tests.sqlite_only import database_url

__all__ = ["database_url"]

pytestmark = pytest.mark.printer


def label_on(floor: Floor, uri: str) -> None:
    """The hub's labels come out of this printer."""
    shop = floor.room.shop
    spec = PrinterSpec("labels", uri, ())
    places = tuple(replace(one, label_printer=spec) if one.id == HUB else one for one in shop.locations)
    floor.room = replace(floor.room, shop=replace(shop, locations=places))


@pytest.mark.parametrize(("fault", "asked"), [(whole, 0), (lose_the_answer, 1), (cut_in_the_document, 1)])
def test_a_sheet_that_got_no_answer_may_lack_labels_and_is_not_printed_again_unasked(
    floor: Floor,
    virtual_printer_factory: VirtualPrinterFactory,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    asked: int,
) -> None:
    labels = virtual_printer_factory("labels")
    with Relay(labels.uri, Operation.SEND_DOCUMENT, fault) as line:
        label_on(floor, line.uri)
        monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
        number = floor.taken_in((PLAIN, 1))
        floor.fulfil(HUB)
        wait_for(labels.jobs)
        floor.fulfil(HUB)
    with floor.room.database.read() as connection:
        waiting = undecided(connection)
    assert [row.numbers for row in waiting] == [[number]] * asked
    assert len(labels.jobs()) == 1
    assert floor.state(number)[0] == ("released" if asked else "fulfilled")
