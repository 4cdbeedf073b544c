"""Returns: what comes back, why, on which way, what becomes of each piece, and how far a return is by its pieces.

What belongs here: the words and the rule that makes a state of pieces. What does not: whether a piece may come back
(`return_policy`), what is paid back for it (`refunds`), which state may follow which (`lifecycle`).

A return's number (RMA) is the code on the parcel's return label; a return without that label gets one like it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class ReturnState(StrEnum):
    """A return's way. REQUESTED waits for the shop's word, OPEN for the goods, RECEIVED for a word on each piece and
    for the refund; the last three are ends."""

    REQUESTED = "requested"
    OPEN = "open"
    RECEIVED_IN_PART = "received_in_part"
    RECEIVED = "received"
    CLOSED = "closed"
    DECLINED = "declined"
    CANCELLED = "cancelled"


class Reason(StrEnum):
    """Why a piece comes back, in the customer's view."""

    WRONG_ITEM = "wrong_item"
    DAMAGED = "damaged"
    PRINT_FAULT = "print_fault"
    SIZE = "size"
    COLOUR = "colour_not_as_shown"
    LATE = "late"
    CHANGED_MIND = "changed_mind"


# The goods are not what was sold: neither a deadline of goodwill nor a personal print stands against that.
FAULTS = frozenset({Reason.WRONG_ITEM, Reason.DAMAGED, Reason.PRINT_FAULT, Reason.COLOUR})


class Lane(StrEnum):
    """The way back: by the label in the parcel, handed in at a hub or booth, or collected by somebody of the shop."""

    LABEL = "label"
    DROP_OFF = "drop_off"
    COLLECTION = "collection"


class Wanted(StrEnum):
    """What the customer gets for a piece: its price, another piece of the same product, or the same piece anew."""

    REFUND = "refund"
    EXCHANGE = "exchange"
    REPRINT = "reprint"


class Word(StrEnum):
    """The shop's word on a piece: ASK waits for a person."""

    GRANTED = "granted"
    ASK = "ask"
    DECLINED = "declined"


class PieceState(StrEnum):
    """A piece that is to come, is here, or did not come."""

    EXPECTED = "expected"
    RECEIVED = "received"
    MISSING = "missing"


class Disposition(StrEnum):
    """What becomes of a piece that is here.

    RESTOCK: into the stock of the place where it is. REPAIR: aside, until somebody says RESTOCK or DISCARD. REPRINT:
    the misprint is thrown away, and the customer gets the piece anew. HAND_BACK: it stays the customer's, nothing is
    paid back.
    """

    RESTOCK = "restock"
    REPAIR = "repair"
    REPRINT = "reprint"
    DISCARD = "discard"
    HAND_BACK = "hand_back"


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a return, as far as the return's state depends on it; None is what nobody has said yet."""

    state: PieceState
    word: Word | None = None
    disposition: Disposition | None = None

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be said about it."""
        if self.state is PieceState.EXPECTED:
            return False
        if self.state is PieceState.MISSING:
            return True
        return self.word in (Word.GRANTED, Word.DECLINED) and self.disposition is not None


def state_by(pieces: Collection[Piece], *, all_in: bool, owed: bool) -> ReturnState:
    """How far an accepted return is. `all_in` says that nothing more comes, `owed` that a refund is not paid yet.

    Where nothing came at all and nothing will, it is over without having begun: CANCELLED.
    """
    here = [piece for piece in pieces if piece.state is PieceState.RECEIVED]
    if not here:
        return ReturnState.CANCELLED if all_in else ReturnState.OPEN
    if not all_in or any(piece.state is PieceState.EXPECTED for piece in pieces):
        return ReturnState.RECEIVED_IN_PART
    if owed or not all(piece.settled for piece in pieces):
        return ReturnState.RECEIVED
    declined = all(piece.word is Word.DECLINED for piece in here)
    return ReturnState.DECLINED if declined else ReturnState.CLOSED


def fits(word: Word | None, disposition: Disposition) -> bool:
    """Whether a piece with this word may go that way: what is declined stays the customer's, and only that."""
    return (word is Word.DECLINED) == (disposition is Disposition.HAND_BACK)


# A box is emptied piece by piece: that only a part is here is told when nothing more came for so long.
PART_RESTS = timedelta(minutes=30)
PART = "return_received_in_part"


def part_is_told_at(state: ReturnState, last_in: datetime | None) -> datetime | None:
    """When a return of which a part is here may be told of as one, by when its last piece came in; None for others."""
    return last_in + PART_RESTS if state is ReturnState.RECEIVED_IN_PART and last_in is not None else None


def notices(state: ReturnState, *, announced: bool, refunded: bool, replaced: bool) -> tuple[str, ...]:
    """The kinds of messages that a return in this state calls for; what was said before is said once all the same.

    `replaced`: another order is on its way for a piece of it. Who hands something in that nobody was told of sees that
    it is open, and that nothing was in the box.
    """
    ahead = ("return_exchange_ahead",) if replaced else ()
    match state:
        case ReturnState.REQUESTED:
            return ("return_requested",)
        case ReturnState.OPEN:
            return ("return_accepted", *ahead) if announced else ahead
        case ReturnState.RECEIVED_IN_PART:
            return (PART, *ahead)
        case ReturnState.RECEIVED:
            return ("return_received", *ahead)
        case ReturnState.CLOSED:
            paid, sent = ("return_refunded",) * refunded, ("return_exchanged",) * replaced
            return paid + sent or ("return_closed",)
        case ReturnState.DECLINED:
            return ("return_declined",)
        case ReturnState.CANCELLED:
            return ("return_cancelled",) if announced else ()
