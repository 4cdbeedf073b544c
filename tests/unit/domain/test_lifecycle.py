"""Life cycles: every life ends, ends are ends, and only a person speaks for what nobody can tell."""

from __future__ import annotations

from enum import StrEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from backroom.domain.errors import Refuse
from backroom.domain.events import EventState
from backroom.domain.lifecycle import (
    MOVES,
    MOVES_BY_A_PERSON,
    IllegalMove,
    Kind,
    check_move,
    is_end,
    may_cancel,
)
from backroom.domain.model import FulfilmentState, OrderState, PrintJobState, ReservationState
from backroom.domain.partner_orders import PartnerOrderState
from backroom.domain.returns import ReturnState
from backroom.domain.samples import SampleState
from backroom.domain.transfers import TransferState

STATES: dict[Kind, type[StrEnum]] = {
    Kind.ORDER: OrderState,
    Kind.FULFILMENT: FulfilmentState,
    Kind.PRINT_JOB: PrintJobState,
    Kind.RESERVATION: ReservationState,
    Kind.RETURN: ReturnState,
    Kind.EVENT: EventState,
    Kind.TRANSFER: TransferState,
    Kind.PARTNER_ORDER: PartnerOrderState,
    Kind.SAMPLE: SampleState,
}
STARTS: dict[Kind, set[StrEnum]] = {
    Kind.ORDER: {OrderState.ACCEPTED, OrderState.HELD, OrderState.CANCELLED, OrderState.AWAITING_RETURN_ITEMS},
    Kind.FULFILMENT: {FulfilmentState.OPEN},
    Kind.PRINT_JOB: {PrintJobState.WAITING},
    Kind.RESERVATION: {ReservationState.HELD},
    Kind.RETURN: {ReturnState.REQUESTED, ReturnState.OPEN},
    Kind.EVENT: {EventState.PLANNED},
    Kind.TRANSFER: {TransferState.PROPOSED},
    Kind.PARTNER_ORDER: {PartnerOrderState.SUBMITTED},
    Kind.SAMPLE: {SampleState.WAITING},
}
ENDS: dict[Kind, set[StrEnum]] = {
    Kind.ORDER: {OrderState.FULFILLED, OrderState.CANCELLED},
    Kind.FULFILMENT: {FulfilmentState.DONE, FulfilmentState.CANCELLED},
    Kind.PRINT_JOB: {PrintJobState.DONE, PrintJobState.UNKNOWN, PrintJobState.CANCELLED},
    Kind.RESERVATION: {ReservationState.CONSUMED, ReservationState.RELEASED, ReservationState.EXPIRED},
    Kind.RETURN: {ReturnState.CLOSED, ReturnState.DECLINED, ReturnState.CANCELLED},
    Kind.EVENT: {EventState.SETTLED},
    Kind.TRANSFER: {
        TransferState.ARRIVED,
        TransferState.DECLINED,
        TransferState.OUTDATED,
        TransferState.CANCELLED,
    },
    Kind.PARTNER_ORDER: {
        PartnerOrderState.MADE,
        PartnerOrderState.SHORT,
        PartnerOrderState.REJECTED,
        PartnerOrderState.CANCELLED,
    },
    Kind.SAMPLE: {SampleState.REJECTED, SampleState.CLOSED},
}
LIVES = [(kind, state) for kind, states in STATES.items() for state in states]


def reachable(kind: Kind, start: StrEnum) -> set[StrEnum]:
    seen, waiting = {start}, [start]
    while waiting:
        for state in MOVES[kind][waiting.pop()] - seen:
            seen.add(state)
            waiting.append(state)
    return seen


@pytest.mark.parametrize("kind", list(Kind))
def test_every_state_has_its_row_and_leads_to_states_of_its_own_kind(kind: Kind) -> None:
    assert set(MOVES[kind]) == set(STATES[kind])
    assert all(isinstance(new, STATES[kind]) for row in MOVES[kind].values() for new in row)


@pytest.mark.parametrize(("kind", "state"), LIVES)
def test_every_state_reaches_an_end(kind: Kind, state: StrEnum) -> None:
    assert reachable(kind, state) & ENDS[kind]


@pytest.mark.parametrize("kind", list(Kind))
def test_every_state_is_reached_from_the_start(kind: Kind) -> None:
    assert {state for start in STARTS[kind] for state in reachable(kind, start)} == set(STATES[kind])


@pytest.mark.parametrize(("kind", "state"), LIVES)
def test_ends_and_only_ends_have_no_moves_out(kind: Kind, state: StrEnum) -> None:
    assert is_end(kind, state) is (state in ENDS[kind])
    for new in STATES[kind]:
        if state in ENDS[kind]:
            with pytest.raises(IllegalMove):
                check_move(kind, state, new)


