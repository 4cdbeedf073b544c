"""Whether a piece may come back: the last day counts, faults have their own, personalised goods their own rule."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.return_policy import LATE, PERSONALISED, Judgement, ReturnPolicy, ReturnRules, ReturnTerms, judge
from backroom.domain.returns import FAULTS, Reason, Word

DELIVERED = date(2026, 11, 2)
TERMS = st.builds(
    ReturnTerms,
    days=st.integers(0, 100),
    fault_days=st.integers(0, 800),
    personalised=st.sampled_from(PERSONALISED),
    late=st.sampled_from(LATE),
)


def judged(
    terms: ReturnTerms, reason: Reason = Reason.SIZE, *, after: int = 3, personalised: bool = False
) -> tuple[Word, str]:
    said = judge(
        terms,
        reason,
        personalised=personalised,
        delivered_on=DELIVERED,
        asked_on=DELIVERED + timedelta(days=after),
    )
    return said.word, said.why


@pytest.mark.parametrize(("after", "word"), [(0, Word.GRANTED), (14, Word.GRANTED), (15, Word.ASK), (400, Word.ASK)])
def test_the_last_day_is_within_and_the_next_one_is_not(after: int, word: Word) -> None:
    assert judged(ReturnTerms(days=14), after=after)[0] is word


def test_a_return_after_its_deadline_is_declined_where_the_shop_says_so() -> None:
    assert judged(ReturnTerms(days=14, late="decline"), after=15) == (Word.DECLINED, "after_last_day")


@pytest.mark.parametrize("reason", sorted(FAULTS))
def test_a_fault_has_its_own_deadline_and_no_personal_print_stands_against_it(reason: Reason) -> None:
    terms = ReturnTerms(days=0, personalised="fault_only")
    assert judged(terms, reason, after=730, personalised=True) == (Word.GRANTED, "fault")
    assert judged(terms, reason, after=731, personalised=True) == (Word.ASK, "after_last_day")


def test_goods_that_come_back_for_a_fault_only_are_declined_for_any_other_reason() -> None:
    assert judged(ReturnTerms(days=0), after=0) == (Word.DECLINED, "faults_only")


@pytest.mark.parametrize(
    ("rule", "word", "why"),
    [
        ("fault_only", Word.DECLINED, "personalised"),
        ("ask", Word.ASK, "personalised"),
        ("as_others", Word.GRANTED, "in_time"),
    ],
)
def test_personalised_goods_follow_their_own_rule(rule: str, word: Word, why: str) -> None:
    assert judged(ReturnTerms(personalised=rule), personalised=True) == (word, why)


@given(TERMS, st.sampled_from(Reason), st.booleans(), st.integers(0, 900))
def test_a_day_later_is_never_kinder(terms: ReturnTerms, reason: Reason, personalised: bool, after: int) -> None:
    order = [Word.GRANTED, Word.ASK, Word.DECLINED]
    first, second = (judged(terms, reason, after=day, personalised=personalised)[0] for day in (after, after + 1))
    assert order.index(first) <= order.index(second)


@given(TERMS, st.sampled_from(Reason), st.integers(0, 900))
def test_what_was_made_for_one_person_is_never_taken_back_more_easily(
    terms: ReturnTerms, reason: Reason, after: int
) -> None:
    order = [Word.GRANTED, Word.ASK, Word.DECLINED]
    usual, personal = (judged(terms, reason, after=after, personalised=one)[0] for one in (False, True))
    assert order.index(usual) <= order.index(personal)


def test_the_first_policy_that_fits_wins_and_the_shops_terms_are_for_the_rest() -> None:
    short, none = ReturnTerms(days=7), ReturnTerms(days=0)
    rules = ReturnRules(
        policies=(
            ReturnPolicy("patches", none, products=("patch",)),
            ReturnPolicy("market", short, channels=("till",)),
        )
    )
    assert rules.terms_for("till", "patch") is none
    assert rules.terms_for("till", "tee") is short
    assert rules.terms_for("web", "tee") is rules.terms


def test_a_judgement_says_until_when() -> None:
    said = judge(ReturnTerms(days=14), Reason.LATE, personalised=False, delivered_on=DELIVERED, asked_on=DELIVERED)
    assert said == Judgement(Word.GRANTED, "in_time", date(2026, 11, 16))
