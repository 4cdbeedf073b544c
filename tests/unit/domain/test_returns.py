"""Returns: a return's state follows from its pieces, by moves that its life cycle has, whatever is done in whatever
order."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from backroom.domain.lifecycle import Kind, check_move, is_end
from backroom.domain.returns import (
    PART_RESTS,
    Disposition,
    Piece,
    PieceState,
    ReturnState,
    Word,
    fits,
    notices,
    part_is_told_at,
    state_by,
)

PIECES = st.lists(
    st.builds(
        Piece,
        st.sampled_from(PieceState),
        st.none() | st.sampled_from(Word),
        st.none() | st.sampled_from(Disposition),
    ),
    max_size=5,
)
# What one act may pass through on its way to the state it ends in.
THROUGH = (ReturnState.RECEIVED_IN_PART, ReturnState.RECEIVED)


@given(PIECES, st.booleans())
def test_nothing_ends_while_money_is_owed(pieces: list[Piece], all_in: bool) -> None:
    assert state_by(pieces, all_in=all_in, owed=True) not in (ReturnState.CLOSED, ReturnState.DECLINED)


@given(PIECES, st.booleans(), st.booleans())
def test_a_return_ends_only_when_all_is_in_and_every_piece_has_its_word_and_its_way(
    pieces: list[Piece], all_in: bool, owed: bool
) -> None:
    state = state_by(pieces, all_in=all_in, owed=owed)
    if state in (ReturnState.CLOSED, ReturnState.DECLINED):
        assert all_in
        assert all(piece.settled for piece in pieces)
    if state is ReturnState.CANCELLED:
        assert not any(piece.state is PieceState.RECEIVED for piece in pieces)


@given(st.lists(st.sampled_from([Word.GRANTED, Word.DECLINED]), min_size=1, max_size=4))
def test_it_ends_declined_only_if_every_piece_was(words: list[Word]) -> None:
    ways = {Word.GRANTED: Disposition.RESTOCK, Word.DECLINED: Disposition.HAND_BACK}
    pieces = [Piece(PieceState.RECEIVED, word, ways[word]) for word in words]
    ended = state_by(pieces, all_in=True, owed=False)
    assert ended is (ReturnState.CLOSED if Word.GRANTED in words else ReturnState.DECLINED)


def test_what_is_declined_is_handed_back_and_nothing_else_is() -> None:
    for word in (None, *Word):
        for disposition in Disposition:
            handed_back = disposition is Disposition.HAND_BACK
            assert fits(word, disposition) is ((word is Word.DECLINED) is handed_back)


@given(st.sampled_from(ReturnState), st.booleans(), st.booleans())
def test_a_customer_who_announced_a_return_is_told_in_each_of_its_states(
    state: ReturnState, refunded: bool, replaced: bool
) -> None:
    assert notices(state, announced=True, refunded=refunded, replaced=replaced)


def test_no_two_states_of_a_return_are_told_in_the_same_words() -> None:
    told = [notices(state, announced=True, refunded=False, replaced=False) for state in ReturnState]
    assert len(set(told)) == len(ReturnState)


def test_who_was_told_of_no_return_is_not_told_that_it_is_open_or_called_off() -> None:
    for state in (ReturnState.OPEN, ReturnState.CANCELLED):
        assert notices(state, announced=False, refunded=False, replaced=False) == ()


@pytest.mark.parametrize(
    ("refunded", "replaced", "told"),
    [
        (True, False, ("return_refunded",)),
        (False, True, ("return_exchanged",)),
        (True, True, ("return_refunded", "return_exchanged")),
        (False, False, ("return_closed",)),
    ],
)
def test_the_end_of_a_return_says_what_was_given_for_it(refunded: bool, replaced: bool, told: tuple[str, ...]) -> None:
    assert notices(ReturnState.CLOSED, announced=True, refunded=refunded, replaced=replaced) == told


def test_only_a_return_of_which_a_part_is_here_rests_before_it_is_told() -> None:
    at = datetime(2026, 11, 26, 9, tzinfo=UTC)
    for state in ReturnState:
        part = state is ReturnState.RECEIVED_IN_PART
        assert part_is_told_at(state, at) == (at + PART_RESTS if part else None)
        assert part_is_told_at(state, None) is None


class OneReturn(RuleBasedStateMachine):
    """A return of three pieces: they come or do not come, are judged, and go their ways; somebody pays."""

    def __init__(self) -> None:
        super().__init__()
        self.state = ReturnState.OPEN
        self.pieces = [Piece(PieceState.EXPECTED)] * 3
        self.all_in = self.owed = False
        self.been = [self.state]

    def over(self) -> bool:
        return is_end(Kind.RETURN, self.state)

    def now(self, at: int, state: PieceState, word: Word | None, disposition: Disposition | None) -> None:
        self.pieces[at] = Piece(state, word, disposition)
        self._follow()

    def _follow(self) -> None:
        goal = state_by(self.pieces, all_in=self.all_in, owed=self.owed)
        for step in (*THROUGH, goal):
            if step is self.state or (step is not goal and (self._reached(step) or not self._on_the_way(step, goal))):
                continue
            check_move(Kind.RETURN, self.state, step)
            self.state = step
            self.been.append(step)

    def _reached(self, step: ReturnState) -> bool:
        return step in self.been

    def _on_the_way(self, step: ReturnState, goal: ReturnState) -> bool:
        ends = (ReturnState.CLOSED, ReturnState.DECLINED)
        return step is ReturnState.RECEIVED and goal in ends

    @precondition(lambda self: not self.over())
    @rule(at=st.integers(0, 2))
    def arrive(self, at: int) -> None:
        if self.pieces[at].state is PieceState.EXPECTED and not self.all_in:
            self.now(at, PieceState.RECEIVED, None, None)

    @precondition(lambda self: not self.over() and not self.all_in)
    @rule()
    def that_is_all(self) -> None:
        self.all_in = True
        missing = Piece(PieceState.MISSING)
        self.pieces = [missing if one.state is PieceState.EXPECTED else one for one in self.pieces]
        self._follow()

    @precondition(lambda self: not self.over())
    @rule(at=st.integers(0, 2), word=st.sampled_from(Word))
    def say(self, at: int, word: Word) -> None:
        piece = self.pieces[at]
        if piece.state is PieceState.RECEIVED and piece.disposition is None:
            self.now(at, piece.state, word, None)

    @precondition(lambda self: not self.over())
    @rule(at=st.integers(0, 2), way=st.sampled_from(Disposition))
    def dispose(self, at: int, way: Disposition) -> None:
        piece = self.pieces[at]
        if piece.state is PieceState.RECEIVED and piece.word is not Word.ASK and fits(piece.word, way):
            self.owed = self.owed or piece.word is Word.GRANTED
            self.now(at, piece.state, piece.word, way)

    @rule()
    def look_again(self) -> None:
        """Nothing happened, so nothing follows."""
        before = self.state
        self._follow()
        assert self.state is before

    @precondition(lambda self: self.owed)
    @rule()
    def pay(self) -> None:
        self.owed = False
        self._follow()

    @invariant()
    def it_never_goes_back(self) -> None:
        assert len(set(self.been)) == len(self.been)


TestOneReturn = OneReturn.TestCase
TestOneReturn.settings = settings(max_examples=25, stateful_step_count=15)
