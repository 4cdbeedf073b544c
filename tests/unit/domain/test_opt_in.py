"""How often a code may be asked for, and how long it is good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.opt_in import (
    GOOD_FOR,
    MOST_TRIES,
    PER_ADDRESS,
    PER_EVENT,
    PER_NUMBER,
    WORDINGS,
    Verdict,
    may_send,
    may_try,
    new_code,
    wording,
)

AT = datetime(2026, 11, 28, 18, tzinfo=UTC)
counts = st.integers(0, 300)


@given(counts, counts, counts, st.booleans())
def test_a_code_goes_only_while_every_limit_allows_it(number: int, address: int, event: int, silenced: bool) -> None:
    below = number < PER_NUMBER.most and address < PER_ADDRESS.most and event < PER_EVENT.most
    assert (may_send(number, address, event, silenced=silenced) is Verdict.SEND) == (below and not silenced)


@given(counts, counts, counts, counts, st.booleans(), st.booleans())
def test_what_is_told_does_not_depend_on_the_number(
    number: int, other: int, address: int, event: int, silenced: bool, also: bool
) -> None:
    first = may_send(number, address, event, silenced=silenced)
    second = may_send(other, address, event, silenced=also)
    assert (first is Verdict.TOO_MANY) == (second is Verdict.TOO_MANY)


@given(st.integers(0, 20), st.integers(-10, 7200))
def test_a_code_is_good_for_an_hour_and_a_few_tries(tries: int, seconds: int) -> None:
    at = AT + timedelta(seconds=seconds)
    assert may_try(tries, AT, at) == (tries < MOST_TRIES and at - AT < GOOD_FOR)


def test_a_guesser_has_no_chance_worth_its_sms() -> None:
    """All tries of all codes of a number in a day are one in fifty thousand."""
    assert MOST_TRIES * PER_NUMBER.most / 10 ** len(new_code()) < 1 / 50_000


def test_codes_are_six_digits_and_differ() -> None:
    codes = {new_code() for _ in range(200)}
    assert all(len(code) == 6 and code.isdigit() for code in codes)
    assert len(codes) > 150


def test_the_words_name_the_shop_what_it_is_about_and_how_to_end_it() -> None:
    for language in WORDINGS:
        said = wording(language, "Motte & {Mond}")
        assert "Motte & {Mond}" in said
        assert "STOP" in said
