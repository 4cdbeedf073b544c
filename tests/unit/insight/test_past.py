"""The audit of a past: figures counted by hand, exports as channels write them, and files that are nothing at all."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backroom.domain.audit_money import failure_costs
from backroom.domain.cost_rates import CostRates
from backroom.insight.past.cells import Unread, read_money, read_times
from backroom.insight.past.figures import PastAudit, PastNumber, audit_past
from backroom.insight.past.orders import Past, past_of
from backroom.insight.past.page import as_json as plain_of
from backroom.insight.past.page import html_page, keep, kept, said_file
from backroom.insight.past.text import UnreadableFile, read_rows

COSTS = failure_costs(CostRates(wage_per_hour=3000), 400, "EUR")

YEAR = """order,placed,paid,shipped,promised,cancelled,refunded,total,currency,channel,sku,quantity,returned,reason
1,2026-01-05,yes,2026-01-06,,,,29.00,EUR,web,TEE-M,1,,
2,2026-01-05,yes,2026-01-12,,,,29.00,EUR,web,TEE-M,2,yes,wrong item
3,2026-01-05,yes,,,,,40.00,EUR,web,TEE-L,1,,
4,2026-01-05,yes,,,yes,,29.00,EUR,web,TEE-M,1,,
5,2026-02-05,2026-02-05,2026-02-10,2026-02-10,,,29.00,EUR,fair,TEE-M,1,1,too small
6,2026-02-05,no,,,,,29.00,EUR,fair,TEE-M,1,,
7,2026-01-06,yes,,,,15.00,15.00,EUR,web,TEE-L,1,,
8,2026-02-06,yes,,,,,29.00,EUR,web,TEE-L,1,,
"""

SHOPIFY = """Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Currency,Total,Created at,\
Lineitem quantity,Lineitem sku,Billing Name,Refunded Amount,Cancelled at,Id,Source
#1001,zaphrodel.q@example.org,paid,2026-03-02 10:00:00 +0100,fulfilled,2026-03-03 10:00:00 +0100,EUR,58.00,\
2026-03-02 09:59:00 +0100,1,TEE-M,Zaphrodel Quibbleton,0.00,,5001,web
#1001,zaphrodel.q@example.org,,,,,,,2026-03-02 09:59:00 +0100,1,TEE-L,,,,,
#1002,zaphrodel.q@example.org,paid,2026-03-02 10:00:00 +0100,unfulfilled,,EUR,29.00,2026-03-02 09:59:00 +0100,1,\
TEE-M,Zaphrodel Quibbleton,0.00,,5002,web
#1003,zaphrodel.q@example.org,pending,,unfulfilled,,EUR,29.00,2026-03-02 09:59:00 +0100,1,TEE-M,Zaphrodel,0.00,,5003,web
#1004,zaphrodel.q@example.org,paid,2026-04-02 10:00:00 +0200,fulfilled,2026-04-13 10:00:00 +0200,EUR,29.00,\
2026-04-02 09:59:00 +0200,1,TEE-M,Zaphrodel,0.00,,5004,pos
"""

WOOCOMMERCE = """order_id;order_number;order_date;paid_date;completed_date;status;order_total;order_currency;\
billing_email
11;W-11;2026-03-02 09:00:00;2026-03-02 09:01:00;2026-03-04 09:00:00;wc-completed;29,00;EUR;a@example.org
12;W-12;2026-03-02 09:00:00;2026-03-02 09:01:00;;processing;31,00;EUR;a@example.org
13;W-13;2026-03-02 09:00:00;;;cancelled;29,00;EUR;a@example.org
14;W-14;2026-05-02 09:00:00;2026-05-02 09:01:00;2026-05-04 09:00:00;completed;29,00;EUR;a@example.org
"""


def past(*texts: str) -> Past:
    return past_of([(f"{n}.csv", text.encode()) for n, text in enumerate(texts)], "Europe/Berlin", "EUR")


def audited(*texts: str) -> PastAudit:
    return audit_past(past(*texts), COSTS)


def test_a_year_comes_to_what_is_counted_by_hand() -> None:
    found = audited(YEAR)
    # Paid and not cancelled: 1, 2, 3, 5, 7, 8. Never sent: 3 and 7; 8 is four days old when the list ends.
    assert found.lost == PastNumber(2, 6, 4000 + 1500)
    assert found.paid_back == 1
    # One wrong item of eight orders: two parcels of 4.00 and a quarter of an hour at 30.00.
    assert found.wrong == PastNumber(1, 8, 2 * 400 + 750)
    # Sent: 1 in a day, 2 after five working days, 5 on the day of its promise. Ten minutes at 30.00.
    assert found.slow == PastNumber(1, 3, 500)
    assert (found.orders, found.returned) == (8, 2)
    assert (found.median_days, found.p90_days) == (5.0, 7.0)
    assert found.slow_by["channel"] == [("fair", 0, 1, 5.0), ("web", 1, 2, 4.0)]
    assert found.slow_by["weekday"] == [("1 Monday", 1, 2, 4.0), ("4 Thursday", 0, 1, 5.0)]
    assert found.lost_orders == (("3", "web", "2026-01-05", 4000), ("7", "web", "2026-01-06", 1500))
    assert found.lost.per_thousand == pytest.approx(333.33, abs=0.01)


def test_an_export_of_shopify_is_read_by_its_own_headings() -> None:
    found, read = audited(SHOPIFY), past(SHOPIFY)
    assert read.files[0].form == "Shopify orders export"
    assert read.orders["id"].to_list() == ["5001", "5002", "5003", "5004"]
    assert read.lines["quantity"].sum() == 5
    assert found.lost == PastNumber(1, 3, 2900)
    # 2 April was a Thursday: the 13th is the seventh working day after it.
    assert found.slow == PastNumber(1, 2, 500)
    assert found.wrong is None
    assert any("wrong pieces cannot be known" in line for line in found.unknown)


def test_an_export_of_woocommerce_is_read_by_its_own_headings() -> None:
    found, read = audited(WOOCOMMERCE), past(WOOCOMMERCE)
    assert read.files[0].form == "WooCommerce export"
    assert read.orders["order"].to_list() == ["W-11", "W-12", "W-13", "W-14"]
    assert read.orders["placed"][0] == datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert found.lost == PastNumber(1, 3, 3100)
    assert found.slow == PastNumber(0, 2, 0)


def test_a_second_file_tells_why_orders_came_back() -> None:
    returns = "order,returned,reason\n#1001,2026-03-09,They sent the wrong colour\n#1004,2026-04-20,wrong size\n"
    found = audited(SHOPIFY, returns)
    assert found.wrong is not None
    assert (found.wrong.count, found.wrong.of) == (1, 4)
    assert found.returned == 2
    assert past(SHOPIFY, returns).lines["quantity"].sum() == 5


def test_nothing_of_a_customer_is_kept_or_shown(tmp_path: Path) -> None:
    read = past(SHOPIFY, "order,returned,reason\n1001,yes,Zaphrodel here: wrong item\nZaphrodel Quibbleton,yes,x\n")
    found = audit_past(read, COSTS)
    keep(
        tmp_path,
        html_page(found, read.files, COSTS, "Nord"),
        plain_of(found, read.files, datetime(2026, 1, 1, tzinfo=UTC)),
    )
    told = "".join(path.read_text("utf-8") for path in tmp_path.iterdir())
    assert "Zaphrodel" not in told
    assert "example.org" not in told
    assert kept(tmp_path) is not None
    assert "example.org" not in f"{read}"


def test_the_page_loads_nothing(tmp_path: Path) -> None:
    read = past(YEAR)
    written = html_page(audit_past(read, COSTS), read.files, COSTS, "Nord")
    assert "http" not in written
    assert "Lost: paid and never sent" in written


def test_what_could_not_be_read_is_said_with_its_row_and_not_with_what_it_says() -> None:
    text = "order,placed,shipped,total\n1,5 o'clock,2026-01-02,29\n2,2026-01-01,soon,a lot\n,2026-01-01,,\n"
    read = past(text)
    said = list(said_file(read.files[0]))
    assert "1 cell of placed could not be read (row 2)." in said
    assert "1 cell of shipped could not be read (row 3)." in said
    assert "1 cell of total could not be read (row 3)." in said
    assert "1 rows name no order and were left out." in said
    assert "clock" not in " ".join(said)
    assert read.orders["order"].to_list() == ["1", "2"]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_encodings_and_line_ends_are_found_out(separator: str, encoding: str, end: str) -> None:
    text = end.join(("Bestellnummer,Bezahlt,Kanal,Währung", "1,ja,Müller,EUR", "2,nein,web,EUR"))
    read = read_rows(text.replace(",", separator).encode(encoding), "x.csv")
    assert read.cells["order"].to_list() == ["1", "2"]
    assert read.cells["channel"].to_list() == ["Müller", "web"]
    assert read.columns.headings["currency"] == "Währung"


def test_a_quotation_mark_that_is_not_closed_costs_its_line_alone() -> None:
    read = read_rows(b'order,note,total\n1,"fine, here",2\n2,"never closed,3\n3,x,4\n', "x.csv")
    assert read.cells["order"].to_list() == ["1", "3"]
    assert read.oddities == ("1 lines have a quotation mark too many and were left out.",)


def test_a_text_over_several_lines_is_one_cell() -> None:
    read = read_rows(b'order,note,total\n1,"one\ntwo",2\n2,,3\n', "x.csv")
    assert read.cells["order"].to_list() == ["1", "2"]
    assert read.cells["total"].to_list() == ["2", "3"]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\x00\xff", b"name,mail\nAnna,a@b.c\n", b"%PDF-1.4 binary \xe2\xe3"])
def test_a_file_without_orders_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(UnreadableFile, match="no column names the order"):
        read_rows(data, "x.csv")


@pytest.mark.parametrize(
    ("said", "minor"),
    [
        ("29", 2900),
        ("29.00", 2900),
        ("29,00", 2900),
        ("€ 29.5", 2950),
        ("29.00 EUR", 2900),
        ("1.234,50", 123450),
        ("1,234.50", 123450),
        ("1,234", 123400),
        ("1.234", 123400),
        ("-5", -500),
        ("0", 0),
        ("1e5", None),
        ("a lot", None),
        ("99999999999999999999", None),
    ],
)
def test_amounts_are_read_as_people_write_them(said: str, minor: int | None) -> None:
    frame = pl.DataFrame({"row": [2], "total": [said]})
    assert read_money(frame, "total", 2, Unread()).to_list() == [minor]


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("2026-03-02 10:00:00 +0100", (3, 2, 9, 0)),
        ("2026-03-02T10:00:00+01:00", (3, 2, 9, 0)),
        ("2026-03-02T09:00:00Z", (3, 2, 9, 0)),
        ("2026-03-02T09:00:00.250Z", (3, 2, 9, 0)),
        ("2026-03-02 10:00", (3, 2, 9, 0)),
        ("2.3.2026 10:00", (3, 2, 9, 0)),
        ("02/03/2026 10:00 AM", (3, 2, 9, 0)),
        ("March 2, 2026 10:00", (3, 2, 9, 0)),
        ("2 March 2026", (3, 1, 23, 0)),
        ("46083.375", (3, 2, 9, 0)),
        ("2026-03-29 02:30", (3, 29, 2, 30)),
    ],
)
def test_times_are_read_as_people_and_spreadsheets_write_them(said: str, at: tuple[int, int, int, int]) -> None:
    frame = pl.DataFrame({"row": [2], "placed": [said]})
    (read,) = read_times(frame, "placed", "Europe/Berlin", Unread()).to_list()
    assert read.replace(microsecond=0) == datetime(2026, *at, tzinfo=UTC)


def test_one_date_that_can_only_begin_with_its_month_tells_it_of_all() -> None:
    frame = pl.DataFrame({"row": [2, 3], "placed": ["03/02/2026", "03/17/2026"]})
    read = read_times(frame, "placed", "UTC", Unread()).to_list()
    assert [one.month for one in read] == [3, 3]


@given(st.binary(max_size=300))
@example(b'order\n"')
@example(b"order,order,\xff\n1,2,3,4,5\n")
@settings(max_examples=100)
def test_no_bytes_crash_the_reader(data: bytes) -> None:
    for mixed in (data, b"order,placed,paid,shipped,total,sku,quantity,returned,reason\n" + data):
        try:
            audit_past(past_of([("x.csv", mixed)], "Europe/Berlin", "EUR"), COSTS)
        except UnreadableFile:
            assert mixed is data


_cell = st.one_of(
    st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(
        ["", "2026-01-05", "5.1.2026", "yes", "no", "1.234,5", "-3", "nan", "inf", "1e999", "9" * 30, "=1+1"]
    ),
)


@given(st.lists(st.lists(_cell, min_size=10, max_size=10), max_size=8), st.sampled_from(",;\t|"))
@settings(max_examples=40)
def test_whatever_the_cells_say_no_order_is_lost_and_no_share_is_above_one(
    rows: list[list[str]], separator: str
) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=separator, lineterminator="\n")
    writer.writerow(
        ["order", "placed", "paid", "shipped", "cancelled", "total", "refunded", "sku", "returned", "reason"]
    )
    writer.writerows(rows)
    read = past_of([("x.csv", file.getvalue().encode("utf-8", "replace"))], "UTC", "EUR")
    found = audit_past(read, COSTS)
    for number in (found.lost, found.wrong, found.slow):
        assert number is None or 0 <= number.count <= number.of <= found.orders
    assert found.orders <= len(rows)
    assert read.orders["order"].is_unique().all()
