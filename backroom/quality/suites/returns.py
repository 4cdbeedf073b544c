"""Suites of returns, their pieces and their refunds."""

from __future__ import annotations

from backroom.domain.returns import Disposition, PieceState, ReturnState
from backroom.quality.rules import CRITICAL, WARNING, Writer, suite
from backroom.quality.suites.orders import LOOK
from backroom.store.quality import returns
from backroom.store.refunds import DONE, DROPPED, WAITING

PAID = "Look in the channel's own pages what was paid back, and to whom."


def _returns(rules: Writer) -> None:
    rules.there("order_found", "order", CRITICAL, "A return of no order.", LOOK)
    rules.one_of("state", list(ReturnState), "state", CRITICAL, "Its state is none that there is.", LOOK)
    rules.true(
        "person_right",
        "person",
        CRITICAL,
        "It is somebody else's than the order.",
        "Pay nothing back before it is clear.",
    )
    rules.true("parcel_right", "parcel", CRITICAL, "Its label is of another order's parcel.", PAID)
    rules.within("pieces", 1, None, "pieces", WARNING, "It was received, and nothing is in it.", LOOK, shown=("state",))
    rules.true("received_there", "received", WARNING, "It was received, and nobody knows when.", LOOK)
    rules.equal(
        "is_ended",
        "has_end",
        "end",
        WARNING,
        "It has ended without a time, or has a time and has not ended.",
        LOOK,
        shown=("state",),
    )
    rules.true("is_paid", "paid", CRITICAL, "It is closed, and its refund was not paid.", PAID)
    rules.at_least(
        "received_at", "asked_at", "received_before_asked", WARNING, "It came before it was asked for.", LOOK
    )


def _pieces(rules: Writer) -> None:
    rules.there("return_found", "return", CRITICAL, "A piece without its return.", LOOK, shown=("sku",))
    rules.one_of("state", list(PieceState), "state", CRITICAL, "Its state is none that there is.", LOOK)
    rules.one_of("disposition", list(Disposition), "disposition", WARNING, "Nobody knows what became of it.", LOOK)
    rules.true("was_sold", "sold", CRITICAL, "It comes back and was never sold in that order.", PAID, shown=("sku",))
    rules.true("came_once", "twice", CRITICAL, "The same piece came back twice.", PAID, shown=("sku",))
    rules.true("received_there", "received", WARNING, "It is here, and nobody knows since when.", LOOK, shown=("sku",))
    rules.true(
        "is_on_shelf",
        "shelf",
        CRITICAL,
        "It went back to the shelf, and the stock has not one more.",
        "Count the shelf; what it has more is booked with `backroom stock receive`.",
        shown=("sku",),
    )
    rules.within("value_minor", 0, None, "value", WARNING, "It cost less than nothing.", PAID, shown=("sku",))


def _refunds(rules: Writer) -> None:
    rules.there(
        "return_found",
        "return",
        CRITICAL,
        "A refund of no return, and of no cancelled order.",
        PAID,
        shown=("paid_minor", "currency"),
    )
    rules.one_of("state", [WAITING, DONE, DROPPED], "state", CRITICAL, "Its state is none that there is.", PAID)
    rules.true("currency_right", "currency", CRITICAL, "It is in another currency than the order.", PAID)
    rules.within("goods_minor", 0, None, "goods", CRITICAL, "It is less than nothing.", PAID)
    rules.at_least("total_minor", "paid_minor", "too_much", CRITICAL, "More was paid back than the order cost.", PAID)
    rules.true("payment_there", "payment", CRITICAL, "It is paid, and nobody knows how much or when.", PAID)
    rules.true("in_ledger", "ledger", CRITICAL, "It is paid, and the ledger of effects knows of no payment.", PAID)


RETURNS = suite("returns", "every return", returns.RETURNS, _returns)
PIECES = suite("return_lines", "every piece that comes back", returns.PIECES, _pieces)
REFUNDS = suite("refunds", "every refund", returns.REFUNDS, _refunds)
