"""Asking and paying back at a Stripe that answers by hand over real HTTP."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from backroom.channels.refunding import RefundRefused, RefundRequest
from backroom.channels.registry import SOURCES, channel_for
from backroom.channels.stripe_calls import VERSION
from backroom.channels.stripe_refunds import StripeRefunds
from backroom.channels.stripe_source import StripeSource
from backroom.domain.channels import ApiSpec, ChannelSpec
from backroom.domain.model import PaymentStatus
from backroom.outgoing.circuit import close_all
from backroom.outgoing.errors import AnswerUnreadable, ServiceAway, ServiceSetup
from tests.fake_stripe import KEY, FakeStripe, error
from tests.unit.channels.samples import payload

WHOLE = payload("stripe_session.json")
SESSION = WHOLE["session"]["id"]
CREATED = WHOLE["session"]["created"]
SINCE = datetime.fromtimestamp(CREATED - 3600, UTC)
REFUND = RefundRequest("refund-R-A-1042-7364-abc", SESSION, 2900, "EUR")


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


@pytest.fixture
def stripe_account() -> FakeStripe:
    fake = FakeStripe()
    fake.take(WHOLE)
    fake.objects["ch_3abc"]["payment_method_details"] = {"card": {"last4": "4242"}}
    return fake


@pytest.fixture
def spec(stripe_account: FakeStripe, httpserver: HTTPServer) -> ChannelSpec:
    api = ApiSpec(stripe_account.listen(httpserver), "channel.links")
    return ChannelSpec("links", "stripe", 3, "standard", api=api)


def another(number: int, **changes: Any) -> dict[str, Any]:
    whole = copy.deepcopy(WHOLE)
    text = json.dumps(whole).replace("_3abc", f"_{number}x").replace(SESSION, f"cs_{number}")
    whole = json.loads(text)
    whole["session"] |= {"created": CREATED + number} | changes
    whole["session"]["payment_intent"]["latest_charge"]["created"] += number
    return dict(whole)


def test_every_session_since_then_is_listed_page_by_page_the_longest_unchanged_first(
    stripe_account: FakeStripe, spec: ChannelSpec
) -> None:
    stripe_account.page = 2
    for number in range(1, 6):
        stripe_account.take(another(number))
    stripe_account.take(another(6, status="open"))
    stripe_account.take(another(7, mode="subscription"))
    listed = list(SOURCES["stripe"](spec, KEY).changed_since(SINCE))
    assert [one.external_id for one in listed] == [SESSION, "cs_1", "cs_2", "cs_3", "cs_4", "cs_5"]
    assert all(one.paid and one.total_minor == 6390 and one.currency == "EUR" for one in listed)
    assert [one.updated_at for one in listed] == sorted(one.updated_at for one in listed)
    assert {(h["stripe-version"], h["authorization"]) for h in stripe_account.headers} == {(VERSION, f"Bearer {KEY}")}


@pytest.mark.parametrize(
    ("kind", "about"),
    [
        ("refund.created", {"object": "refund", "id": "re_1", "payment_intent": "pi_3abc"}),
        ("charge.refunded", {"object": "charge", "id": "ch_3abc", "payment_intent": "pi_3abc"}),
        ("checkout.session.async_payment_succeeded", {"object": "checkout.session", "payment_intent": "pi_3abc"}),
    ],
)
def test_what_happened_to_an_older_session_is_found_by_its_event_and_dated_as_the_session_dates_it(
    stripe_account: FakeStripe, spec: ChannelSpec, kind: str, about: dict[str, Any]
) -> None:
    later = CREATED + 86_400
    stripe_account.events.append({"id": "evt_9", "type": kind, "created": later, "data": {"object": about}})
    source = StripeSource(spec, KEY)
    [listed] = source.changed_since(datetime.fromtimestamp(later - 60, UTC))
    assert listed.external_id == SESSION
    [fetched] = source.fetch([SESSION])
    assert listed.updated_at == channel_for(spec).parse(json.loads(fetched.body), "", "DE").updated_at


@pytest.mark.parametrize("intent", ["pi_1x", None])
def test_a_checkout_that_was_opened_long_before_it_was_paid_is_found_by_its_event(
    stripe_account: FakeStripe, spec: ChannelSpec, intent: str | None
) -> None:
    opened = another(1)
    if intent is None:
        # A voucher over the whole sum: nothing is paid.
        opened["session"] |= {"payment_intent": None, "payment_status": "no_payment_required", "amount_total": 0}
    stripe_account.take(opened)
    stripe_account.take(another(2, created=CREATED + 1500))
    for number, id_ in enumerate(("cs_1", "cs_2")):
        about = {"object": "checkout.session", "id": id_, "payment_intent": intent}
        event = {"id": f"evt_{number}", "created": CREATED + 40 * 60 - 60, "type": "checkout.session.completed"}
        stripe_account.events.append(event | {"data": {"object": about}})
    listed = list(StripeSource(spec, KEY).changed_since(datetime.fromtimestamp(CREATED + 20 * 60, UTC)))
    assert sorted(one.external_id for one in listed) == ["cs_1", "cs_2"]
    assert all(one.paid for one in listed)


def test_a_session_is_fetched_with_all_its_lines_and_nothing_of_the_card(
    stripe_account: FakeStripe, spec: ChannelSpec
) -> None:
    stripe_account.page = 1
    [fetched] = StripeSource(spec, KEY).fetch([SESSION])
    assert b"4242" not in fetched.body
    order = channel_for(spec).parse(json.loads(fetched.body), fetched.topic, "DE")
    assert [line.sku for line in order.lines] == ["OWL-BLK-M", "PATCH-OWL-1"]
    assert (order.total_minor, order.payment) == (6390, PaymentStatus.PAID)
    assert not channel_for(spec).is_hint(json.loads(fetched.body), fetched.topic)


def test_a_payment_is_fetched_as_the_session_that_it_paid(stripe_account: FakeStripe, spec: ChannelSpec) -> None:
    charge = stripe_account.objects["ch_3abc"]
    charge |= {"refunded": True, "amount_refunded": 6390}
    [fetched] = StripeSource(spec, KEY).fetch(["pi_3abc"])
    assert (fetched.external_id, fetched.asked) == (SESSION, "pi_3abc")
    assert channel_for(spec).parse(json.loads(fetched.body), "", "DE").payment is PaymentStatus.REFUNDED


def test_a_payment_of_something_else_and_a_session_that_is_not_done_are_none_of_ours_yet(
    stripe_account: FakeStripe, spec: ChannelSpec
) -> None:
    stripe_account.take(another(1, status="open"))
    stripe_account.take(another(2, mode="subscription"))
    found = list(StripeSource(spec, KEY).fetch(["pi_of_an_invoice", "cs_1", "cs_2", "cs_gone", "ch_1"]))
    assert [(one.asked, one.ours, one.body) for one in found] == [
        ("pi_of_an_invoice", False, b""),
        ("cs_1", False, b""),
        ("cs_2", False, b""),
    ]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(403, "invalid_request_error", "more_permissions_required"), ServiceSetup),
        (Response("[]", 200), AnswerUnreadable),
        (Response("", 502), ServiceAway),
        (Response("", 429, headers={"Retry-After": "3600"}), ServiceAway),
    ],
)
def test_each_bad_answer_is_an_error_of_the_tree(
    stripe_account: FakeStripe, spec: ChannelSpec, answer: Response, kind: type[Exception]
) -> None:
    stripe_account.bad = [answer] * 3
    with pytest.raises(kind) as caught:
        list(StripeSource(spec, KEY).fetch([SESSION]))
    assert KEY not in str(caught.value)


def test_a_refund_is_paid_once_whatever_is_lost(stripe_account: FakeStripe, spec: ChannelSpec) -> None:
    assert spec.api is not None
    refunds = StripeRefunds(spec.api.url, KEY)
    assert refunds.find(REFUND) is None
    first = refunds.refund(REFUND)
    assert stripe_account.headers[-1]["idempotency-key"] == REFUND.key
    # Stripe forgets its keys after a day; the refund itself says whose it is.
    stripe_account.keys.clear()
    assert refunds.refund(REFUND) == refunds.find(REFUND) == first
    assert [one["amount"] for one in stripe_account.refunds] == [2900]


def test_a_lost_answer_is_asked_for_again_under_the_same_key(stripe_account: FakeStripe, spec: ChannelSpec) -> None:
    assert spec.api is not None
    refunds = StripeRefunds(spec.api.url, KEY)
    refunds.find(REFUND)
    stripe_account.bad = []
    first = refunds.refund(REFUND)
    stripe_account.refunds.clear()
    assert refunds.refund(REFUND) == first


def test_a_refund_that_stripe_refuses_is_a_persons(stripe_account: FakeStripe, spec: ChannelSpec) -> None:
    assert spec.api is not None
    refunds = StripeRefunds(spec.api.url, KEY)
    with pytest.raises(RefundRefused, match="charge_already_refunded"):
        refunds.refund(replace(REFUND, amount_minor=7000))
    stripe_account.sessions[SESSION]["payment_intent"] = None
    with pytest.raises(RefundRefused):
        refunds.refund(REFUND)


def test_the_connection_is_tried_by_looking_for_one_session(stripe_account: FakeStripe, spec: ChannelSpec) -> None:
    StripeSource(spec, KEY).check()
    with pytest.raises(ServiceSetup):
        StripeSource(spec, "rk_wrong").check()
