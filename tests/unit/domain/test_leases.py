"""Stock leases: the sums of a settlement, whatever was sold, lost and found, and what may be sold online meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from backroom.domain.events import Event, EventState, Session
from backroom.domain.leases import (
    LONGEST_TERM,
    Book,
    LeaseRefused,
    Loan,
    Term,
    check_loans,
    extended,
    kept_at_booth,
    lease_ends,
    looked_at,
    settle,
    way_back,
)

OPENS = datetime(2026, 11, 28, 14, tzinfo=UTC)
EVENT = Event("market", "Market", "street", "booth", "the square", (Session(OPENS, OPENS + timedelta(hours=8)),))

some = st.integers(0, 50)
books = st.builds(Book, st.sampled_from("ABCDEF"), some, some, some)


@given(st.lists(books, unique_by=lambda book: book.sku), st.dictionaries(st.sampled_from("ABCDEF"), some))
def test_what_was_brought_is_what_was_sold_returned_and_missing(there: list[Book], counted: dict[str, int]) -> None:
    for book, settled in zip(there, settle(there, counted), strict=True):
        assert settled.leased + settled.other == settled.sold + settled.returned + settled.missing
        assert settled.returned + settled.missing == book.there
        assert settled.returned == counted.get(book.sku, 0)


def test_a_piece_too_many_is_a_figure_below_zero() -> None:
    (settled,) = settle([Book("TEE", leased=10, sold=4, there=6)], {"TEE": 7})
    assert (settled.returned, settled.missing, settled.other) == (7, -1, 0)


@given(some, st.lists(st.tuples(st.sampled_from(["hub", "south", "north"]), st.integers(1, 20)), max_size=4))
def test_all_that_returns_goes_somewhere_and_nobody_gets_more_than_he_lent(
    returned: int, lent: list[tuple[str, int]]
) -> None:
    back = way_back(returned, lent, "home")
    assert sum(pieces for _, pieces in back) == returned
    for location, pieces in back:
        assert pieces > 0
        assert location == "home" or pieces <= sum(n for place, n in lent if place == location)


def test_pieces_leave_only_for_an_event_that_is_not_over() -> None:
    loan = Loan("TEE", "hub", 3)
    check_loans(EVENT, [loan], OPENS)
    assert lease_ends(EVENT) == EVENT.ends_at + timedelta(hours=48)
    for event, at in ((EVENT, EVENT.ends_at), (replace(EVENT, state=EventState.CLOSED), OPENS)):
        with pytest.raises(LeaseRefused, match="is over"):
            check_loans(event, [loan], at)


@pytest.mark.parametrize(
    "loans",
    [
        [Loan("TEE", "hub", 0)],
        [Loan("TEE", "booth", 1)],
        [Loan("TEE", "hub", 1, shared=True), Loan("TEE", "south", 1)],
    ],
    ids=["none", "from itself", "shared in part"],
)
def test_a_lease_that_makes_no_sense_is_refused(loans: list[Loan]) -> None:
    with pytest.raises(LeaseRefused):
        check_loans(EVENT, loans, OPENS)


class OneSku(RuleBasedStateMachine):
    """The pieces of one SKU: leased, sold, stolen, found and printed at the booth, and settled in the end."""

    def __init__(self) -> None:
        super().__init__()
        self.hub, self.in_the_box, self.sold_in_all, self.lost_in_all, self.printed = 100, 0, 0, 0, 0
        self.leased = self.sold = self.there = 0

    @precondition(lambda self: self.hub > 0)
    @rule(data=st.data())
    def lend(self, data: st.DataObject) -> None:
        pieces = data.draw(st.integers(1, self.hub))
        self.hub -= pieces
        self.leased += pieces
        self.there += pieces
        self.in_the_box += pieces

    @precondition(lambda self: self.in_the_box > 0 and self.there > 0)
    @rule()
    def sell(self) -> None:
        self.sold += 1
        self.sold_in_all += 1
        self.there -= 1
        self.in_the_box -= 1

    @precondition(lambda self: self.in_the_box > 0)
    @rule()
    def steal(self) -> None:
        """Nobody writes that down."""
        self.in_the_box -= 1
        self.lost_in_all += 1

    @rule()
    def print_one_for_a_cancelled_order(self) -> None:
        self.there += 1
        self.in_the_box += 1
        self.printed += 1

    @rule()
    def settle(self) -> None:
        (settled,) = settle([Book("TEE", self.leased, self.sold, self.there)], {"TEE": self.in_the_box})
        assert settled.leased + settled.other == settled.sold + settled.returned + settled.missing
        self.hub += sum(pieces for _, pieces in way_back(settled.returned, [("hub", self.leased)], "hub"))
        assert settled.missing == self.there - self.in_the_box
        self.leased = self.sold = self.there = self.in_the_box = 0

    @invariant()
    def no_piece_comes_or_goes_unseen(self) -> None:
        assert self.hub + self.in_the_box + self.sold_in_all + self.lost_in_all == 100 + self.printed


TestOneSku = OneSku.TestCase
TestOneSku.settings = settings(max_examples=25, stateful_step_count=20)


class OneTerm(RuleBasedStateMachine):
    """Time passes, the sweep looks, and a person gives more time or does not."""

    def __init__(self) -> None:
        super().__init__()
        self.at = OPENS
        self.term = Term(lease_ends(EVENT))
        self.reminders: list[datetime] = []
        self.undecided = False

    @rule(hours=st.integers(1, 400))
    def wait(self, hours: int) -> None:
        self.at += timedelta(hours=hours)

    @rule()
    def look(self) -> None:
        before, self.term = self.term, looked_at(self.term, self.at)
        if before.overdue_at is None and self.term.overdue_at is not None:
            self.reminders.append(self.term.expires_at)
            self.undecided = True

    @rule(hours=st.integers(-500, 3000))
    def give_until(self, hours: int) -> None:
        until = self.at + timedelta(hours=hours)
        sensible = self.at < until <= self.at + LONGEST_TERM and until > self.term.expires_at
        try:
            self.term = extended(self.term, until, self.at)
        except LeaseRefused:
            assert not sensible
        else:
            assert sensible
            assert self.term == Term(until)
            self.undecided = False

    @invariant()
    def it_is_overdue_from_the_look_that_saw_it_until_a_person_decided(self) -> None:
        assert (self.term.overdue_at is not None) is self.undecided
        if self.term.overdue_at is not None:
            assert self.term.expires_at <= self.term.overdue_at <= self.at

    @invariant()
    def each_end_is_reminded_of_once(self) -> None:
        assert len(set(self.reminders)) == len(self.reminders)

    @invariant()
    def overdue_pieces_are_nobodys_but_the_booths_and_others_follow_their_rule(self) -> None:
        overdue = self.term.overdue_at is not None
        assert kept_at_booth(shared=False, overdue=overdue)
        assert kept_at_booth(shared=True, overdue=overdue) is self.undecided


TestOneTerm = OneTerm.TestCase
TestOneTerm.settings = settings(max_examples=40, stateful_step_count=25)
