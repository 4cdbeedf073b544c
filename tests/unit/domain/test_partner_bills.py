"""A partner's bill beside what it told: each line has one verdict, and nothing is counted twice."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.cli.partner_bills import NoBill, read_bill
from backroom.domain.partner_bills import BillLine, Told, Verdict, compare_bill

ORDERS = [
    Told(1, "A-1001", ("partner-A-1001-x", "5001", "A-1001"), 1490, True),
    Told(2, "A-1002", ("partner-A-1002-y", "5002", "A-1002"), None, True),
    Told(3, "A-1003", ("partner-A-1003-z", "5003", "A-1003"), 990, False),
]


def verdicts(*lines: tuple[str, int]) -> list[tuple[str, str]]:
    return [(one.verdict.value, one.name) for one in compare_bill([BillLine(*line) for line in lines], ORDERS)]


def test_each_line_and_each_order_that_is_due_has_its_verdict() -> None:
    found = verdicts(("A-1001", 1490), ("5002", 700), ("partner-A-1003-z", 991), ("A-9", 5), ("5001", 1490))
    assert found == [
        ("agrees", "A-1001"),
        ("new", "A-1002"),
        ("differs", "A-1003"),
        ("unknown", "A-9"),
        ("twice", "A-1001"),
    ]
    assert verdicts() == [("missing", "A-1001"), ("missing", "A-1002")]


def test_a_name_that_two_orders_share_is_neithers() -> None:
    shared = [Told(1, "A-1", ("a", "A-1"), 5, False), Told(2, "A-1", ("b", "A-1"), 5, False)]
    assert [one.verdict for one in compare_bill([BillLine("A-1", 5), BillLine("b", 5)], shared)] == [
        Verdict.UNKNOWN,
        Verdict.AGREES,
    ]


@given(
    st.lists(st.tuples(st.sampled_from(["A-1001", "5001", "5002", "A-1003", "no"]), st.integers(0, 2000)), max_size=12)
)
def test_no_order_is_billed_more_than_once(lines: list[tuple[str, int]]) -> None:
    compared = compare_bill([BillLine(*line) for line in lines], ORDERS)
    counted = Counter(
        one.id for one in compared if one.verdict in (Verdict.AGREES, Verdict.DIFFERS, Verdict.NEW, Verdict.MISSING)
    )
    assert all(count == 1 for count in counted.values())
    assert len(compared) == len(lines) + sum(one.verdict is Verdict.MISSING for one in compared)


def test_a_bill_is_read_as_spreadsheets_write_it() -> None:
    content = "\ufefforder;Amount;what\r\nA-1001;14.90;shirt\r\n;;\r\n5002;7;\r\n".encode()
    assert read_bill(content, "bill.csv", "EUR") == [BillLine("A-1001", 1490), BillLine("5002", 700)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no column order and no column amount"),
        (b"order,price\nA-1,2\n", "no column amount"),
        (b"order,amount\nA-1,12,40\n", "more cells"),
        (b"order,amount\nA-1,1.234\n", "line 2"),
        (b"order,amount\nA-1,free\n", "line 2"),
        (b"\xff\xfe\x00", "no UTF-8"),
    ],
)
def test_what_is_no_bill_is_named_by_its_line(content: bytes, said: str) -> None:
    with pytest.raises(NoBill, match=said):
        read_bill(content, "bill.csv", "EUR")
