"""What the benchmark counts in the sinks: pages that were printed, and mails to customers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from backroom.carriers.courier import LocalCourier
from backroom.carriers.sheets import render_labels
from backroom.domain.labels import LabelRequest, ParcelSpec, PostalAddress, Purchase
from backroom.messaging.base import OutgoingMessage
from backroom.messaging.mailfolder import MailFolder
from benchmarks.backroom_counts import due, mails
from benchmarks.pages import pages
from tasks.alerting import alert_key

HERE = PostalAddress("Łukasz Nowak", None, ("Sonnenallee 1",), "12047", "Berlin", None, "DE", None)


def bought(number: int) -> Purchase:
    courier = LocalCourier(
        name="Courier", countries=["DE"], max_weight_g=31_500, prices={"standard": 490}, currency="EUR"
    )
    request = LabelRequest(
        key=f"label-{number}",
        order_number=f"A-{number}",
        sender=HERE,
        recipient=HERE,
        parcel=ParcelSpec(weight_g=300),
        service="standard",
        date="2026-11-26",
    )
    [purchase] = courier.buy([request])
    assert isinstance(purchase, Purchase)
    return purchase


def test_every_label_on_a_sheet_is_a_printed_page(tmp_path: Path) -> None:
    purchases = [bought(number) for number in range(3)]
    both = [label for one in purchases for label in (one.shipping, one.return_)]
    (tmp_path / "a.pdf").write_bytes(render_labels(both))
    (tmp_path / "b.pdf").write_bytes(render_labels(both[:1]))
    assert pages(tmp_path.glob("*.pdf")) == 7
    assert pages([]) == 0


def test_an_alert_to_the_shop_itself_is_no_message_to_a_customer(tmp_path: Path) -> None:
    folder = MailFolder(tmp_path)
    alert = alert_key("A printer is out of paper.", datetime.now(UTC))
    for key in (alert, "message-1", "message-2"):
        folder.send(
            OutgoingMessage(
                key=key,
                medium="email",
                recipient="to@mail.example",
                subject="Subject",
                body="Text",
                sender="from@mail.example",
            )
        )
    assert len(list(tmp_path.glob("*.eml"))) == 3
    assert mails(tmp_path) == 2


def test_each_order_has_two_labels_and_each_label_is_printed() -> None:
    told = due(10, 15)
    assert (told["orders_fulfilled"], told["labels"], told["prints"], told["delivered"]) == (10, 20, 20, 15)
