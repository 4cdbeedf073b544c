"""Life cycles: the moves that orders, their work, prints, reservations, returns, events and samples make, as tables.

What belongs here: which state may follow which, and until when an order may be cancelled. What does not: making a
move (`backroom.store.moves`, conditional on the state it leaves), deciding that one is due (tasks).

A person may do what no machine may: say what became of a print job whose outcome nobody can tell, and speak for a
booth that will not answer any more. An order's source may bring it back from its end. Those moves stand in tables of
their own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

from backroom.domain.errors import Refuse
from backroom.domain.events import EventState
from backroom.domain.model import FulfilmentState, OrderState, PrintJobState, ReservationState
from backroom.domain.partner_orders import PartnerOrderState
from backroom.domain.returns import ReturnState
from backroom.domain.samples import SampleState
from backroom.domain.transfers import TransferState

Moves = Mapping[StrEnum, frozenset[StrEnum]]


class IllegalMove(Refuse):
    """A move that no life cycle has; the message names the kind and both states."""

    cause = "illegal_move"


class Kind(StrEnum):
    """What has a life cycle."""

    ORDER = "order"
    FULFILMENT = "fulfilment order"
    PRINT_JOB = "print job"
    RESERVATION = "reservation"
    RETURN = "return"
    EVENT = "event"
    TRANSFER = "transfer"
    PARTNER_ORDER = "partner order"
    SAMPLE = "sample"


_O, _F, _P, _R, _B, _E = OrderState, FulfilmentState, PrintJobState, ReservationState, ReturnState, EventState
_T = TransferState
_X = PartnerOrderState
_S = SampleState

# An order goes back to ACCEPTED when its pieces were taken meanwhile, its reservation expired, its source changed it
# before anything was begun, or its stock arrived; an exchange, when the pieces it was changed for came. A released Hold
# goes back to where it was held.
_ORDER: Moves = {
    _O.ACCEPTED: frozenset({_O.ROUTED, _O.HELD, _O.BACKORDERED, _O.CANCELLED}),
    _O.ROUTED: frozenset({_O.RESERVED, _O.ACCEPTED, _O.HELD, _O.BACKORDERED, _O.CANCELLED}),
    _O.RESERVED: frozenset({_O.RELEASED, _O.ACCEPTED, _O.HELD, _O.CANCELLED}),
    _O.RELEASED: frozenset({_O.FULFILLED, _O.ACCEPTED, _O.HELD, _O.CANCELLED}),
    _O.HELD: frozenset(
        {
            _O.ACCEPTED,
            _O.ROUTED,
            _O.RESERVED,
            _O.RELEASED,
            _O.BACKORDERED,
            _O.AWAITING_RETURN_ITEMS,
            _O.CANCELLED,
        }
    ),
    _O.BACKORDERED: frozenset({_O.ACCEPTED, _O.HELD, _O.CANCELLED}),
    _O.AWAITING_RETURN_ITEMS: frozenset({_O.ACCEPTED, _O.HELD, _O.CANCELLED}),
    _O.FULFILLED: frozenset(),
    _O.CANCELLED: frozenset(),
}

# OPEN goes straight to MADE when there is nothing to print and nothing to scan. After the label there is no Hold and
# no cancelling: the parcel comes back as a return.
_FULFILMENT: Moves = {
    _F.OPEN: frozenset({_F.MAKING, _F.MADE, _F.HELD, _F.CANCELLED}),
    _F.MAKING: frozenset({_F.MADE, _F.HELD, _F.CANCELLED}),
    _F.MADE: frozenset({_F.PACKED, _F.HELD, _F.CANCELLED}),
    _F.PACKED: frozenset({_F.LABELLED, _F.HELD, _F.CANCELLED}),
    _F.LABELLED: frozenset({_F.DONE}),
    _F.HELD: frozenset({_F.OPEN, _F.MAKING, _F.MADE, _F.PACKED, _F.CANCELLED}),
    _F.DONE: frozenset(),
    _F.CANCELLED: frozenset(),
}

# Back to WAITING: handed back unstarted, or certainly not printed (the printer refused or aborted it). HANDED goes to
# BLOCKED when nothing can be begun, because its artwork is missing: only so, unstarted, may a BLOCKED job be cancelled.
# One that was started cannot: its paper may be out already. FAILED waits for a person, or for its order's cancel.
_PRINT_JOB: Moves = {
    _P.WAITING: frozenset({_P.HANDED, _P.CANCELLED}),
    _P.HANDED: frozenset({_P.PRINTING, _P.BLOCKED, _P.WAITING, _P.FAILED, _P.CANCELLED}),
    _P.PRINTING: frozenset({_P.BLOCKED, _P.WAITING, _P.DONE, _P.FAILED, _P.UNKNOWN}),
    _P.BLOCKED: frozenset({_P.PRINTING, _P.WAITING, _P.DONE, _P.FAILED, _P.UNKNOWN, _P.CANCELLED}),
    _P.DONE: frozenset(),
    _P.UNKNOWN: frozenset(),
    _P.FAILED: frozenset({_P.CANCELLED}),
    _P.CANCELLED: frozenset(),
}

_RESERVATION: Moves = {
    _R.HELD: frozenset({_R.CONSUMED, _R.RELEASED, _R.EXPIRED}),
    _R.CONSUMED: frozenset(),
    _R.RELEASED: frozenset(),
    _R.EXPIRED: frozenset(),
}

# Once a piece is here, the return is neither cancelled nor refused as a whole: each piece has its own word, and it ends
# DECLINED where that was no for all of them.
_RETURN: Moves = {
    _B.REQUESTED: frozenset({_B.OPEN, _B.DECLINED, _B.CANCELLED}),
    _B.OPEN: frozenset({_B.RECEIVED_IN_PART, _B.RECEIVED, _B.DECLINED, _B.CANCELLED}),
    _B.RECEIVED_IN_PART: frozenset({_B.RECEIVED}),
    _B.RECEIVED: frozenset({_B.CLOSED, _B.DECLINED}),
    _B.CLOSED: frozenset(),
    _B.DECLINED: frozenset(),
    _B.CANCELLED: frozenset(),
}

# What is required comes and goes before an event is live. One that is called off is closed from wherever it stands.
_EVENT: Moves = {
    _E.PLANNED: frozenset({_E.READY, _E.CLOSED}),
    _E.READY: frozenset({_E.PLANNED, _E.LIVE, _E.CLOSED}),
    _E.LIVE: frozenset({_E.CLOSED}),
    _E.CLOSED: frozenset({_E.SETTLED}),
    _E.SETTLED: frozenset(),
}

# Nothing is sent without a person's yes. One that is on its way may come back whole.
_TRANSFER: Moves = {
    _T.PROPOSED: frozenset({_T.APPROVED, _T.DECLINED, _T.OUTDATED}),
    _T.APPROVED: frozenset({_T.SENT, _T.CANCELLED}),
    _T.SENT: frozenset({_T.ARRIVED, _T.CANCELLED}),
    _T.ARRIVED: frozenset(),
    _T.DECLINED: frozenset(),
    _T.OUTDATED: frozenset(),
    _T.CANCELLED: frozenset(),
}

# A partner is asked now and then: what it went through meanwhile is not seen, and any later state may come next. What
# is stuck goes on when it is mended. What it sent to our hub is on its way until somebody there has it in hand.
_NEXT_AT_PARTNER = frozenset(
    {_X.ACCEPTED, _X.IN_PROGRESS, _X.STUCK, _X.SHIPPED, _X.MADE, _X.SHORT, _X.REJECTED, _X.CANCELLED}
)
_PARTNER_ORDER: Moves = {
    _X.SUBMITTED: _NEXT_AT_PARTNER,
    _X.ACCEPTED: _NEXT_AT_PARTNER - {_X.ACCEPTED},
    _X.IN_PROGRESS: _NEXT_AT_PARTNER - {_X.ACCEPTED, _X.IN_PROGRESS},
    _X.STUCK: _NEXT_AT_PARTNER - {_X.STUCK},
    _X.SHIPPED: frozenset({_X.MADE}),
    _X.MADE: frozenset(),
    _X.SHORT: frozenset(),
    _X.REJECTED: frozenset(),
    _X.CANCELLED: frozenset(),
}

# What was once found bad stays so: whoever thinks otherwise prints a new one.
_SAMPLE: Moves = {
    _S.WAITING: frozenset({_S.APPROVED, _S.REJECTED}),
    _S.APPROVED: frozenset({_S.CLOSED}),
    _S.REJECTED: frozenset(),
    _S.CLOSED: frozenset(),
}

MOVES: Mapping[Kind, Moves] = {
    Kind.ORDER: _ORDER,
    Kind.FULFILMENT: _FULFILMENT,
    Kind.PRINT_JOB: _PRINT_JOB,
    Kind.RESERVATION: _RESERVATION,
    Kind.RETURN: _RETURN,
    Kind.EVENT: _EVENT,
    Kind.TRANSFER: _TRANSFER,
    Kind.PARTNER_ORDER: _PARTNER_ORDER,
    Kind.SAMPLE: _SAMPLE,
}

# A person says "it was printed" or "print it again": of a job whose outcome is unknown, of one that failed too often,
# and of one that waits at a booth which is gone. And what came out may turn out to be bad, once somebody looks at it.
MOVES_BY_A_PERSON: Mapping[Kind, Moves] = {
    Kind.PRINT_JOB: {
        _P.DONE: frozenset({_P.WAITING}),
        _P.UNKNOWN: frozenset({_P.DONE, _P.WAITING}),
        _P.FAILED: frozenset({_P.DONE, _P.WAITING}),
        _P.HANDED: frozenset({_P.DONE, _P.WAITING}),
        _P.PRINTING: frozenset({_P.DONE, _P.WAITING}),
        _P.BLOCKED: frozenset({_P.DONE, _P.WAITING}),
    },
}

# An order's source may have more to say after its end: what it cancelled it may take up again (a payment that came
# late), and a parcel that has its label, or is on its way, is a person's to stop. So may the carrier of its parcel: one
# that was not delivered, or comes back, is a person's to see to.
MOVES_BY_A_SOURCE: Mapping[Kind, Moves] = {
    Kind.ORDER: {
        _O.CANCELLED: frozenset({_O.ACCEPTED, _O.HELD}),
        _O.FULFILLED: frozenset({_O.HELD}),
    },
}

_LABELLED = frozenset({_F.LABELLED, _F.DONE})


def check_move(kind: Kind, old: StrEnum, new: StrEnum, *, by_person: bool = False, by_source: bool = False) -> None:
    """Raise IllegalMove unless `new` may follow `old`; a person and an order's source may make every move, and a few
    that nobody else may.

    Staying where one is is no move.
    """
    allowed = MOVES[kind].get(old, frozenset())
    if by_source:
        allowed = allowed | MOVES_BY_A_SOURCE.get(kind, {}).get(old, frozenset())
    if by_person:
        allowed = allowed | MOVES_BY_A_PERSON.get(kind, {}).get(old, frozenset())
    # Members of two enums may be spelled alike (HELD), and texts compare equal: the type tells them apart.
    if type(old) is not type(new) or new not in allowed:
        raise IllegalMove(f"no {kind} goes from {old} to {new}")


def is_end(kind: Kind, state: StrEnum) -> bool:
    """Whether nothing but a person, or an order's source, can move it any more."""
    return not MOVES[kind][state]


def ends(kind: Kind) -> tuple[StrEnum, ...]:
    """The states of a kind in which nothing but a person, or an order's source, can move it any more."""
    return tuple(state for state in MOVES[kind] if is_end(kind, state))


def may_cancel(states: Collection[FulfilmentState]) -> bool:
    """Whether an order may still be cancelled, by the states of its fulfilment orders: until the first label.

    A held one was held before its label, so it does not stand in the way; nor does an order without any.
    """
    return _LABELLED.isdisjoint(states)
