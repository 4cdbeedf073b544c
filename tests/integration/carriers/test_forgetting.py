"""What a carrier drew names a person: it is sealed, told to them, emptied with their other labels, and forgotten."""

from __future__ import annotations

from datetime import timedelta

import pypdfium2
import pytest
import zxingcpp
from sqlalchemy import select

from backroom.privacy.erasure import erase
from backroom.store import retention, shipping
from backroom.store.database import now
from backroom.store.personal import Whose
from backroom.store.tables import labels, tracking_events
from backroom.store.telling import everything
from tests.fake_easypost import FakeEasyPost
from tests.integration.carriers.conftest import LOCAL, let_carry, world
from tests.shops import CANARIES, HUB, PLAIN, Floor


def sent(floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch, **changes: object) -> str:
    let_carry(floor, monkeypatch, world(there))
    number = floor.taken_in((PLAIN, 1), **changes)
    floor.fulfil(HUB)
    return number


def documents(floor: Floor) -> list[bytes | None]:
    with floor.room.database.read() as connection:
        return list(connection.execute(select(labels.c.document)).scalars())


def test_what_a_carrier_drew_is_sealed_and_told_to_whom_it_is_about(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = sent(floor, there, monkeypatch)
    assert all(document and b"%PDF" not in document for document in documents(floor))
    person = floor.story(number).order["person_id"]
    with floor.room.database.read() as connection:
        told = everything(connection, floor.room.seals, person)
    assert all(row["document"]["media_type"] == "application/pdf" for row in told["labels"])
    assert told["rate_choices"][0]["brand"] == "USPS"
    assert told["parcels"][0]["state"] == "announced"
    assert "request_hash" not in told["rate_choices"][0]


def test_retention_empties_it_with_the_label_it_is_of(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(floor, there, monkeypatch)
    floor.room.database.write(lambda c: retention.empty_labels(c, now(c) + timedelta(days=1)))
    assert documents(floor) == [None, None]


def test_who_is_forgotten_stands_on_no_sheet_any_more_and_the_others_still_do(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of two parcels on one sheet, one is drawn by its carrier and one by us.
    let_carry(floor, monkeypatch, LOCAL, world(there))
    theirs = floor.taken_in((PLAIN, 1))
    stays = floor.taken_in((PLAIN, 1), email="somebody@example.org", phone="")
    floor.fulfil(HUB)
    gone, kept = floor.story(theirs).shipments[0], floor.story(stays).shipments[0]
    assert gone["sheet_id"] == kept["sheet_id"]
    erase(floor.room, [Whose(floor.story(theirs).order["person_id"])], "Ada", None)
    with floor.room.database.read() as connection:
        rows = shipping.labels_of(connection, [gone["id"]])
        left = connection.execute(select(labels.c.document).where(labels.c.shipment_id == gone["id"])).scalars().all()
        assert str(connection.execute(select(tracking_events)).all()).find(CANARIES[0]) == -1
    assert rows == []
    assert left == [None, None]
    codes: set[str] = set()
    for path in (floor.room.home / f"labels-{HUB}").glob("*.pdf"):
        document = pypdfium2.PdfDocument(path)
        for page in document:
            codes |= {code.text for code in zxingcpp.read_barcodes(page.render(scale=300 / 72).to_pil())}
        document.close()
    assert kept["tracking"] in codes
    assert gone["tracking"] not in codes
