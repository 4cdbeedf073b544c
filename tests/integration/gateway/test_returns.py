"""The station for returns: what a tablet shows, what its buttons do, and what waits to be paid back."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import update

from backroom.domain.returns import Lane, Reason
from backroom.store import catalogue, returns, stock, tables
from backroom.store.return_opening import Asked, request
from tests.integration.gateway.conftest import SKU, VARIANT, Gateway, make_sold_order

LABEL = "BR000000000000004242"
AT = "/returns/at/booth-a"


@pytest.fixture
def staff(gateway: Gateway) -> httpx.Client:
    gateway.client.post("/login", data={"key": gateway.key("staff")})
    return gateway.client


def sold(gateway: Gateway) -> str:
    return make_sold_order(gateway.room, LABEL)


def send(staff: httpx.Client, path: str, **given: str) -> httpx.Response:
    """Send a form, as a page of this session would."""
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', staff.get("/returns").text)
    assert found
    return staff.post(path, data={"csrf": found[1]} | given)


def state(gateway: Gateway, rma: str) -> str:
    with gateway.room.database.read() as connection:
        return str(returns.find(connection, rma)["state"])


def test_a_return_goes_from_its_label_to_its_refund_at_a_tablet(gateway: Gateway, staff: httpx.Client) -> None:
    number = sold(gateway)
    rma = f"R-{number}-4242"
    assert "Scan the return label" in staff.get(AT).text
    opened = send(staff, AT, code=LABEL.lower())
    assert f"{rma} is open" in opened.text
    taken = send(staff, AT, code=SKU, rma=rma)
    assert "Right. Say below why it came back" in taken.text
    (piece,) = re.findall(rf"/returns/{rma}/pieces/(\d+)/say", taken.text)
    path = f"/returns/{rma}/pieces/{piece}"
    said = send(staff, f"{path}/say", reason="size", other="", at="booth-a")
    assert (said.status_code, said.headers["Location"]) == (303, f"/returns/{rma}?at=booth-a")
    assert "Back to the shelf" in staff.get(f"/returns/{rma}?at=booth-a").text
    send(staff, f"{path}/dispose", disposition="restock", at="booth-a")
    send(staff, f"/returns/{rma}/complete", at="booth-a")
    assert state(gateway, rma) == "received"
    with gateway.room.database.read() as connection:
        assert stock.levels(connection)["booth-a", SKU].on_hand == 1
    owed = staff.get("/returns").text
    assert f"/returns/{rma}/refund" in owed
    assert "19.90 EUR" in owed
    refused = send(staff, f"/returns/{rma}/refund", amount="much", reference="")
    assert (refused.status_code, "no amount" in refused.text) == (409, True)
    assert send(staff, f"/returns/{rma}/refund", amount="19,90", reference="re_1").status_code == 303
    assert state(gateway, rma) == "closed"
    assert "Nothing is to be paid back." in staff.get("/returns").text
    assert f"/returns/{rma}" in staff.get(f"/orders/{number}").text
    assert {stage for stage, _, _ in gateway.waker.told} == {"returns"}


def test_a_piece_of_another_order_is_refused_and_may_be_one_sent_by_mistake(
    gateway: Gateway, staff: httpx.Client
) -> None:
    number = sold(gateway)
    rma = f"R-{number}-4242"
    send(staff, AT, code=number)
    wrong = send(staff, AT, code="nonsense", rma=rma)
    assert "No: this code is not in the catalogue" in wrong.text
    red = replace(VARIANT, sku="TEE-RED-M", gtin="")
    gateway.room.database.write(lambda c: catalogue.save_variants(c, [red]))
    wrong = send(staff, AT, code=red.sku, rma=rma)
    assert f"No: wrong piece: {red.sku} is not of this order" in wrong.text
    assert f"for {SKU}" in wrong.text
    assert "Right." in send(staff, AT, code=red.sku, rma=rma, instead_of="1").text
    assert f"{red.sku} came instead" in staff.get(f"/returns/{rma}").text


def test_a_code_of_nobody_is_said_in_large_letters(gateway: Gateway, staff: httpx.Client) -> None:
    sold(gateway)
    shown = send(staff, AT, code="BR9")
    assert (shown.status_code, "answer bad" in shown.text) == (200, True)
    assert staff.get("/returns/R-A-1-1").status_code == 404
    assert staff.get("/returns/at/nowhere").status_code == 404


def test_a_choice_that_no_page_offers_is_refused(gateway: Gateway, staff: httpx.Client) -> None:
    rma = f"R-{sold(gateway)}-4242"
    send(staff, AT, code=LABEL)
    (piece,) = re.findall(r"pieces/(\d+)/say", send(staff, AT, code=SKU, rma=rma).text)
    for act in ("say", "decide", "dispose"):
        assert send(staff, f"/returns/{rma}/pieces/{piece}/{act}").status_code == 409
    assert send(staff, f"/returns/{rma}/pieces/{piece}/dispose", disposition="restock").status_code == 409


def test_a_person_says_no_and_the_piece_is_handed_back(gateway: Gateway, staff: httpx.Client) -> None:
    rma = f"R-{sold(gateway)}-4242"
    send(staff, AT, code=LABEL)
    (piece,) = re.findall(r"pieces/(\d+)/say", send(staff, AT, code=SKU, rma=rma).text)
    path = f"/returns/{rma}/pieces/{piece}"
    send(staff, f"{path}/say", reason="changed_mind")
    send(staff, f"{path}/decide", word="declined")
    assert "Hand it back" in staff.get(f"/returns/{rma}").text
    send(staff, f"{path}/dispose", disposition="hand_back")
    send(staff, f"/returns/{rma}/complete")
    assert state(gateway, rma) == "declined"


def test_what_waits_for_a_word_gets_it(gateway: Gateway, staff: httpx.Client) -> None:
    number = sold(gateway)
    long_ago = datetime.now(UTC) - timedelta(days=90)
    late = update(tables.fulfilment_orders).values(done_at=long_ago, labelled_at=long_ago)
    gateway.room.database.write(lambda c: c.execute(late).rowcount)
    rma = gateway.room.database.write(
        lambda c: request(c, gateway.room.shop, number, [Asked(1, Reason.SIZE)], Lane.LABEL, "Ada")
    ).number
    shown = staff.get("/returns").text
    assert shown.index("Waiting for a yes or no") < shown.index(rma) < shown.index("Under way")
    send(staff, f"/returns/{rma}/approve")
    assert state(gateway, rma) == "open"
    send(staff, f"/returns/{rma}/cancel")
    assert state(gateway, rma) == "cancelled"
