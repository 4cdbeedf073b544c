"""The furthest report holds, in whatever order and however often they come."""

from __future__ import annotations

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.message_reports import KANNEL, TWILIO, Report, furthest, plain_code, receipt_code
from tests.fake_twilio import RESOURCE

reports = st.lists(st.sampled_from(Report), max_size=8)


@given(reports, st.randoms())
def test_the_order_of_reports_does_not_matter(came: list[Report], random: object) -> None:
    shuffled = came + came[:3]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert reduce(furthest, shuffled, "") == reduce(furthest, came, "")


@given(reports)
def test_what_arrived_stays_arrived(came: list[Report]) -> None:
    assert reduce(furthest, came, str(Report.DELIVERED)) == Report.DELIVERED


def test_every_state_that_twilio_has_for_what_we_send_is_known() -> None:
    told = set(RESOURCE["status"].pattern.split("|"))  # type: ignore[union-attr]
    assert told - set(TWILIO) == {"receiving", "received"}


def test_every_bit_of_kannels_mask_is_known() -> None:
    assert set(KANNEL) == {str(1 << bit) for bit in range(6)}


@pytest.mark.parametrize(
    ("receipt", "code"),
    [
        ("id:77 sub:001 dlvrd:000 submit date:2611 done date:2611 stat:UNDELIV err:001 text:Hallo Ada", "UNDELIV 001"),
        ("id:77 stat:DELIVRD text:Hallo Ada stat:Ada", "DELIVRD"),
        ("NACK/0x00000045/Submit failed", ""),
        ("Ada", ""),
        ("", ""),
    ],
)
def test_of_a_receipt_only_its_codes_are_kept(receipt: str, code: str) -> None:
    assert receipt_code(receipt) == code


def test_a_sentence_is_no_code() -> None:
    assert (plain_code("30003"), plain_code("Ada is away"), plain_code("")) == ("30003", "", "")
