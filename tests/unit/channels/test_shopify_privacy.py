"""Shopify's privacy webhooks are read leniently: whatever is missing is not asked about."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.channels.shopify_privacy import DATA_REQUEST, REDACT, SHOP_REDACT, TOPICS, Asked, read

CUSTOMER = {"id": 191167, "email": " Ada@Example.com", "phone": "+49 30 123456"}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def test_whom_a_request_means_is_read_in_the_form_they_are_known_by() -> None:
    told = {"shop_id": 1, "shop_domain": "x", "customer": CUSTOMER, "orders_requested": [299938, "280263", None]}
    assert read(DATA_REQUEST, told) == Asked(DATA_REQUEST, "ada@example.com", "+4930123456", ("299938", "280263"))
    assert read(REDACT, told | {"orders_to_redact": [1]}).orders == ("1",)
    assert read(SHOP_REDACT, {"shop_id": 1, "shop_domain": "x"}) == Asked(SHOP_REDACT)


@pytest.mark.parametrize("phone", ["030 123456", "", None, 7])
def test_a_phone_without_its_country_means_nobody(phone: object) -> None:
    assert read(REDACT, {"customer": CUSTOMER | {"phone": phone}}).phone is None


@given(st.sampled_from(sorted(TOPICS)), ANYTHING, ANYTHING, ANYTHING)
def test_nothing_that_is_sent_is_an_error(topic: str, customer: Any, listed: Any, body: Any) -> None:
    read(topic, body)
    read(topic, {"customer": customer, "orders_to_redact": listed, "orders_requested": listed})
