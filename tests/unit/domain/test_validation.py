"""Validation: each code once, and what is a Hold is never quarantined for company's sake."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.model import (
    Address,
    Delivery,
    IncomingLine,
    IncomingOrder,
    PaymentStatus,
    Problem,
    StatedConsent,
    Variant,
)
from backroom.domain.validation import validate

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ADDRESS = Address("Ada Łukasz", "Torstraße 1", "10115", "Berlin", "DE")
LINE = IncomingLine("1", "TEE", 2, 2500, discount_minor=500)
GOOD = IncomingOrder(
    channel="web",
    external_id="5001",
    placed_at=NOW,
    updated_at=NOW,
    currency="EUR",
    total_minor=4700,
    lines=(LINE,),
    shipping_minor=490,
    discount_minor=300,
    tax_added_minor=10,
    email="ada@example.test",
    phone="+4930123456",
    address=ADDRESS,
)
TEE = Variant("TEE", "tee", "Tee", "red", "M", 2500, "EUR", 180)


def problems(order: IncomingOrder = GOOD, contact: tuple[Problem, ...] = (), **changes: Any) -> list[Problem]:
    return validate(replace(order, **changes), {"TEE": TEE}, "EUR", contact)


def found(*args: Any, **changes: Any) -> list[tuple[str, str, bool]]:
    return [(problem.code, problem.field, problem.mendable) for problem in problems(*args, **changes)]


def address(**changes: Any) -> Address:
    return replace(ADDRESS, **changes)


def test_a_good_order_has_no_problems() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"lines": ()}, ("no_lines", "lines", False)),
        ({"lines": (replace(LINE, quantity=0),)}, ("quantity_out_of_range", "line.1.quantity", False)),
        ({"lines": (replace(LINE, quantity=-1),)}, ("quantity_out_of_range", "line.1.quantity", False)),
        ({"lines": (replace(LINE, quantity=1000),)}, ("quantity_out_of_range", "line.1.quantity", False)),
        ({"lines": (LINE, replace(LINE, sku="X"))}, ("unknown_sku", "line.2.sku", True)),
        ({"lines": (replace(LINE, sku=" "),)}, ("unknown_sku", "line.1.sku", True)),
        ({"lines": (replace(LINE, unit_price_minor=-1),)}, ("amount_out_of_range", "line.1.unit_price_minor", False)),
        ({"lines": (replace(LINE, discount_minor=-1),)}, ("amount_out_of_range", "line.1.discount_minor", False)),
        ({"shipping_minor": -1}, ("amount_out_of_range", "shipping_minor", False)),
        ({"total_minor": 2**31}, ("amount_out_of_range", "total_minor", False)),
        ({"total_minor": 4699}, ("totals_do_not_add_up", "total_minor", True)),
        ({"currency": "EURO"}, ("currency_unknown", "currency", False)),
        ({"currency": "USD"}, ("currency_not_ours", "currency", True)),
        ({"channel": ""}, ("no_identity", "channel", False)),
        ({"external_id": " "}, ("no_identity", "external_id", False)),
        ({"placed_at": datetime(2026, 11, 22)}, ("time_without_zone", "placed_at", False)),  # noqa: DTZ001
        ({"payment": PaymentStatus.PENDING}, ("payment_pending", "payment", True)),
        ({"payment": PaymentStatus.REFUNDED}, ("payment_refunded", "payment", True)),
        ({"payment_token": "4111 1111-11111111"}, ("card_number", "payment_token", False)),
        ({"cancelled": True}, ("cancelled", "cancelled", True)),
        ({"address": None}, ("address_incomplete", "address", True)),
        ({"address": address(line1="")}, ("address_incomplete", "address.line1", True)),
        ({"address": address(postcode=" ")}, ("address_incomplete", "address.postcode", True)),
        ({"address": address(city="")}, ("address_incomplete", "address.city", True)),
        ({"address": address(country="")}, ("address_incomplete", "address.country", True)),
        ({"address": address(country="Germany")}, ("address_incomplete", "address.country", True)),
        ({"address": address(name="")}, ("address_incomplete", "address.name", True)),
        ({"email": "", "phone": ""}, ("unreachable", "contact", True)),
        ({"delivery": Delivery.COLLECT}, ("location_missing", "location", True)),
        ({"delivery": Delivery.CARRY_OUT}, ("location_missing", "location", True)),
        ({"note": "a\0b"}, ("text_unusable", "note", False)),
        ({"lines": (replace(LINE, title="\ud83d"),)}, ("text_unusable", "line.1.title", False)),
        ({"address": address(city="B\0")}, ("text_unusable", "address.city", False)),
    ],
)
def test_each_problem_has_its_code_its_field_and_its_consequence(
    changes: dict[str, Any], expected: tuple[str, str, bool]
) -> None:
    assert expected in found(**changes)


def test_a_broken_consent_is_found_by_its_number() -> None:
    consent = StatedConsent("sms", "marketing", True, "checkout", "yes\0", NOW)
    assert found(consents=(consent,)) == [("text_unusable", "consent.1.wording", False)]


def test_every_problem_is_found_and_not_the_first_one_only() -> None:
    codes = [
        problem.code
        for problem in problems(currency="EURO", total_minor=-1, lines=(replace(LINE, sku="X", quantity=0),))
    ]
    assert codes == [
        "amount_out_of_range",
        "currency_unknown",
        "quantity_out_of_range",
        "unknown_sku",
        "totals_do_not_add_up",
    ]


def test_a_cancelled_order_is_not_quarantined_for_anything_it_lacks() -> None:
    assert found(cancelled=True, lines=(), total_minor=0, address=None, payment=PaymentStatus.REFUNDED) == [
        ("cancelled", "cancelled", True)
    ]


def test_the_difference_of_the_totals_is_said_in_money() -> None:
    assert problems(total_minor=4600)[0].detail == "differs by -1.00 EUR from its parts"
    assert problems(total_minor=4600, currency="EURO")[1].detail == "differs by -100 minor units from its parts"


@pytest.mark.parametrize("token", ["", "pi_3N4111111111111111", "tok_visa", "4111111111111112", "12345"])
def test_a_payment_token_is_welcome(token: str) -> None:
    assert problems(payment_token=token) == []


@pytest.mark.parametrize(
    "where",
    [
        address(country="HK", postcode=""),
        address(country="IE", postcode=""),
        address(country="SG", city=""),
        address(name="", company="Studio Ada"),
    ],
)
def test_addresses_that_arrive_without_a_field_are_complete(where: Address) -> None:
    assert problems(address=where) == []


@pytest.mark.parametrize("delivery", [Delivery.COLLECT, Delivery.CARRY_OUT])
def test_what_is_handed_over_needs_a_place_and_neither_address_nor_contact(delivery: Delivery) -> None:
    assert problems(delivery=delivery, location="booth-a", address=None, email="", phone="") == []


def test_one_unusable_way_to_reach_the_customer_is_no_problem_of_the_order() -> None:
    assert problems(GOOD, (Problem("email", "email", "is no e-mail address", mendable=True),)) == []


def test_no_usable_way_to_reach_the_customer_is_one() -> None:
    bad_email = Problem("email", "email", "is no e-mail address", mendable=True)
    bad_phone = Problem("phone", "phone", "is no phone number", mendable=True)
    assert found(GOOD, (bad_email, bad_phone)) == [("unreachable", "contact", True)]
    assert found(GOOD, (bad_email,), phone="") == [("unreachable", "contact", True)]
    assert found(GOOD, (bad_phone,), email="") == [("unreachable", "contact", True)]


def test_a_field_that_is_judged_here_is_not_judged_twice() -> None:
    missing = Problem("address", "address.postcode", "is missing", mendable=True)
    wrong = Problem("address", "address.region", "is not a region of DE", mendable=True)
    assert found(GOOD, (missing, wrong), address=address(postcode="")) == [
        ("address_incomplete", "address.postcode", True),
        ("address", "address.region", True),
    ]
    assert problems(GOOD, (wrong,), delivery=Delivery.COLLECT, location="booth-a") == []


@given(
    st.lists(
        st.builds(IncomingLine, st.just("1"), st.just("TEE"), st.integers(1, 999), st.integers(0, 10**4)), min_size=1
    ),
    st.integers(0, 5000),
    st.integers(0, 5000),
    st.integers(-3, 3),
)
def test_totals_are_right_to_the_last_minor_unit(
    lines: list[IncomingLine], shipping: int, tax: int, off_by: int
) -> None:
    total = sum(line.quantity * line.unit_price_minor for line in lines) + shipping + tax + off_by
    codes = [
        problem.code
        for problem in problems(
            lines=tuple(lines), shipping_minor=shipping, tax_added_minor=tax, discount_minor=0, total_minor=total
        )
    ]
    assert ("totals_do_not_add_up" in codes) is (off_by != 0)


@given(st.text(), st.text(), st.text())
def test_no_problem_repeats_what_the_customer_wrote(name: str, city: str, phone: str) -> None:
    secret = "Zwiebelkuchen"
    said = problems(
        address=address(name=secret + name, city=secret + city, postcode="", country=secret),
        phone=secret + phone,
        payment_token="4111111111111111",
        lines=(replace(LINE, sku=secret),),
    )
    assert said
    assert all(secret not in problem.detail and "4111" not in problem.detail for problem in said)
