"""Who may be sent what: the latest statement about exactly this medium and purpose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.consent import MEDIA, PURPOSES, Medium, Purpose, decide, may_send
from backroom.domain.model import StatedConsent

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def stated(medium: str, purpose: str, granted: bool, minutes_ago: int = 5) -> StatedConsent:
    return StatedConsent(
        medium, purpose, granted, "checkout", "Tell me about my order", NOW - timedelta(0, 60 * minutes_ago)
    )


def test_silence_means_no() -> None:
    decision = decide([], "sms", "order_updates", NOW)
    assert not decision.allowed
    assert decision.reason == "no consent to order_updates by sms was ever stated"


def test_a_grant_allows_and_says_when_it_was_given() -> None:
    decision = decide([stated("sms", "order_updates", True)], "sms", "order_updates", NOW)
    assert decision.allowed
    assert decision.reason == "order_updates by sms was granted on 2026-11-22 11:55 UTC"


def test_a_later_refusal_takes_a_grant_back() -> None:
    consents = [stated("sms", "order_updates", False, 1), stated("sms", "order_updates", True, 9)]
    decision = decide(consents, "sms", "order_updates", NOW)
    assert not decision.allowed
    assert "refused on 2026-11-22 11:59" in decision.reason


def test_consent_to_order_updates_is_not_consent_to_marketing() -> None:
    assert not may_send([stated("email", "order_updates", True)], "email", "marketing", NOW)


def test_consent_to_email_is_not_consent_to_sms() -> None:
    assert not may_send([stated("email", "order_updates", True)], "sms", "order_updates", NOW)


def test_of_two_statements_of_one_instant_the_refusal_wins() -> None:
    consents = [stated("sms", "marketing", True), stated("sms", "marketing", False)]
    assert not may_send(consents, "sms", "marketing", NOW)
    assert not may_send(consents[::-1], "sms", "marketing", NOW)


def test_a_grant_dated_ahead_waits_for_its_time() -> None:
    assert not may_send([stated("sms", "marketing", True, -10)], "sms", "marketing", NOW)
    assert may_send([stated("sms", "marketing", True, -10)], "sms", "marketing", NOW + timedelta(minutes=10))


def test_a_withdrawal_dated_ahead_counts_at_once() -> None:
    consents = [stated("sms", "marketing", True), stated("sms", "marketing", False, -10)]
    assert not may_send(consents, "sms", "marketing", NOW)


statements = st.lists(
    st.builds(
        stated, st.sampled_from(MEDIA), st.sampled_from(PURPOSES), st.booleans(), minutes_ago=st.integers(-30, 1000)
    ),
    max_size=12,
)
media = st.sampled_from(MEDIA)
purposes = st.sampled_from(PURPOSES)


@given(consents=statements, medium=media, purpose=purposes, data=st.data())
def test_the_order_in_which_statements_are_read_does_not_matter(
    consents: list[StatedConsent], medium: Medium, purpose: Purpose, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(consents))
    assert may_send(consents, medium, purpose, NOW) == may_send(shuffled, medium, purpose, NOW)


@given(consents=statements, medium=media, purpose=purposes)
def test_a_refusal_now_always_silences(consents: list[StatedConsent], medium: Medium, purpose: Purpose) -> None:
    past = [consent for consent in consents if consent.at <= NOW]
    assert not may_send([*past, stated(medium, purpose, False, 0)], medium, purpose, NOW)


@given(consents=statements, medium=media, purpose=purposes)
def test_what_may_be_sent_was_granted_and_not_taken_back_since(
    consents: list[StatedConsent], medium: Medium, purpose: Purpose
) -> None:
    mine = [c for c in consents if (c.medium, c.purpose) == (medium, purpose)]
    grants = [c.at for c in mine if c.granted and c.at <= NOW]
    refusals = [c.at for c in mine if not c.granted]
    expected = bool(grants) and max(grants) > max(refusals, default=datetime.min.replace(tzinfo=UTC))
    assert may_send(consents, medium, purpose, NOW) is expected


@given(consents=statements, medium=media, purpose=purposes)
def test_statements_about_other_things_change_nothing(
    consents: list[StatedConsent], medium: Medium, purpose: Purpose
) -> None:
    mine = [c for c in consents if (c.medium, c.purpose) == (medium, purpose)]
    assert decide(mine, medium, purpose, NOW) == decide(consents, medium, purpose, NOW)
