"""Suites of fulfilment orders, their lines and their print jobs."""

from __future__ import annotations

from backroom.domain.model import FulfilmentState, PrintJobState
from backroom.quality.rules import CRITICAL, WARNING, Writer, suite
from backroom.quality.suites.orders import LOOK
from backroom.store.quality import work

STOP = "Compare what was ordered with what is made, before its parcel is labelled."


def _parts(rules: Writer) -> None:
    rules.there(
        "order_found",
        "order",
        CRITICAL,
        "Work without an order.",
        "Stop it at its location. A backup has the order.",
        shown=("location", "state"),
    )
    rules.one_of("state", list(FulfilmentState), "state", CRITICAL, "Its state is none that there is.", LOOK)
    rules.true(
        "open_location_known",
        "location",
        CRITICAL,
        "It is to be made at a location that the shop file lacks.",
        "Put the location back into the shop file, or cancel the order, its money kept, and enter it anew.",
        shown=("location", "state"),
    )
    rules.within(
        "lines", 1, None, "lines", CRITICAL, "It has no lines: there is nothing to make.", STOP, shown=("state",)
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
    rules.at_least("made_at", "opened_at", "made_before_open", WARNING, "It was made before it was opened.", LOOK)
    rules.at_least("packed_at", "made_at", "packed_before_made", WARNING, "It was packed before it was made.", LOOK)
    rules.at_least(
        "labelled_at", "packed_at", "labelled_before_packed", WARNING, "It was labelled before it was packed.", LOOK
    )
    rules.at_least(
        "done_at", "labelled_at", "done_before_labelled", WARNING, "It was announced before it was labelled.", LOOK
    )
    rules.true(
        "moments_there",
        "moments",
        WARNING,
        "It has passed a step, and nobody knows when.",
        "The times of its key figures are wrong. Its history may tell the moment.",
        shown=("state",),
    )
    rules.within(
        "waits_for",
        1,
        None,
        "waits_for_nothing",
        CRITICAL,
        "It is being made, and waits for no print and no scan: it will wait for ever.",
        "It is on hold: let it go on. If it stands still an hour later, cancel it, its money kept, and enter it anew.",
    )
    rules.at_least(
        "waits_for", "prints_to_come", "print_unawaited", WARNING, "More prints are to come than it waits for.", STOP
    )
    rules.equal(
        "waits_without_scan",
        "prints_to_come",
        "waits_without_print",
        CRITICAL,
        "It waits for a print that nobody makes: it will wait for ever.",
        "It is on hold: let it go on. If it stands still an hour later, cancel it, its money kept, and enter it anew.",
        shown=("location",),
    )
    rules.within(
        "waits_still",
        0,
        0,
        "waits_still",
        WARNING,
        "It is made, and still waits for a print or a scan.",
        STOP,
        shown=("state",),
    )
    rules.within(
        "parcels",
        1,
        1,
        "parcel",
        CRITICAL,
        "It is labelled, and no parcel was bought for it.",
        "Look for the parcel at the carrier and on the shelf: nothing says where it is.",
        shown=("state", "location"),
    )
    rules.within(
        "parcels_unasked",
        0,
        0,
        "parcel_unasked",
        WARNING,
        "The customer fetches it, and a parcel was bought for it.",
        "Void the label at the carrier.",
        shown=("location", "delivery"),
    )


def _part_lines(rules: Writer) -> None:
    rules.there(
        "part_found",
        "part",
        CRITICAL,
        "A line without its fulfilment order.",
        "A backup has the fulfilment order.",
        shown=("sku", "pieces"),
    )
    rules.true(
        "line_found",
        "order_line",
        CRITICAL,
        "It makes a line that its order does not have.",
        STOP,
        shown=("sku", "line_no", "pieces"),
    )
    rules.true("sku_right", "sku", CRITICAL, "It makes another piece than was ordered.", STOP, shown=("sku", "line_no"))
    rules.within("from_stock", 0, None, "from_stock", CRITICAL, "It takes fewer than no pieces from the stock.", STOP)
    rules.within("to_print", 0, None, "to_print", CRITICAL, "It prints fewer than no pieces.", STOP)
    rules.within("pieces", 1, None, "pieces", CRITICAL, "It makes nothing.", STOP, shown=("sku",))
    rules.equal(
        "reserved_of_sku",
        "from_stock_of_sku",
        "reserved",
        CRITICAL,
        "What it takes from the stock was not reserved, or more was.",
        "Count that shelf: the same piece may be promised twice.",
        shown=("sku",),
    )
    rules.true(
        "has_job",
        "job",
        CRITICAL,
        "It is to be printed, and no print job was opened.",
        "It is on hold: let it go on. If it stands still an hour later, cancel it, its money kept, and enter it anew.",
        shown=("sku", "to_print"),
    )
    rules.equal(
        "printed_by_now",
        "to_print_by_now",
        "printed",
        CRITICAL,
        "Its parcel was made with more or fewer prints than it needs.",
        "Open the parcel if it is still here; the customer may get a piece too few.",
        shown=("sku",),
    )
    rules.at_least(
        "pieces",
        "picked",
        "picked",
        WARNING,
        "More pieces were scanned than belong to it.",
        "Open the parcel if it is still here.",
        shown=("sku",),
    )


def _print_jobs(rules: Writer) -> None:
    rules.there(
        "part_found",
        "part",
        CRITICAL,
        "A print job without its fulfilment order.",
        "Take it from the printer's queue. A backup has the fulfilment order.",
        shown=("sku", "copies"),
    )
    rules.one_of("state", list(PrintJobState), "state", CRITICAL, "Its state is none that there is.", LOOK)
    rules.true(
        "names_right",
        "names",
        CRITICAL,
        "Its order, its work or its location is another's.",
        "Do not print it. Cancel the order, its money kept, and enter it anew.",
        shown=("location",),
    )
    rules.equal(
        "copies",
        "to_print",
        "copies",
        CRITICAL,
        "It prints more or fewer copies than its line needs.",
        STOP,
        shown=("sku",),
    )
    rules.true("sku_right", "sku", CRITICAL, "It prints another piece than its line is of.", STOP, shown=("sku",))
    rules.within("attempt", 1, None, "attempt", WARNING, "It counts fewer than one try.", LOOK)
    rules.within(
        "holder_length",
        1,
        None,
        "holder",
        WARNING,
        "It is with a worker that nobody names.",
        "Say on the print page whether it was printed.",
        shown=("state", "location"),
    )
    rules.true("end_there", "end", WARNING, "It is done, and nobody knows when.", LOOK)
    rules.at_least(
        "started_at", "created_at", "started_before_made", WARNING, "It began before there was an order.", LOOK
    )
    rules.at_least("ended_at", "started_at", "ended_before_started", WARNING, "It ended before it began.", LOOK)
    rules.true(
        "in_ledger",
        "ledger",
        CRITICAL,
        "It is done, and the ledger of effects knows of no print.",
        "Look whether the piece is there: it may have been marked done by hand.",
        shown=("sku", "copies"),
    )


PARTS = suite("fulfilment_orders", "the work on every order at each location", work.PARTS, _parts)
PART_LINES = suite("fulfilment_lines", "every line of that work", work.PART_LINES, _part_lines)
PRINT_JOBS = suite("print_jobs", "every print job", work.PRINT_JOBS, _print_jobs)
