"""Card numbers are masked in free text; everything that merely looks long is left alone."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.cards import is_card_number, mask_cards, mask_tree, passes_luhn

# Test numbers that the schemes and payment providers publish.
PUBLISHED = [
    "4242424242424242",
    "4012888888881881",
    "4222222222222",
    "5555555555554444",
    "2223003122003222",
    "2720990000000007",
    "378282246310005",
    "371449635398431",
    "6011111111111117",
    "6445644564456445",
    "6500000000000002",
    "30569309025904",
    "36227206271667",
    "38520000023237",
    "3530111333300000",
    "6200000000000005",
    "6205500000000000004",
    "8171999927660000",
]
PREFIXES = ["4", "51", "55", "2221", "2300", "2720", "34", "37", "6011", "644", "65", "300", "36", "38", "3528", "62"]


def luhn_digit(body: str) -> str:
    return next(digit for digit in "0123456789" if passes_luhn(body + digit))


@st.composite
def card_numbers(draw: st.DrawFn) -> str:
    prefix = draw(st.sampled_from(PREFIXES))
    length = draw(st.integers(13, 19))
    size = length - len(prefix) - 1
    body = prefix + draw(st.text("0123456789", min_size=size, max_size=size))
    return body + luhn_digit(body)


@pytest.mark.parametrize("number", PUBLISHED)
def test_published_test_numbers_are_masked_to_their_last_four_digits(number: str) -> None:
    assert mask_cards(f"my card is {number}, thanks") == (
        f"my card is {'*' * (len(number) - 4)}{number[-4:]}, thanks",
        1,
    )


@pytest.mark.parametrize(
    ("text", "masked", "count"),
    [
        ("4111 1111 1111 1111", "**** **** **** 1111", 1),
        ("4111-1111-1111-1111", "****-****-****-1111", 1),
        ("4111\u00a01111\u20111111 1111", "****\u00a0****\u2011**** 1111", 1),
        ("3782 822463 10005", "**** ****** *0005", 1),
        ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "* * * * * * * * * * * * 1 1 1 1", 1),
        ("order 1042 4111 1111 1111 1111 12 28", "order 1042 **** **** **** 1111 12 28", 1),
        ("card:4111111111111111 cvc 123", "card:************1111 cvc 123", 1),
        ("VISA4111111111111111!", "VISA************1111!", 1),
        ("４１１１１１１１１１１１１１１１", "************１１１１", 1),
        ("4111111111111111\n5555555555554444", "************1111\n************4444", 2),
        ("4111111111111111 378282246310005", "************1111 ***********0005", 2),
    ],
)
def test_a_card_number_is_found_however_it_is_typed(text: str, masked: str, count: int) -> None:
    assert mask_cards(text) == (masked, count)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4111 1111 1111 1112",  # Luhn
        "1111111111111117",  # no issuer
        "411111111111",  # twelve digits
        "4006381333931",  # a GTIN-13
        "+49 151 2345 6789 01",
        "+4915123456789",
        "+378282246310005",  # a phone number may have fifteen digits
        "00340434161094042557",  # a parcel's SSCC with its prefix
        "12345678901234567890123456789012",
        "4111  1111  1111  1111",
        "4111.1111.1111.1111",
        "2026-11-22 12:00:00",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert mask_cards(text) == (text, 0)


def test_a_gtin_that_is_also_a_card_number_is_masked() -> None:
    gtin = "4000000000006"
    assert is_card_number(gtin)
    assert mask_cards(gtin) == ("*********0006", 1)


def test_more_digits_than_a_phone_number_has_are_not_spared_by_a_plus() -> None:
    assert mask_cards("+4111111111111111") == ("+************1111", 1)


def test_overlapping_numbers_keep_four_digits_together_and_not_each() -> None:
    assert is_card_number("4242424242424242")
    assert is_card_number("4242424242420000")
    assert mask_cards("4242 4242 4242 4242 0000") == ("**** **** **** **** 0000", 1)


@given(card_numbers(), st.data())
def test_every_card_number_is_masked_whatever_single_separators_it_has(number: str, data: st.DataObject) -> None:
    gaps = data.draw(st.lists(st.sampled_from(["", " ", "-"]), min_size=len(number) - 1, max_size=len(number) - 1))
    typed = "".join(digit + gap for digit, gap in zip(number, [*gaps, ""], strict=True))
    masked, count = mask_cards(f"x {typed}.")
    digits = [character for character in masked if character.isdigit()]
    assert count == 1
    assert len(masked) == len(typed) + 3
    assert "".join(digits) == number[-4:]


@given(st.text("0123456789 -+*ab,", max_size=80))
def test_masking_twice_changes_nothing_more(text: str) -> None:
    once, _ = mask_cards(text)
    assert mask_cards(once) == (once, 0)


@given(st.text(max_size=60))
def test_masking_only_ever_puts_stars_for_digits(text: str) -> None:
    masked, count = mask_cards(text)
    assert len(masked) == len(text)
    changed = [(old, new) for old, new in zip(text, masked, strict=True) if old != new]
    assert all(old.isdecimal() and new == "*" for old, new in changed)
    assert bool(changed) == bool(count)


@given(card_numbers(), st.integers(0, 9))
def test_a_wrong_check_digit_is_no_card_number(number: str, last: int) -> None:
    other = number[:-1] + str(last)
    assert is_card_number(other) == (other == number)


@pytest.mark.parametrize(
    "text",
    ["Wrap it, order 1042 of 2026-11-22. " * 30_000, "4" * 2**20, "411111111111," * 80_000, "4 " * 2**17],
    ids=["prose", "digits", "almost", "a quarter, every digit alone"],
)
def test_no_text_of_a_megabyte_takes_long(text: str) -> None:
    begun = time.process_time()
    mask_cards(text)
    # Measured 0.1, 0.1, 0.4 and 0.6 s on a busy machine; anything but linear would take minutes.
    assert time.process_time() - begun < 5


def test_only_free_text_keys_are_looked_into() -> None:
    payload = {
        "id": 4111111111111111,
        "admin_graphql_api_id": "gid://shopify/Order/4111111111111111",
        "note": "4111 1111 1111 1111",
        "barcode": "4111111111111111",
        "line_items": [
            {
                "id": 4111111111111111,
                "properties": [{"name": "Text", "value": 4111111111111111}, {"id": 4111111111111111, "value": True}],
            }
        ],
        "meta_data": [{"post_id": "4111111111111111", "value": {"deep": ["4111111111111111", 1.5, None]}}],
    }
    before = json.dumps(payload)
    masked, count = mask_tree(payload)
    assert count == 3
    assert masked == {
        "id": 4111111111111111,
        "admin_graphql_api_id": "gid://shopify/Order/4111111111111111",
        "note": "**** **** **** 1111",
        "barcode": "4111111111111111",
        "line_items": [
            {
                "id": 4111111111111111,
                "properties": [{"name": "Text", "value": "************1111"}, {"id": 4111111111111111, "value": True}],
            }
        ],
        "meta_data": [{"post_id": "4111111111111111", "value": {"deep": ["************1111", 1.5, None]}}],
    }
    assert list(masked) == list(payload)
    assert json.dumps(payload) == before


def test_a_channel_may_name_its_own_free_text_keys() -> None:
    payload = {"note": "4111111111111111", "memo": "4111111111111111"}
    assert mask_tree(payload, {"memo"}) == ({"note": "4111111111111111", "memo": "************1111"}, 1)


def test_a_bare_text_and_very_deep_json_are_no_trouble() -> None:
    assert mask_tree("4111111111111111") == ("4111111111111111", 0)
    deep: object = "4111111111111111"
    for _ in range(50_000):
        deep = [deep]
    masked, count = mask_tree({"note": deep})
    assert count == 1
    masked = masked["note"]
    while isinstance(masked, list):
        masked = masked[0]
    assert masked == "************1111"
