"""Orders in CSV files."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.channels.base import NotAnOrder
from backroom.channels.csvfile import BrokenFile, read_file
from backroom.channels.strict_json import parse_json
from backroom.domain.model import Delivery, IncomingOrder, PaymentStatus
from tests.unit.channels.samples import channel, raw, sum_of_parts

HEADER = "order_id;placed_at;sku;quantity;unit_price;total;currency;name"


def one(*rows: str, header: str = HEADER) -> dict[str, Any]:
    (order,) = read_file("\n".join((header, *rows)).encode(), "drop.csv").orders
    body: dict[str, Any] = parse_json(order.body)
    return body


def parse(body: object) -> IncomingOrder:
    return channel("csv").parse(body, "csv.order", "DE")


def reasons(body: object) -> list[str]:
    with pytest.raises(NotAnOrder) as caught:
        parse(body)
    return [problem.field for problem in caught.value.problems]


def test_rows_of_an_order_are_found_together_wherever_they_stand() -> None:
    drop = read_file(raw("orders.csv"), "orders.csv")
    assert [order.order_id for order in drop.orders] == ["M-1", "M-2"]
    assert drop.problems == ()
    first, second = (parse(parse_json(order.body)) for order in drop.orders)
    assert [line.sku for line in first.lines] == ["MOTH-BLK-M", "FOX-SAND-L"]
    assert sum_of_parts(first) == first.total_minor == 6390
    assert first.address is not None
    assert (first.address.name, first.address.line1, first.note) == ("Ana Pérez", "Ringstraße 5, Hof", "two\nlines")
    assert [(c.medium, c.granted) for c in first.consents] == [("sms", False), ("email", True)]
    assert (second.delivery, second.placed_at.hour) == (Delivery.COLLECT, 11)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_usual_form_of_the_file_is_read(separator: str, encoding: str, newline: str) -> None:
    header, cells = HEADER.split(";"), ["A-1", "2026-11-20", "S", "1", '"29,00"', "29.00", "EUR", '"Zoë, M; Müller"']
    data = newline.join((separator.join(header), separator.join(cells), "")).encode(encoding)
    (order,) = read_file(data, "f.csv").orders
    found = parse(parse_json(order.body))
    assert (found.total_minor, found.lines[0].unit_price_minor) == (2900, 2900)
    assert parse_json(order.body)["rows"][0]["name"] == "Zoë, M; Müller"


@pytest.mark.parametrize(
    ("said", "minor"),
    [
        ("29", 2900),
        ("29.5", 2950),
        ("29,50", 2950),
        ("1.234,50", 123450),
        ("1,234.50", 123450),
        ("1.234.567,50", 123456750),
        ("1 234,50", 123450),
        ("1'234.50", 123450),
        ("0.500", 50),
        ("0,500", 50),
    ],
)
def test_amounts_are_read_as_they_can_only_be_meant(said: str, minor: int) -> None:
    assert parse(one(f"A;2026-11-20;S;1;{said};1;EUR;x")).lines[0].unit_price_minor == minor


@pytest.mark.parametrize("said", ["1,234", "1.234", "1,234,567", "1.234.567", "12€", "1,2,3.4", "1e3", "", "29.005"])
def test_an_amount_that_could_be_read_in_two_ways_is_refused(said: str) -> None:
    assert reasons(one(f"A;2026-11-20;S;1;{said};1;EUR;x")) == ["drop.csv row 2 unit_price"]


def test_three_decimals_are_no_riddle_in_a_currency_that_has_them() -> None:
    assert parse(one("A;2026-11-20;S;1;1.250;1.250;KWD;x")).total_minor == 1250


@pytest.mark.parametrize(
    ("said", "payment", "cancelled"),
    [
        ("", PaymentStatus.PAID, False),
        ("Paid", PaymentStatus.PAID, False),
        ("pending", PaymentStatus.PENDING, False),
        ("cancelled", PaymentStatus.PENDING, True),
        ("CANCELED", PaymentStatus.PENDING, True),
        ("refunded", PaymentStatus.REFUNDED, True),
    ],
)
def test_a_status_says_what_became_of_an_order(said: str, payment: PaymentStatus, cancelled: bool) -> None:
    found = parse(one(f"A;2026-11-20;S;1;1.00;1.00;EUR;x;{said}", header=f"{HEADER};Status"))
    assert (found.payment, found.cancelled) == (payment, cancelled)


def test_a_status_that_nobody_knows_is_refused_and_rows_must_agree_on_it() -> None:
    assert reasons(one("A;2026-11-20;S;1;1.00;1.00;EUR;x;gone", header=f"{HEADER};status")) == ["drop.csv row 2 status"]
    rows = [f"A;2026-11-20;S;1;1.00;2.00;EUR;x;{status}" for status in ("paid", "cancelled")]
    assert reasons(one(*rows, header=f"{HEADER};status")) == ["drop.csv row 3 status"]


def test_reasons_name_file_row_and_column() -> None:
    body = one("A;soon;S;1;1.00;2.00;EUR;x", "A;soon;;0;1.00;2.50;;x")
    assert sorted(reasons(body)) == [
        "drop.csv row 2 placed_at",
        "drop.csv row 3 quantity",
        "drop.csv row 3 sku",
        "drop.csv row 3 total",
    ]


def test_a_row_with_too_many_cells_refuses_its_order_and_no_other() -> None:
    content = f"{HEADER}\nA;2026-11-20;S;1;1.00;1.00;EUR;x;y\nB;2026-11-20;S;1;1.00;1.00;EUR;x\n"
    bad, good = (parse_json(order.body) for order in read_file(content.encode(), "drop.csv").orders)
    assert reasons(bad) == ["drop.csv row 2"]
    assert parse(good).external_id == "B"


def test_a_row_without_an_order_is_told_with_its_place() -> None:
    drop = read_file(f"{HEADER}\n\n;2026-11-20;S;1;1;1;EUR;x\n".encode(), "drop.csv")
    assert drop.orders == ()
    assert str(drop.problems[0]) == "drop.csv, row 3, column order_id: is empty. Give the row its order's id."


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no column order_id"),
        (b"hello\nworld", "no column order_id"),
        (b"order_id;sku\n1;2", "placed_at, quantity, unit_price, total, currency"),
        (f"{HEADER};SKU\n".encode(), "sku stands there twice"),
        (f'{HEADER}\nA;2026-11-20;S;1;1;1;EUR;"open\nB;x'.encode(), "quotation mark"),
        (b"PK\x03\x04\x00\x00", "not a text file"),
        (HEADER.encode("utf-16"), "not a text file"),
        (f"{HEADER}\nA;\u0081".encode("latin-1"), "line 2: neither UTF-8"),
    ],
)
def test_a_file_without_a_usable_form_is_refused_whole(content: bytes, says: str) -> None:
    with pytest.raises(BrokenFile, match=says):
        read_file(content, "drop.csv")


def test_excels_own_hint_before_the_header_is_passed_over() -> None:
    drop = read_file(f"sep=;\r\n{HEADER}\r\nA;2026-11-20;;1;1;1;EUR;x".encode(), "drop.csv")
    assert reasons(parse_json(drop.orders[0].body)) == ["drop.csv row 3 sku"]


def test_a_file_that_grew_brings_the_same_orders_again() -> None:
    till = channel("csv")
    row = "A;2026-11-20;S;1;1.00;1.00;EUR;x"
    before = read_file(f"{HEADER}\n{row}".encode(), "monday.csv").orders[0].body
    after = read_file(f"{HEADER}\nB;2026-11-20;S;1;1;1;EUR;x\n{row}".encode(), "tuesday.csv").orders[1].body
    changed = read_file(f"{HEADER}\n{row.replace('1.00', '2.00')}".encode(), "monday.csv").orders[0].body
    keys = [till.delivery_key(json.loads(body), {}, body) for body in (before, after, changed)]
    assert keys[0] == keys[1] != keys[2]


@given(st.binary(max_size=300))
def test_any_bytes_are_orders_or_a_broken_file(data: bytes) -> None:
    with suppress(BrokenFile):
        read_file(data, "f.csv")


@given(st.lists(st.lists(st.text(max_size=12), max_size=10), max_size=6))
def test_any_cells_are_orders_refusals_or_a_broken_file(rows: list[list[str]]) -> None:
    lines = [HEADER, *(";".join(cells) for cells in rows)]
    try:
        drop = read_file("\n".join(lines).encode("utf-8", "replace"), "f.csv")
    except BrokenFile:
        return
    for order in drop.orders:
        with suppress(NotAnOrder):
            parse(parse_json(order.body))
