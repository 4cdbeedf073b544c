"""Tracking numbers, and labels as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from backroom.domain.labels import LabelData, Purchase, tracking_number, valid_tracking
from tests.unit.carriers.people import EVERYBODY, TARO, bought, request

keys = st.text(min_size=1)
kinds = st.sampled_from(["shipping", "return"])


@given(kinds, keys)
def test_every_number_is_valid_and_the_same_for_the_same_key(kind, key):
    number = tracking_number(kind, key)
    assert valid_tracking(number)
    assert tracking_number(kind, key) == number


@given(keys)
def test_the_two_labels_of_a_parcel_never_share_a_number(key):
    assert tracking_number("shipping", key) != tracking_number("return", key)


@given(kinds, keys, st.integers(2, 19), st.integers(1, 9))
def test_one_wrong_digit_is_noticed(kind, key, place, shift):
    number = tracking_number(kind, key)
    wrong = str((int(number[place]) + shift) % 10)
    assert not valid_tracking(number[:place] + wrong + number[place + 1 :])


@given(kinds, keys, st.integers(2, 18))
def test_two_swapped_neighbours_are_noticed(kind, key, place):
    number = tracking_number(kind, key)
    assume(number[place] != number[place + 1])
    assert not valid_tracking(number[:place] + number[place + 1] + number[place] + number[place + 2 :])


@pytest.mark.parametrize("text", ["", "BS", "BX" + "0" * 18, "BS" + "٣" * 18, "bs977161522302140628", "A-1042"])
def test_what_has_another_shape_is_no_number(text):
    assert not valid_tracking(text)


def test_the_prefix_tells_a_return_from_a_shipment():
    assert tracking_number("shipping", "k").startswith("BS")
    assert tracking_number("return", "k").startswith("BR")


@pytest.mark.parametrize("recipient", EVERYBODY, ids=lambda a: a.country)
def test_a_label_comes_back_from_its_json(recipient):
    for label in (bought(recipient).shipping, bought(recipient).return_):
        assert LabelData.from_json(label.to_json()) == label


def test_a_purchase_comes_back_from_its_request_and_the_ledgers_answer():
    purchase = bought(TARO)
    answer = json.loads(json.dumps(purchase.answer()))
    assert Purchase.from_answer(request(TARO), answer) == purchase


def test_the_ledgers_answer_names_nobody_and_not_where_they_live():
    answer = json.dumps(bought(TARO).answer(), ensure_ascii=False)
    assert not any(text in answer for text in (TARO.name, TARO.company, TARO.postcode, TARO.region, *TARO.lines))
    no_postcode = replace(TARO, country="HK", city="Kowloon", postcode="", region="Kowloon")
    assert "KOWLOON" not in json.dumps(bought(no_postcode).answer()).upper()