@pytest.mark.parametrize(("kind", "state"), LIVES)
def test_staying_is_no_move(kind: Kind, state: StrEnum) -> None:
    with pytest.raises(IllegalMove):
        check_move(kind, state, state, by_person=True)


def test_an_unknown_print_job_is_printed_or_printed_again_by_a_persons_word_alone() -> None:
    for new in PrintJobState:
        with pytest.raises(IllegalMove):
            check_move(Kind.PRINT_JOB, PrintJobState.UNKNOWN, new)
    check_move(Kind.PRINT_JOB, PrintJobState.UNKNOWN, PrintJobState.DONE, by_person=True)
    check_move(Kind.PRINT_JOB, PrintJobState.UNKNOWN, PrintJobState.WAITING, by_person=True)
    with pytest.raises(IllegalMove):
        check_move(Kind.PRINT_JOB, PrintJobState.UNKNOWN, PrintJobState.CANCELLED, by_person=True)


def test_no_other_end_is_left_even_by_a_person() -> None:
    ways_out = {(kind, state) for kind, table in MOVES_BY_A_PERSON.items() for state in table if state in ENDS[kind]}
    assert ways_out == {(Kind.PRINT_JOB, PrintJobState.UNKNOWN), (Kind.PRINT_JOB, PrintJobState.DONE)}


def test_a_person_may_speak_for_a_booth_that_is_gone() -> None:
    with pytest.raises(IllegalMove):
        check_move(Kind.PRINT_JOB, PrintJobState.HANDED, PrintJobState.DONE)
    check_move(Kind.PRINT_JOB, PrintJobState.HANDED, PrintJobState.DONE, by_person=True)


def test_a_job_that_is_printing_is_never_cancelled() -> None:
    with pytest.raises(IllegalMove):
        check_move(Kind.PRINT_JOB, PrintJobState.PRINTING, PrintJobState.CANCELLED, by_person=True)


def test_a_print_that_failed_too_often_goes_on_by_a_persons_word_alone() -> None:
    for new in (PrintJobState.DONE, PrintJobState.WAITING):
        with pytest.raises(IllegalMove):
            check_move(Kind.PRINT_JOB, PrintJobState.FAILED, new)
        check_move(Kind.PRINT_JOB, PrintJobState.FAILED, new, by_person=True)


def test_the_error_names_what_would_have_moved_and_is_final() -> None:
    with pytest.raises(IllegalMove, match="no print job goes from done to waiting") as refused:
        check_move(Kind.PRINT_JOB, PrintJobState.DONE, PrintJobState.WAITING)
    assert isinstance(refused.value, Refuse)
    assert refused.value.cause == "illegal_move"


def test_states_of_two_kinds_do_not_mix_though_they_are_spelled_alike() -> None:
    with pytest.raises(IllegalMove):
        check_move(Kind.ORDER, OrderState.ACCEPTED, FulfilmentState.HELD)


PARTS = st.lists(st.sampled_from(FulfilmentState), min_size=1, max_size=5)


@given(PARTS)
def test_an_order_may_be_cancelled_until_its_first_label(parts: list[FulfilmentState]) -> None:
    labelled = FulfilmentState.LABELLED in parts or FulfilmentState.DONE in parts
    assert may_cancel(parts) is not labelled
    assert may_cancel([])


class OneOrder(RuleBasedStateMachine):
    """An order of two parts that moves by the tables alone, with holds, releases and a cancelling customer."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = [FulfilmentState.OPEN, FulfilmentState.OPEN]
        self.ever_labelled = False

    @rule(at=st.integers(0, 1), new=st.sampled_from(FulfilmentState))
    def move(self, at: int, new: FulfilmentState) -> None:
        if new is FulfilmentState.CANCELLED:
            return  # parts are cancelled together, below
        try:
            check_move(Kind.FULFILMENT, self.parts[at], new)
        except IllegalMove:
            return
        self.parts[at] = new
        self.ever_labelled |= new is FulfilmentState.LABELLED

    @precondition(lambda self: may_cancel(self.parts) and FulfilmentState.CANCELLED not in self.parts)
    @rule()
    def cancel(self) -> None:
        for at, part in enumerate(self.parts):
            check_move(Kind.FULFILMENT, part, FulfilmentState.CANCELLED)
            self.parts[at] = FulfilmentState.CANCELLED

    @invariant()
    def nothing_that_was_labelled_is_cancelled(self) -> None:
        if self.ever_labelled:
            assert set(self.parts) != {FulfilmentState.CANCELLED}
            assert not may_cancel(self.parts)


TestOneOrder = OneOrder.TestCase
TestOneOrder.settings = settings(max_examples=30, stateful_step_count=25)
