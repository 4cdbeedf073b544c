"""Our calls and the fake's answers, held against Stripe's own SDK at the same server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from backroom.channels.stripe_calls import VERSION
from backroom.channels.stripe_refunds import StripeRefunds
from backroom.channels.stripe_source import StripeSource
from backroom.domain.channels import ChannelSpec
from tests.fake_stripe import KEY, FakeStripe
from tests.integration.channels.test_stripe import REFUND, SESSION, SINCE, fresh_circuits, spec, stripe_account

__all__ = ["fresh_circuits", "spec", "stripe_account"]


@pytest.fixture
def sdk(spec: ChannelSpec) -> stripe.StripeClient:
    assert spec.api is not None
    return stripe.StripeClient(KEY, base_addresses={"api": spec.api.url}, max_network_retries=0)


def unknown_fields(value: Any, path: str = "") -> Iterator[str]:
    """Fields that Stripe's own classes do not declare, in an answer as its SDK read it. Metadata may hold anything."""
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield from unknown_fields(one, f"{path}[{number}]")
    elif isinstance(value, stripe.StripeObject) and not path.endswith("metadata"):
        declared = {name for cls in type(value).__mro__ for name in vars(cls).get("__annotations__", {})}
        for name in value.to_dict(recursive=False):
            if name not in declared:
                yield f"{path}.{name}"
            else:
                yield from unknown_fields(value[name], f"{path}.{name}")


def test_the_sdk_speaks_the_version_that_we_speak(stripe_account: FakeStripe, sdk: stripe.StripeClient) -> None:
    sdk.v1.checkout.sessions.retrieve(SESSION)
    assert stripe_account.headers[-1]["stripe-version"] == VERSION == stripe.api_version
    assert stripe_account.headers[-1]["authorization"] == f"Bearer {KEY}"


def test_sessions_and_events_are_listed_as_the_sdk_does(
    stripe_account: FakeStripe, spec: ChannelSpec, sdk: stripe.StripeClient
) -> None:
    list(StripeSource(spec, KEY).changed_since(SINCE))
    ours, stripe_account.calls[:] = list(stripe_account.calls), []
    since = int(SINCE.timestamp())
    answer = sdk.v1.checkout.sessions.list(
        {
            "created": {"gte": since},
            "status": "complete",
            "limit": 100,
            "expand": ["data.payment_intent.latest_charge.refunds"],
        }
    )
    sdk.v1.events.list({"created": {"gte": since}, "type": "refund.created", "limit": 100})
    theirs = [(method, path, _unnumbered(params)) for method, path, params in stripe_account.calls]
    assert theirs[0] == ours[0]
    assert theirs[1] in ours
    assert list(unknown_fields(answer.data)) == []


def test_a_session_and_its_lines_are_fetched_as_the_sdk_does(
    stripe_account: FakeStripe, spec: ChannelSpec, sdk: stripe.StripeClient
) -> None:
    list(StripeSource(spec, KEY).fetch([SESSION]))
    ours, stripe_account.calls[:] = list(stripe_account.calls), []
    session = sdk.v1.checkout.sessions.retrieve(
        SESSION, {"expand": ["payment_intent.latest_charge.refunds", "shipping_cost.shipping_rate"]}
    )
    lines = sdk.v1.checkout.sessions.line_items.list(SESSION, {"limit": 100, "expand": ["data.price.product"]})
    assert [(m, p, _unnumbered(params)) for m, p, params in stripe_account.calls] == ours
    assert list(unknown_fields(session)) == []
    assert list(unknown_fields(lines.data)) == []


def test_a_refund_is_asked_for_as_the_sdk_would(
    stripe_account: FakeStripe, spec: ChannelSpec, sdk: stripe.StripeClient
) -> None:
    assert spec.api is not None
    StripeRefunds(spec.api.url, KEY).refund(REFUND)
    ours = stripe_account.calls[-1]
    refund = sdk.v1.refunds.create(
        {
            "payment_intent": "pi_3abc",
            "amount": REFUND.amount_minor,
            "reason": "requested_by_customer",
            "metadata": {"backroom": REFUND.key},
        },
        {"idempotency_key": REFUND.key},
    )
    assert stripe_account.calls[-1] == ours
    assert stripe_account.headers[-1]["idempotency-key"] == REFUND.key
    # Under one key the SDK's call and ours are one refund.
    assert refund.id == "re_1"
    assert len(stripe_account.refunds) == 1
    assert list(unknown_fields(refund)) == []


def test_a_made_up_field_would_be_found(stripe_account: FakeStripe, sdk: stripe.StripeClient) -> None:
    stripe_account.sessions[SESSION]["shipping_cost"]["amount_gross"] = 1
    assert list(unknown_fields(sdk.v1.checkout.sessions.retrieve(SESSION))) == [".shipping_cost.amount_gross"]


def _unnumbered(params: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The SDK numbers what it sends several of: `expand[0]` is `expand[]`."""
    return sorted(("expand[]" if name.startswith("expand[") else name, value) for name, value in params)
