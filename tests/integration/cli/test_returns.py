"""Commands about returns, as somebody or a program types them: from the label to the refund."""

from __future__ import annotations

from backroom.shop.room import Room
from tests.integration.cli.typing_in import answered, refused, typed
from tests.integration.gateway.conftest import SKU, make_sold_order

LABEL = "BR000000000000004242"


def test_a_return_goes_from_its_label_to_its_refund_in_a_terminal(room: Room) -> None:
    number = make_sold_order(room, LABEL, location="main-hub")
    rma = answered("return", "scan", LABEL, "--at", "main-hub")["return"]
    assert rma == f"R-{number}-4242"
    assert answered("return", "receive", rma, "nonsense", "--at", "main-hub", code=1)["piece"] is None
    piece = str(answered("return", "receive", rma.lower(), SKU, "--at", "main-hub")["piece"])
    assert answered("return", "judge", piece, "size")["pieces"][0]["word"] == "granted"
    assert answered("return", "dispose", piece, "discard")["state"] == "received_in_part"
    assert answered("return", "complete", rma)["state"] == "received"
    (owed,) = answered("return", "refunds")
    assert (owed["return"], owed["amount"], owed["channel"]) == (rma, "19.90 EUR", "web")
    assert typed("return", "refunded", rma, "much").exit_code == 2
    assert answered("return", "refunded", rma, "19.90", "--reference", "re_1")["state"] == "closed"
    assert answered("return", "refunds") == answered("return", "list") == []
    assert answered("return", "list", "--ended")[0]["number"] == rma
    assert answered("return", "show", rma)["refund"]["paid_minor"] == 1990
    assert rma in typed("order", "show", number).stdout


def test_a_customer_who_writes_first_gets_a_word(room: Room) -> None:
    number = make_sold_order(room, LABEL, location="main-hub")
    asked = ("return", "request", number, "--line", "1", "--reason", "size")
    rma = answered(*asked, "--lane", "collection")["return"]
    assert answered("return", "list", "--lane", "collection")[0]["number"] == rma
    assert "no more of line 1" in refused(*asked)
    assert answered("return", "cancel", rma)["state"] == "cancelled"
    again = answered(*asked)
    assert (again["return"], again["state"]) == (f"R-{number}-2", "open")
    assert answered("return", "decide", "2", "--decline")["pieces"][0]["word"] == "declined"
    assert "is open" in refused("return", "approve", again["return"])
    assert answered("return", "decline", again["return"])["state"] == "declined"
    assert "there is no return" in refused("return", "show", "R-A-1-1")
