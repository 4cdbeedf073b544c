"""Phones, e-mail addresses and postal addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.channels.contact import check_address, normalise_email, normalise_phone
from backroom.domain.model import Address


@pytest.mark.parametrize(
    ("raw", "country", "expected"),
    [
        ("0176 12345678", "DE", "+4917612345678"),
        ("+49 (0)176-1234 5678", "", "+4917612345678"),
        ("0049 176 12345678", "DE", "+4917612345678"),
        ("020 7946 0018", "GB", "+442079460018"),
        ("(415) 555-2671", "US", "+14155552671"),
        ("0176 12345678", "", None),
        ("12345", "DE", None),
        ("call me", "DE", None),
        ("", "DE", None),
        (None, "DE", None),
        (["+4917612345678"], "DE", None),
        ("9" * 500, "DE", None),
        ("0176 12345678", "XX", None),
    ],
)
def test_a_phone_is_e164_or_none(raw: object, country: str, expected: str | None) -> None:
    assert normalise_phone(raw, country) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (" Zofia@Example.COM ", "zofia@example.com"),
        ("a+tag@shop.test", "a+tag@shop.test"),
        ("jörg@bücher.example", "jörg@bücher.example"),
        ("no-at.example.com", None),
        ("a@b@c.de", None),
        ("a@", None),
        ("a" * 300 + "@example.com", None),
        ("", None),
        (None, None),
        ({"email": "a@example.com"}, None),
    ],
)
def test_an_email_is_normalised_or_none(raw: object, expected: str | None) -> None:
    assert normalise_email(raw) == expected


@given(st.text(max_size=60) | st.integers() | st.none(), st.text(max_size=3))
def test_nothing_that_is_written_as_a_phone_raises(raw: object, country: str) -> None:
    found = normalise_phone(raw, country)
    assert found is None or (found.startswith("+") and found[1:].isdecimal())


@given(st.text(max_size=60) | st.emails())
def test_normalising_an_email_again_changes_nothing(raw: str) -> None:
    found = normalise_email(raw)
    assert found is None or normalise_email(found) == found


def address(**changes: str) -> Address:
    told = {"name": "A", "line1": "Street 1", "postcode": "10969", "city": "Berlin", "country": "DE"} | changes
    return Address(**told)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "good",
    [
        address(),
        address(name="", company="Studio GmbH"),
        address(name="陳美"),
        address(name="Łukasz Żółć", postcode="00-950", city="Warszawa", country="PL"),
        address(postcode="sw1a 1aa", city="London", country="GB"),
        address(postcode="1012 AB", city="Amsterdam", country="NL"),
        address(postcode="１００-０００１", city="", region="東京都", name="山田太郎", country="JP"),
        address(postcode="90210", city="Beverly Hills", country="US"),
        address(postcode="", city="Dublin", country="IE"),
        address(country="de"),
    ],
    ids=lambda one: f"{one.country} {one.postcode}",
)
def test_a_good_address_has_no_problems(good: Address) -> None:
    assert check_address(good) == []


@pytest.mark.parametrize(
    ("bad", "fields"),
    [
        (address(postcode="1096"), ["address.postcode"]),
        (address(postcode="10969x"), ["address.postcode"]),
        (address(postcode=""), ["address.postcode"]),
        (address(name=" "), ["address.name"]),
        (address(line1="", city=""), ["address.line1", "address.city"]),
        (address(country=""), ["address.country"]),
        (address(country="XX"), ["address.country"]),
        (address(country="../../etc"), ["address.country"]),
        (address(postcode="10969", country="PL"), ["address.postcode"]),
    ],
    ids=lambda one: str(one)[:40],
)
def test_every_problem_of_an_address_is_named_and_mendable(bad: Address, fields: list[str]) -> None:
    problems = check_address(bad)
    assert sorted(problem.field for problem in problems) == sorted(fields)
    assert all(problem.mendable for problem in problems)


@given(st.builds(Address, *[st.text(max_size=20)] * 5))
def test_problems_of_an_address_never_quote_it(one: Address) -> None:
    for problem in check_address(one):
        assert problem.detail in {"is missing", "is not a country that post goes to"} or problem.detail.startswith(
            "is not a postcode of "
        )
