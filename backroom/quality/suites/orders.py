"""Suites of orders, their lines and their reservations."""

from __future__ import annotations

from backroom.domain.model import Delivery, OrderState, PaymentStatus, ReservationState
from backroom.quality.rules import CRITICAL, WARNING, Writer, suite
from backroom.store.quality import orders

LOOK = "Look at its page and its history, and tell whoever keeps the program: this is written by no step of ours."
# Clocks of tills and channels run ahead; ours is the database's.
CLOCK_S = 300


def _orders(rules: Writer) -> None:
    rules.one_of("state", list(OrderState), "state", CRITICAL, "Its state is none that there is.", LOOK)
    rules.one_of(
        "delivery", list(Delivery), "delivery", CRITICAL, "Nobody knows how it is to reach the customer.", LOOK
    )
    rules.one_of("payment", list(PaymentStatus), "payment", WARNING, "Its payment is in no state that there is.", LOOK)
    rules.true(
        "currency_known",
        "currency",
        CRITICAL,
        "Its currency is not in ISO 4217.",
        "Look at the channel what was paid, and correct it with whoever keeps the program.",
        shown=("currency", "total_minor"),
    )
    rules.matches(
        "country",
        "^(?:[A-Z]{2})?$",
        "country",
        WARNING,
        "Its country is no code of ISO 3166.",
        "Correct the country on its page.",
    )
    rules.within(
        "total_minor",
        0,
        None,
        "total",
        CRITICAL,
        "Its total is below zero.",
        "Look at the channel what was paid.",
        shown=("currency",),
    )
    rules.there(
        "person",
        "person",
        CRITICAL,
        "Its customer is not there: nobody can read its address.",
        "Find the customer at the channel; a backup has the row.",
    )
    rules.within(
        "lines",
        1,
        None,
        "lines",
        CRITICAL,
        "It has no lines: there is nothing to make.",
        "Look at the channel what was ordered, cancel it here, its money kept, and enter it anew.",
        shown=("state",),
    )
    rules.true(
        "has_history",
        "history",
        CRITICAL,
        "It has no history: nobody can say what happened to it.",
        "Look at the channel and the shelf. Orders without history were written by hand, or lost in a restore.",
        shown=("state",),
    )
    rules.within(
        "hold_reason_length",
        1,
        None,
        "hold_reason",
        WARNING,
        "It is held and nobody says why.",
        "Look at its page, then let it go on or cancel it.",
    )
    rules.equal(
        "is_ended",
        "has_end",
        "end",
        WARNING,
        "It has ended without a time, or has a time and has not ended.",
        "`backroom quality repair` takes the time from its history; without one there, look at its page.",
        shown=("state", "ended_at"),
        repair="end_by_history",
    )
    rules.within(
        "parts",
        1,
        None,
        "parts",
        CRITICAL,
        "It was released, and no location has work for it.",
        "Cancel it, its money kept, and enter it anew. If it was sent already, find out what happened.",
        shown=("state",),
    )
    rules.within(
        "parts_to_do",
        1,
        None,
        "unfinished",
        WARNING,
        "All its parcels are on the way, and it is not fulfilled.",
        "`backroom quality repair` ends it, as the last parcel should have.",
        repair="finish_order",
    )
    rules.within(
        "parts_left",
        0,
        0,
        "work_left",
        CRITICAL,
        "It has ended, and work on it is still open.",
        "Stop the work at its location: its parcel must not leave twice, or at all.",
        shown=("state",),
    )
    rules.within(
        "pieces_held",
        0,
        0,
        "pieces_held",
        WARNING,
        "It has ended, and still keeps pieces from being sold.",
        "`backroom quality repair` frees those of a cancelled order. Of a fulfilled one, count the shelf first.",
        shown=("state",),
        repair="free_pieces",
    )
    rules.within(
        "accepted_at_age_s",
        -CLOCK_S,
        None,
        "accepted_ahead",
        WARNING,
        "It was accepted in the future.",
        "Set this machine's clock right.",
        shown=("accepted_at",),
    )
    rules.at_least("ended_at", "accepted_at", "order_of_times", WARNING, "It ended before it was accepted.", LOOK)
    rules.true(
        "is_counted",
        "counted",
        WARNING,
        "It was fulfilled hours ago, and no key figure counts it.",
        "Run `backroom kpi refresh`. If it stays, tell whoever keeps the program.",
        shown=("ended_at",),
    )


def _lines(rules: Writer) -> None:
    rules.there(
        "order_found",
        "order",
        CRITICAL,
        "A line without its order.",
        "A backup has the order; without one, delete the line with whoever keeps the program.",
        shown=("sku", "quantity"),
    )
    rules.within(
        "quantity",
        1,
        999,
        "quantity",
        CRITICAL,
        "It wants no piece, or more than anybody orders.",
        "Look at the channel what was ordered. The order is on hold meanwhile.",
        shown=("sku",),
    )
    rules.within(
        "unit_price_minor",
        0,
        None,
        "price",
        WARNING,
        "Its price is below zero.",
        "Look at the channel what was paid.",
        shown=("sku",),
    )
    rules.within(
        "discount_minor",
        0,
        None,
        "discount",
        WARNING,
        "Its discount is below zero.",
        "Look at the channel what was paid.",
        shown=("sku",),
    )
    rules.at_least(
        "gross_minor",
        "discount_minor",
        "discount_above",
        WARNING,
        "Its discount is more than its price.",
        "Look at the channel what was paid.",
        shown=("sku",),
    )
    rules.true(
        "sku_known",
        "sku",
        CRITICAL,
        "It is being made, and the catalogue does not know the piece.",
        "Put the piece back into the catalogue. The order is on hold meanwhile.",
        shown=("sku",),
    )
    rules.equal(
        "assigned",
        "quantity",
        "assigned",
        CRITICAL,
        "Its locations make more or fewer pieces than were ordered.",
        "Compare what was ordered with what is made, before its parcel is labelled.",
        shown=("sku", "line_no"),
    )


def _reservations(rules: Writer) -> None:
    rules.one_of("state", list(ReservationState), "state", CRITICAL, "Its state is none that there is.", LOOK)
    rules.within("quantity", 1, None, "quantity", CRITICAL, "It reserves no piece.", LOOK, shown=("location", "sku"))
    rules.true(
        "part_right",
        "part",
        CRITICAL,
        "It belongs to work of another order or another location.",
        "Compare both orders with the shelf before either is packed.",
        shown=("location", "sku", "quantity"),
    )
    rules.true(
        "is_ordered",
        "ordered",
        WARNING,
        "It keeps a piece that its order does not want.",
        "Put the order on hold and let it go on: it is reserved anew.",
        shown=("location", "sku", "quantity"),
    )
    rules.true(
        "expires",
        "expiry",
        WARNING,
        "It waits for an order that nobody released, and never ends.",
        "Cancel the order or let it go on: either frees the pieces or takes them.",
        shown=("location", "sku", "quantity"),
    )
    rules.equal(
        "moved_pieces",
        "packed_pieces",
        "moved",
        CRITICAL,
        "Its pieces were packed, and the stock did not move by as many.",
        "Count the shelf; what it has more is booked with `backroom stock receive`.",
        shown=("location", "sku"),
    )


ORDERS = suite("orders", "every order", orders.ORDERS, _orders)
LINES = suite("order_lines", "every line of every order", orders.LINES, _lines)
RESERVATIONS = suite("reservations", "every reservation", orders.RESERVATIONS, _reservations)
