"""What the local courier takes, refuses and charges."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backroom.carriers.addresses import UnknownCountry, country_rules, town_lines
from backroom.carriers.base import AddressRefused, ParcelRefused
from backroom.domain.errors import AskPerson
from backroom.domain.labels import Purchase
from tests.unit.carriers.people import ANNA, LUKASZ, MINSU, SHOP, TARO, bought, courier, request


def test_a_purchase_has_both_labels_and_its_price():
    purchase = bought()
    assert (purchase.cost_minor, purchase.currency) == (490, "EUR")
    assert (purchase.shipping.sender, purchase.shipping.recipient) == (SHOP, ANNA)
    assert (purchase.return_.sender, purchase.return_.recipient) == (ANNA, SHOP)
    assert purchase.shipping.routing_code == "DE 80331"
    assert purchase.return_.routing_code == "DE 10435"
    assert purchase.return_.return_code == f"R-A-1042-{purchase.return_tracking[-4:]}"


def test_buying_again_under_the_same_key_gives_the_same_labels():
    assert courier().buy([request()]) == courier().buy([request()])


def test_nothing_is_left_over_outside_after_a_crash():
    assert courier().find(request().key) is None


def test_a_parcel_of_exactly_the_greatest_weight_is_taken_and_one_gram_more_is_not():
    taken, refused = courier(1000).buy([request(weight_g=1000), request(weight_g=1001)])
    assert isinstance(taken, Purchase)
    assert isinstance(refused, ParcelRefused)


@pytest.mark.parametrize("sick", [request(weight_g=0), replace(request(), service="drone")])
def test_no_weight_or_an_unknown_service_is_refused(sick):
    (refused,) = courier().buy([sick])
    assert isinstance(refused, ParcelRefused)


@pytest.mark.parametrize(
    ("field", "recipient"),
    [
        ("name", replace(ANNA, name="  ")),
        ("lines", replace(ANNA, lines=("", " "))),
        ("lines", replace(ANNA, lines=("Weg",) * 7)),
        ("lines", replace(ANNA, lines=("x" * 101,))),
        ("city", replace(ANNA, city="")),
        ("postcode", replace(ANNA, postcode="")),
        ("postcode", replace(ANNA, postcode="8033")),
        ("postcode", replace(LUKASZ, postcode="00001")),
        ("country", replace(ANNA, country="FR")),
        ("country", replace(ANNA, country="de")),
        ("region", replace(TARO, country="HK", postcode="", region=None)),
    ],
)
def test_an_address_a_driver_could_not_find_is_refused_by_its_fields_name(field, recipient):
    (refused,) = courier().buy([request(recipient)])
    assert isinstance(refused, AddressRefused)
    assert refused.field == f"recipient.{field}"


def test_the_shops_own_address_is_checked_too():
    (refused,) = courier().buy([replace(request(), sender=replace(SHOP, postcode="1"))])
    assert isinstance(refused, AddressRefused)
    assert refused.field == "sender.postcode"


def test_a_refusal_asks_a_person_and_names_nobody():
    (refused,) = courier().buy([request(replace(ANNA, postcode="8033X"))])
    assert isinstance(refused, AskPerson)
    for secret in (ANNA.name, ANNA.city, *ANNA.lines, "8033X"):
        assert secret not in str(refused)


def test_one_bad_address_never_holds_the_others_up():
    outcomes = courier().buy([request(number="A-1"), request(replace(ANNA, city="")), request(number="A-3")])
    assert [isinstance(outcome, Purchase) for outcome in outcomes] == [True, False, True]


def test_a_postcode_stands_in_for_a_region():
    us = replace(ANNA, country="US", city="New York", postcode="10001", region=None)
    assert isinstance(courier().buy([request(us)])[0], Purchase)


def test_a_company_stands_in_for_a_name():
    assert isinstance(courier().buy([request(replace(ANNA, name="", company="Groß GmbH"))])[0], Purchase)


@pytest.mark.parametrize(
    ("address", "lines"),
    [
        (ANNA, ["80331 München"]),
        (replace(ANNA, region="Bayern"), ["80331 München"]),
        (replace(ANNA, country="US", city="New York", postcode="10001", region="NY"), ["New York, NY 10001"]),
        (replace(ANNA, country="US", city="New York", postcode="10001"), ["New York, 10001"]),
        (replace(ANNA, country="GB", city="London", postcode="SW1A 1AA"), ["London", "SW1A 1AA"]),
        (MINSU, ["서울특별시 중구", "04524"]),
        (TARO, ["100-6701", "東京都"]),
        (replace(TARO, city="千代田区"), ["100-6701 千代田区", "東京都"]),
    ],
)
def test_a_town_is_written_as_its_country_does(address, lines):
    assert town_lines(address) == lines


@pytest.mark.parametrize("code", ["", "XX", "de", "DEU", "../DE"])
def test_what_is_no_country_has_no_rules(code):
    with pytest.raises(UnknownCountry):
        country_rules(code)
